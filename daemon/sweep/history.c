#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "core/merge.h"

/* Reports of a run that are read at once. */
enum { PAGE = 64, RUNS_FIRST = 16 };

/* A run that has begun and not ended, as far as the log was played. */
struct history_run {
    int64_t run;
    enum hd_status status;
    int64_t next; /* sequence of the point that is read next */
    struct report {
        int64_t ordinal;
        double value;
    } page[PAGE];
    int count, at;
    bool merged;         /* its next report is in the merge */
    bool stop, given;    /* a decision stands to stop it; it was given already */
    bool unjudged, told; /* it was not judged for want of a metric; the log says so */
    struct hd_decision stopped, not_judged;
};

struct history {
    struct hd_policy *policy;
    int64_t sweep;
    int64_t ordinal;
    bool inherited;            /* the reports of inherited sweeps were played */
    struct history_run **runs; /* by key */
    size_t count, capacity;
    struct hd_merge merge; /* of those that have reports */
    /* While it plays. */
    struct store_reader *reader;
    const atomic_bool *stop;
    struct hd_error *error;
    bool short_of_memory; /* the policy */
};

struct history *history_open(const struct hd_policy_rule *rule, struct hd_memory *memory, int64_t sweep)
{
    struct history *history = calloc(1, sizeof *history);

    if (history == NULL)
        return NULL;
    history->sweep = sweep;
    history->policy = hd_policy_new(rule, memory); /* NULL: told when it plays */
    return history;
}

void history_close(struct history *history)
{
    if (history == NULL)
        return;
    hd_policy_free(history->policy);
    for (size_t i = 0; i < history->count; i++)
        free(history->runs[i]);
    free(history->runs);
    hd_merge_clear(&history->merge);
    free(history);
}

int64_t history_ordinal(const struct history *history)
{
    return history->ordinal;
}

struct hd_policy *history_take_policy(struct history *history)
{
    struct hd_policy *policy = history->policy;

    history->policy = NULL;
    return policy;
}

/* --- Runs -------------------------------------------------------------------------------------------------------------------------------
 */

