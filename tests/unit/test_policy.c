/* Policies at work: random histories against a naive reading of section 7, the order statistics below them, memory that runs short, the
 * sentences, and the replay of recorded curves. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/order_statistics.h"
#include "core/policy.h"
#include "core/policy_replay.h"
#include "policy_naive.h"
#include "rounds.h"

static uint64_t seed = 1;

/* xorshift64*: the same histories on every machine. */
static uint32_t draw(uint32_t below)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * UINT64_C(2685821657736338717)) >> 33) % below;
}

static bool same(double a, double b)
{
    return (isnan(a) && isnan(b)) || a == b;
}

/* --- Order statistics ------------------------------------------------------------------------------------------------------------------
 */

enum { NUMBERS = 6000 };

static int compare(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;

    return (first > second) - (first < second);
}

static void check_order(const struct hd_order *order, double *numbers, int64_t count)
{
    qsort(numbers, (size_t)count, sizeof *numbers, compare);
    ck_assert_int_eq(order->count, count);
    for (int64_t i = 0; i < count; i++) {
        int64_t below = i, up_to = i + 1;

        while (below > 0 && numbers[below - 1] == numbers[i])
            below--;
        while (up_to < count && numbers[up_to] == numbers[i])
            up_to++;
        ck_assert_double_eq(hd_order_at(order, i), numbers[i]);
        ck_assert_int_eq(hd_order_below(order, numbers[i]), below);
        ck_assert_int_eq(hd_order_up_to(order, numbers[i]), up_to);
        i = up_to - 1;
    }
}

/* Inserts and removes at random; `kinds` of numbers: few make many equal ones. */
static void exercise_order(uint32_t kinds, bool ascending)
{
    static double numbers[NUMBERS];
    struct hd_memory memory = {.limit = INT64_MAX};
    struct hd_order order = {0};
    int64_t count = 0;

    for (int64_t i = 0; i < NUMBERS; i++) {
        double value = ascending ? (double)i : (double)draw(kinds) - kinds / 2;

        if (draw(50) == 0)
            value = draw(2) == 0 ? INFINITY : -INFINITY;
        ck_assert_int_eq(hd_order_insert(&order, value, &memory), 0);
        numbers[count++] = value;
        if (draw(4) == 0) {
            int64_t index = draw((uint32_t)count);

            hd_order_remove(&order, numbers[index], &memory);
            numbers[index] = numbers[--count];
        }
        if (i % 997 == 0)
            check_order(&order, numbers, count);
    }
    check_order(&order, numbers, count);
    ck_assert_int_eq(hd_order_below(&order, -INFINITY), 0);
    ck_assert_int_eq(hd_order_up_to(&order, INFINITY), count);
    ck_assert_int_gt(memory.used, count * (int64_t)sizeof(double));
    ck_assert_int_lt(memory.used, count * 24 + 1024);
    while (draw(2) == 0 ? count > 0 : count > NUMBERS / 2)
        hd_order_remove(&order, numbers[--count], &memory);
    check_order(&order, numbers, count);
    hd_order_clear(&order, &memory);
    ck_assert_int_eq(memory.used, 0);
}

START_TEST(order_statistics)
{
    struct hd_order empty = {0};

    ck_assert_int_eq(hd_order_below(&empty, 0), 0);
    for (uint64_t round = 0; round < rounds(4); round++) {
        exercise_order(3, false);
        exercise_order(100, false);
        exercise_order(1000000, false);
        exercise_order(1, true);
    }
}
END_TEST

/* --- Random histories ------------------------------------------------------------------------------------------------------------------
 */

enum { RUNS_MAX = 12, STEPS = 150 };

static double random_value(void)
{
    static const double FEW[] = {NAN, NAN, INFINITY, -INFINITY, 0.0, -0.5, 0.1, 0.2, 0.3, 0.7, 0.8, 1e300, -1e300};

    if (draw(3) == 0)
        return FEW[draw(sizeof FEW / sizeof FEW[0])];
    return (double)draw(draw(2) == 0 ? 7 : 1000) / 10.0 - (draw(4) == 0 ? 30 : 0);
}

static struct hd_policy_rule random_rule(void)
{
    static const double SLACKS[] = {0.05, 0.1, 0.2, 0.25, 1.0, 3.0};

    return (struct hd_policy_rule){
        .type = (enum hd_policy_type)(1 + draw(3)),
        .goal = draw(2) == 0 ? HD_MAXIMIZE : HD_MINIMIZE,
        .interval = draw(4),
        .delay = draw(3) == 0 ? draw(7) : 0,
        .by_factor = draw(2) == 0,
        .slack = SLACKS[draw(sizeof SLACKS / sizeof SLACKS[0])],
        .percentage = 1 + draw(99),
        .exclude_finished = draw(2) == 0,
    };
}

