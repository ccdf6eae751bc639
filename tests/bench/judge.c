/* Reports judged per second by the core alone: judge CHILDREN REPORTS.
 *
 * The children report in turns, so that at each interval nearly all of them are compared. Their values are random, and the policies are
 * such that few are stopped: a report of one that was stopped is not judged any more, and would cost less. Prints the rate of each policy.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/policy.h"
#include "measure.h"

enum { ROUNDS = 5 };

static const struct hd_policy_rule RULES[] = {
    {.type = HD_BANDIT, .goal = HD_MAXIMIZE, .interval = 1, .slack = 1.0},
    {.type = HD_MEDIAN_STOPPING, .goal = HD_MAXIMIZE, .interval = 1, .delay = 5},
    {.type = HD_TRUNCATION_SELECTION, .goal = HD_MAXIMIZE, .interval = 1, .percentage = 1},
};
enum { RULE_COUNT = sizeof RULES / sizeof RULES[0] };

struct round {
    int64_t microseconds;
    int64_t judged;
    int64_t memory;
};

static double next_value(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 11) / 9007199254740992.0;
}

static struct round judge(const struct hd_policy_rule *rule, int64_t children, int64_t reports)
{
    struct hd_memory memory = {.limit = INT64_MAX / 2};
    struct hd_policy *policy = hd_policy_new(rule, &memory);
    struct round round = {0};
    uint64_t state = 1;
    int64_t begin = bench_clock_us();

    for (int64_t report = 0; report < reports; report++)
        for (int64_t child = 0; child < children; child++) {
            struct hd_decision decision;

            if (hd_policy_report(policy, child, next_value(&state), true, &decision) != 0)
                bench_fail("memory is short");
            round.judged += decision.runs > 0;
        }
    round.microseconds = bench_clock_us() - begin;
    round.memory = memory.used;
    hd_policy_free(policy);
    return round;
}

int main(int argc, char **argv)
{
    int64_t children, reports;

    if (argc != 3)
        bench_fail("usage: judge CHILDREN REPORTS");
    children = bench_number(argv[1]);
    reports = bench_number(argv[2]);
    printf("{");
    for (size_t i = 0; i < RULE_COUNT; i++) {
        int64_t samples[ROUNDS];
        struct round round = {0};

        for (int sample = 0; sample < ROUNDS; sample++) {
            round = judge(&RULES[i], children, reports);
            samples[sample] = round.microseconds;
        }
        printf("%s\"%s\":{\"reports\":%" PRId64 ",\"judged\":%" PRId64 ",\"seconds\":%.6f,\"bytes\":%" PRId64 "}", i > 0 ? "," : "",
               hd_policy_name(RULES[i].type), children * reports, round.judged, (double)bench_quantile(samples, ROUNDS, 0.5) / 1e6,
               round.memory);
    }
    printf("}\n");
    return 0;
}
