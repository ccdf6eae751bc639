/* `hyperdrive set`: other limits for a sweep that has not ended. */
#include <stdlib.h>

#include "client.h"

static bool given(const struct client *client, enum option_id option)
{
    return client->arguments.value[option] != NULL;
}

static struct hd_text make_body(const struct client *client)
{
    const struct arguments *arguments = &client->arguments;
    struct hd_text body = {0};

    hd_text_add_char(&body, '{');
    if (given(client, OPTION_MAX_TOTAL_RUNS)) {
        hd_text_format(&body, "\"max_total_runs\":%lld", (long long)arguments->number[OPTION_MAX_TOTAL_RUNS]);
    }
    if (given(client, OPTION_MAX_CONCURRENT_RUNS)) {
        hd_text_add_string(&body, given(client, OPTION_MAX_TOTAL_RUNS) ? ",\"max_concurrent_runs\":" : "\"max_concurrent_runs\":");
        if (arguments->number[OPTION_MAX_CONCURRENT_RUNS] > 0) {
            hd_text_format(&body, "%lld", (long long)arguments->number[OPTION_MAX_CONCURRENT_RUNS]);
        } else {
            hd_text_add_string(&body, "null");
        }
    }
    hd_text_add_char(&body, '}');
    return body;
}

static int ask(struct client *client, const char *id, struct rest_answer *ret_answer, struct hd_error *error)
{
    struct hd_text path = client_path("sweeps", id, ""), body = make_body(client);
    struct rest_request request = {.method = "PATCH", .path = path.data, .body = body.data};
    int result = path.failed || body.failed ? hd_error_set(error, HD_UNAVAILABLE, "memory is short")
                                            : rest_call(client->rest, &request, ret_answer, error);

    hd_text_clear(&path);
    hd_text_clear(&body);
    return result;
}

static void print_limits(const struct client *client, const char *id, const cJSON *sweep)
{
    const cJSON *concurrent = member(member(sweep, "config"), "max_concurrent_runs");

    fprintf(client->output.file, "%s: %.0f run%s at most, ", id, member_count(sweep, "max_total_runs"),
            member_count(sweep, "max_total_runs") == 1 ? "" : "s");
    if (cJSON_IsNumber(concurrent)) {
        fprintf(client->output.file, "%.0f at once\n", concurrent->valuedouble);
    } else {
        fputs("as many at once as there are slots\n", client->output.file);
    }
}

int command_set(struct client *client, struct hd_error *error)
{
    struct rest_answer answer = {0};
    char *id = NULL;
    int result;

    if (!given(client, OPTION_MAX_TOTAL_RUNS) && !given(client, OPTION_MAX_CONCURRENT_RUNS)) {
        return hd_error_set(error, HD_INVALID, "nothing is to be set: give --max-total-runs, --max-concurrent-runs, or both");
    }
    result = client_id(client, 0, &id, error);
    if (result == 0) {
        result = ask(client, id, &answer, error);
    }
    if (result == 0 && given(client, OPTION_JSON)) {
        output_raw(&client->output, &answer.text);
    } else if (result == 0) {
        print_limits(client, id, answer.json);
    }
    rest_answer_clear(&answer);
    free(id);
    return result;
}