static void check_same(const struct hd_decision *got, const struct hd_decision *wanted)
{
    ck_assert_int_eq(got->type, wanted->type);
    ck_assert_int_eq(got->run, wanted->run);
    ck_assert_int_eq(got->interval, wanted->interval);
    ck_assert_int_eq(got->no_metric, wanted->no_metric);
    ck_assert_msg(same(got->value, wanted->value), "value %.17g, not %.17g", got->value, wanted->value);
    ck_assert_msg(same(got->threshold, wanted->threshold), "threshold %.17g, not %.17g", got->threshold, wanted->threshold);
    ck_assert_msg(same(got->best, wanted->best), "best %.17g, not %.17g", got->best, wanted->best);
    ck_assert_msg(same(got->slack, wanted->slack), "slack %.17g, not %.17g", got->slack, wanted->slack);
    ck_assert_int_eq(got->runs, wanted->runs);
    ck_assert_int_eq(got->best_run, wanted->best_run);
    ck_assert_int_eq(got->rank, wanted->rank);
    ck_assert_int_eq(got->quota, wanted->quota);
    ck_assert_int_eq(got->stop, wanted->stop);
}

struct tally {
    int judged, stops, lone, unjudged;
};

static void step(struct hd_policy *policy, const struct hd_policy_rule *rule, struct naive_run *runs, int count, struct tally *tally)
{
    int index = (int)draw((uint32_t)count);
    struct naive_run *run = &runs[index];
    struct hd_decision got, wanted;

    if (run->ended || run->count == NAIVE_REPORTS_MAX)
        return;
    if (draw(20) == 0) {
        run->ended = true;
        hd_policy_end(policy, run->run);
        return;
    }
    run->reports[run->count++] = random_value();
    ck_assert_int_eq(hd_policy_report(policy, run->run, run->reports[run->count - 1], true, &got), 0);
    wanted = naive_judge(rule, runs, count, index);
    check_same(&got, &wanted);
    tally->judged += wanted.interval > 0;
    tally->stops += wanted.stop;
    tally->unjudged += wanted.no_metric;
    tally->lone += wanted.interval > 0 && !wanted.no_metric && wanted.runs == 1;
    if (got.stop) { /* so that it is judged no more: the naive reading does not remember */
        run->ended = true;
        hd_policy_end(policy, run->run);
    }
}

START_TEST(histories)
{
    struct tally tally = {0};

    seed = (uint64_t)_i + 1;
    for (uint64_t round = 0; round < rounds(400); round++) {
        struct hd_policy_rule rule = random_rule();
        struct hd_memory memory = {.limit = INT64_MAX};
        struct hd_policy *policy = hd_policy_new(&rule, &memory);
        struct naive_run runs[RUNS_MAX] = {0};
        int count = 1 + (int)draw(RUNS_MAX);

        for (int i = 0; i < count; i++)
            runs[i].run = (i * 7) % RUNS_MAX * 3 + 1; /* of creation in another order than here */
        for (int i = 0; i < STEPS; i++)
            step(policy, &rule, runs, count, &tally);
        hd_policy_free(policy);
        ck_assert_int_eq(memory.used, 0);
    }
    ck_assert_int_gt(tally.judged, (int64_t)rounds(5000));
    ck_assert_int_gt(tally.stops, (int64_t)rounds(500));
    ck_assert_int_gt(tally.lone, (int64_t)rounds(100));
    ck_assert_int_ge(tally.unjudged, (int64_t)rounds(20));
}
END_TEST

/* The same reports of the others in another order, and the same decision. */
START_TEST(order_of_arrival)
{
    for (int round = 0; round < 200; round++) {
        struct hd_policy_rule rule = random_rule();
        struct hd_decision first = {0}, second = {0}, ignored;
        double values[8][6];

        for (int run = 0; run < 8; run++)
            for (int report = 0; report < 6; report++)
                values[run][report] = random_value();
        for (int pass = 0; pass < 2; pass++) {
            struct hd_memory memory = {.limit = INT64_MAX};
            struct hd_policy *policy = hd_policy_new(&rule, &memory);

            for (int i = 0; i < 7 * 6; i++) {
                int run = pass == 0 ? i % 7 : 6 - i / 6, report = pass == 0 ? i / 7 : i % 6;

                ck_assert_int_eq(hd_policy_report(policy, run, values[run][report], draw(2) == 0, &ignored), 0);
            }
            for (int report = 0; report < 6; report++)
                ck_assert_int_eq(hd_policy_report(policy, 7, values[7][report], true, pass == 0 ? &first : &second), 0);
            hd_policy_free(policy);
        }
        check_same(&second, &first);
    }
}
END_TEST

