/* The listening socket that outlives the daemon: one that the service manager hands over, or keeps for the next start (sd_listen_fds(3),
 * sd_pid_notify_with_fds(3)). While no daemon is there, who connects waits in its queue, and is served by the next one. */
#ifndef HYPERDRIVED_LISTENER_H
#define HYPERDRIVED_LISTENER_H

#include <stdbool.h>

#include "core/error.h"

struct listener {
    int fd;     /* -1: none was handed over */
    bool given; /* by a socket unit, which decides where to listen; else it is one that listener_keep() gave away */
};

/* Takes what $LISTEN_FDS names, and removes these variables. A socket that an earlier daemon let the manager keep is taken only if it
 * listens on `address`, else it is forgotten. To be called before other threads are there. */
int listener_take(const char *address, struct listener *ret_listener, struct hd_error *error);
/* Lets the manager keep the socket; does nothing without a manager. */
void listener_keep(int fd);
/* Whether the socket listens on `address` ("127.0.0.1:8700", "unix:/run/hyperdrive/socket"). */
bool listener_is_at(int fd, const char *address);

#endif
