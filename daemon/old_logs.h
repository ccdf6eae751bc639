/* Keeps what the logs of ended runs take on the disk below a limit (keep_logs_mb): those of the runs that ended longest ago go first.
 *
 * A pass either measures the logs of runs that nobody has measured yet, or, when there are none, looks whether all together are above the
 * limit and removes the oldest. Sizes are kept in the store, where one index has their sum and their order: no pass walks the folders of
 * runs that were measured before, and each deals with a bounded number of runs. They are measured here and not when a run ends, so that the
 * next child need not wait for it, and so that runs from before this existed are no special case. */
#ifndef HYPERDRIVED_OLD_LOGS_H
#define HYPERDRIVED_OLD_LOGS_H

#include <stdatomic.h>

#include "store/store.h"

enum { OLD_LOGS_AT_ONCE = 1000 };

/* Zeroed at first. */
struct old_logs {
    struct store *store;
    const char *state_dir;
    int64_t limit;    /* bytes */
    bool settled;     /* nothing was measured since all together were found to be below the limit */
    bool look_at_sum; /* the next pass does, whatever has ended meanwhile */
    atomic_bool stop; /* the pass under way is to end early */
    int64_t above;    /* of the pass: bytes that are to go; 0: it has measured */
    int64_t count;    /* of the pass: runs whose logs it has measured or removed */
    struct store_run_log logs[OLD_LOGS_AT_ONCE];
};

/* A pass, on the pool. Its results are to be stored (store_note_logs) before the next one; what a crash forgets is done once more. */
int old_logs_pass(struct old_logs *old, struct hd_error *error);

#endif