START_TEST(only_running_runs_are_stopped_and_only_once)
{
    struct hd_policy_rule rule = {.type = HD_BANDIT, .goal = HD_MAXIMIZE, .slack = 0.1};
    struct hd_memory memory = {.limit = INT64_MAX};
    struct hd_policy *policy = hd_policy_new(&rule, &memory);
    struct hd_decision decision;

    for (int report = 1; report <= 5; report++)
        ck_assert_int_eq(hd_policy_report(policy, 1, 0.9, true, &decision), 0);
    ck_assert_int_eq(hd_policy_report(policy, 2, 0.5, false, &decision), 0);
    ck_assert(!decision.stop && !decision.no_metric);
    ck_assert_int_eq(hd_policy_report(policy, 2, 0.5, true, &decision), 0);
    ck_assert(decision.stop);
    ck_assert_int_eq(decision.interval, 2);
    ck_assert_int_eq(hd_policy_report(policy, 2, 0.5, true, &decision), 0);
    ck_assert(!decision.stop);
    hd_policy_judge_again(policy, 2);
    hd_policy_judge_again(policy, 77);
    ck_assert_int_eq(hd_policy_report(policy, 2, 0.5, true, &decision), 0);
    ck_assert(decision.stop);
    ck_assert_int_eq(decision.interval, 4);
    /* What it reports behind its stop counts all the same. */
    ck_assert_int_eq(hd_policy_report(policy, 2, 0.99, true, &decision), 0);
    for (int report = 1; report <= 5; report++)
        ck_assert_int_eq(hd_policy_report(policy, 3, 0.85, true, &decision), 0);
    ck_assert(decision.stop);
    ck_assert_double_eq(decision.best, 0.99);
    ck_assert_int_eq(decision.best_run, 2);
    hd_policy_free(policy);
}
END_TEST

/* The average of three times 0.1 is more than 0.1: a lone run must not be held to it. */
START_TEST(a_lone_run_is_never_stopped)
{
    struct hd_policy_rule rule = {.type = HD_MEDIAN_STOPPING, .goal = HD_MAXIMIZE};
    struct hd_memory memory = {.limit = INT64_MAX};
    struct hd_policy *policy = hd_policy_new(&rule, &memory);
    struct hd_decision decision;

    for (int report = 1; report <= 3; report++)
        ck_assert_int_eq(hd_policy_report(policy, 1, 0.1, true, &decision), 0);
    ck_assert_double_gt(decision.threshold, decision.value);
    ck_assert(!decision.stop);
    hd_policy_free(policy);
}
END_TEST

/* --- Memory ----------------------------------------------------------------------------------------------------------------------------
 */

/* With every limit from nothing on: it says so and frees all it has, until there is enough. */
START_TEST(memory_that_runs_short)
{
    for (int type = HD_BANDIT; type <= HD_TRUNCATION_SELECTION; type++) {
        struct hd_policy_rule rule = {
            .type = (enum hd_policy_type)type, .goal = HD_MAXIMIZE, .slack = 0.1, .percentage = 30, .exclude_finished = true};
        bool enough = false;
        int failures = 0;

        for (int64_t limit = 0; !enough; limit += 64 + limit / 16) {
            struct hd_memory memory = {.limit = limit};
            struct hd_policy *policy = hd_policy_new(&rule, &memory);
            struct hd_decision decision;
            int result = policy == NULL ? -1 : 0;

            for (int i = 0; i < 4000 && result == 0; i++)
                result = hd_policy_report(policy, i % 200, (double)draw(1000), true, &decision);
            ck_assert_int_le(memory.used, limit);
            hd_policy_free(policy);
            ck_assert_int_eq(memory.used, 0);
            enough = result == 0;
            failures += !enough;
        }
        ck_assert_int_gt(failures, 5);
    }
}
END_TEST

/* --- Sentences and reasons -------------------------------------------------------------------------------------------------------------
 */

