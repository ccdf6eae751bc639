/* The runs that have reported to a policy and have not ended, found by their number; for lib/core only. */
#ifndef HD_CORE_POLICY_RUNS_H
#define HD_CORE_POLICY_RUNS_H

#include <stdbool.h>

#include "memory.h"

/* What a run's reports so far come to. */
struct policy_run {
    int64_t run;
    int64_t reports;
    int64_t counted; /* of them, not NaN */
    double best;     /* of those counted */
    double sum;      /* of those counted, from left to right */
    bool stopped;    /* it was decided that it is to be stopped */
    bool told;       /* that it could not be judged for want of a metric */
    double *kept;    /* its value at each interval where the policy applies, when they are to be taken back at its end; NaN: none */
    int64_t kept_count, kept_capacity;
};

/* A zeroed struct is empty. */
struct policy_runs {
    struct policy_run **table; /* open addressing, a power of two; NULL: free */
    int64_t capacity, count;
};

/* NULL: it is not there. */
struct policy_run *policy_runs_find(const struct policy_runs *runs, int64_t run);
/* The run, added if it is not there; NULL when memory is short. */
struct policy_run *policy_runs_have(struct policy_runs *runs, int64_t key, struct hd_memory *memory);
int policy_run_keep(struct policy_run *run, double value, struct hd_memory *memory);
void policy_runs_remove(struct policy_runs *runs, struct policy_run *run, struct hd_memory *memory);
void policy_runs_clear(struct policy_runs *runs, struct hd_memory *memory);

#endif
