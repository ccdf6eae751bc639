/* What if: another policy over the recorded curves of a sweep that has ended.
 *
 * The recorded reports are judged one after the other in the order in which they were taken, those of a child behind its stop left out, but
 * for what came while it was being stopped: where it was stopped by that report, too, that is the rest. It tells what the policy would have
 * seen of these curves; that an earlier stop would have let other children start earlier it cannot know.
 */
#ifndef HD_CORE_POLICY_REPLAY_H
#define HD_CORE_POLICY_REPLAY_H

#include "policy.h"

struct hd_curve_point {
    int64_t ordinal; /* of the report among all of the daemon */
    int64_t at_us;
    double value;
    bool unjudged; /* the child was not Running when it came: it counts, and the child is not judged by it */
};

/* The reports of one child, or of a run that the sweep inherits. */
struct hd_curve {
    int64_t run; /* ascends in the order of creation */
    const struct hd_curve_point *points;
    int64_t count;
    int64_t started_us; /* 0: it never ran */
    int64_t ended_us;
    int64_t end_ordinal; /* of its end, behind those of all its reports; 0: it has none */
    int64_t stopped;     /* number of the report by which the policy of its sweep stopped it; 0: none did */
    bool inherited;      /* of an earlier sweep: the children are compared with it, and it is none of them */
};

/* What would have become of one child. */
struct hd_replayed {
    struct hd_decision decision; /* `stop` tells whether it would have been stopped */
    int64_t reports;             /* that it would have made */
    int64_t saved_reports;
    int64_t saved_us; /* of its run time */
};

/* The best child of the sweep (no inherited run), of equal ones the newest. */
struct hd_winner {
    int64_t curve; /* index; -1: no child has a metric */
    double best;
};

struct hd_replay {
    struct hd_replayed *curves; /* one for each, in the same order; owned */
    int64_t stopped;
    int64_t reports, saved_reports; /* as recorded, and of them not made */
    int64_t run_us, saved_us;
    struct hd_winner recorded, replayed;
    bool lost; /* the best of the recorded sweep would not have been reached */
};

/* 0, or -1 when `memory` is too little. */
int hd_policy_replay(const struct hd_policy_rule *rule, const struct hd_curve *curves, int64_t count, struct hd_memory *memory,
                     struct hd_replay *ret_replay);
void hd_replay_clear(struct hd_replay *replay);

#endif
