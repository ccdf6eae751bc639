#include "policy_naive.h"

#include <math.h>
#include <stdlib.h>

static bool has_metric(const struct naive_run *run, int64_t interval)
{
    if (run->count < interval)
        return false;
    for (int64_t i = 0; i < interval; i++)
        if (!isnan(run->reports[i]))
            return true;
    return false;
}

static double best_up_to(enum hd_goal goal, const struct naive_run *run, int64_t interval)
{
    double best = NAN;

    for (int64_t i = 0; i < interval; i++)
        best = goal == HD_MAXIMIZE ? fmax(best, run->reports[i]) : fmin(best, run->reports[i]);
    return best;
}

static double average_up_to(const struct naive_run *run, int64_t interval)
{
    double sum = 0;
    int64_t number = 0;

    for (int64_t i = 0; i < interval; i++)
        if (!isnan(run->reports[i])) {
            sum += run->reports[i];
            number++;
        }
    return sum / (double)number;
}

static int compare(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;

    return (first > second) - (first < second);
}

static double worst_of_rank(enum hd_goal goal, double *values, int64_t count, int64_t rank)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return goal == HD_MAXIMIZE ? values[rank - 1] : values[count - rank];
}

static void judge_bandit(const struct hd_policy_rule *rule, const struct naive_run *runs, int count, struct hd_decision *decision)
{
    double y = decision->value, best = NAN;

    for (int i = 0; i < count; i++) {
        double value;

        if (!has_metric(&runs[i], decision->interval))
            continue;
        value = best_up_to(rule->goal, &runs[i], decision->interval);
        decision->runs++;
        if (isnan(best) || (rule->goal == HD_MAXIMIZE ? value > best : value < best) ||
            (value == best && runs[i].run > decision->best_run)) {
            best = value;
            decision->best_run = runs[i].run;
        }
    }
    decision->best = best;
    if (rule->goal == HD_MAXIMIZE) {
        decision->slack = isinf(y) ? 0 : rule->by_factor ? fabs(y) * rule->slack : rule->slack;
        decision->stop = y + decision->slack < best;
        decision->threshold = best - decision->slack;
    } else {
        decision->slack = isinf(best) ? 0 : rule->by_factor ? fabs(best) * rule->slack : rule->slack;
        decision->stop = best + decision->slack < y;
        decision->threshold = best + decision->slack;
    }
}

static void judge_median(const struct hd_policy_rule *rule, const struct naive_run *runs, int count, struct hd_decision *decision)
{
    double *averages = calloc((size_t)count, sizeof *averages), average;
    int64_t members = 0, n = 0;

    for (int i = 0; i < count; i++) {
        if (!has_metric(&runs[i], decision->interval))
            continue;
        members++;
        average = average_up_to(&runs[i], decision->interval);
        if (!isnan(average))
            averages[n++] = average;
    }
    qsort(averages, (size_t)n, sizeof *averages, compare);
    decision->threshold = n == 0 ? NAN : n % 2 == 1 ? averages[n / 2] : (averages[n / 2 - 1] + averages[n / 2]) / 2;
    decision->runs = n;
    decision->stop =
        members > 1 && (rule->goal == HD_MAXIMIZE ? decision->value < decision->threshold : decision->value > decision->threshold);
    free(averages);
}

static void judge_truncation(const struct hd_policy_rule *rule, const struct naive_run *runs, int count, struct hd_decision *decision)
{
    double *values = calloc((size_t)count, sizeof *values);
    int64_t n = 0;

    for (int i = 0; i < count; i++)
        if (has_metric(&runs[i], decision->interval) && !(rule->exclude_finished && runs[i].ended))
            values[n++] = best_up_to(rule->goal, &runs[i], decision->interval);
    for (int64_t i = 0; i < n; i++)
        decision->rank += rule->goal == HD_MAXIMIZE ? values[i] <= decision->value : values[i] >= decision->value;
    decision->runs = n;
    decision->quota = n * rule->percentage / 100;
    decision->threshold = worst_of_rank(rule->goal, values, n, decision->quota + 1);
    decision->stop = decision->rank <= decision->quota;
    free(values);
}

struct hd_decision naive_judge(const struct hd_policy_rule *rule, struct naive_run *runs, int count, int judged)
{
    struct hd_decision decision = {.type = rule->type, .run = runs[judged].run};
    int64_t interval = runs[judged].count;

    if (interval % (rule->interval == 0 ? 1 : rule->interval) != 0 || interval < rule->delay)
        return decision;
    decision.interval = interval;
    if (!has_metric(&runs[judged], interval)) {
        decision.no_metric = !runs[judged].told;
        runs[judged].told = true;
        return decision;
    }
    decision.value = best_up_to(rule->goal, &runs[judged], interval);
    if (rule->type == HD_BANDIT)
        judge_bandit(rule, runs, count, &decision);
    else if (rule->type == HD_MEDIAN_STOPPING)
        judge_median(rule, runs, count, &decision);
    else
        judge_truncation(rule, runs, count, &decision);
    return decision;
}
