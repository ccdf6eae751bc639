/* POST of a sweep. A client that names its submission (Idempotency-Key) may send it again when it has not heard the answer: that makes no
 * second sweep. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "handlers.h"
#include "job.h"

enum { KEY_MAX_BYTES = 128 };

struct submitting {
    struct lane_job work;
    struct http_request *request;
    struct api *api;
    struct store_submission name; /* its key is NULL when it has none */
    char key[KEY_MAX_BYTES + 1];  /* the connection, which has the header, may be gone before the sweep is stored */
    cJSON *body;
    struct hd_problems problems;
};

static void free_submitting(struct submitting *submitting)
{
    hd_problems_clear(&submitting->problems);
    free(submitting);
}

static void on_created(struct sweeps_submission *submission, int64_t key, bool repeated)
{
    struct submitting *submitting = submission->data;

    api_reply_sweep(submitting->request, submitting->api, key, repeated ? 200 : 201);
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

/* --- The key -----------------------------------------------------------------------------------------------------------------------------
 */

/* Visible ASCII, which no proxy changes. */
static bool is_key(const char *text)
{
    size_t length = strlen(text), visible = 0;

    while (visible < length && text[visible] > ' ' && text[visible] <= '~')
        visible++;
    return length > 0 && length <= KEY_MAX_BYTES && visible == length;
}

/* False after a 400. */
static bool read_key(struct http_request *request, const char **ret_key)
{
    struct hd_problems problems = {0};

    *ret_key = http_header(request, "Idempotency-Key");
    if (*ret_key == NULL || is_key(*ret_key))
        return true;
    hd_problems_add(&problems, "OutOfRange", "Idempotency-Key",
                    "'Idempotency-Key' must be 1 to %d visible ASCII characters, such as a UUID", KEY_MAX_BYTES);
    http_reply_problems(request, &problems);
    hd_problems_clear(&problems);
    return false;
}

/* What is there already is answered before anything is looked at or copied: it was right when it came, and its files may be gone. True
 * after an answer. */
static bool answer_repeated(struct submitting *submitting)
{
    struct hd_error error = {0};
    int64_t sweep = 0;
    int result;

    if (submitting->name.key == NULL)
        return false;
    result = store_find_submission(store_loop_reader(submitting->api->store), &submitting->name, &sweep, &error);
    if (result != 0)
        http_reply_error(submitting->request, &error);
    else if (sweep != 0)
        api_reply_sweep(submitting->request, submitting->api, sweep, 200);
    return result != 0 || sweep != 0;
}

/* --- The body ----------------------------------------------------------------------------------------------------------------------------
 */

static void parse_body(uv_work_t *work)
{
    struct submitting *submitting = work->data;
    size_t length;
    const char *text = http_body(submitting->request, &length);

    submitting->body = http_body_parse(submitting->request, false, &submitting->problems);
    if (submitting->name.key != NULL && submitting->body != NULL)
        (void)crypto_generichash(submitting->name.digest, sizeof submitting->name.digest, (const unsigned char *)text, length, NULL, 0);
}

static void take_parsed(struct submitting *submitting, int status)
{
    const struct sweeps_submission submission = {
        .body = submitting->body,
        .name = submitting->name.key != NULL ? &submitting->name : NULL,
        .created = on_created,
        .refused = on_refused,
        .failed = on_failed,
        .data = submitting,
    };

    if (status != 0)
        submitting->problems.out_of_memory = true;
    if (submitting->body == NULL)
        http_reply_problems(submitting->request, &submitting->problems);
    if (submitting->body == NULL || answer_repeated(submitting)) {
        cJSON_Delete(submitting->body);
        free_submitting(submitting);
        return;
    }
    sweeps_submit(submitting->api->sweeps, &submission);
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
    const char *key;

    if (!read_key(request, &key))
        return;
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
    if (key != NULL) {
        snprintf(submitting->key, sizeof submitting->key, "%s", key);
        submitting->name.key = submitting->key;
    }
    submitting->work.work.data = submitting;
    body_start(request, api, &submitting->work, parse_body, after_parsing);
}
