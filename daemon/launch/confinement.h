/* Which control groups this daemon has for its runs, and by what it can hold them to limits. */
#ifndef HYPERDRIVED_CONFINEMENT_H
#define HYPERDRIVED_CONFINEMENT_H

#include <stdbool.h>

#include "core/error.h"

struct confinement {
    char *base;            /* cgroup below which each run gets its own; NULL: runs have none */
    bool base_limits;      /* those can be limited */
    const char *scope_by;  /* else: the systemd-run program that makes a transient unit for a run with limits; NULL: none */
    bool is_user_scope;    /* of the user's own service manager */
    const char *no_limits; /* end of a sentence: why no limits can be held; NULL: they can */
};

struct confinement_settings {
    const char *cgroup;      /* "auto": the one that was delegated to the daemon; "no"; or the path of one that may be used */
    const char *systemd_run; /* path; kept by the caller */
    const char *root;        /* folder whose /sys and /run tell whether there are a service manager and controllers */
};

/* "auto" and "no" are well. HD_INVALID for the path of a control group below which this process may make none. */
int confinement_check(const char *path, struct hd_error *error);
/* With "auto" moves this process to a cgroup of its own below the delegated one. What is not to be had is done without; a path that cannot
 * be used is an error. To be called once. */
int confinement_open(const struct confinement_settings *settings, struct confinement *ret, struct hd_error *error);
void confinement_clear(struct confinement *confinement);

#endif
