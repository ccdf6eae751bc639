/* Sweeps: submit, read, list, cancel, configuration, and what the original does not support. */
#include "handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "resource.h"

enum { LIST_DEFAULT = 50, LIST_MAX = 1000 };

struct printing {
    struct hd_text *text;
    struct store_reader *reader;
    struct hd_error *error;
    bool with_config;
    int64_t limit; /* of a list; 0: no list */
    int64_t count, last;
    bool more;     /* there is a row beyond the limit */
};

static int print_sweep(void *context, const struct store_sweep *sweep)
{
    struct printing *printing = context;

    if (printing->limit > 0 && printing->count == printing->limit) {
        printing->more = true;
        return 0;
    }
    if (printing->count++ > 0)
        hd_text_add_char(printing->text, ',');
    printing->last = sweep->key;
    return resource_print_sweep(printing->text, printing->reader, sweep, printing->with_config, printing->error);
}

static void reply_sweep(struct http_request *request, struct api *api, int64_t key, int status)
{
    struct hd_text text = {0};
    struct hd_error error = {0};
    struct printing printing = {
        .text = &text, .reader = store_loop_reader(api->store), .error = &error, .with_config = true};
    int result = store_begin_reads(printing.reader, &error);

    if (result == 0) {
        result = store_read_sweep(printing.reader, key, print_sweep, &printing, &error);
        store_end_reads(printing.reader);
    }
    if (result == 0)
        http_reply_json(request, status, &text);
    else
        http_reply_error(request, &error);
    hd_text_clear(&text);
}

/* --- Submit ------------------------------------------------------------------------------------------------------------------------------ */

struct submitting {
    struct http_request *request;
    struct api *api;
};

static void on_created(struct sweeps_submission *submission, int64_t key)
{
    struct submitting *submitting = submission->data;

    reply_sweep(submitting->request, submitting->api, key, 201);
    free(submitting);
}

static void on_refused(struct sweeps_submission *submission, const struct hd_problems *problems)
{
    struct submitting *submitting = submission->data;

    http_reply_problems(submitting->request, problems);
    free(submitting);
}

static void on_failed(struct sweeps_submission *submission, const struct hd_error *error)
{
    struct submitting *submitting = submission->data;

    http_reply_error(submitting->request, error);
    free(submitting);
}

void api_submit(struct http_request *request, void *context)
{
    struct api *api = context;
    struct sweeps_submission submission = {.created = on_created, .refused = on_refused, .failed = on_failed};
    struct submitting *submitting;
    struct hd_error error = {0};

    if (api->sweeps == NULL) {
        hd_error_set(&error, HD_UNAVAILABLE, "the daemon is not ready yet");
        http_reply_error(request, &error);
        return;
    }
    submission.body = http_body_json(request, false);
    if (submission.body == NULL)
        return;
    submitting = malloc(sizeof *submitting);
    if (submitting == NULL) {
        cJSON_Delete(submission.body);
        hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
        http_reply_error(request, &error);
        return;
    }
    *submitting = (struct submitting){.request = request, .api = api};
    submission.data = submitting;
    sweeps_submit(api->sweeps, &submission);
}

/* --- Read and list ----------------------------------------------------------------------------------------------------------------------- */

void api_get_sweep(struct http_request *request, void *context)
{
    struct store_found found;

    if (resource_find_sweep(request, context, &found))
        reply_sweep(request, context, found.sweep, 200);
}

static int print_config(void *context, const struct store_sweep *sweep)
{
    hd_text_add_string(context, sweep->config);
    return 0;
}

void api_get_config(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;
    struct hd_text text = {0};
    struct hd_error error = {0};

    if (!resource_find_sweep(request, api, &found))
        return;
    if (store_read_sweep(store_loop_reader(api->store), found.sweep, print_config, &text, &error) == 0)
        http_reply_json(request, 200, &text);
    else
        http_reply_error(request, &error);
    hd_text_clear(&text);
}

