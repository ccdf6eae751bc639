/* Ends what is left of a run whose monitor was killed, or does not do it itself. */
#ifndef HYPERDRIVED_REMAINS_H
#define HYPERDRIVED_REMAINS_H

#include <stdbool.h>
#include <sys/types.h>

/* Kills all processes of this user that have HYPERDRIVE_RUN_ID=<run_id> in their environment, of whatever attempt, and their descendants,
 * again and again until none is left. Blocks, a few seconds at most: for the thread pool. False if some are left: they hang in the kernel,
 * or the system is short of something. */
bool remains_kill(const char *run_id);
/* The same with all that descends from the process `root`, of which `pidfd` is held, but not that itself. False as well if it has ended. */
bool remains_kill_below(pid_t root, int pidfd);

#endif
