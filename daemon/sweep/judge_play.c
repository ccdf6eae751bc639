/* Where a judge comes from and goes to: the log that the pool plays to it, and the memory of its policy. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge.h"
#include "log.h"

enum { LATE_VALUES_MAX = 16384 };

/* --- A policy that is no longer wanted is freed on the pool: it may consist of a million blocks ------------------------------------------
 */

struct discard {
    uv_work_t work;
    struct sweeps *sweeps;
    struct hd_policy *policy;
    struct history *history;
    bool wake; /* others may have its memory */
};

static void discard_work(uv_work_t *work)
{
    struct discard *discard = work->data;

    hd_policy_free(discard->policy);
    history_close(discard->history);
}

static void wake_resting(struct sweeps *sweeps)
{
    for (struct judge *judge = sweeps->judges; judge != NULL; judge = judge->next)
        if (judge->state == JUDGE_RESTS)
            judge->state = JUDGE_WAITS;
    judges_play(sweeps);
}

static void after_discard(uv_work_t *work, int status)
{
    struct discard *discard = work->data;
    struct sweeps *sweeps = discard->sweeps;
    bool wake = discard->wake;

    (void)status;
    free(discard);
    sweeps->submissions--;
    close_when_quiet(sweeps);
    if (wake && !sweeps->closing)
        wake_resting(sweeps);
}

static void discard_both(struct judge *judge, bool wake)
{
    struct sweeps *sweeps = judge->sweep->sweeps;
    struct discard *discard = judge->policy == NULL && judge->history == NULL ? NULL : calloc(1, sizeof *discard);

    if (discard == NULL || sweeps->closing) {
        hd_policy_free(judge->policy);
        history_close(judge->history);
        free(discard);
    } else {
        *discard = (struct discard){.sweeps = sweeps, .policy = judge->policy, .history = judge->history, .wake = wake};
        discard->work.data = discard;
        (void)uv_queue_work(sweeps->loop, &discard->work, discard_work, after_discard); /* fails only without a function */
        sweeps->submissions++;
    }
    judge->policy = NULL;
    judge->history = NULL;
}

/* --- What comes while the pool plays ----------------------------------------------------------------------------------------------------
 */

void judge_drop_late(struct judge *judge)
{
    while (judge->late != NULL) {
        struct judged_reports *next = judge->late->next;

        free(judge->late);
        judge->late = next;
    }
    judge->late_tail = &judge->late;
    judge->late_values = 0;
}

void judge_keep(struct judge *judge, struct judged_reports *reports)
{
    judge->late_values += reports->count + 1;
    *judge->late_tail = reports;
    judge->late_tail = &reports->next;
    if (judge->late_values <= LATE_VALUES_MAX)
        return;
    judge->late_lost = true;
    judge_drop_late(judge);
}

/* What was committed behind the end of the log that was played. */
static void feed_late(struct judge *judge, int64_t played)
{
    struct judged_reports *late = judge->late, *next;

    judge->late = NULL;
    judge_drop_late(judge);
    for (; late != NULL; late = next) {
        next = late->next;
        if (late->ordinal > played && judge->state == JUDGE_JUDGES)
            (void)judge_feed(judge, late, NULL, NULL);
        else
            free(late);
    }
}

/* --- Rest -------------------------------------------------------------------------------------------------------------------------------
 */

static void play_later(struct judge *judge)
{
    struct sweeps *sweeps = judge->sweep->sweeps;

    log_line(LOG_LEVEL_ERROR, "sweep %s: its reports could not be judged, tried again in a second: %s", judge->sweep->id,
             judge->error.message);
    judge->state = JUDGE_WAITS;
    judge_drop_late(judge);
    discard_both(judge, false);
    deadline_set_again(&sweeps->deadlines, &judge->retry);
}

/* What the policies may keep does not suffice. Where it is the machine that has none, that passes. */
void judge_rest(struct judge *judge)
{
    char message[256];

    if (atomic_exchange(&judge->sweep->sweeps->policy_memory.exhausted, false)) {
        hd_error_set(&judge->error, HD_UNAVAILABLE, "out of memory");
        play_later(judge);
        return;
    }
    judge->state = JUDGE_RESTS;
    judge_drop_late(judge);
    discard_both(judge, false);
    if (judge->told_rest)
        return;
    judge->told_rest = true;
    snprintf(message, sizeof message,
             "early termination is paused: what the policies keep would need more than 'policy_memory_mb' (%" PRId64
             "); the runs go on and are judged when there is room",
             judge->sweep->sweeps->policy_memory.limit >> 20);
    sweep_note(judge->sweep, true, "PolicyPaused", message);
}

/* --- Playing ----------------------------------------------------------------------------------------------------------------------------
 */

static void play(uv_work_t *work)
{
    struct judge *judge = work->data;
    struct sweeps *sweeps = judge->sweep->sweeps;
    struct store_reader *reader = store_take_reader(sweeps->store, &judge->error);

    if (reader == NULL) {
        judge->result = -(int)judge->error.code;
        return;
    }
    judge->result = history_play(judge->history, reader, &sweeps->judges_stop, &judge->error);
    store_give_reader(sweeps->store, reader);
}

