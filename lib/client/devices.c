/* `hyperdrive devices`: what the machine has, and which children have it; drain and put back. */
#include <string.h>

#include "client.h"
#include "core/json.h"

enum { RUNS_SHOWN = 4 };

/* 3 -> "3", 0.25 -> "0.25" */
static void add_amount(struct hd_text *text, double amount)
{
    hd_text_format(text, "%.4g", amount);
}

/* The children that have a share, those of the CPUs as a number. */
static void add_runs(struct hd_text *text, const cJSON *device)
{
    const cJSON *runs = member(device, "runs"), *run;
    int count = cJSON_GetArraySize(runs), shown = 0;

    if (strcmp(member_text(device, "kind", ""), "gpu") != 0) {
        hd_text_format(text, "%d run%s", count, count == 1 ? "" : "s");
        return;
    }
    cJSON_ArrayForEach(run, runs)
    {
        double share = member_count(run, "share");

        if (shown == RUNS_SHOWN) {
            hd_text_format(text, ", and %d more", count - shown);
            return;
        }
        hd_text_format(text, "%s%s", shown > 0 ? ", " : "", member_text(run, "run_id", ""));
        if (share < 1) {
            hd_text_add_string(text, " (");
            add_amount(text, share);
            hd_text_add_char(text, ')');
        }
        shown++;
    }
}

static enum table_style state_style(const char *state)
{
    return strcmp(state, "active") == 0 ? TABLE_GOOD : strcmp(state, "missing") == 0 ? TABLE_BAD : TABLE_DIM;
}

static void add_row(struct table *table, const cJSON *device)
{
    const char *state = member_text(device, "state", "");
    double memory = member_count(device, "memory_bytes");
    struct hd_text use = {0}, runs = {0};

    add_amount(&use, member_count(device, "in_use"));
    hd_text_add_char(&use, '/');
    add_amount(&use, member_count(device, "capacity"));
    add_runs(&runs, device);
    table_add(table, TABLE_PLAIN, member_text(device, "id", ""));
    table_add(table, TABLE_PLAIN, member_text(device, "name", "-"));
    if (memory > 0) {
        table_format(table, TABLE_PLAIN, "%.1f GiB", memory / (double)(1 << 30));
    } else {
        table_add(table, TABLE_PLAIN, "-");
    }
    table_add(table, state_style(state), state);
    table_add(table, TABLE_PLAIN, use.data);
    table_add(table, TABLE_PLAIN, runs.data);
    table->failed = table->failed || use.failed || runs.failed;
    hd_text_clear(&use);
    hd_text_clear(&runs);
}

static int print_devices(struct client *client, const cJSON *answer, struct hd_error *error)
{
    static const struct table_column columns[] = {
        {"DEVICE", false, true}, {"NAME", false, false}, {"MEMORY", true, true},
        {"STATE", false, true},  {"IN USE", true, true}, {"RUNS", false, false},
    };
    const cJSON *slots = member(answer, "slots"), *device, *note;
    struct hd_text text = {0};
    struct table table;

    table_open(&table, client->output.file, client->output.width, client->output.colour, columns, sizeof(columns) / sizeof(columns[0]));
    cJSON_ArrayForEach(device, member(answer, "devices"))
    {
        add_row(&table, device);
    }
    if (!table_close(&table)) {
        return hd_error_set(error, HD_UNAVAILABLE, "memory is short");
    }
    add_amount(&text, member_count(slots, "in_use"));
    hd_text_add_string(&text, " of ");
    add_amount(&text, member_count(slots, "total"));
    fprintf(client->output.file, "%s slots are in use\n", text.data != NULL ? text.data : "");
    hd_text_clear(&text);
    cJSON_ArrayForEach(note, member(answer, "notes"))
    {
        table_add_clean(&text, cJSON_GetStringValue(note), 0);
        fprintf(client->output.file, "note: %s\n", text.data != NULL ? text.data : "");
        hd_text_clear(&text);
    }
    return EXIT_OK;
}

static int list(struct client *client, struct hd_error *error)
{
    struct rest_answer answer = {0};
    int result = rest_get(client->rest, "/devices", &answer, error);

    if (result == 0 && client->arguments.value[OPTION_JSON] != NULL) {
        output_raw(&client->output, &answer.text);
    } else if (result == 0) {
        result = print_devices(client, answer.json, error);
    }
    rest_answer_clear(&answer);
    return result;
}

static int change(struct client *client, const char *id, const char *state, struct hd_error *error)
{
    struct hd_text path = {0}, body = {0};
    struct rest_answer answer = {0};
    struct rest_request request;
    int result;

    hd_text_add_string(&path, "/devices/");
    rest_path_part(&path, id, false);
    hd_text_format(&body, "{\"state\":\"%s\"}", state);
    request = (struct rest_request){.method = "PATCH", .path = path.data, .body = body.data};
    result = path.failed || body.failed ? hd_error_set(error, HD_UNAVAILABLE, "memory is short")
                                        : rest_call(client->rest, &request, &answer, error);
    if (result == 0 && client->arguments.value[OPTION_JSON] != NULL) {
        output_raw(&client->output, &answer.text);
    } else if (result == 0) {
        fprintf(client->output.file, "%s is %s\n", member_text(answer.json, "id", id), member_text(answer.json, "state", state));
    }
    rest_answer_clear(&answer);
    hd_text_clear(&path);
    hd_text_clear(&body);
    return result;
}

int command_devices(struct client *client, struct hd_error *error)
{
    static const struct {
        const char *word, *state;
    } changes[] = {{"drain", "drained"}, {"activate", "active"}};
    const struct arguments *arguments = &client->arguments;
    const char *state = NULL;
    int result;

    for (size_t i = 0; arguments->operand_count > 0 && i < sizeof changes / sizeof changes[0]; i++) {
        if (strcmp(arguments->operands[0], changes[i].word) == 0) {
            state = changes[i].state;
        }
    }
    if (arguments->operand_count > 0 && state == NULL) {
        return hd_error_set(error, HD_INVALID, "what is to be done with devices is drain or activate, not '%.80s'", arguments->operands[0]);
    }
    if (arguments->operand_count == 1) {
        return hd_error_set(error, HD_INVALID, "devices %s needs the id of a device, as hyperdrive devices shows it",
                            arguments->operands[0]);
    }
    result = client_connect(client, error);
    if (result < 0) {
        return result;
    }
    return state != NULL ? change(client, arguments->operands[1], state, error) : list(client, error);
}
