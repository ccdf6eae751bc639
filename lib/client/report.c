/* `hyperdrive report NAME=VALUE...`: for shell scripts that run as children. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/instant.h"
#include "core/json.h"
#include "report_delivery.h"
#include "scalar.h"

enum { RETRY_DEFAULT_SECONDS = 30 };

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

static int add_metric(cJSON *metrics, const char *operand, const char *instant, const struct arguments *arguments, struct hd_error *error)
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
    added = cJSON_AddStringToObject(point, "time", instant) != NULL && added;
    if (arguments->value[OPTION_STEP] != NULL) {
        added = add_owned(point, "step", hd_json_new_integer(arguments->number[OPTION_STEP])) && added;
    }
    free(name);
    return added ? 0 : out_of_memory(error);
}

/* Its time is that of the call, however long the daemon is away. */
static void now_as_text(char instant[HD_INSTANT_SIZE])
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    hd_instant_text((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, instant);
}

static int make_body(const struct client *client, const char *reporter, struct hd_text *ret_body, struct hd_error *error)
{
    char instant[HD_INSTANT_SIZE];
    cJSON *body = cJSON_CreateObject(), *metrics = cJSON_CreateArray();
    int result = 0;

    now_as_text(instant);
    if (!add_owned(body, "metrics", metrics) || cJSON_AddStringToObject(body, "reporter", reporter) == NULL ||
        !add_owned(body, "sequence", hd_json_new_integer(REPORT_SEQUENCE))) {
        result = out_of_memory(error);
    }
    for (int i = 0; result == 0 && i < client->arguments.operand_count; i++) {
        result = add_metric(metrics, client->arguments.operands[i], instant, &client->arguments, error);
    }
    if (result == 0) {
        hd_json_print(ret_body, body, HD_JSON_COMPACT);
        result = ret_body->failed ? out_of_memory(error) : 0;
    }
    cJSON_Delete(body);
    return result;
}

/* An answer without text: the report is kept. */
static void show_answer(const struct client *client, const struct rest_answer *answer)
{
    if (client->arguments.value[OPTION_JSON] != NULL && answer->text.length == 0) {
        fputs("{\"kept\":true}\n", client->output.file);
    } else if (client->arguments.value[OPTION_JSON] != NULL) {
        output_raw(&client->output, &answer->text);
    } else if (cJSON_IsTrue(member(answer->json, "stop"))) {
        const cJSON *reason = member(answer->json, "stop_reason");

        say("this run is asked to stop: %s", member_text(reason, "message", member_text(reason, "kind", "no reason was given")));
    }
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static int deliver(struct client *client, const char *run_id, const char *reporter, const struct hd_text *body, struct hd_error *error)
{
    int64_t seconds = client->arguments.value[OPTION_RETRY] != NULL ? client->arguments.number[OPTION_RETRY] : RETRY_DEFAULT_SECONDS;
    const char *folder = variable("HYPERDRIVE_RUN_DIR");
    struct hd_text path = client_path("runs", run_id, "/metrics"), spool = {0};
    struct rest_answer answer = {0};
    int result;

    if (folder != NULL) {
        hd_text_format(&spool, "%s/spool", folder);
    }
    if (path.failed || spool.failed) {
        result = out_of_memory(error);
    } else {
        const struct report_delivery delivery = {
            .client = client, .path = path.data, .spool = spool.data, .deadline_ms = client_now_ms() + seconds * 1000};

        result = report_deliver(&delivery, reporter, body, &answer, error);
    }
    if (result == 0) {
        show_answer(client, &answer);
    } else {
        hd_error_wrap(error, "the report was not stored");
    }
    rest_answer_clear(&answer);
    hd_text_clear(&path);
    hd_text_clear(&spool);
    return result;
}

int command_report(struct client *client, struct hd_error *error)
{
    const char *run_id = variable("HYPERDRIVE_RUN_ID");
    char reporter[REPORT_NAME_SIZE] = REPORT_PREFIX;
    struct hd_text body = {0};
    int result;

    if (run_id == NULL) {
        return hd_error_set(error, HD_INVALID, "HYPERDRIVE_RUN_ID is not set: report works inside a child run only");
    }
    if (!hd_reporter_name(reporter + strlen(REPORT_PREFIX))) {
        return hd_error_set(error, HD_INTERNAL, "the system gives no random numbers");
    }
    result = make_body(client, reporter, &body, error);
    if (result == 0) {
        result = client_connect(client, error);
    }
    if (result == 0) {
        result = deliver(client, run_id, reporter, &body, error);
    }
    hd_text_clear(&body);
    return result;
}