static void give_decision(void *context, const struct hd_decision *decision)
{
    struct judge *judge = context;

    if (!judge_apply(judge, decision, NULL, NULL))
        hd_error_set(&judge->error, HD_UNAVAILABLE, "out of memory");
}

static void begin_to_judge(struct judge *judge)
{
    int64_t played = history_ordinal(judge->history);

    judge->policy = history_take_policy(judge->history);
    judge->state = JUDGE_JUDGES;
    history_close(judge->history);
    judge->history = NULL;
    if (judge->told_rest)
        sweep_note(judge->sweep, false, "PolicyResumed", "early termination goes on: every report that came meanwhile has been judged");
    judge->told_rest = false;
    feed_late(judge, played);
}

static void start_play(struct judge *judge);

void judge_lose(struct judge *judge)
{
    judge->late_lost = true;
    if (judge->state == JUDGE_PLAYS)
        return;
    hd_error_set(&judge->error, HD_UNAVAILABLE, "out of memory");
    play_later(judge);
}

static void go_on(struct judge *judge)
{
    if (judge->result > 0) {
        judge_rest(judge);
    } else if (judge->result < 0) {
        play_later(judge);
    } else {
        history_found(judge->history, give_decision, judge);
        if (judge->error.code != HD_NO_ERROR)
            play_later(judge);
        else if (judge->late_lost)
            start_play(judge);
        else
            begin_to_judge(judge);
    }
}

static void after_play(uv_work_t *work, int status)
{
    struct judge *judge = work->data;
    struct live_sweep *sweep = judge->sweep;
    struct sweeps *sweeps = sweep->sweeps;

    (void)status;
    sweep->writes--;
    sweeps->submissions--;
    close_when_quiet(sweeps);
    if (sweeps->closing)
        return;
    go_on(judge);
    live_sweep_release(sweep);
    judges_play(sweeps);
}

static void start_play(struct judge *judge)
{
    struct live_sweep *sweep = judge->sweep;

    judge_drop_late(judge);
    judge->late_lost = false;
    judge->error.code = HD_NO_ERROR;
    judge->state = JUDGE_PLAYS;
    judge->work.data = judge;
    (void)uv_queue_work(sweep->sweeps->loop, &judge->work, play, after_play); /* fails only without a function */
    sweep->writes++;
    sweep->sweeps->submissions++;
}

/* One after the other, so that the pool has threads left for others. */
void judges_play(struct sweeps *sweeps)
{
    struct judge *next = NULL;

    if (sweeps->closing)
        return;
    for (struct judge *judge = sweeps->judges; judge != NULL; judge = judge->next) {
        if (judge->state == JUDGE_PLAYS)
            return;
        if (next == NULL && judge->state == JUDGE_WAITS && !deadline_is_set(&judge->retry))
            next = judge;
    }
    if (next == NULL)
        return;
    if (next->history == NULL)
        next->history = history_open(&next->sweep->specification.policy, &sweeps->policy_memory, next->sweep->key);
    if (next->history == NULL) {
        hd_error_set(&next->error, HD_UNAVAILABLE, "out of memory");
        play_later(next);
        return;
    }
    start_play(next);
}

/* --- Opening and closing ----------------------------------------------------------------------------------------------------------------
 */

static void on_retry(struct deadline *deadline)
{
    struct judge *judge = (struct judge *)((char *)deadline - offsetof(struct judge, retry));
    struct sweeps *sweeps = judge->sweep->sweeps;

    judge_store_again(judge);
    judges_play(sweeps);
}

struct judge *judge_new(struct live_sweep *sweep)
{
    struct judge *judge = calloc(1, sizeof *judge);

    if (judge == NULL)
        return NULL;
    judge->sweep = sweep;
    judge->late_tail = &judge->late;
    judge->retry.reached = on_retry;
    return judge;
}

void judge_open(struct live_sweep *sweep, bool fresh)
{
    struct sweeps *sweeps = sweep->sweeps;
    struct judge *judge = sweep->judge;

    if (judge == NULL)
        return;
    judge->next = sweeps->judges;
    judge->link = &sweeps->judges;
    if (judge->next != NULL)
        judge->next->link = &judge->next;
    sweeps->judges = judge;
    if (!fresh)
        return;
    judge->policy = hd_policy_new(&sweep->specification.policy, &sweeps->policy_memory);
    judge->state = JUDGE_JUDGES;
    if (judge->policy == NULL)
        judge_rest(judge);
}

void judge_close(struct live_sweep *sweep)
{
    struct judge *judge = sweep->judge;

    if (judge == NULL)
        return;
    deadline_clear(&sweep->sweeps->deadlines, &judge->retry);
    judge_drop_late(judge);
    judge_drop_unstored(judge);
    discard_both(judge, true);
    if (judge->link != NULL)
        *judge->link = judge->next;
    if (judge->next != NULL)
        judge->next->link = judge->link;
    free(judge);
    sweep->judge = NULL;
}

void judges_change_memory(struct sweeps *sweeps, int64_t limit)
{
    bool more = limit > sweeps->policy_memory.limit;

    sweeps->policy_memory.limit = limit;
    if (more)
        wake_resting(sweeps);
}
