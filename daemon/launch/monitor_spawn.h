/* Starts a monitor. */
#ifndef HYPERDRIVED_MONITOR_SPAWN_H
#define HYPERDRIVED_MONITOR_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/error.h"
#include "identity.h"

struct spawned {
    pid_t pid;
    int pidfd;  /* owned by the caller */
    int status; /* read end of the monitor's status pipe, does not block; owned by the caller */
    struct launch_identity identity;
};

/* `log` becomes the monitor's standard error. 0; or the negative number of the system's error, and `error` says what failed. */
int spawn_monitor(const char *monitor, const char *folder, int attempt, bool stopped, int log, struct spawned *ret_spawned,
                  struct hd_error *error);
/* Opens a pidfd of the process that `identity` names: a descriptor; -ESRCH if that process is gone. */
int spawn_find(const struct launch_identity *identity);

#endif
