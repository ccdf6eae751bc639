/* Starts a monitor. */
#ifndef HYPERDRIVED_MONITOR_SPAWN_H
#define HYPERDRIVED_MONITOR_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/error.h"
#include "identity.h"
#include "scope.h"

struct spawned {
    pid_t pid;
    int pidfd;  /* owned by the caller */
    int status; /* read end of the monitor's status pipe, does not block; owned by the caller */
    struct launch_identity identity;
};

struct monitor_call {
    const char *monitor; /* its path */
    const char *folder;
    int attempt;
    bool stopped;
    const struct scope *scope; /* to start it in; NULL: none */
};

/* `log` becomes the monitor's standard error. 0; or the negative number of the system's error, and `error` says what failed. */
int spawn_monitor(const struct monitor_call *call, int log, struct spawned *ret_spawned, struct hd_error *error);
/* Opens a pidfd of the process that `identity` names: a descriptor; -ESRCH if that process is gone. */
int spawn_find(const struct launch_identity *identity);

#endif
