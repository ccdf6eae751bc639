/* How the statuses of a sweep's runs have changed, in the order of everything that the daemon has stored: with what reports there were
 * when, a replay has all that the policy of the daemon has seen. */
#ifndef HD_CLIENT_REPLAY_MOVES_H
#define HD_CLIENT_REPLAY_MOVES_H

#include "client.h"
#include "core/status.h"

struct replay_move {
    char *run;       /* id; owned */
    int64_t ordinal; /* among all reports and events */
    enum hd_status status;
};

struct replay_moves {
    struct replay_move *list; /* by run, then by ordinal; owned */
    size_t count, capacity;
};

/* From the events of a sweep that has ended. */
int replay_moves_read(struct replay_moves *moves, struct client *client, const char *sweep, struct hd_error *error);
/* Those of one run. */
const struct replay_move *replay_moves_of(const struct replay_moves *moves, const char *run, size_t *ret_count);
void replay_moves_clear(struct replay_moves *moves);

#endif