START_TEST(reasons)
{
    static const struct {
        struct hd_decision decision;
        const char *json;
    } CASES[] = {
        {{.stop = true, .type = HD_BANDIT, .interval = 10, .value = 0.65, .threshold = 0.67, .best = 0.8, .runs = 9, .slack = 0.13},
         "{\"kind\":\"policy\",\"policy\":\"bandit\",\"interval\":10,\"value\":0.65,\"threshold\":0.67,\"best\":0.8,\"best_run_id\":\"S_"
         "3\","
         "\"slack\":0.13,\"runs\":9,\"message\":\"bandit: at report 10 the best Accuracy was 0.65; 0.8 is the best of 9 runs and the slack "
         "is "
         "0.13\",\"at_utc\":\"1970-01-01T00:00:01.500000Z\"}"},
        {{.stop = true, .type = HD_MEDIAN_STOPPING, .interval = 5, .value = -INFINITY, .threshold = 0.3, .runs = 5},
         "{\"kind\":\"policy\",\"policy\":\"median_stopping\",\"interval\":5,\"value\":\"-Infinity\",\"threshold\":0.3,\"median\":0.3,"
         "\"runs\":5,\"message\":\"median_stopping: at report 5 the best Accuracy was -Infinity; the median of the averages of 5 runs is "
         "0.3\",\"at_utc\":\"1970-01-01T00:00:01.500000Z\"}"},
        {{.stop = true, .type = HD_TRUNCATION_SELECTION, .interval = 2, .value = 3, .threshold = 2, .runs = 10, .rank = 1, .quota = 2},
         "{\"kind\":\"policy\",\"policy\":\"truncation_selection\",\"interval\":2,\"value\":3.0,\"threshold\":2.0,\"rank\":1,\"count\":10,"
         "\"quota\":2,\"message\":\"truncation_selection: at report 2 the best Accuracy was 3; of 10 runs 1 is not better, and the "
         "lowest 2 "
         "are stopped\",\"at_utc\":\"1970-01-01T00:00:01.500000Z\"}"},
    };

    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct hd_text text = {0};

        hd_decision_reason(&text, &CASES[i].decision, "Accuracy", "S_3", 1500000);
        ck_assert_str_eq(text.data, CASES[i].json);
        hd_text_clear(&text);
    }
}
END_TEST

/* --- Replay ----------------------------------------------------------------------------------------------------------------------------
 */

enum { CURVES = 40, POINTS = 30 };

/* Curves that run four at a time, one report a second. */
static void make_curves(struct hd_curve curves[CURVES], struct hd_curve_point points[CURVES][POINTS])
{
    int64_t ordinal = 1;

    for (int wave = 0; wave < CURVES / 4; wave++) {
        for (int report = 0; report < POINTS; report++)
            for (int lane = 0; lane < 4; lane++, ordinal++) {
                int run = wave * 4 + lane;

                points[run][report] =
                    (struct hd_curve_point){ordinal, ordinal * 1000000, (double)draw(1000) / 1000, .unjudged = draw(16) == 0};
            }
        for (int lane = 0; lane < 4; lane++, ordinal++)
            curves[wave * 4 + lane] = (struct hd_curve){.run = 100 + wave * 4 + lane,
                                                        .points = points[wave * 4 + lane],
                                                        .count = POINTS,
                                                        .started_us = points[wave * 4 + lane][0].at_us - 500000,
                                                        .ended_us = points[wave * 4 + lane][POINTS - 1].at_us + 500000,
                                                        .end_ordinal = ordinal + (lane % 2 == 0 ? 0 : 10),
                                                        .stopped = draw(2) == 0 ? 1 + draw(6) : 0};
    }
}

/* Reports that a child makes which is stopped at one of them: what follows while it is not Running comes as well, and where it was stopped
 * then, all the rest. */
static int64_t made_until(const struct hd_curve *curve, int64_t stop)
{
    int64_t made = stop > 0 && stop != curve->stopped ? stop : curve->count;

    while (made < curve->count && curve->points[made].unjudged)
        made++;
    return made;
}

/* The replay by hand: the reports in order, those that are inherited first, into a naive reading, none of a run behind its stop. */
static void naive_replay(const struct hd_policy_rule *rule, const struct hd_curve *curves, int64_t stops[CURVES])
{
    static struct naive_run runs[CURVES];
    int64_t next[CURVES] = {0};

    memset(runs, 0, sizeof runs);
    memset(stops, 0, CURVES * sizeof *stops);
    for (int i = 0; i < CURVES; i++)
        for (runs[i].run = curves[i].run; curves[i].inherited && next[i] < curves[i].count; runs[i].count++)
            runs[i].reports[runs[i].count] = curves[i].points[next[i]++].value;
    for (;;) {
        int first = -1;
        const struct hd_curve_point *point;

        for (int i = 0; i < CURVES; i++)
            if (next[i] < made_until(&curves[i], stops[i]) &&
                (first < 0 || curves[i].points[next[i]].ordinal < curves[first].points[next[first]].ordinal))
                first = i;
        if (first < 0)
            return;
        point = &curves[first].points[next[first]++];
        for (int i = 0; i < CURVES; i++)
            runs[i].ended = (next[i] == made_until(&curves[i], stops[i]) && next[i] < curves[i].count) || curves[i].inherited ||
                            curves[i].end_ordinal < point->ordinal;
        runs[first].reports[runs[first].count++] = point->value;
        if (stops[first] == 0 && !point->unjudged && naive_judge(rule, runs, CURVES, first).stop)
            stops[first] = next[first];
    }
}

