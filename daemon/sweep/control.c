/* What the result of a commit means for live state; cancels; time limits. */
#include "live.h"

#include <stdlib.h>

#include "log.h"

void control_stop_run(struct live_run *run)
{
    run->stopping = true;
    if (run->child != NULL)
        launch_stop(run->child);
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

    sweep->status = state->status;
    sweep->generation = state->generation;
    sweep->generated = state->generated;
    if (sweep->sweeps->closing)
        return;
    if (was_starting && state->started_us != 0)
        control_watch_duration(sweep, state->started_us);
    if (state->failed_start || (is_stopping(state->status) && !was_stopping))
        stop_all(sweep);
    if (hd_status_ended(state->status)) {
        deadline_clear(&sweep->sweeps->deadlines, &sweep->duration);
        log_line(LOG_LEVEL_INFO, "sweep %s ended: %s", sweep->id, hd_status_name(state->status));
    }
}

void control_watch_duration(struct live_sweep *sweep, int64_t started_us)
{
    if (!deadline_set(&sweep->sweeps->deadlines, &sweep->duration, started_us + sweep->specification.max_duration_us))
        log_line(LOG_LEVEL_ERROR, "sweep %s: no memory to watch its max_duration", sweep->id);
}

void control_watch_timeout(struct live_run *run)
{
    int64_t limit_us = run->sweep->specification.trial_timeout_us;

    if (limit_us > 0 && run->started_us > 0 && !deadline_set(&run->sweep->sweeps->deadlines, &run->timeout, run->started_us + limit_us))
        log_line(LOG_LEVEL_ERROR, "run %s: no memory to watch its trial_timeout", run->id);
}

void control_check_ended(struct sweeps *sweeps)
{
    void (*ended)(void *data) = sweeps->ended;

    if (!sweeps->ending || ended == NULL)
        return;
    for (struct live_sweep *sweep = sweeps->first; sweep != NULL; sweep = sweep->next)
        for (struct live_run *run = sweep->runs; run != NULL; run = run->next)
            if (run->child != NULL || run->writing_end)
                return;
    sweeps->ended = NULL;
    ended(sweeps->ended_data);
}

/* --- Cancels: the commit decides, then the processes are stopped ------------------------------------------------------------------------ */

struct cancel {
    union {
        struct store_write write;
        struct store_cancel_sweep sweep;
        struct store_cancel_run run;
    };
    struct sweeps *sweeps;
    sweeps_cancel_answer *answer;
    void *data;
};

static void refuse(struct cancel *cancel, sweeps_cancel_answer *answer, void *data, const struct hd_error *error)
{
    answer(data, false, HD_STATUS_NONE, error);
    free(cancel);
}

static void on_sweep_canceled(struct store_write *write)
{
    struct cancel *cancel = (struct cancel *)write;
    struct sweeps *sweeps = cancel->sweeps;
    struct live_sweep *sweep;

    if (write->result != 0) {
        refuse(cancel, cancel->answer, cancel->data, &write->error);
        return;
    }
    sweep = live_sweep_find(sweeps, cancel->sweep.sweep);
    if (sweep != NULL && !sweeps->closing) {
        control_apply(sweep, &cancel->sweep.ret_sweep);
        live_sweep_release(sweep);
    }
    cancel->answer(cancel->data, cancel->sweep.ret_canceled, cancel->sweep.ret_sweep.status, NULL);
    free(cancel);
    schedule(sweeps);
}

void control_cancel_sweep(struct sweeps *sweeps, int64_t key, const char *code, int64_t limit_seconds, sweeps_cancel_answer *answer,
                          void *data)
{
    struct cancel *cancel = calloc(1, sizeof *cancel);
    struct hd_error error = {0};

    if (cancel == NULL) {
        hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
        refuse(cancel, answer, data, &error);
        return;
    }
    cancel->sweeps = sweeps;
    cancel->answer = answer;
    cancel->data = data;
    cancel->sweep.sweep = key;
    cancel->sweep.code = code;
    cancel->sweep.limit_seconds = limit_seconds;
    cancel->write.done = on_sweep_canceled;
    if (store_cancel_sweep(sweeps->store, &cancel->sweep, &error) != 0)
        refuse(cancel, answer, data, &error);
}

void sweeps_cancel(struct sweeps *sweeps, int64_t sweep, sweeps_cancel_answer *answer, void *data)
{
    control_cancel_sweep(sweeps, sweep, "user", 0, answer, data);
}

static void on_run_canceled(struct store_write *write)
{
    struct cancel *cancel = (struct cancel *)write;
    struct sweeps *sweeps = cancel->sweeps;
    struct live_run *run;

    if (write->result != 0) {
        refuse(cancel, cancel->answer, cancel->data, &write->error);
        return;
    }
    run = live_run_find(sweeps, cancel->run.run);
    if (run != NULL && !sweeps->closing && cancel->run.ret_canceled) {
        struct live_sweep *sweep = run->sweep;

        if (hd_status_ended(cancel->run.ret_status) && run->attempt == 0)
            live_run_free(run);
        else
            control_stop_run(run);
        sweep->resting = false;
        control_apply(sweep, &cancel->run.ret_sweep);
        live_sweep_release(sweep);
    }
    cancel->answer(cancel->data, cancel->run.ret_canceled, cancel->run.ret_status, NULL);
    free(cancel);
    schedule(sweeps);
}

void control_cancel_run(struct sweeps *sweeps, int64_t key, const char *kind, int64_t limit_seconds, sweeps_cancel_answer *answer,
                        void *data)
{
    struct cancel *cancel = calloc(1, sizeof *cancel);
    struct hd_error error = {0};

    if (cancel == NULL) {
        hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
        refuse(cancel, answer, data, &error);
        return;
    }
    cancel->sweeps = sweeps;
    cancel->answer = answer;
    cancel->data = data;
    cancel->run.run = key;
    cancel->run.kind = kind;
    cancel->run.limit_seconds = limit_seconds;
    cancel->write.done = on_run_canceled;
    if (store_cancel_run(sweeps->store, &cancel->run, &error) != 0)
        refuse(cancel, answer, data, &error);
}

void sweeps_cancel_run(struct sweeps *sweeps, int64_t run, sweeps_cancel_answer *answer, void *data)
{
    control_cancel_run(sweeps, run, "user", 0, answer, data);
}
