/* The lists of live sweeps and live runs. */
#include "live.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "proposals.h"

static void on_duration(struct deadline *deadline);
static void on_retry(struct deadline *deadline);

struct live_sweep *live_sweep_new(struct sweeps *sweeps, const char *id, struct hd_specification *specification)
{
    struct live_sweep *sweep = calloc(1, sizeof *sweep);

    if (sweep == NULL || (specification->policy.type != HD_POLICY_NONE && (sweep->judge = judge_new(sweep)) == NULL)) {
        free(sweep);
        return NULL;
    }
    sweep->sweeps = sweeps;
    snprintf(sweep->id, sizeof sweep->id, "%s", id);
    sweep->specification = *specification;
    *specification = (struct hd_specification){0};
    sweep->status = HD_STARTING;
    sweep->runs_tail = &sweep->runs;
    sweep->waiting_tail = &sweep->waiting;
    sweep->questions_tail = &sweep->questions;
    sweep->duration.reached = on_duration;
    sweep->retry.reached = on_retry;
    return sweep;
}

void live_sweep_add(struct live_sweep *sweep, int64_t key)
{
    struct sweeps *sweeps = sweep->sweeps;

    sweep->key = key;
    sweep->link = sweeps->tail;
    *sweeps->tail = sweep;
    sweeps->tail = &sweep->next;
}

static void take_off_list(struct live_sweep *sweep)
{
    if (sweep->link == NULL)
        return;
    *sweep->link = sweep->next;
    if (sweep->next != NULL)
        sweep->next->link = sweep->link;
    else
        sweep->sweeps->tail = sweep->link;
}

struct live_sweep *live_sweep_find(struct sweeps *sweeps, int64_t key)
{
    for (struct live_sweep *sweep = sweeps->first; sweep != NULL; sweep = sweep->next)
        if (sweep->key == key)
            return sweep;
    return NULL;
}

void live_sweep_free(struct live_sweep *sweep)
{
    struct sweeps *sweeps = sweep->sweeps;

    while (sweep->runs != NULL)
        live_run_free(sweep->runs);
    judge_close(sweep);
    proposals_close(sweep);
    if (sweeps->kept_for == sweep)
        sweeps->kept_for = NULL;
    folders_forget(sweep);
    deadline_clear(&sweeps->deadlines, &sweep->duration);
    deadline_clear(&sweeps->deadlines, &sweep->retry);
    take_off_list(sweep);
    hd_specification_clear(&sweep->specification);
    free(sweep);
}

void live_sweep_release(struct live_sweep *sweep)
{
    if (hd_status_ended(sweep->status) && sweep->runs == NULL && sweep->writes == 0 && sweep->questions == NULL)
        live_sweep_free(sweep);
}

static void on_timeout(struct deadline *deadline);

struct live_run *live_run_new(void)
{
    return calloc(1, sizeof(struct live_run));
}

void live_run_add(struct live_run *run, struct live_sweep *sweep, int64_t key, int64_t number, char *configuration)
{
    snprintf(run->id, sizeof run->id, "%s_%" PRId64, sweep->id, number);
    run->sweep = sweep;
    run->key = key;
    run->number = number;
    run->configuration = configuration;
    run->timeout.reached = on_timeout;
    run->link = sweep->runs_tail;
    *sweep->runs_tail = run;
    sweep->runs_tail = &run->next;
    sweep->live++;
}

void live_run_wait(struct live_run *run)
{
    struct live_sweep *sweep = run->sweep;

    run->waiting_next = NULL;
    run->waiting_link = sweep->waiting_tail;
    *sweep->waiting_tail = run;
    sweep->waiting_tail = &run->waiting_next;
}

void live_run_wait_first(struct live_run *run)
{
    struct live_sweep *sweep = run->sweep;

    run->waiting_next = sweep->waiting;
    run->waiting_link = &sweep->waiting;
    sweep->waiting = run;
    if (run->waiting_next != NULL)
        run->waiting_next->waiting_link = &run->waiting_next;
    else
        sweep->waiting_tail = &run->waiting_next;
}

