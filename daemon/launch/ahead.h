/* Folders for runs to come: what takes time in a run folder, the copy of the snapshot above all, is done while earlier children still run.
 * launch_start() moves such a folder to its place.
 *
 * A prepared folder belongs to no run, so whatever lies below `place` when a daemon starts is nobody's: it is removed before the first
 * launch_ahead_open(). All functions belong to the loop thread; the work is done on the pool. */
#ifndef HYPERDRIVED_AHEAD_H
#define HYPERDRIVED_AHEAD_H

#include "launch.h"

enum { LAUNCH_AHEAD_MAX = 2 }; /* so many are kept prepared at most; each may hold a copy of the snapshot */

/* `place` is the folder for the folders (absolute, on the file system of the run folders; made when it is needed, gone when it is closed);
 * the others are those of a launch_order. All are copied. NULL when memory is short. */
struct launch_ahead *launch_ahead_open(struct launch *launch, const char *place, const char *snapshot,
                                       const char *const *output_directories);
/* Prepares folders until there are `count`. One that cannot be prepared is given up: its run finds out why. */
void launch_ahead_want(struct launch_ahead *ahead, int count);
/* Removes what was not used, once what was taken is in its place. */
void launch_ahead_close(struct launch_ahead *ahead);

/* Internal to the launcher: a prepared folder's path, which is the caller's now; NULL: there is none. The caller tells when it is not there
 * any more. */
char *ahead_take(struct launch_ahead *ahead);
void ahead_moved(struct launch_ahead *ahead);

#endif
