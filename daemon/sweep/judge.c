/* Early termination: every report that was stored is judged before it is answered, in the order in which the commits come back, which is
 * that of the ordinals.
 *
 * A stop is a write of its own. The answer to the report waits for it: what it tells is stored. A stop that a crash swallows between the
 * two commits is found again at start, for it follows from the log (history.h). */
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "judge.h"
#include "log.h"

/* --- Stops ------------------------------------------------------------------------------------------------------------------------------
 */

struct judge_stop {
    struct store_stop request; /* first: the write comes back as this */
    struct judge *judge;
    struct store_report *report; /* waits for this stop; NULL: nobody does */
    sweeps_judged *judged;
    struct judge_stop *next; /* among those that could not be stored */
};

static void answer(struct judge_stop *stop)
{
    struct store_report *report = stop->report;

    stop->report = NULL;
    if (report != NULL)
        stop->judged(report);
}

/* The report was stored and is answered without it. */
static void store_later(struct judge_stop *stop, const struct hd_error *error)
{
    struct judge *judge = stop->judge;
    struct sweeps *sweeps = judge->sweep->sweeps;

    stop->next = judge->unstored;
    judge->unstored = stop;
    if (!sweeps->closing) {
        log_line(LOG_LEVEL_ERROR, "sweep %s: a stop by its policy could not be stored, tried again in a second: %s", judge->sweep->id,
                 error->message);
        deadline_set_again(&sweeps->deadlines, &judge->retry);
    }
    answer(stop);
}

static void on_stop_stored(struct store_write *write)
{
    struct judge_stop *stop = (struct judge_stop *)write;
    struct live_sweep *sweep = stop->judge->sweep;
    struct live_run *run;

    sweep->writes--;
    if (write->result != 0) {
        store_later(stop, &write->error);
        return;
    }
    if (!stop->request.ret_stopped && stop->judge->state == JUDGE_JUDGES)
        hd_policy_judge_again(stop->judge->policy, stop->request.decision.run);
    run = stop->request.ret_stopped && !sweep->sweeps->closing ? live_run_find(sweep->sweeps, stop->request.decision.run) : NULL;
    if (run != NULL)
        control_stop_run(run);
    if (stop->report != NULL) {
        free(stop->report->ret_stop_reason);
        stop->report->ret_stop_reason = stop->request.ret_stop_reason;
        stop->report->ret_status = stop->request.ret_status;
        stop->request.ret_stop_reason = NULL;
    }
    answer(stop);
    free(stop->request.ret_stop_reason);
    free(stop);
    live_sweep_release(sweep);
}

static void store(struct judge_stop *stop)
{
    struct live_sweep *sweep = stop->judge->sweep;
    struct hd_error error = {0};

    fault_point("before_stop");
    if (store_stop(sweep->sweeps->store, &stop->request, &error) != 0)
        store_later(stop, &error);
    else
        sweep->writes++;
}

void judge_store_again(struct judge *judge)
{
    struct judge_stop *stop = judge->unstored, *next;

    judge->unstored = NULL;
    for (; stop != NULL; stop = next) {
        next = stop->next;
        store(stop);
    }
}

void judge_drop_unstored(struct judge *judge)
{
    while (judge->unstored != NULL) {
        struct judge_stop *next = judge->unstored->next;

        free(judge->unstored->request.ret_stop_reason);
        free(judge->unstored);
        judge->unstored = next;
    }
}

/* --- What the log is told ---------------------------------------------------------------------------------------------------------------
 */

struct unjudged {
    struct store_unjudged request; /* first: the write comes back as this */
    struct live_sweep *sweep;
};

static void on_unjudged_stored(struct store_write *write)
{
    struct unjudged *unjudged = (struct unjudged *)write;
    struct live_sweep *sweep = unjudged->sweep;

    sweep->writes--;
    if (write->result != 0)
        log_line(LOG_LEVEL_WARNING, "sweep %s: a line of its log could not be stored: %s", sweep->id, write->error.message);
    free(unjudged);
    live_sweep_release(sweep);
}

