/* `hyperdrive show`: all about one sweep, or one run. */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "core/json.h"
#include "progress.h"

/* A member whatever its type; absent and null ones are not printed. */
static void print_value(const struct output *output, const char *name, const cJSON *value)
{
    struct hd_text text = {0};

    if (value == NULL || cJSON_IsNull(value) || ((cJSON_IsObject(value) || cJSON_IsArray(value)) && value->child == NULL)) {
        return;
    }
    text_value(&text, value, 17);
    output_field(output, name, text.data);
    hd_text_clear(&text);
}

static void print_instant(const struct output *output, const char *name, const cJSON *value)
{
    struct hd_text text = {0};

    if (cJSON_IsString(value)) {
        text_instant(&text, value);
        output_field(output, name, text.data);
        hd_text_clear(&text);
    }
}

static void print_elapsed(const struct output *output, const cJSON *item)
{
    double elapsed = seconds_between(item, "start_utc", "end_utc");
    struct hd_text text = {0};

    if (elapsed >= 0) {
        text_duration(&text, elapsed);
        output_field(output, "duration", text.data);
        hd_text_clear(&text);
    }
}

static void print_reason(const struct output *output, const char *name, const cJSON *reason)
{
    struct hd_text text = {0};
    const char *code = member_text(reason, "code", NULL), *message = member_text(reason, "message", NULL);

    code = code != NULL ? code : member_text(reason, "kind", NULL);
    if (code == NULL) {
        print_value(output, name, reason);
        return;
    }
    hd_text_format(&text, "%s%s%s", code, message != NULL ? ": " : "", message != NULL ? message : "");
    output_field(output, name, text.data);
    hd_text_clear(&text);
}

static void print_lines(const struct output *output, const char *title, const cJSON *values)
{
    const cJSON *value;

    if (values == NULL || values->child == NULL) {
        return;
    }
    fprintf(output->file, "\n%s\n", title);
    cJSON_ArrayForEach(value, values)
    {
        print_value(output, value->string != NULL ? value->string : "", value);
    }
}

/* Line by line, without control characters. */
static void print_output(const struct output *output, const char *text)
{
    char *copy = text != NULL ? strdup(text) : NULL, *rest = copy;
    const char *line;

    if (copy == NULL || copy[0] == '\0') {
        free(copy);
        return;
    }
    fputs("\nlast output\n", output->file);
    while ((line = strsep(&rest, "\n")) != NULL) {
        struct hd_text clean = {0};

        table_add_clean(&clean, line, 0);
        if (rest != NULL || line[0] != '\0') {
            fprintf(output->file, "  %s\n", clean.data != NULL ? clean.data : "");
        }
        hd_text_clear(&clean);
    }
    free(copy);
}

static void show_sweep(const struct output *output, const cJSON *sweep)
{
    const cJSON *config = member(sweep, "config"), *warning;
    struct hd_text counts = {0};

    print_value(output, "sweep", member(sweep, "run_id"));
    print_value(output, "status", member(sweep, "status"));
    print_reason(output, "reason", member(sweep, "status_reason"));
    print_value(output, "experiment", member(sweep, "experiment"));
    print_value(output, "name", member(sweep, "name"));
    print_value(output, "display name", member(sweep, "display_name"));
    print_value(output, "description", member(sweep, "description"));
    print_value(output, "tags", member(sweep, "tags"));
    print_value(output, "metric", member(config, "primary_metric_name"));
    print_value(output, "goal", member(config, "primary_metric_goal"));
    print_value(output, "sampling", member(member(config, "hyperparameter_sampling"), "type"));
    print_value(output, "seed", member(sweep, "seed"));
    print_value(output, "policy", member(config, "policy"));
    print_instant(output, "created", member(sweep, "created_utc"));
    print_instant(output, "started", member(sweep, "start_utc"));
    print_instant(output, "ended", member(sweep, "end_utc"));
    print_elapsed(output, sweep);
    progress_counts(&counts, sweep);
    output_field(output, "children", counts.data);
    hd_text_clear(&counts);
    print_value(output, "of at most", member(config, "max_total_runs"));
    print_value(output, "best", member(sweep, "best_primary_metric"));
    print_value(output, "best run", member(sweep, "best_child_run_id"));
    cJSON_ArrayForEach(warning, member(sweep, "warnings"))
    {
        print_reason(output, "warning", warning);
    }
}

/* `GPU-5ab3..., NVIDIA A100`, and how much of it when it is shared. */
static void print_devices(const struct output *output, const cJSON *devices)
{
    const cJSON *device;

    cJSON_ArrayForEach(device, devices)
    {
        double share = member_count(device, "share");
        struct hd_text text = {0};

        if (share < 1) {
            hd_text_format(&text, "%.4g of ", share);
        }
        hd_text_format(&text, "%s, %s", member_text(device, "id", ""), member_text(device, "name", ""));
        output_field(output, "device", text.data);
        hd_text_clear(&text);
    }
}

static void show_run(const struct output *output, const cJSON *run)
{
    static const struct {
        const char *title, *member;
    } plain[] = {
        {"run", "run_id"},
        {"sweep", "sweep_id"},
        {"number", "number"},
        {"status", "status"},
        {"attempt", "attempt"},
        {"runs again", "resumed_from"},
        {"best", "best_primary_metric"},
        {"reports", "reports"},
        {"exit code", "exit_code"},
        {"signal", "signal"},
        {"peak memory", "peak_memory_bytes"},
        {"cpu seconds", "cpu_seconds"},
        {"folder", "run_directory"},
    };

    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        print_value(output, plain[i].title, member(run, plain[i].member));
    }
    print_devices(output, member(run, "devices"));
    print_instant(output, "created", member(run, "created_utc"));
    print_instant(output, "started", member(run, "start_utc"));
    print_instant(output, "ended", member(run, "end_utc"));
    print_elapsed(output, run);
    print_reason(output, "stopped", member(run, "stop_reason"));
    print_reason(output, "error", member(run, "error"));
    print_value(output, "arguments", member(member(run, "runDefinition"), "arguments"));
    print_lines(output, "hyperparameters", member(run, "hyperparameters"));
    print_output(output, member_text(member(run, "error"), "output", NULL));
}

int command_show(struct client *client, struct hd_error *error)
{
    struct rest_answer answer = {0};
    char *id = NULL;
    bool run = false;
    int result = client_id(client, 0, &id, error);

    if (result == 0) {
        result = client_find(client, id, &run, &answer, error);
    }
    free(id);
    if (result < 0) {
        return result;
    }
    if (client->arguments.value[OPTION_JSON] != NULL) {
        output_raw(&client->output, &answer.text);
    } else if (run) {
        show_run(&client->output, answer.json);
    } else {
        show_sweep(&client->output, answer.json);
    }
    rest_answer_clear(&answer);
    return EXIT_OK;
}
