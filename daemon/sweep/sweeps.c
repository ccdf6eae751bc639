/* Opening and closing of the room. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/text.h"
#include "live.h"
#include "log.h"

/* A thousand runs per folder, so that no folder grows without bound. */
enum { RUNS_PER_FOLDER = 1000 };

char *sweeps_run_folder(const char *state_dir, const char *sweep_id, int64_t number)
{
    struct hd_text path = {0};

    hd_text_format(&path, "%s/runs/%s/%" PRId64 "/%" PRId64, state_dir, sweep_id, number / RUNS_PER_FOLDER, number);
    return hd_text_take(&path);
}

static void free_unopened(void *data)
{
    sweeps_free(data);
}

int sweeps_open(struct sweeps **ret_sweeps, uv_loop_t *loop, struct store *store, const struct sweeps_settings *settings,
                struct hd_error *error)
{
    const struct launch_settings launch_settings = {.monitor = settings->monitor,
                                                    .grace_us = settings->grace_us,
                                                    .log_limit = settings->log_limit,
                                                    .cgroup = settings->cgroup,
                                                    .systemd_run = settings->systemd_run,
                                                    .root = settings->devices.root};
    struct sweeps *sweeps = calloc(1, sizeof *sweeps);
    int result;

    if (sweeps == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    sweeps->loop = loop;
    lane_open(&sweeps->snapshots, loop, LANE_SUBMISSIONS);
    lane_open(&sweeps->removals, loop, LANE_REMOVALS);
    sweeps->store = store;
    sweeps->settings = *settings;
    sweeps->tail = &sweeps->first;
    sweeps->policy_memory.limit = settings->policy_memory;
    result = deadlines_open(&sweeps->deadlines, loop, error);
    if (result != 0) {
        free(sweeps);
        return result;
    }
    atomic_init(&sweeps->stop_looking, false);
    result = devices_open(sweeps, error);
    if (result == 0)
        result = launch_open(&sweeps->launch, loop, &launch_settings, &children_events, error);
    if (result == 0)
        result = recover(sweeps, error);
    if (result == 0)
        result = delete_take_up(sweeps, error);
    if (result == 0)
        result = devices_look(sweeps, error);
    if (result != 0) {
        sweeps_close(sweeps, free_unopened, sweeps);
        return result;
    }
    *ret_sweeps = sweeps;
    if (launch_cgroup(sweeps->launch) != NULL)
        log_line(LOG_LEVEL_INFO, "each child gets a control group of its own below %s", launch_cgroup(sweeps->launch));
    leftovers_remove(sweeps);
    judges_play(sweeps);
    return 0;
}

void sweeps_change_settings(struct sweeps *sweeps, const struct sweeps_settings *settings)
{
    launch_set_grace(sweeps->launch, settings->grace_us);
    launch_set_log_limit(sweeps->launch, settings->log_limit);
    sweeps->settings.grace_us = settings->grace_us;
    allocation_set_slots(&sweeps->allocation, settings->slots);
    sweeps->settings.snapshot_limit = settings->snapshot_limit;
    sweeps->settings.environment = settings->environment;
    judges_change_memory(sweeps, settings->policy_memory);
    schedule(sweeps);
}

static void on_deadlines_closed(void *data)
{
    struct sweeps *sweeps = data;

    sweeps->quiet = true;
    close_when_quiet(sweeps);
}

void close_when_quiet(struct sweeps *sweeps)
{
    if (sweeps->quiet && sweeps->submissions == 0 && sweeps->closed != NULL) {
        void (*closed)(void *) = sweeps->closed;

        sweeps->closed = NULL;
        closed(sweeps->closed_data);
    }
}

static void on_launch_closed(void *data)
{
    struct sweeps *sweeps = data;

    deadlines_close(&sweeps->deadlines, on_deadlines_closed, sweeps);
}

void sweeps_close(struct sweeps *sweeps, void (*closed)(void *data), void *data)
{
    sweeps->closing = true;
    sweeps_stop_looking(sweeps);
    atomic_store(&sweeps->judges_stop, true);
    sweeps->closed = closed;
    sweeps->closed_data = data;
    lane_stop(&sweeps->snapshots);
    lane_stop(&sweeps->removals);
    for (struct live_sweep *sweep = sweeps->first; sweep != NULL; sweep = sweep->next)
        folders_forget(sweep);
    if (sweeps->launch != NULL)
        launch_close(sweeps->launch, on_launch_closed, sweeps);
    else
        on_launch_closed(sweeps);
}

void sweeps_free(struct sweeps *sweeps)
{
    while (sweeps->first != NULL)
        live_sweep_free(sweeps->first);
    devices_close(sweeps);
    free(sweeps);
}

static void on_stop_stored(void *data, bool canceled, enum hd_status status, const struct hd_error *error)
{
    struct sweeps *sweeps = data;

    (void)canceled, (void)status;
    if (error == NULL || sweeps->closing)
        return;
    log_line(LOG_LEVEL_ERROR, "a child's cancel could not be stored, tried again in a second: %s", error->message);
    deadline_set_again(&sweeps->deadlines, &sweeps->end_again);
}

static void cancel_children(struct sweeps *sweeps)
{
    for (struct live_sweep *sweep = sweeps->first; sweep != NULL; sweep = sweep->next)
        for (struct live_run *run = sweep->runs; run != NULL; run = run->next)
            if (run->attempt > 0 && !run->stopping && !run->writing_end && !client_is_launcher(sweep))
                cancel_run(sweeps, run->key, "user", 0, on_stop_stored, sweeps);
}

static void on_end_again(struct deadline *deadline)
{
    cancel_children((struct sweeps *)((char *)deadline - offsetof(struct sweeps, end_again)));
}

void sweeps_end_children(struct sweeps *sweeps, void (*ended)(void *data), void *data)
{
    sweeps->ending = true;
    sweeps->ended = ended;
    sweeps->ended_data = data;
    sweeps->end_again.reached = on_end_again;
    cancel_children(sweeps);
    control_check_ended(sweeps);
}

void sweeps_run_token(const struct sweeps *sweeps, const char *run_id, int attempt, char *buffer, size_t size)
{
    sweeps->settings.run_token(sweeps->settings.context, run_id, attempt, buffer, size);
}
