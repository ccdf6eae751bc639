#include "resource.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/goal.h"
#include "core/instant.h"
#include "core/json.h"
#include "core/number.h"
#include "core/random.h"

static void reply_not_found(struct http_request *request, const char *what, const char *id)
{
    struct hd_error error = {0};

    hd_error_set(&error, HD_NOT_FOUND, "no %s with id '%s'", what, id);
    http_reply_error(request, &error);
}

static bool find(struct http_request *request, struct api *api, struct store_found *ret_found)
{
    struct hd_error error = {0};

    if (api->sweeps == NULL)
        hd_error_set(&error, HD_UNAVAILABLE, "the daemon is not ready yet");
    else if (store_find(store_loop_reader(api->store), http_part(request, 0), ret_found, &error) == 0)
        return true;
    http_reply_error(request, &error);
    return false;
}

bool resource_find_sweep(struct http_request *request, struct api *api, struct store_found *ret_found)
{
    const char *id = http_part(request, 0);
    struct hd_error error = {0};

    if (!find(request, api, ret_found))
        return false;
    if (ret_found->what == STORE_SWEEP)
        return true;
    if (ret_found->what == STORE_NOTHING) {
        reply_not_found(request, "sweep", id);
        return false;
    }
    hd_error_set(&error, HD_NOT_FOUND, "'%s' is a child run of sweep '%s'", id, ret_found->sweep_id);
    http_reply_error(request, &error);
    return false;
}

/* A run's token ends with the run. Reports are let through: the store tells repeated ones, whose answer was lost, from new ones. */
static bool has_outlived_its_run(const struct http_request *request, const struct store_found *found)
{
    return http_principal(request)->role == HTTP_RUN && hd_status_ended(found->status) && strcmp(http_method(request), "POST") != 0;
}

bool resource_find_run(struct http_request *request, struct api *api, struct store_found *ret_found)
{
    const char *id = http_part(request, 0);
    struct hd_error error = {0};

    if (!find(request, api, ret_found))
        return false;
    if (ret_found->what == STORE_RUN && has_outlived_its_run(request, ret_found)) {
        hd_error_set(&error, HD_UNAUTHORIZED, "the token is not valid any more: its run has ended");
        http_reply_error(request, &error);
        return false;
    }
    if (ret_found->what == STORE_RUN)
        return true;
    if (ret_found->what == STORE_NOTHING) {
        reply_not_found(request, "run", id);
        return false;
    }
    hd_error_set(&error, HD_NOT_FOUND, "'%s' is a sweep, not a child run", id);
    http_reply_error(request, &error);
    return false;
}

bool resource_unchanged(struct http_request *request, const struct api *api, const struct store_found *found)
{
    char tag[64];

    if (!hd_status_ended(found->status))
        return false;
    snprintf(tag, sizeof tag, "%s-%" PRId64 "-%d", api->instance, found->what == STORE_RUN ? found->run : found->sweep, found->attempt);
    return http_unchanged(request, tag);
}

void resource_string(struct hd_text *text, const char *name, const char *value)
{
    hd_text_format(text, ",\"%s\":", name);
    if (value != NULL)
        hd_json_print_string(text, value);
    else
        hd_text_add_string(text, "null");
}

void resource_instant(struct hd_text *text, const char *name, int64_t at_us)
{
    char instant[HD_INSTANT_SIZE];

    if (at_us == 0) {
        resource_string(text, name, NULL);
        return;
    }
    hd_instant_text(at_us, instant);
    resource_string(text, name, instant);
}

void resource_json(struct hd_text *text, const char *name, const char *json)
{
    hd_text_format(text, ",\"%s\":%s", name, json != NULL ? json : "null");
}

/* --- Sweeps ------------------------------------------------------------------------------------------------------------------------------
 */

struct best_child {
    char id[96];
    double value;
    bool found;
};

static int take_best(void *context, const struct store_run *run)
{
    struct best_child *best = context;

    snprintf(best->id, sizeof best->id, "%s", run->id);
    best->value = run->best;
    best->found = true;
    return 0;
}

/* Members that the specification carries, under the same names. */
static void print_labels(struct hd_text *text, const char *config)
{
    static const char *const NAMES[] = {"name", "display_name", "description", "tags"};

    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        size_t length;
        const char *value = hd_json_find_own(config, NAMES[i], &length);

        hd_text_format(text, ",\"%s\":", NAMES[i]);
        if (value != NULL)
            hd_text_add(text, value, length);
        else
            hd_text_add_string(text, "null");
    }
}

static void print_children(struct hd_text *text, const struct store_sweep *sweep)
{
    hd_text_format(text, ",\"children\":{\"total\":%" PRId64, sweep->generated);
    for (int status = HD_STARTING; status < HD_STATUS_COUNT; status++)
        if (sweep->by_status[status] > 0)
            hd_text_format(text, ",\"%s\":%" PRId64, hd_status_name((enum hd_status)status), sweep->by_status[status]);
    hd_text_add_char(text, '}');
}

/* The field of the specification, as a string. */
static void print_resume_from(struct hd_text *text, const char *config)
{
    struct hd_text value = {0};
    size_t length;
    const char *field = hd_json_find_own(config, "resume_from", &length);

    hd_text_add(&value, field != NULL ? field : "null", field != NULL ? length : strlen("null"));
    hd_json_print_string(text, value.failed ? "" : value.data);
    text->failed |= value.failed;
    hd_text_clear(&value);
}

