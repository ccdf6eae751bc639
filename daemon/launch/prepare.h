/* What happens to a run folder on the thread pool: before the monitor, after it, and when the end is committed. Everything here blocks. */
#ifndef HYPERDRIVED_PREPARE_H
#define HYPERDRIVED_PREPARE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/error.h"
#include "monitor_spawn.h"
#include "order.h"
#include "started.h"

/* An owned copy of a launch_order. */
struct plan {
    struct order order; /* as it goes to RUN/launch.json */
    char *folder;
    char *user;                /* name; NULL: the daemon's own */
    char *snapshot;            /* NULL: none */
    char *resumed;             /* NULL: none */
    char **output_directories; /* or NULL */
    char *ahead;               /* a folder of prepare_ahead() to become this run's; NULL: none */
    const char *monitor;       /* not owned, as the next */
    const char *scope_by;      /* the program that starts the monitor in a scope, with `order.in_scope` */
    bool is_user_scope;
};

enum prepare_outcome {
    PREPARE_SPAWNED, /* a monitor was started */
    PREPARE_FOUND,   /* the attempt was claimed before: `started` says by whom */
    PREPARE_AGAIN,   /* somebody holds the run's lock, the disk is full, or the system is short of something: try later */
    PREPARE_FAILED,  /* `error`; no monitor will run this attempt */
};

struct prepared {
    enum prepare_outcome outcome;
    struct spawned spawned; /* with PREPARE_SPAWNED */
    struct started started; /* with PREPARE_FOUND */
    bool is_short;          /* with PREPARE_AGAIN: of what ends the tries some day, not of the lock or disk space. `error` says of which */
    struct hd_error error;
};

/* `stop` is looked at as late as possible: then the monitor claims the attempt, but executes nothing. With `last_try` a shortage is a
 * failure. */
void prepare(const struct plan *plan, const atomic_bool *stop, bool last_try, struct prepared *ret_prepared);

/* Makes what every run's folder of a sweep has, at `folder`: 0, or negative with nothing left of it. */
int prepare_ahead(const char *folder, const char *snapshot, char *const *output_directories);

/* Makes sure that nobody runs the attempt later. False if somebody holds the lock or has claimed it. */
bool prepare_revoke(const char *folder, int attempt);

/* What launch_tidy() promises. */
void prepare_tidy(const char *folder, int attempt, const char *snapshot);

#endif
