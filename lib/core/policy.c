/* A policy at work: what it keeps, and one report after the other. */
#include "policy.h"

#include <math.h>
#include <string.h>

#include "order_statistics.h"
#include "policy_runs.h"

enum { INTERVALS_FIRST = 16 };

/* What the runs of the reference set had come to at one interval. */
struct interval {
    int64_t members; /* runs in the set */
    union {
        struct {
            double value;
            int64_t run;        /* of equal values the newest */
        } best;                 /* bandit */
        struct hd_order values; /* median stopping: averages; truncation selection: bests */
    };
};

struct hd_policy {
    struct hd_policy_rule rule;
    struct hd_memory *memory;
    struct policy_runs runs;
    struct interval *intervals; /* where the policy applies, from the first one on */
    int64_t count, capacity;
};

struct hd_policy *hd_policy_new(const struct hd_policy_rule *rule, struct hd_memory *memory)
{
    struct hd_policy *policy = hd_memory_resize(memory, NULL, 0, sizeof *policy);

    if (policy == NULL)
        return NULL;
    *policy = (struct hd_policy){.rule = *rule, .memory = memory};
    if (policy->rule.interval < 1)
        policy->rule.interval = 1;
    return policy;
}

void hd_policy_free(struct hd_policy *policy)
{
    if (policy == NULL)
        return;
    for (int64_t i = 0; i < policy->count && policy->rule.type != HD_BANDIT; i++)
        hd_order_clear(&policy->intervals[i].values, policy->memory);
    hd_memory_free(policy->memory, policy->intervals, (size_t)policy->capacity * sizeof *policy->intervals);
    policy_runs_clear(&policy->runs, policy->memory);
    hd_memory_free(policy->memory, policy, sizeof *policy);
}

/* The place of a report's interval among those where the policy applies. */
static int64_t place_of(const struct hd_policy_rule *rule, int64_t report)
{
    int64_t first = rule->delay / rule->interval + (rule->delay % rule->interval != 0);

    return report / rule->interval - (first > 1 ? first : 1);
}

/* The interval at this place, made if it is new; NULL when memory is short. A run comes to one place after the other, so at most one is
 * new. */
static struct interval *interval_at(struct hd_policy *policy, int64_t place)
{
    if (place == policy->capacity) {
        int64_t capacity = policy->capacity > 0 ? policy->capacity * 2 : INTERVALS_FIRST;
        struct interval *intervals = hd_memory_resize(policy->memory, policy->intervals, (size_t)policy->capacity * sizeof *intervals,
                                                      (size_t)capacity * sizeof *intervals);

        if (intervals == NULL)
            return NULL;
        policy->intervals = intervals;
        policy->capacity = capacity;
    }
    if (place == policy->count)
        policy->intervals[policy->count++] = (struct interval){0};
    return &policy->intervals[place];
}

/* --- The policies: each takes the run's value into the interval, then says what it means --------------------------------------------- */

static int enter_best(struct hd_policy *policy, struct interval *interval, const struct policy_run *run)
{
    bool first = interval->members == 0;

    if (first || hd_goal_better(policy->rule.goal, run->best, interval->best.value) ||
        (run->best == interval->best.value && run->run > interval->best.run)) {
        interval->best.value = run->best;
        interval->best.run = run->run;
    }
    return 0;
}

static void judge_bandit(const struct hd_policy *policy, const struct interval *interval, struct hd_decision *decision)
{
    decision->best = interval->best.value;
    decision->best_run = interval->best.run;
    decision->runs = interval->members;
    decision->stop = hd_bandit_stops(&policy->rule, decision->best, decision->value, &decision->slack);
    decision->threshold = policy->rule.goal == HD_MAXIMIZE ? decision->best - decision->slack : decision->best + decision->slack;
}

static int enter_average(struct hd_policy *policy, struct interval *interval, const struct policy_run *run)
{
    double average = run->sum / (double)run->counted;

    return isnan(average) ? 0 : hd_order_insert(&interval->values, average, policy->memory);
}

static double median(const struct hd_order *values)
{
    int64_t middle = values->count / 2;

    if (values->count == 0)
        return NAN;
    if (values->count % 2 == 1)
        return hd_order_at(values, middle);
    return (hd_order_at(values, middle - 1) + hd_order_at(values, middle)) / 2;
}

