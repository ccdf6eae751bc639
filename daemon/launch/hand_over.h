/* Gives a run what an earlier one has left, to go on from (reference 8.6). Blocks: for the thread pool. */
#ifndef HYPERDRIVED_HAND_OVER_H
#define HYPERDRIVED_HAND_OVER_H

#include <stdatomic.h>

#include "core/error.h"

/* Copies the tree `from` (absolute; a missing one is an empty one) to LAUNCH_RESUMED in the run folder `run`, read-only, sharing blocks
 * where the file system can: whatever the program does to it, the original stays as it is. Absolute links into the tree become relative
 * ones, so that none leads back to the original; what is neither file, folder nor link is left out. When it is there already it is left
 * alone. Ends early, with nothing handed over, once `stop` is set. */
int hand_over(int run, const char *from, const atomic_bool *stop, struct hd_error *error);
/* Removes what hand_over() made, if it is there. */
void hand_over_take_back(int run);

#endif
