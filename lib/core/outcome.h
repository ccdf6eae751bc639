/* How a sweep ends, as a function of what its children came to (reference 3.2). */
#ifndef HD_CORE_OUTCOME_H
#define HD_CORE_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "status.h"

/* Why no more children are generated. Stored in databases: never renumber. */
enum hd_generation {
    HD_GENERATING = 0,
    HD_GENERATED_BUDGET = 1,   /* max_total_runs */
    HD_GENERATED_SPACE = 2,    /* search_space_exhausted */
    HD_GENERATED_FAILURES = 3, /* initial_failures */
    HD_GENERATED_CANCEL = 4,   /* the sweep is being cancelled */
};

struct hd_tally {
    enum hd_status status; /* of the sweep */
    enum hd_generation generation;
    int64_t children; /* generated so far */
    int64_t ended;    /* of them, in a terminal status */
    int64_t completed;
    int64_t failed;
    int64_t canceled_well; /* Canceled by `policy` or `trial_timeout`: they count as a result */
    int64_t canceled_user; /* Canceled by `user` */
};

struct hd_outcome {
    bool ended;
    enum hd_status status;   /* when ended */
    const char *reason_code; /* static; NULL to keep the reason that the sweep already has (a cancel) */
};

struct hd_outcome hd_sweep_outcome(const struct hd_tally *tally);

/* The failure limit: what the end of one more child does to it. */
struct hd_failure_watch {
    int64_t limit;  /* 0: off */
    int64_t failed; /* children that ended Failed, all of those that counted so far */
    bool off;       /* a child ended in another way: off for good */
};
/* True if with this end the limit is reached. Ends with `Lost` do not count, neither way. */
bool hd_failure_watch_end(struct hd_failure_watch *watch, enum hd_status ended_as, bool lost);

#endif