static void reply_bad_value(struct http_request *request, const char *parameter, const char *range, const char *value)
{
    struct hd_error error = {0};

    hd_error_set(&error, HD_INVALID, "'%s' must be %s, got '%s'", parameter, range, value);
    snprintf(error.target, sizeof error.target, "%s", parameter);
    http_reply_error(request, &error);
}

void api_list_sweeps(struct http_request *request, void *context)
{
    struct api *api = context;
    const char *status_name = http_query(request, "status");
    enum hd_status status = status_name != NULL ? hd_status_parse(status_name) : HD_STATUS_NONE;
    struct hd_text text = {0};
    struct hd_error error = {0};
    struct printing printing = {.text = &text, .reader = store_loop_reader(api->store), .error = &error};
    int64_t limit, after;
    int result;

    if (status_name != NULL && status == HD_STATUS_NONE) {
        reply_bad_value(request, "status", "a status, for instance Running or Completed", status_name);
        return;
    }
    if (!http_query_integer(request, "limit", 1, LIST_MAX, LIST_DEFAULT, &limit) ||
        !http_query_integer(request, "after", 1, INT64_MAX, 0, &after))
        return;
    printing.limit = limit;
    hd_text_add_string(&text, "{\"sweeps\":[");
    result = store_begin_reads(printing.reader, &error);
    if (result == 0) {
        result = store_read_sweeps(printing.reader, http_query(request, "experiment"), status, after, limit + 1, print_sweep, &printing, &error);
        store_end_reads(printing.reader);
    }
    if (printing.more)
        hd_text_format(&text, "],\"next\":%" PRId64 "}", printing.last);
    else
        hd_text_add_string(&text, "],\"next\":null}");
    if (result == 0)
        http_reply_json(request, 200, &text);
    else
        http_reply_error(request, &error);
    hd_text_clear(&text);
}

/* --- Cancel ------------------------------------------------------------------------------------------------------------------------------ */

void api_reply_canceled(void *data, bool canceled, enum hd_status status, const struct hd_error *error)
{
    struct http_request *request = data;
    struct hd_text text = {0};

    if (error != NULL) {
        http_reply_error(request, error);
        return;
    }
    hd_text_add_string(&text, "{\"run_id\":");
    hd_json_print_string(&text, http_part(request, 0));
    hd_text_format(&text, ",\"canceled\":%s,\"status\":\"%s\"}", canceled ? "true" : "false", hd_status_name(status));
    http_reply_json(request, 200, &text);
    hd_text_clear(&text);
}

/* A body is not needed; one that is sent must be an empty object. */
bool api_expect_no_body(struct http_request *request)
{
    struct hd_problems problems = {0};
    size_t length;
    cJSON *body;
    bool empty;

    (void)http_body(request, &length);
    if (length == 0)
        return true;
    body = http_body_json(request, true);
    if (body == NULL)
        return false;
    empty = body->child == NULL;
    if (!empty) {
        hd_problems_add(&problems, "UnknownField", body->child->string, "'%s' is not a known field", body->child->string);
        http_reply_problems(request, &problems);
        hd_problems_clear(&problems);
    }
    cJSON_Delete(body);
    return empty;
}

void api_cancel_sweep(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;

    if (resource_find_sweep(request, api, &found) && api_expect_no_body(request))
        sweeps_cancel(api->sweeps, found.sweep, api_reply_canceled, request);
}

static void refuse(struct http_request *request, struct api *api, const char *operation)
{
    struct store_found found;
    struct hd_error error = {0};

    if (!resource_find_sweep(request, api, &found))
        return;
    hd_error_set(&error, HD_NOT_IMPLEMENTED, "%s is not supported for a sweep", operation);
    http_reply_error(request, &error);
}

void api_fail(struct http_request *request, void *context)
{
    refuse(request, context, "fail");
}

void api_diagnostics(struct http_request *request, void *context)
{
    refuse(request, context, "get_diagnostics");
}
