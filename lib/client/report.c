/* `hyperdrive report NAME=VALUE...`: for shell scripts that run as children. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "client.h"
#include "core/json.h"
#include "scalar.h"

enum {
    RETRY_DEFAULT_SECONDS = 30,
    ATTEMPT_MS = 10000,
    PAUSE_FIRST_MS = 100,
    PAUSE_MOST_MS = 2000,
};

static int out_of_memory(struct hd_error *error)
{
    return hd_error_set(error, HD_UNAVAILABLE, "memory is short");
}

/* nan, -inf, Infinity and their like, in any case of letters, as the API writes them; NULL for other words. */
static const char *not_finite(const char *word)
{
    static const struct {
        const char *word, *text;
    } words[] = {
        {"nan", "NaN"},        {".nan", "NaN"},          {"+nan", "NaN"},
        {"-nan", "NaN"},       {"inf", "Infinity"},      {"+inf", "Infinity"},
        {".inf", "Infinity"},  {"infinity", "Infinity"}, {"+infinity", "Infinity"},
        {"-inf", "-Infinity"}, {"-.inf", "-Infinity"},   {"-infinity", "-Infinity"},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(words[i].word, word) == 0) {
            return words[i].text;
        }
    }
    return NULL;
}

static cJSON *make_value(const char *word, struct hd_error *error)
{
    struct hd_text json = {0};
    enum scalar_kind kind = scalar_decimal(word, strlen(word), &json);
    cJSON *value = NULL;

    if (kind == SCALAR_TOO_LARGE) {
        hd_error_set(error, HD_INVALID, "the number %.80s is too large", word);
    } else if (kind != SCALAR_STRING) {
        value = json.failed ? NULL : hd_json_parse_own(json.data);
    } else if (strcasecmp(word, "true") == 0 || strcasecmp(word, "false") == 0) {
        value = cJSON_CreateBool(strcasecmp(word, "true") == 0);
    } else {
        value = cJSON_CreateString(not_finite(word) != NULL ? not_finite(word) : word);
    }
    if (value == NULL && kind != SCALAR_TOO_LARGE) {
        out_of_memory(error);
    }
    hd_text_clear(&json);
    return value;
}

/* Takes the value over, also when it fails. */
static bool add_owned(cJSON *object, const char *name, cJSON *value)
{
    if (value != NULL && cJSON_AddItemToObject(object, name, value)) {
        return true;
    }
    cJSON_Delete(value);
    return false;
}

static int add_metric(cJSON *metrics, const char *operand, const struct arguments *arguments, struct hd_error *error)
{
    const char *equals = strchr(operand, '=');
    char *name;
    cJSON *point, *value;
    bool added;

    if (equals == NULL || equals == operand) {
        return hd_error_set(error, HD_INVALID, "'%.200s' must be NAME=VALUE, as accuracy=0.93", operand);
    }
    value = make_value(equals + 1, error);
    if (value == NULL) {
        return -(int)error->code;
    }
    name = strndup(operand, (size_t)(equals - operand));
    point = cJSON_CreateObject();
    if (point == NULL || !cJSON_AddItemToArray(metrics, point)) {
        cJSON_Delete(point);
        cJSON_Delete(value);
        free(name);
        return out_of_memory(error);
    }
    added = name != NULL && cJSON_AddStringToObject(point, "name", name) != NULL;
    added = add_owned(point, "value", value) && added;
    if (arguments->value[OPTION_STEP] != NULL) {
        added = add_owned(point, "step", hd_json_new_integer(arguments->number[OPTION_STEP])) && added;
    }
    free(name);
    return added ? 0 : out_of_memory(error);
}

/* A random reporter with sequence 1: whatever is sent again after a lost answer is stored once. */
static int make_body(const struct client *client, struct hd_text *ret_body, struct hd_error *error)
{
    unsigned char random[16];
    char reporter[2 * sizeof(random) + 1];
    cJSON *body, *metrics;
    int result = 0;

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        return hd_error_set(error, HD_INTERNAL, "the system gives no random numbers");
    }
    for (size_t i = 0; i < sizeof(random); i++) {
        snprintf(reporter + 2 * i, 3, "%02x", random[i]);
    }
    body = cJSON_CreateObject();
    metrics = cJSON_CreateArray();
    if (!add_owned(body, "metrics", metrics) || cJSON_AddStringToObject(body, "reporter", reporter) == NULL ||
        !add_owned(body, "sequence", hd_json_new_integer(1))) {
        result = out_of_memory(error);
    }
    for (int i = 0; result == 0 && i < client->arguments.operand_count; i++) {
        result = add_metric(metrics, client->arguments.operands[i], &client->arguments, error);
    }
    if (result == 0) {
        hd_json_print(ret_body, body, HD_JSON_COMPACT);
        result = ret_body->failed ? out_of_memory(error) : 0;
    }
    cJSON_Delete(body);
    return result;
}

static int64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int send_until(struct client *client, const struct rest_request *request, int64_t deadline_ms, struct rest_answer *ret_answer,
                      struct hd_error *error)
{
    long pause_ms = PAUSE_FIRST_MS;

    for (;;) {
        int result = rest_call(client->rest, request, ret_answer, error);

        if ((result != -HD_UNAVAILABLE && result != -HD_TIMEOUT) || monotonic_ms() + pause_ms > deadline_ms) {
            return result;
        }
        client_pause(pause_ms);
        pause_ms = 2 * pause_ms < PAUSE_MOST_MS ? 2 * pause_ms : PAUSE_MOST_MS;
    }
}

static void show_answer(const struct client *client, const struct rest_answer *answer)
{
    if (client->arguments.value[OPTION_JSON] != NULL) {
        output_raw(&client->output, &answer->text);
    } else if (cJSON_IsTrue(member(answer->json, "stop"))) {
        const cJSON *reason = member(answer->json, "stop_reason");

        say("this run is asked to stop: %s", member_text(reason, "message", member_text(reason, "kind", "no reason was given")));
    }
}

int command_report(struct client *client, struct hd_error *error)
{
    const char *run_id = getenv("HYPERDRIVE_RUN_ID");
    int64_t seconds = client->arguments.value[OPTION_RETRY] != NULL ? client->arguments.number[OPTION_RETRY] : RETRY_DEFAULT_SECONDS;
    struct hd_text path, body = {0};
    struct rest_answer answer = {0};
    int result;

    if (run_id == NULL || run_id[0] == '\0') {
        return hd_error_set(error, HD_INVALID, "HYPERDRIVE_RUN_ID is not set: report works inside a child run only");
    }
    result = make_body(client, &body, error);
    if (result == 0) {
        result = client_connect(client, error);
    }
    if (result < 0) {
        hd_text_clear(&body);
        return result;
    }
    path = client_path("runs", run_id, "/metrics");
    if (path.failed) {
        result = out_of_memory(error);
    } else {
        struct rest_request request = {.method = "POST", .path = path.data, .body = body.data, .timeout_ms = ATTEMPT_MS};

        result = send_until(client, &request, monotonic_ms() + seconds * 1000, &answer, error);
    }
    if (result == 0) {
        show_answer(client, &answer);
    } else {
        hd_error_wrap(error, "the report was not stored");
    }
    rest_answer_clear(&answer);
    hd_text_clear(&path);
    hd_text_clear(&body);
    return result;
}
