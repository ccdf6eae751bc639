/* Sweeps: submit, read, list, cancel, configuration, and what the original does not support. */
#include "answer.h"
#include "audit.h"
#include "body.h"
#include "handlers.h"
#include "job.h"

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
    struct http_request *request; /* that is to be recorded as one about this sweep; NULL: none */
};

static int print_sweep(void *context, const struct store_sweep *sweep)
{
    struct printing *printing = context;

    if (printing->request != NULL)
        audit_set_target(printing->request, sweep->id);
    return resource_print_sweep(printing->text, printing->reader, sweep, true, printing->error);
}

/* On the loop: what is stored must be answered, also when the pool has no reader left. */
void api_reply_sweep(struct http_request *request, struct api *api, int64_t key, int status)
{
    struct hd_text text = {0};
    struct hd_error error = {0};
    struct printing printing = {.text = &text, .reader = store_loop_reader(api->store), .error = &error, .request = request};
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

/* --- Submit ------------------------------------------------------------------------------------------------------------------------------
 */

struct submitting {
    struct lane_job work;
    struct http_request *request;
    struct api *api;
    cJSON *body;
    struct hd_problems problems;
};

static void free_submitting(struct submitting *submitting)
{
    hd_problems_clear(&submitting->problems);
    free(submitting);
}

static void on_created(struct sweeps_submission *submission, int64_t key)
{
    struct submitting *submitting = submission->data;

    api_reply_sweep(submitting->request, submitting->api, key, 201);
    free_submitting(submitting);
}

static void on_refused(struct sweeps_submission *submission, const struct hd_problems *problems)
{
    struct submitting *submitting = submission->data;

    http_reply_problems(submitting->request, problems);
    free_submitting(submitting);
}

static void on_failed(struct sweeps_submission *submission, const struct hd_error *error)
{
    struct submitting *submitting = submission->data;

    http_reply_error(submitting->request, error);
    free_submitting(submitting);
}

static void parse_body(uv_work_t *work)
{
    struct submitting *submitting = work->data;

    submitting->body = http_body_parse(submitting->request, false, &submitting->problems);
}

static void take_parsed(struct submitting *submitting, int status)
{
    const struct sweeps_submission submission = {
        .body = submitting->body, .created = on_created, .refused = on_refused, .failed = on_failed, .data = submitting};

    if (status != 0)
        submitting->problems.out_of_memory = true;
    if (submitting->body != NULL) {
        sweeps_submit(submitting->api->sweeps, &submission);
        return;
    }
    http_reply_problems(submitting->request, &submitting->problems);
    free_submitting(submitting);
}

static void after_parsing(uv_work_t *work, int status)
{
    struct api *api = ((struct submitting *)work->data)->api;

    take_parsed(work->data, status);
    job_done(api);
}

void api_submit(struct http_request *request, void *context)
{
    struct api *api = context;
    struct submitting *submitting;
    struct hd_error error = {0};

    if (api->sweeps == NULL) {
        hd_error_set(&error, HD_UNAVAILABLE, "the daemon is not ready yet");
        http_reply_error(request, &error);
        return;
    }
    submitting = calloc(1, sizeof *submitting);
    if (submitting == NULL) {
        hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
        http_reply_error(request, &error);
        return;
    }
    submitting->request = request;
    submitting->api = api;
    submitting->work.work.data = submitting;
    body_start(request, api, &submitting->work, parse_body, after_parsing);
}

/* --- Read and list -----------------------------------------------------------------------------------------------------------------------
 */

/* On the pool: a specification may be megabytes long. */
static int produce_sweep(struct answer *answer, struct store_reader *reader)
{
    struct printing printing = {.text = &answer->text, .reader = reader, .error = answer->error};

    return store_read_sweep(reader, answer->question->sweep, print_sweep, &printing, answer->error);
}

static int print_config(void *context, const struct store_sweep *sweep)
{
    hd_text_add_string(context, sweep->config);
    return 0;
}

static int produce_config(struct answer *answer, struct store_reader *reader)
{
    return store_read_sweep(reader, answer->question->sweep, print_config, &answer->text, answer->error);
}

void api_get_sweep(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;
    struct answer_question question = {0};

    if (!resource_find_sweep(request, api, &found) || resource_unchanged(request, api, &found))
        return;
    question.sweep = found.sweep;
    answer_start(request, api, produce_sweep, &question);
}

/* It changes with the limits of a running sweep only, and is read from the store as it is: its bytes are what is named. */
void api_get_config(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;
    struct answer_question question = {.tagged = true};

    if (!resource_find_sweep(request, api, &found))
        return;
    question.sweep = found.sweep;
    answer_start(request, api, produce_config, &question);
}

struct listing {
    struct answer *answer;
    struct store_reader *reader;
    int64_t count, last;
    bool more; /* there is a row beyond the limit */
};

static int print_row(void *context, const struct store_sweep *sweep)
{
    struct listing *listing = context;
    struct answer *answer = listing->answer;
    int result;

    if (listing->count == answer->question->limit) {
        listing->more = true;
        return 0;
    }
    if (listing->count++ > 0)
        hd_text_add_char(&answer->text, ',');
    listing->last = sweep->key;
    result = resource_print_sweep(&answer->text, listing->reader, sweep, false, answer->error);
    return result != 0 ? result : answer_flush(answer);
}

static int produce_list(struct answer *answer, struct store_reader *reader)
{
    const struct answer_question *question = answer->question;
    struct listing listing = {.answer = answer, .reader = reader};
    int result;

    hd_text_add_string(&answer->text, "{\"sweeps\":[");
    result = store_read_sweeps(reader, question->experiment, question->status, question->after, question->limit + 1, print_row, &listing,
                               answer->error);
    hd_text_add_string(&answer->text, "],");
    answer_end_page(answer, listing.more, listing.last);
    return result;
}

void api_list_sweeps(struct http_request *request, void *context)
{
    const char *status = http_query(request, "status");
    struct answer_question question = {.experiment = http_query(request, "experiment")};

    if (status != NULL && (question.status = hd_status_parse(status)) == HD_STATUS_NONE) {
        http_query_refuse(request, "status", "a status, for instance Running or Completed");
        return;
    }
    if (http_query_integer(request, "limit", 1, LIST_MAX, LIST_DEFAULT, &question.limit) &&
        http_query_integer(request, "after", 1, INT64_MAX, 0, &question.after))
        answer_start(request, context, produce_list, &question);
}

/* --- Cancel ------------------------------------------------------------------------------------------------------------------------------
 */

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