/* JSON inside strings, as the original has them (reference 2.1). */
static void print_properties(struct hd_text *text, const struct store_sweep *sweep, const struct best_child *best)
{
    struct hd_text primary = {0};
    char number[HD_NUMBER_TEXT_SIZE];

    if (sweep->metric != NULL) {
        hd_text_add_string(&primary, "{\"name\": ");
        hd_json_print_string(&primary, sweep->metric);
        hd_text_format(&primary, ", \"goal\": \"%s\"}", hd_goal_name(sweep->goal));
    } else {
        hd_text_add_string(&primary, "null");
    }
    hd_text_add_string(text, ",\"properties\":{\"primary_metric_config\":");
    hd_json_print_string(text, primary.failed ? "" : primary.data);
    hd_text_add_string(text, ",\"resume_from\":");
    print_resume_from(text, sweep->config);
    if (best->found) {
        resource_string(text, "best_child_run_id", best->id);
        hd_number_json(best->value, number);
        if (number[0] == '"')
            hd_text_format(text, ",\"score\":%s", number);
        else
            hd_text_format(text, ",\"score\":\"%s\"", number);
    }
    hd_text_add_char(text, '}');
    text->failed |= primary.failed;
    hd_text_clear(&primary);
}

int resource_print_sweep(struct hd_text *text, struct store_reader *reader, const struct store_sweep *sweep, bool with_config,
                         struct hd_error *error)
{
    struct best_child best = {.found = false};
    char number[HD_NUMBER_TEXT_SIZE] = "null";
    int result = store_read_best(reader, sweep->key, true, true, take_best, &best, error);

    if (result != 0)
        return result;
    hd_text_add_string(text, "{\"run_id\":");
    hd_json_print_string(text, sweep->id);
    hd_text_add_string(text, ",\"run_type\":\"hyperdrive\"");
    resource_string(text, "experiment", sweep->experiment);
    print_labels(text, sweep->config);
    resource_string(text, "status", hd_status_name(sweep->status));
    resource_json(text, "status_reason", sweep->reason);
    resource_instant(text, "created_utc", sweep->created_us);
    resource_instant(text, "start_utc", sweep->started_us);
    resource_instant(text, "end_utc", sweep->ended_us);
    if (with_config)
        resource_json(text, "config", sweep->config);
    hd_text_format(text, ",\"seed\":%" PRId64 ",\"rng\":\"%s\",\"max_total_runs\":%" PRId64, sweep->seed, HD_RANDOM_NAME, sweep->max_total);
    print_children(text, sweep);
    resource_string(text, "best_child_run_id", best.found ? best.id : NULL);
    if (best.found)
        hd_number_json(best.value, number);
    resource_json(text, "best_primary_metric", number);
    print_properties(text, sweep, &best);
    resource_json(text, "warnings", sweep->warnings);
    hd_text_add_char(text, '}');
    return 0;
}

/* --- Runs
 * --------------------------------------------------------------------------------------------------------------------------------- */

void resource_print_run(struct hd_text *text, const struct store_run *run, const char *state_dir)
{
    char number[HD_NUMBER_TEXT_SIZE] = "null";
    char *folder = sweeps_run_folder(state_dir, run->sweep_id, run->number);

    hd_text_add_string(text, "{\"run_id\":");
    hd_json_print_string(text, run->id);
    resource_string(text, "sweep_id", run->sweep_id);
    hd_text_format(text, ",\"number\":%" PRId64, run->number);
    resource_string(text, "status", hd_status_name(run->status));
    hd_text_format(text, ",\"attempt\":%d", run->attempt);
    resource_json(text, "hyperparameters", run->configuration);
    resource_string(text, "resumed_from", run->resumed_from);
    if (run->has_metric)
        hd_number_json(run->best, number);
    resource_json(text, "best_primary_metric", number);
    hd_text_format(text, ",\"reports\":%" PRId64, run->reports);
    resource_instant(text, "created_utc", run->created_us);
    resource_instant(text, "start_utc", run->started_us);
    resource_instant(text, "end_utc", run->ended_us);
    resource_json(text, "stop_reason", run->status == HD_CANCELED || run->status == HD_CANCEL_REQUESTED ? run->stop_reason : NULL);
    resource_json(text, "error", run->error);
    if (run->has_exit_code)
        hd_text_format(text, ",\"exit_code\":%d", run->exit_code);
    else
        resource_json(text, "exit_code", NULL);
    if (run->has_signal)
        hd_text_format(text, ",\"signal\":%d", run->signal);
    else
        resource_json(text, "signal", NULL);
    hd_text_format(text, ",\"peak_memory_bytes\":%" PRId64 ",\"cpu_seconds\":", run->peak_memory);
    hd_number_json((double)run->cpu_us / 1e6, number);
    hd_text_add_string(text, number);
    resource_json(text, "devices", run->devices != NULL ? run->devices : "[]");
    resource_string(text, "run_directory", folder);
    if (folder == NULL)
        text->failed = true;
    free(folder);
}
