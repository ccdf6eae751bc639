/* Configurations that a sampling which learns proposes for the next children of a sweep. They are made on the pool, from what the store
 * knows at that moment, while nothing else waits; the loop keeps them until the children are generated.
 *
 * With several children at once the next proposal is made ahead, while all of them run: it is used as long as few children have ended
 * since. A sweep whose children run one or a few at a time waits some milliseconds for a proposal instead, which then knows them all. */
#ifndef HYPERDRIVED_PROPOSALS_H
#define HYPERDRIVED_PROPOSALS_H

#include "live.h"

/* How many of `wanted` new children may be generated now. 0: proposals for them are being made, and schedule() is called when they are
 * there. */
int64_t proposals_ready(struct live_sweep *sweep, int64_t wanted);
/* Are some being made that children wait for? */
bool proposals_awaited(const struct live_sweep *sweep);
/* Hands over those that are there, `most` at most (to be freed by the caller); returns how many. */
int64_t proposals_take(struct live_sweep *sweep, int64_t most, cJSON **ret_proposals);
/* Children were generated: the next proposal is made ahead, if that pays. */
void proposals_prepare(struct live_sweep *sweep);
void proposals_close(struct live_sweep *sweep);

enum { PROPOSALS_MOST = 8 }; /* at once: the first of them wait for the last */

#endif