static void tell_unjudged(struct live_sweep *sweep, const struct hd_decision *decision)
{
    struct unjudged *unjudged = calloc(1, sizeof *unjudged);
    struct hd_error error = {0};

    if (unjudged == NULL)
        return;
    unjudged->sweep = sweep;
    unjudged->request =
        (struct store_unjudged){.decision = *decision, .metric = sweep->specification.metric, .write = {.done = on_unjudged_stored}};
    if (store_unjudged(sweep->sweeps->store, &unjudged->request, &error) == 0) {
        sweep->writes++;
        return;
    }
    log_line(LOG_LEVEL_WARNING, "sweep %s: a line of its log could not be stored: %s", sweep->id, error.message);
    free(unjudged);
}

/* --- Judging ----------------------------------------------------------------------------------------------------------------------------
 */

bool judge_apply(struct judge *judge, const struct hd_decision *decision, struct store_report *report, sweeps_judged *judged)
{
    struct judge_stop *stop;

    if (decision->no_metric)
        tell_unjudged(judge->sweep, decision);
    if (!decision->stop)
        return true;
    stop = calloc(1, sizeof *stop);
    if (stop == NULL)
        return false;
    *stop = (struct judge_stop){
        .request = {.decision = *decision, .metric = judge->sweep->specification.metric, .write = {.done = on_stop_stored}},
        .judge = judge,
        .report = report,
        .judged = judged,
    };
    store(stop);
    return true;
}

/* At most one of a run's reports stops it, so the report has one stop to wait for. */
bool judge_feed(struct judge *judge, struct judged_reports *reports, struct store_report *report, sweeps_judged *judged)
{
    struct hd_decision decision, stop = {.stop = false};

    for (int64_t i = 0; i < reports->count; i++) {
        if (hd_policy_report(judge->policy, reports->run, reports->values[i], reports->running, &decision) != 0) {
            judge_rest(judge);
            break;
        }
        if (decision.stop)
            stop = decision;
        else
            (void)judge_apply(judge, &decision, NULL, NULL);
    }
    if (reports->ended && judge->state == JUDGE_JUDGES)
        hd_policy_end(judge->policy, reports->run);
    free(reports);
    if (!stop.stop || judge_apply(judge, &stop, report, judged))
        return stop.stop;
    judge_lose(judge);
    return false;
}

static struct judge *find(const struct sweeps *sweeps, int64_t sweep)
{
    for (struct judge *judge = sweeps->judges; judge != NULL; judge = judge->next)
        if (judge->sweep->key == sweep)
            return judge;
    return NULL;
}

/* The reports of the primary metric among what was stored; NULL when memory is short. */
static struct judged_reports *reports_of(const struct judge *judge, const struct store_report *report)
{
    const char *metric = judge->sweep->specification.metric;
    struct judged_reports *reports = malloc(sizeof *reports + (size_t)report->count * sizeof reports->values[0]);

    if (reports == NULL)
        return NULL;
    *reports = (struct judged_reports){.run = report->ret_run, .ordinal = report->ret_ordinal, .running = report->ret_status == HD_RUNNING};
    for (int64_t i = 0; i < report->count; i++) {
        const struct store_point *point = &report->points[i];

        if (strcmp(point->name, metric) == 0 &&
            store_is_report(point->kind, point->integer, point->number, &reports->values[reports->count]))
            reports->count++;
    }
    return reports;
}

void sweeps_judge(struct sweeps *sweeps, struct store_report *report, sweeps_judged *judged)
{
    struct judge *judge = report->ret_duplicate || sweeps->closing ? NULL : find(sweeps, report->ret_sweep_key);
    struct judged_reports *reports;
    bool waits = false;

    if (judge != NULL && (judge->state == JUDGE_JUDGES || judge->state == JUDGE_PLAYS)) {
        reports = reports_of(judge, report);
        if (reports == NULL)
            judge_lose(judge);
        else if (judge->state == JUDGE_PLAYS)
            judge_keep(judge, reports);
        else
            waits = judge_feed(judge, reports, report, judged);
    }
    if (!waits)
        judged(report);
}

void judge_run_ended(struct live_sweep *sweep, int64_t run)
{
    struct judge *judge = sweep->judge;
    struct judged_reports *end;

    if (judge == NULL || sweep->sweeps->closing)
        return;
    if (judge->state == JUDGE_JUDGES)
        hd_policy_end(judge->policy, run);
    if (judge->state != JUDGE_PLAYS)
        return;
    end = calloc(1, sizeof *end);
    if (end == NULL) {
        judge_lose(judge);
        return;
    }
    end->run = run;
    end->ended = true;
    end->ordinal = INT64_MAX; /* an end may be told twice */
    judge_keep(judge, end);
}