START_TEST(replay_of_curves)
{
    static struct hd_curve curves[CURVES];
    static struct hd_curve_point points[CURVES][POINTS];
    int64_t stopped = 0, lost = 0;

    for (int round = 0; round < 60; round++) {
        struct hd_policy_rule rule = random_rule();
        struct hd_memory memory = {.limit = INT64_MAX};
        struct hd_replay replay;
        int64_t stops[CURVES], saved = 0, saved_us = 0, own = CURVES;

        make_curves(curves, points);
        for (int i = 0; i < CURVES && round % 2 == 1; i++) {
            curves[i].inherited = draw(4) == 0;
            own -= curves[i].inherited;
        }
        ck_assert_int_eq(hd_policy_replay(&rule, curves, CURVES, &memory, &replay), 0);
        ck_assert_int_eq(memory.used, 0);
        naive_replay(&rule, curves, stops);
        for (int i = 0; i < CURVES; i++) {
            ck_assert_int_eq(replay.curves[i].decision.stop, stops[i] > 0);
            ck_assert_int_eq(replay.curves[i].reports, made_until(&curves[i], stops[i]));
            if (stops[i] == 0)
                continue;
            ck_assert_int_eq(replay.curves[i].decision.interval, stops[i]);
            saved += POINTS - made_until(&curves[i], stops[i]);
            saved_us += stops[i] == curves[i].stopped ? 0 : curves[i].ended_us - points[i][stops[i] - 1].at_us;
        }
        ck_assert_int_eq(replay.reports, own * POINTS);
        ck_assert(!curves[replay.recorded.curve].inherited && !curves[replay.replayed.curve].inherited);
        ck_assert_int_eq(replay.run_us, own * ((POINTS - 1) * 4 + 1) * 1000000);
        ck_assert_int_eq(replay.saved_reports, saved);
        ck_assert_int_eq(replay.saved_us, saved_us);
        ck_assert_int_eq(replay.lost, hd_goal_better(rule.goal, replay.recorded.best, replay.replayed.best));
        stopped += replay.stopped;
        lost += replay.lost;
        hd_replay_clear(&replay);
    }
    ck_assert_int_gt(stopped, 100);
    ck_assert_int_gt(lost, 0);
}
END_TEST

START_TEST(replay_of_nothing)
{
    struct hd_policy_rule rule = {.type = HD_BANDIT, .goal = HD_MAXIMIZE, .slack = 0.1};
    struct hd_curve_point nan = {.ordinal = 1, .at_us = 1, .value = NAN};
    struct hd_curve curves[2] = {{.run = 1}, {.run = 2, .points = &nan, .count = 1}};
    struct hd_memory memory = {.limit = 1 << 20};
    struct hd_replay replay;

    ck_assert_int_eq(hd_policy_replay(&rule, NULL, 0, &memory, &replay), 0);
    ck_assert_int_eq(replay.recorded.curve, -1);
    hd_replay_clear(&replay);
    ck_assert_int_eq(hd_policy_replay(&rule, curves, 2, &memory, &replay), 0);
    ck_assert_int_eq(replay.recorded.curve, -1);
    ck_assert_int_eq(replay.reports, 1);
    ck_assert(!replay.lost);
    hd_replay_clear(&replay);
    memory.limit = 64;
    ck_assert_int_lt(hd_policy_replay(&rule, curves, 2, &memory, &replay), 0);
    ck_assert_int_eq(memory.used, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy");
    TCase *cases = tcase_create("policy");
    SRunner *runner;
    int failed;

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, order_statistics);
    tcase_add_loop_test(cases, histories, 0, 4);
    tcase_add_test(cases, order_of_arrival);
    tcase_add_test(cases, only_running_runs_are_stopped_and_only_once);
    tcase_add_test(cases, a_lone_run_is_never_stopped);
    tcase_add_test(cases, memory_that_runs_short);
    tcase_add_test(cases, reasons);
    tcase_add_test(cases, replay_of_curves);
    tcase_add_test(cases, replay_of_nothing);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
