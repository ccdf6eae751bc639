/* At start: live state is built anew from the store (law 5). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "live.h"
#include "log.h"

struct recovery {
    struct sweeps *sweeps;
    struct live_sweep *sweep; /* whose runs are being read */
    struct hd_error *error;
};

/* What it holds was stored with its intent: nobody else is given that while it lives. */
static int restore_grant(struct recovery *recovery, struct live_run *run, const char *devices)
{
    const struct demand demand = demand_of(&run->sweep->specification.run);
    struct grant *grant = allocation_restore(&recovery->sweeps->allocation, &demand, devices);

    if (grant == NULL)
        return hd_error_set(recovery->error, HD_INTERNAL, "the stored devices of run %s are not understood, or memory is short", run->id);
    slot_take(run, grant);
    return 0;
}

static int take_run(void *context, const struct store_run *row)
{
    struct recovery *recovery = context;
    struct live_run *run = live_run_new();
    char *configuration = strdup(row->configuration);
    int result;

    if (run == NULL || configuration == NULL) {
        free(run);
        free(configuration);
        return hd_error_set(recovery->error, HD_UNAVAILABLE, "out of memory");
    }
    live_run_add(run, recovery->sweep, row->key, row->number, configuration);
    run->attempt = row->attempt;
    run->started_us = row->started_us;
    run->stopping = row->stop_reason != NULL;
    if (row->attempt == 0) {
        live_run_wait(run);
        return 0;
    }
    if (client_is_launcher(recovery->sweep)) {
        client_recover(run);
        return 0;
    }
    result = restore_grant(recovery, run, row->devices);
    if (result != 0)
        return result;
    if (row->monitor_pid > 0) {
        struct launch_identity identity = {.pid = row->monitor_pid, .start_ticks = row->monitor_ticks};

        snprintf(identity.boot_id, sizeof identity.boot_id, "%s", row->boot_id);
        children_adopt(run, &identity);
        recovery->sweeps->adopted++;
        control_watch_timeout(run);
    } else {
        /* An intent whose start nobody saw. The monitor decides whether it runs, ran, or must be started. */
        children_launch(run);
    }
    return 0;
}

static int parse(const struct store_sweep *row, struct hd_specification *ret_specification, struct hd_error *error)
{
    const struct hd_specification_options options = {.seed = row->seed, .stored = true};
    struct hd_problems errors = {0}, warnings = {0};
    cJSON *config = hd_json_parse_own(row->config);
    int result = config == NULL ? -1 : hd_specification_parse(config, &options, &errors, &warnings, ret_specification);

    if (result != 0)
        result = hd_error_set(error, HD_INTERNAL, "the stored specification of sweep %s is not understood: %s", row->id,
                              errors.count > 0 ? errors.list[0].message : "out of memory or no JSON");
    cJSON_Delete(config);
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    return result;
}

static int take_sweep(void *context, const struct store_sweep *row)
{
    struct recovery *recovery = context;
    struct hd_specification specification = {0};
    struct live_sweep *sweep;
    int result = parse(row, &specification, recovery->error);

    if (result != 0)
        return result;
    sweep = live_sweep_new(recovery->sweeps, row->id, &specification);
    if (sweep == NULL) {
        hd_specification_clear(&specification);
        return hd_error_set(recovery->error, HD_UNAVAILABLE, "out of memory");
    }
    live_sweep_add(sweep, row->key);
    sweep->status = row->status;
    sweep->generation = row->generation;
    sweep->generated = row->generated;
    if (row->started_us != 0 && row->status == HD_RUNNING)
        control_watch_duration(sweep, row->started_us);
    judge_open(sweep, false);
    recovery->sweep = sweep;
    return store_read_live_runs(store_loop_reader(recovery->sweeps->store), row->key, take_run, recovery, recovery->error);
}

int64_t sweeps_adopted(const struct sweeps *sweeps)
{
    return sweeps->adopted;
}

int recover(struct sweeps *sweeps, struct hd_error *error)
{
    struct recovery recovery = {.sweeps = sweeps, .error = error};

    return store_read_live_sweeps(store_loop_reader(sweeps->store), take_sweep, &recovery, error);
}
