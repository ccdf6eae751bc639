/* RUN/started.<attempt>: the monitor's claim on an attempt. Where it exists, the attempt is never run again. */
#ifndef HYPERDRIVED_STARTED_H
#define HYPERDRIVED_STARTED_H

#include <stdbool.h>
#include <stdint.h>

#include "identity.h"

/* The first line tells who claimed the attempt; a second one is appended once the program is executed. `folder` is a descriptor or
 * AT_FDCWD; 0 or the negative number of the system's error. */
struct started {
    struct launch_identity monitor;
    int64_t running_us; /* when the program was executed; 0: not known (yet) */
};

/* The claim, with the cgroup that the program will be in (NULL: none): when this returns 0, the names in `folder` are durable, this file's
 * among them. Its content may be lost when the power is cut, but then it is read as -EPROTO, and no process of it is left either. -EEXIST:
 * the attempt was claimed before. */
int started_write(int folder, int attempt, const struct launch_identity *monitor, const char *cgroup);
/* Not synced: it serves only a daemon that finds this monitor alive. */
int started_add_running(int folder, int attempt, int64_t running_us);
/* -ENOENT: nobody claimed the attempt. -EPROTO: somebody did, but the file cannot be understood. */
int started_read(int folder, int attempt, struct started *ret_started);
/* The cgroup of the claim, which the caller frees; NULL: there is none in it. -ENOENT and -EPROTO as above. Where the daemon does not know
 * it otherwise: below a transient unit, or of a daemon that had other settings. */
int started_read_cgroup(int folder, int attempt, char **ret_cgroup);

#endif
