/* A report's body: JSON in one of two shapes -> points (decisions, "Exactly once" 4). It comes over HTTP, or lies in a run's spool. */
#ifndef HYPERDRIVED_REPORT_BODY_H
#define HYPERDRIVED_REPORT_BODY_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "core/problems.h"
#include "store/store.h"

struct report_body {
    struct store_point *points; /* their strings live in the JSON tree and in texts */
    int64_t count, capacity;
    char **texts; /* printed rows and tables */
    int64_t text_count;
    const char *reporter; /* NULL: the request is not numbered */
    int64_t sequence;
    struct hd_problems problems; /* the body is good if there are none */
};

/* Reads `body`, which must live as long as the points. A zeroed struct is an empty one. */
void report_body_read(struct report_body *report, const cJSON *body);
void report_body_clear(struct report_body *report);

#endif