/* The place of a run, or where it belongs. */
static size_t place_of(const struct history *history, int64_t run)
{
    size_t from = 0, to = history->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (history->runs[middle]->run < run)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static struct history_run *find_run(const struct history *history, int64_t run)
{
    size_t place = place_of(history, run);

    return place < history->count && history->runs[place]->run == run ? history->runs[place] : NULL;
}

static struct history_run *add_run(struct history *history, int64_t key)
{
    size_t place = place_of(history, key);
    struct history_run *run;

    if (history->count == history->capacity) {
        size_t capacity = history->capacity > 0 ? history->capacity * 2 : RUNS_FIRST;
        struct history_run **runs = reallocarray(history->runs, capacity, sizeof *runs);

        if (runs == NULL)
            return NULL;
        history->runs = runs;
        history->capacity = capacity;
    }
    run = calloc(1, sizeof *run);
    if (run == NULL)
        return NULL;
    run->run = key;
    memmove(history->runs + place + 1, history->runs + place, (history->count - place) * sizeof(struct history_run *));
    history->runs[place] = run;
    history->count++;
    return run;
}

static void forget_run(struct history *history, struct history_run *run)
{
    size_t place = place_of(history, run->run);

    hd_policy_end(history->policy, run->run);
    memmove(history->runs + place, history->runs + place + 1, (history->count - place - 1) * sizeof(struct history_run *));
    history->count--;
    free(run);
}

/* --- Reports ----------------------------------------------------------------------------------------------------------------------------
 */

struct reading {
    struct history_run *run;
    int64_t rows;
};

static int take_point(void *context, const struct store_stored_point *point)
{
    struct reading *reading = context;
    struct history_run *run = reading->run;
    double value;

    reading->rows++;
    run->next = point->sequence + 1;
    if (store_is_report(point->kind, point->integer, point->number, &value))
        run->page[run->count++] = (struct report){point->ordinal, value};
    return 0;
}

/* Reads the run's next reports, if there are any. */
static int read_page(struct history *history, struct history_run *run)
{
    struct reading reading = {.run = run, .rows = PAGE};
    int result = 0;

    run->count = run->at = 0;
    while (result == 0 && run->count == 0 && reading.rows == PAGE) {
        reading.rows = 0;
        result = store_read_reports(history->reader, run->run, run->next, PAGE, take_point, &reading, history->error);
    }
    return result;
}

static int out_of_memory(struct history *history)
{
    return hd_error_set(history->error, HD_UNAVAILABLE, "out of memory");
}

/* Gives the run a place in the merge, if it has a report. */
static int merge_run(struct history *history, struct history_run *run)
{
    int result = read_page(history, run);

    if (result != 0 || run->count == 0)
        return result;
    run->merged = hd_merge_add(&history->merge, run->page[0].ordinal, run);
    return run->merged ? 0 : out_of_memory(history);
}

static int play_value(struct history *history, struct history_run *run, double value)
{
    struct hd_decision decision;

    if (atomic_load(history->stop))
        return hd_error_set(history->error, HD_UNAVAILABLE, "the daemon is stopping");
    if (hd_policy_report(history->policy, run->run, value, run->status == HD_RUNNING, &decision) != 0) {
        history->short_of_memory = true;
        return -1;
    }
    if (decision.stop) {
        run->stop = true;
        run->stopped = decision;
    }
    if (decision.no_metric) {
        run->unjudged = true;
        run->not_judged = decision;
    }
    return 0;
}

/* Plays all reports in front of an ordinal. */
static int play_until(struct history *history, int64_t ordinal)
{
    const struct hd_merge_entry *first;

    while ((first = hd_merge_first(&history->merge)) != NULL && first->ordinal < ordinal) {
        struct history_run *run = first->stream;
        int result = play_value(history, run, run->page[run->at++].value);

        if (result == 0 && run->at == run->count)
            result = read_page(history, run);
        if (result != 0)
            return result;
        if (run->at < run->count) {
            hd_merge_advance(&history->merge, run->page[run->at].ordinal);
        } else {
            run->merged = false;
            hd_merge_drop(&history->merge);
        }
    }
    return 0;
}

/* --- Events -----------------------------------------------------------------------------------------------------------------------------
 */

static int play_status(struct history *history, int64_t key, enum hd_status status)
{
    struct history_run *run = find_run(history, key);

    if (run == NULL && status != HD_RUNNING)
        return 0;
    if (run == NULL) {
        run = add_run(history, key);
        if (run == NULL)
            return out_of_memory(history);
        run->status = status;
        return merge_run(history, run);
    }
    run->status = status;
    if (run->stop && status != HD_RUNNING) { /* it was stopped, or was gone before it could be */
        run->stop = run->given = false;
        hd_policy_judge_again(history->policy, key);
    }
    if (hd_status_ended(status) && !run->merged)
        forget_run(history, run);
    return 0;
}

static int play_event(void *context, const struct store_event *event)
{
    struct history *history = context;
    int result = play_until(history, event->ordinal);
    struct history_run *run;

    if (result != 0 || event->run == 0)
        return result;
    if (event->kind == STORE_EVENT_RUN)
        return play_status(history, event->run, event->status);
    run = event->kind == STORE_EVENT_POLICY ? find_run(history, event->run) : NULL;
    if (run != NULL)
        run->told = true;
    return 0;
}

/* --- Inherited sweeps: their runs have ended, so each one's reports may come at once -----------------------------------------------------
 */

static int play_inherited_run(void *context, const struct store_run *row)
{
    struct history *history = context;
    struct history_run run = {.run = row->key, .status = row->status};
    int result;

    while ((result = read_page(history, &run)) == 0 && run.count > 0)
        while (run.at < run.count)
            if ((result = play_value(history, &run, run.page[run.at++].value)) != 0)
                return result;
    hd_policy_end(history->policy, run.run);
    return result;
}

static int play_inherited_sweep(void *context, const struct store_sweep *row)
{
    struct history *history = context;

    return store_read_runs(history->reader, row->key, -1, 0, play_inherited_run, history, history->error);
}

static int play_inherited(struct history *history)
{
    if (history->inherited)
        return 0;
    history->inherited = true;
    return store_read_inherited(history->reader, history->sweep, play_inherited_sweep, history, history->error);
}

/* --- All of it --------------------------------------------------------------------------------------------------------------------------
 */

static int play(struct history *history)
{
    struct store_event_range range = {.sweep = history->sweep, .after = history->ordinal};
    int64_t oldest;
    int result = store_read_event_bounds(history->reader, &oldest, &range.until, history->error);

    if (result == 0)
        result = play_inherited(history);
    for (size_t i = 0; i < history->count && result == 0; i++) /* what came since the last time */
        result = merge_run(history, history->runs[i]);
    if (result == 0)
        result = store_read_events(history->reader, &range, play_event, history, NULL, history->error);
    if (result == 0)
        result = play_until(history, range.until + 1);
    history->ordinal = range.until;
    return result;
}

int history_play(struct history *history, struct store_reader *reader, const atomic_bool *stop, struct hd_error *error)
{
    int result;

    if (history->policy == NULL)
        return 1;
    history->reader = reader;
    history->stop = stop;
    history->error = error;
    result = store_begin_reads(reader, error);
    if (result != 0)
        return result;
    result = play(history);
    store_end_reads(reader);
    return history->short_of_memory ? 1 : result;
}

void history_found(struct history *history, history_decision *give, void *context)
{
    for (size_t i = 0; i < history->count; i++) {
        struct history_run *run = history->runs[i];

        if (run->stop && !run->given && run->status == HD_RUNNING)
            give(context, &run->stopped);
        if (run->unjudged && !run->told)
            give(context, &run->not_judged);
        run->given = run->stop;
        run->unjudged = false;
    }
}
