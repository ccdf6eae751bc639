/* Requests to the daemon: one connection that is kept alive, JSON in and out, refusals as struct hd_error. */
#ifndef HD_CLIENT_REST_H
#define HD_CLIENT_REST_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "core/problems.h"
#include "core/text.h"
#include "find.h"

struct rest;

/* Takes bytes of a good answer's body as they come; false ends the request. */
typedef bool rest_sink(void *data, const char *bytes, size_t length);
/* Told before the first byte where it stands, when that is not where the range was to begin. */
typedef void rest_placed(void *data, int64_t offset);

struct rest_request {
    const char *method;          /* NULL: GET */
    const char *path;            /* below /api/v1, escaped: rest_path_part(), rest_path_query() */
    bool root;                   /* the path is not below /api/v1 */
    const char *body;            /* JSON; NULL: none */
    const char *idempotency_key; /* of what must be done once, however often it is sent; NULL: none */
    const char *last_event_id;   /* of an event stream: begin behind this one; NULL: at its beginning */
    int64_t range_from;          /* first byte that is wanted; 0: all */
    rest_sink *sink;             /* NULL: the body is kept in the answer */
    rest_placed *placed;         /* NULL: nobody asks for a range */
    void *data;                  /* for both */
    long timeout_ms;             /* for all of it; 0: as long as something comes now and then */
    bool endless;                /* nothing may come for as long as it likes: only a dead connection ends it */
};

struct rest_answer {
    int status;          /* 200 to 299 */
    struct hd_text text; /* the body, when there was no sink */
    cJSON *json;         /* the same parsed; NULL with a sink, and for what is not JSON */
};

int rest_open(struct rest **ret_rest, const struct address *address, struct hd_error *error);
void rest_close(struct rest *rest);

/* 0 and *ret_answer (the caller clears it; may be NULL when there is a sink). A refusal by the daemon gives its code, message and target,
 * and its details in rest_details(). No connection, and an answer that did not come whole, give HD_UNAVAILABLE. A sink that ended the
 * request gives HD_INTERNAL. */
int rest_call(struct rest *rest, const struct rest_request *request, struct rest_answer *ret_answer, struct hd_error *error);
void rest_answer_clear(struct rest_answer *answer);

/* GET of a path that answers an object. */
int rest_get(struct rest *rest, const char *path, struct rest_answer *ret_answer, struct hd_error *error);

/* GET of a path beside the API, as /readyz: 0 when it answers with success. */
int rest_get_root(struct rest *rest, const char *path, struct hd_error *error);

/* Whether the last failure may be gone when the same is asked again: no answer of the daemon came, or one that says so by its status. */
bool rest_may_pass(const struct rest *rest);

/* Whether the last failure came when the request may have reached the daemon, which then may have done what it asks. */
bool rest_may_have_arrived(const struct rest *rest);

/* What the last refusal told in `error.details`; empty after a good answer. */
const struct hd_problems *rest_details(const struct rest *rest);

/* Adds `part` to a path, escaped; slashes in it too, unless `keep_slashes`. */
void rest_path_part(struct hd_text *path, const char *part, bool keep_slashes);
/* Adds `?name=value`, or `&name=value` behind another one. */
void rest_path_query(struct hd_text *path, const char *name, const char *value);

#endif
