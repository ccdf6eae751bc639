/* The recorded curves of a sweep and of those that it builds on, read from the daemon: the runs page by page, and of each its
 * reports of the primary metric. */
#ifndef HD_CLIENT_REPLAY_CURVES_H
#define HD_CLIENT_REPLAY_CURVES_H

#include "client.h"
#include "core/policy_replay.h"

struct replay_curves {
    struct hd_curve *list; /* owned, with its points */
    char **ids;            /* of the runs, in the same order; owned */
    int64_t count, capacity;
    int64_t children;  /* the last ones of the list; before them are the runs of the sweeps that this one builds on */
    int64_t gone;      /* sweeps that it builds on and that were deleted since */
    int64_t cut_short; /* children that were stopped: what they would have reported later is not known */
};

/* `sweep` is its resource. */
int replay_curves_read(struct replay_curves *curves, struct client *client, const cJSON *sweep, struct hd_error *error);
void replay_curves_clear(struct replay_curves *curves);

#endif
