/* The recorded curves of a sweep, read from the daemon: the children page by page, and of each its reports of the primary metric. */
#ifndef HD_CLIENT_REPLAY_CURVES_H
#define HD_CLIENT_REPLAY_CURVES_H

#include "client.h"
#include "core/policy_replay.h"

struct replay_curves {
    struct hd_curve *list; /* owned, with its points */
    char **ids;            /* of the children, in the same order; owned */
    int64_t count, capacity;
    int64_t cut_short; /* children that were stopped: what they would have reported later is not known */
};

/* `metric` is the name of the primary metric. */
int replay_curves_read(struct replay_curves *curves, struct client *client, const char *sweep, const char *metric, struct hd_error *error);
void replay_curves_clear(struct replay_curves *curves);

#endif
