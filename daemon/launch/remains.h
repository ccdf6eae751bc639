/* What is left of a run whose monitor was killed. */
#ifndef HYPERDRIVED_REMAINS_H
#define HYPERDRIVED_REMAINS_H

#include <stdbool.h>

/* Kills all processes of this user that have HYPERDRIVE_RUN_ID=<run_id> in their environment, of whatever attempt, and their descendants,
 * again and again until none is left. Blocks, a few seconds at most: for the thread pool. False if some are left: they hang in the kernel,
 * or the system is short of something. */
bool remains_kill(const char *run_id);

#endif
