/* Section 7 of the reference read naively: every decision from all reports of all runs, each time anew. What the real one is held to. */
#ifndef HD_TEST_POLICY_NAIVE_H
#define HD_TEST_POLICY_NAIVE_H

#include "core/policy.h"

enum { NAIVE_REPORTS_MAX = 64 };

struct naive_run {
    int64_t run;
    double reports[NAIVE_REPORTS_MAX];
    int64_t count;
    bool ended;
    bool told; /* that it has no metric */
};

/* The decision on the latest report of runs[judged]. */
struct hd_decision naive_judge(const struct hd_policy_rule *rule, struct naive_run *runs, int count, int judged);

#endif
