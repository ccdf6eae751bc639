/* Control groups (version 2): each run has one of its own, by which its processes are ended and are known to be gone, wherever they have
 * escaped to. Membership only: no controller is ever enabled here, since a unit whose controllers are enabled below it cannot be started
 * again while runs live. */
#ifndef HYPERDRIVED_CGROUP_H
#define HYPERDRIVED_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "run_limits.h"

/* Paths are absolute. Functions of type int give 0 or the negative number of the system's error. */

/* The cgroup that was delegated to this process: the one it is in, or, where that is its folder "daemon" from cgroup_move_aside(), the one
 * above. -ENOENT: there is none. */
int cgroup_find_delegated(char *ret_path, size_t size);
/* Moves this process to `path`/daemon, so that the processes of `path` are all in cgroups of their own. */
int cgroup_move_aside(const char *path);
/* Can cgroups below `path` be limited in this: "memory", "pids", "cpu"? */
bool cgroup_has_controller(const char *path, const char *controller);

/* That of an attempt, below `base`. -ENAMETOOLONG: it does not fit. */
int cgroup_of_attempt(const char *base, const char *run_id, int attempt, char *ret_path, size_t size);
/* It may be there. */
int cgroup_make(const char *path);
/* Sets limits of a cgroup whose parent has the controllers. */
int cgroup_limit(const char *path, const struct launch_limits *limits);
/* Moves the calling process there. Allocates nothing. */
int cgroup_enter(const char *path);
/* Kills all processes of it and of those below it. 0 as well if it is gone. */
int cgroup_kill(const char *path);
/* Waits until no process is left in it and below it: false if there are some after that time. */
bool cgroup_await_empty(const char *path, int timeout_ms);
/* Removes it and all below it. What is not empty stays. */
void cgroup_remove(const char *path);

#endif
