/* What the result of a commit means for live state; cancels; time limits. */
#include "live.h"

#include <stdlib.h>

#include "log.h"

void control_stop_run(struct live_run *run)
{
    bool again = run->stopping;

    run->stopping = true;
    if (run->child != NULL)
        launch_stop(run->child);
    else if (client_is_launcher(run->sweep) && !again)
        client_stop(run);
}

/* After all live children of a sweep were cancelled in the store: those without an attempt are Canceled already, the others are stopped. */
static void stop_all(struct live_sweep *sweep)
{
    struct live_run *next;

    for (struct live_run *run = sweep->runs; run != NULL; run = next) {
        next = run->next;
        if (run->attempt == 0)
            live_run_free(run);
        else
            control_stop_run(run);
    }
}

static bool is_stopping(enum hd_status status)
{
    return status == HD_CANCEL_REQUESTED || hd_status_ended(status);
}

void control_apply(struct live_sweep *sweep, const struct store_sweep_state *state)
{
    bool was_starting = sweep->status == HD_STARTING, was_stopping = is_stopping(sweep->status);
    bool had_ended = hd_status_ended(sweep->status);

    sweep->status = state->status;
    sweep->generation = state->generation;
    sweep->generated = state->generated;
    if (sweep->sweeps->closing)
        return;
    if (was_starting && state->started_us != 0)
        control_watch_duration(sweep, state->started_us);
    if (state->failed_start || (is_stopping(state->status) && !was_stopping))
        stop_all(sweep);
    folders_settle(sweep);
    if (hd_status_ended(state->status) && !had_ended) {
        deadline_clear(&sweep->sweeps->deadlines, &sweep->duration);
        log_line(LOG_LEVEL_INFO, "sweep %s ended: %s", sweep->id, hd_status_name(state->status));
    }
}

void control_run_ended(struct live_run *run, const struct store_sweep_state *state)
{
    struct live_sweep *sweep = run->sweep;

    judge_run_ended(sweep, run->key);
    live_run_free(run);
    sweep->resting = false;
    control_apply(sweep, state);
    live_sweep_release(sweep);
}

void control_watch_duration(struct live_sweep *sweep, int64_t started_us)
{
    deadline_set(&sweep->sweeps->deadlines, &sweep->duration, deadline_behind_us(started_us, sweep->specification.max_duration_us));
}

void control_watch_timeout(struct live_run *run)
{
    int64_t limit_us = run->sweep->specification.trial_timeout_us;

    if (limit_us > 0 && run->started_us > 0)
        deadline_set(&run->sweep->sweeps->deadlines, &run->timeout, deadline_behind_us(run->started_us, limit_us));
}

/* It has processes, its end is not stored, or it could not be taken up and will be. */
static bool is_at_work(const struct live_run *run)
{
    bool is_ours = run->attempt > 0 && !client_is_launcher(run->sweep);

    return run->child != NULL || run->end != NULL || (is_ours && deadline_is_set(&run->timeout));
}

void control_check_ended(struct sweeps *sweeps)
{
    void (*ended)(void *data) = sweeps->ended;

    if (!sweeps->ending || ended == NULL)
        return;
    for (struct live_sweep *sweep = sweeps->first; sweep != NULL; sweep = sweep->next)
        for (struct live_run *run = sweep->runs; run != NULL; run = run->next)
            if (is_at_work(run))
                return;
    sweeps->ended = NULL;
    ended(sweeps->ended_data);
}
