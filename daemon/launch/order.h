/* RUN/launch.json: what a monitor is to run. Mode 0600, because the environment carries the child's token. */
#ifndef HYPERDRIVED_ORDER_H
#define HYPERDRIVED_ORDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "run_limits.h"

#define ORDER_FILE "launch.json"

struct order {
    char *run_id;
    char *working_directory;
    char **argv;        /* ends in NULL; at least one */
    char **environment; /* NAME=VALUE, ends in NULL */
    bool as_user;       /* the program runs as this user; else as the monitor's own */
    uid_t uid;
    gid_t gid;
    gid_t *groups;
    int group_count;
    int attempt;
    int64_t grace_us;  /* between TERM and KILL */
    int64_t log_limit; /* bytes of the run's log that are kept; 0: all */
    char *cgroup;     /* that the monitor makes for the program; NULL: none */
    bool in_scope;    /* the monitor is in a transient unit that has the limits, and makes the program's cgroup below that */
    struct launch_limits limits;
    bool folder_is_synced; /* the run folder's own name is durable; else the monitor sees to it */
};

/* `folder` is a descriptor or AT_FDCWD; 0 or the negative number of the system's error. */
int order_write(int folder, const struct order *order);
/* -EPROTO: what is there was not written by order_write(). The caller calls order_clear(). */
int order_read(int folder, struct order *ret_order);
void order_clear(struct order *order);

/* Lists of strings that end in NULL. */
char **order_copy_list(const char *const *list); /* NULL when memory is short */
void order_free_list(char **list);

#endif