static void judge_median(const struct hd_policy *policy, const struct interval *interval, struct hd_decision *decision)
{
    decision->threshold = median(&interval->values);
    decision->runs = interval->values.count;
    /* The average of a lone run may be rounded to more than its best. */
    if (interval->members > 1)
        decision->stop = policy->rule.goal == HD_MAXIMIZE ? decision->value < decision->threshold : decision->value > decision->threshold;
}

static int enter_value(struct hd_policy *policy, struct interval *interval, const struct policy_run *run)
{
    return hd_order_insert(&interval->values, run->best, policy->memory);
}

static void judge_truncation(const struct hd_policy *policy, const struct interval *interval, struct hd_decision *decision)
{
    const struct hd_order *values = &interval->values;
    bool maximize = policy->rule.goal == HD_MAXIMIZE;

    decision->runs = values->count;
    decision->quota = hd_truncation_quota(&policy->rule, values->count);
    decision->threshold = hd_order_at(values, maximize ? decision->quota : values->count - 1 - decision->quota);
    decision->rank = maximize ? hd_order_up_to(values, decision->value) : values->count - hd_order_below(values, decision->value);
    decision->stop = decision->rank <= decision->quota;
}

static const struct {
    int (*enter)(struct hd_policy *policy, struct interval *interval, const struct policy_run *run);
    void (*judge)(const struct hd_policy *policy, const struct interval *interval, struct hd_decision *decision);
} POLICIES[] = {
    [HD_BANDIT] = {enter_best, judge_bandit},
    [HD_MEDIAN_STOPPING] = {enter_average, judge_median},
    [HD_TRUNCATION_SELECTION] = {enter_value, judge_truncation},
};

/* --- Reports ------------------------------------------------------------------------------------------------------------------------ */

static void add_report(const struct hd_policy *policy, struct policy_run *run, double value)
{
    run->reports++;
    if (isnan(value))
        return;
    value += 0.0; /* SQLite stores -0.0 as 0.0: what is read again must decide, and be shown, the same */
    run->best = run->counted == 0 || hd_goal_better(policy->rule.goal, value, run->best) ? value : run->best;
    run->sum = run->counted == 0 ? value : run->sum + value;
    run->counted++;
}

/* Values are to be taken back when children that have ended leave the ranking. */
static bool keeps(const struct hd_policy *policy)
{
    return policy->rule.type == HD_TRUNCATION_SELECTION && policy->rule.exclude_finished;
}

int hd_policy_report(struct hd_policy *policy, int64_t key, double value, bool running, struct hd_decision *ret_decision)
{
    struct policy_run *run = policy_runs_have(&policy->runs, key, policy->memory);
    struct interval *interval;

    *ret_decision = (struct hd_decision){.type = policy->rule.type, .run = key};
    if (run == NULL)
        return -1;
    add_report(policy, run, value);
    if (!hd_policy_applies(&policy->rule, run->reports))
        return 0;
    interval = interval_at(policy, place_of(&policy->rule, run->reports));
    if (interval == NULL || (keeps(policy) && policy_run_keep(run, run->counted > 0 ? run->best : NAN, policy->memory) != 0))
        return -1;
    ret_decision->interval = run->reports;
    if (run->counted == 0) {
        ret_decision->no_metric = running && !run->told;
        run->told |= running;
        return 0;
    }
    if (POLICIES[policy->rule.type].enter(policy, interval, run) != 0)
        return -1;
    interval->members++;
    if (!running || run->stopped)
        return 0;
    ret_decision->value = run->best;
    POLICIES[policy->rule.type].judge(policy, interval, ret_decision);
    run->stopped = ret_decision->stop;
    return 0;
}

void hd_policy_judge_again(struct hd_policy *policy, int64_t key)
{
    struct policy_run *run = policy_runs_find(&policy->runs, key);

    if (run != NULL)
        run->stopped = false;
}

void hd_policy_end(struct hd_policy *policy, int64_t key)
{
    struct policy_run *run = policy_runs_find(&policy->runs, key);

    if (run == NULL)
        return;
    for (int64_t i = 0; i < run->kept_count; i++) {
        if (isnan(run->kept[i]))
            continue;
        hd_order_remove(&policy->intervals[i].values, run->kept[i], policy->memory);
        policy->intervals[i].members--;
    }
    policy_runs_remove(&policy->runs, run, policy->memory);
}
