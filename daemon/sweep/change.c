/* New limits for a live sweep: the commit decides, then live state follows. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/json.h"
#include "live.h"

struct change {
    struct store_change_sweep request; /* first: the write comes back as this */
    struct sweeps *sweeps;
    cJSON *config; /* with the new values */
    char *text;    /* config, printed */
    sweeps_change_answer *answer;
    void *data;
};

static void finish(struct change *change, const struct hd_error *error)
{
    change->answer(change->data, error);
    cJSON_Delete(change->config);
    free(change->text);
    free(change);
}

static bool set_member(cJSON *config, const char *name, int64_t value)
{
    cJSON *item = value > 0 ? hd_json_new_integer(value) : cJSON_CreateNull();

    if (item != NULL && cJSON_ReplaceItemInObjectCaseSensitive(config, name, item))
        return item->string != NULL; /* which cJSON does not look at */
    cJSON_Delete(item);
    return false;
}

static bool set_limits(cJSON *config, int64_t max_total, int64_t max_concurrent)
{
    return set_member(config, "max_total_runs", max_total) && set_member(config, "max_concurrent_runs", max_concurrent);
}

static void on_changed(struct store_write *write)
{
    struct change *change = (struct change *)write;
    struct sweeps *sweeps = change->sweeps;
    struct live_sweep *sweep = live_sweep_find(sweeps, change->request.sweep);

    if (write->result == 0 && sweep != NULL) {
        sweep->specification.max_total_runs = change->request.max_total;
        sweep->specification.max_concurrent_runs = change->request.max_concurrent;
        sweep->resting = false;
        control_apply(sweep, &change->request.ret_sweep);
        live_sweep_release(sweep);
    }
    finish(change, write->result != 0 ? &write->error : NULL);
    schedule(sweeps);
}

/* Fills the request; what is not given is as it was. */
static bool prepare(struct change *change, const struct live_sweep *sweep, const struct sweeps_change *wanted)
{
    struct hd_text text = {0};

    change->request.sweep = sweep->key;
    change->request.max_total = wanted->has_max_total ? wanted->max_total : sweep->specification.max_total_runs;
    change->request.max_concurrent = wanted->has_max_concurrent ? wanted->max_concurrent : sweep->specification.max_concurrent_runs;
    change->config = cJSON_Duplicate(sweep->specification.config, true);
    if (change->config == NULL || !set_limits(change->config, change->request.max_total, change->request.max_concurrent))
        return false;
    hd_json_print(&text, change->config, HD_JSON_COMPACT);
    change->text = hd_text_take(&text);
    change->request.config = change->text;
    return change->text != NULL;
}

void sweeps_change(struct sweeps *sweeps, int64_t key, const struct sweeps_change *wanted, sweeps_change_answer *answer, void *data)
{
    struct live_sweep *sweep = live_sweep_find(sweeps, key);
    struct change *change;
    struct hd_error error = {0};

    if (sweep == NULL) {
        hd_error_set(&error, HD_CONFLICT, "the sweep has ended: its budget cannot be changed any more");
        answer(data, &error);
        return;
    }
    if (wanted->has_max_total && wanted->max_total < sweep->specification.resumed_count) {
        hd_error_set(&error, HD_CONFLICT, "'max_total_runs' must be at least %" PRId64 ", the number of resume_child_runs, got %" PRId64,
                     sweep->specification.resumed_count, wanted->max_total);
        answer(data, &error);
        return;
    }
    change = calloc(1, sizeof *change);
    if (change == NULL) {
        hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
        answer(data, &error);
        return;
    }
    change->sweeps = sweeps;
    change->answer = answer;
    change->data = data;
    change->request.write.done = on_changed;
    if (!prepare(change, sweep, wanted)) {
        hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
        finish(change, &error);
    } else if (store_change_sweep(sweeps->store, &change->request, &error) != 0) {
        finish(change, &error);
    }
}