void live_run_wait_no_more(struct live_run *run)
{
    if (run->waiting_link == NULL)
        return;
    *run->waiting_link = run->waiting_next;
    if (run->waiting_next != NULL)
        run->waiting_next->waiting_link = run->waiting_link;
    else
        run->sweep->waiting_tail = run->waiting_link;
    run->waiting_link = NULL;
}

struct live_run *live_run_find(struct sweeps *sweeps, int64_t key)
{
    for (struct live_sweep *sweep = sweeps->first; sweep != NULL; sweep = sweep->next)
        for (struct live_run *run = sweep->runs; run != NULL; run = run->next)
            if (run->key == key)
                return run;
    return NULL;
}

void live_run_free(struct live_run *run)
{
    struct live_sweep *sweep = run->sweep;

    slot_release(run);
    live_run_wait_no_more(run);
    if (run->intending != NULL)
        *run->intending = NULL;
    deadline_clear(&sweep->sweeps->deadlines, &run->timeout);
    if (!run->writing_end)
        sweep->live--;
    *run->link = run->next;
    if (run->next != NULL)
        run->next->link = run->link;
    else
        sweep->runs_tail = run->link;
    children_free_start(run);
    spool_free(run);
    children_free_end(run);
    free(run->configuration);
    free(run);
}

/* --- Deadlines ---------------------------------------------------------------------------------------------------------------------- */

/* A limit whose cancel could not be stored is tried again. */
static void try_again(struct sweeps *sweeps, struct deadline *deadline, const char *id, const char *limit, const struct hd_error *error)
{
    if (error == NULL || sweeps->closing)
        return;
    log_line(LOG_LEVEL_ERROR, "%s: that it reached its %s could not be stored, tried again in a second: %s", id, limit, error->message);
    deadline_set_again(&sweeps->deadlines, deadline);
}

static void on_duration_stored(void *data, bool canceled, enum hd_status status, const struct hd_error *error)
{
    struct live_sweep *sweep = data;

    (void)canceled, (void)status;
    sweep->writes--;
    try_again(sweep->sweeps, &sweep->duration, sweep->id, "max_duration", error);
    live_sweep_release(sweep);
}

static void on_duration(struct deadline *deadline)
{
    struct live_sweep *sweep = (struct live_sweep *)((char *)deadline - offsetof(struct live_sweep, duration));

    sweep->writes++;
    cancel_sweep(sweep->sweeps, sweep->key, "max_duration", sweep->specification.max_duration_us / 1e6, on_duration_stored, sweep);
}

static void on_retry(struct deadline *deadline)
{
    struct live_sweep *sweep = (struct live_sweep *)((char *)deadline - offsetof(struct live_sweep, retry));

    sweep->resting = false;
    schedule(sweep->sweeps);
}

struct timed_out {
    struct sweeps *sweeps;
    int64_t run; /* key: the end that a client has told may be stored before this, and then the run is gone */
};

static void on_timeout_stored(void *data, bool canceled, enum hd_status status, const struct hd_error *error)
{
    struct timed_out *timed_out = data;
    struct live_run *run = error != NULL ? live_run_find(timed_out->sweeps, timed_out->run) : NULL;

    (void)canceled, (void)status;
    if (run != NULL && run->end == NULL)
        try_again(timed_out->sweeps, &run->timeout, run->id, "trial_timeout", error);
    free(timed_out);
}

static void cancel_late(struct live_run *run)
{
    struct sweeps *sweeps = run->sweep->sweeps;
    struct timed_out *timed_out = malloc(sizeof *timed_out);

    if (timed_out == NULL) {
        deadline_set_again(&sweeps->deadlines, &run->timeout);
        return;
    }
    *timed_out = (struct timed_out){sweeps, run->key};
    cancel_run(sweeps, run->key, "trial_timeout", run->sweep->specification.trial_timeout_us / 1e6, on_timeout_stored, timed_out);
}

static void on_timeout(struct deadline *deadline)
{
    struct live_run *run = (struct live_run *)((char *)deadline - offsetof(struct live_run, timeout));

    if (run->spool != NULL)
        spool_go_on(run);
    else if (run->end != NULL)
        children_write_end(run);
    else if (run->stopping && client_is_launcher(run->sweep))
        client_give_up(run);
    else if (run->child == NULL && !client_is_launcher(run->sweep))
        children_launch_again(run);
    else
        cancel_late(run);
}
