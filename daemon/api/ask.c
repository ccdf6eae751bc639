/* Ask and tell: clients of a sweep with the client launcher take children and tell how they ended. */
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "core/json.h"
#include "handlers.h"
#include "resource.h"

enum { ASKER_MAX_BYTES = 128, MESSAGE_MAX_BYTES = 4096, TOKEN_SIZE = 256 };

/* The body as an object with no other members than these; NULL after an answer. The caller frees it. */
static cJSON *read_body(struct http_request *request, const char *const *names, struct hd_problems *problems)
{
    cJSON *body = http_body_json(request, true);

    if (body == NULL)
        return NULL;
    for (const cJSON *item = body->child; item != NULL; item = item->next) {
        bool known = false;

        for (int i = 0; names[i] != NULL; i++)
            known = known || strcmp(names[i], item->string) == 0;
        if (!known)
            hd_problems_add(problems, "UnknownField", item->string, "'%s' is not a known field", item->string);
    }
    return body;
}

/* NULL when it is absent. */
static const char *read_string(const cJSON *body, const char *name, size_t least, size_t most, struct hd_problems *problems)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, name);
    char *excerpt;

    if (item == NULL)
        return NULL;
    if (cJSON_IsString(item)) {
        size_t length = strlen(item->valuestring);

        if (length >= least && length <= most)
            return item->valuestring;
        hd_problems_add(problems, "OutOfRange", name, "'%s' must be between %zu and %zu bytes long, got %zu", name, least, most, length);
        return NULL;
    }
    excerpt = hd_json_excerpt(item);
    hd_problems_add(problems, "WrongType", name, "'%s' must be a string, got %s", name, excerpt != NULL ? excerpt : "");
    free(excerpt);
    return NULL;
}

/* True after a 400 when something was found. */
static bool refuse(struct http_request *request, struct hd_problems *problems)
{
    bool refused = !hd_problems_none(problems);

    if (refused)
        http_reply_problems(request, problems);
    hd_problems_clear(problems);
    return refused;
}

/* --- Ask --------------------------------------------------------------------------------------------------------------------------------
 */

struct asking {
    struct http_request *request;
    struct api *api;
    cJSON *body; /* the asker lives in it */
};

static void free_asking(struct asking *asking)
{
    cJSON_Delete(asking->body);
    free(asking);
}

struct printing {
    struct hd_text text;
    const struct api *api;
    struct http_request *request;
};

static int print_run(void *context, const struct store_run *run)
{
    struct printing *printing = context;
    char token[TOKEN_SIZE];

    audit_set_target(printing->request, run->id);
    resource_print_run(&printing->text, run, printing->api->state_dir);
    sweeps_run_token(printing->api->sweeps, run->id, run->attempt, token, sizeof token);
    resource_string(&printing->text, "token", token);
    hd_text_add_char(&printing->text, '}');
    return 0;
}

static void reply_child(const struct asking *asking, const struct sweeps_asked *asked)
{
    struct printing printing = {.api = asking->api, .request = asking->request};
    struct hd_error error = {0};

    if (store_read_run(store_loop_reader(asking->api->store), asked->run, print_run, &printing, &error) != 0)
        http_reply_error(asking->request, &error);
    else
        http_reply_json(asking->request, asked->repeated ? 200 : 201, &printing.text);
    hd_text_clear(&printing.text);
}

static void on_asked(void *data, const struct sweeps_asked *asked, const struct hd_error *error)
{
    struct asking *asking = data;
    struct hd_error gone = {0};

    if (error != NULL) {
        http_reply_error(asking->request, error);
    } else if (asked->kind == SWEEPS_ASKED_GIVEN) {
        reply_child(asking, asked);
    } else if (asked->kind == SWEEPS_ASKED_LATER) {
        http_reply_header(asking->request, "Retry-After", "1");
        http_reply_empty(asking->request, 204);
    } else {
        hd_error_set(&gone, HD_GONE, "the sweep has no more configurations to give");
        http_reply_error(asking->request, &gone);
    }
    free_asking(asking);
}

/* Without both members the question is not numbered. */
static void read_question(const cJSON *body, struct sweeps_question *question, struct hd_problems *problems)
{
    const cJSON *sequence = cJSON_GetObjectItemCaseSensitive(body, "sequence");

    question->asker = read_string(body, "asker", 1, ASKER_MAX_BYTES, problems);
    if (sequence != NULL && !hd_json_integer(sequence, &question->sequence))
        hd_problems_add(problems, "WrongType", "sequence", "'sequence' must be an integer");
    if (cJSON_GetObjectItemCaseSensitive(body, "asker") != NULL && sequence == NULL)
        hd_problems_add(problems, "Required", "sequence", "'sequence' is required");
    if (cJSON_GetObjectItemCaseSensitive(body, "asker") == NULL && sequence != NULL)
        hd_problems_add(problems, "Required", "asker", "'asker' is required");
}

void api_ask(struct http_request *request, void *context)
{
    static const char *const NAMES[] = {"asker", "sequence", NULL};
    struct sweeps_question question = {.answer = on_asked};
    struct hd_problems problems = {0};
    struct api *api = context;
    struct store_found found;
    struct asking *asking;
    struct hd_error error = {0};
    cJSON *body;

    if (!resource_find_sweep(request, api, &found) || (body = read_body(request, NAMES, &problems)) == NULL)
        return;
    read_question(body, &question, &problems);
    if (refuse(request, &problems)) {
        cJSON_Delete(body);
        return;
    }
    asking = malloc(sizeof *asking);
    if (asking == NULL) {
        cJSON_Delete(body);
        hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
        http_reply_error(request, &error);
        return;
    }
    *asking = (struct asking){.request = request, .api = api, .body = body};
    question.data = asking;
    sweeps_ask(api->sweeps, found.sweep, &question);
}

/* --- Tell -------------------------------------------------------------------------------------------------------------------------------
 */

static void on_told(void *data, enum hd_status status, const struct hd_error *error)
{
    struct http_request *request = data;
    struct hd_text text = {0};

    if (error != NULL) {
        http_reply_error(request, error);
        return;
    }
    hd_text_add_string(&text, "{\"run_id\":");
    hd_json_print_string(&text, http_part(request, 0));
    hd_text_format(&text, ",\"status\":\"%s\"}", hd_status_name(status));
    http_reply_json(request, 200, &text);
    hd_text_clear(&text);
}

void api_complete_run(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;

    if (resource_find_run(request, api, &found) && api_expect_no_body(request))
        sweeps_tell_completed(api->sweeps, found.run, on_told, request);
}

void api_fail_run(struct http_request *request, void *context)
{
    static const char *const NAMES[] = {"message", NULL};
    struct hd_problems problems = {0};
    struct api *api = context;
    struct store_found found;
    const char *message;
    cJSON *body;

    if (!resource_find_run(request, api, &found) || (body = read_body(request, NAMES, &problems)) == NULL)
        return;
    message = read_string(body, "message", 0, MESSAGE_MAX_BYTES, &problems);
    if (!refuse(request, &problems))
        sweeps_tell_failed(api->sweeps, found.run, message != NULL ? message : "the client told that it failed", on_told, request);
    cJSON_Delete(body);
}
