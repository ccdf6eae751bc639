/* A launcher and its children from the inside: the part that launch.c and child.c share. */
#ifndef HYPERDRIVED_CHILD_H
#define HYPERDRIVED_CHILD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

#include "confinement.h"
#include "finish.h"
#include "lane.h"
#include "launch.h"
#include "prepare.h"

enum {
    CHILD_STATUS_SIZE = HD_ERROR_MESSAGE_SIZE + 8,
    CHILD_SHORTAGE_TRIES = 12, /* about six seconds, also for a disk that does not answer */
};

struct launch {
    uv_loop_t *loop;
    char *monitor;
    int64_t grace_us;
    int64_t log_limit;
    struct confinement confinement;
    struct launch_events events;
    struct launch_child *children; /* list */
    struct lane copies;            /* preparations that copy what earlier runs have left */
    size_t tidying;                /* jobs of no child that are under way */
    bool closing;
    uv_timer_t stops; /* runs while a child is to end (stop.c); its close callback is the launcher's end */
    void (*closed)(void *data);
    void *closed_data;
};

/* A child does one thing at a time: a job on the pool, waiting for its timer, or waiting for its monitor's end (then looks at the run
 * folder may be under way besides). */
struct launch_child {
    struct launch *launch;
    struct launch_child *next, **link;
    void *data;
    struct plan plan;           /* once the program runs only folder, run id and attempt are kept */
    struct launch_ahead *ahead; /* has the prepared folder, until that is moved; NULL: none */
    atomic_bool stop;           /* the pool reads it, too */
    bool is_adopted;            /* by launch_adopt(): the caller knows that the program runs */
    bool waiting_told;
    bool running_told;
    bool lingering_told;
    bool closing;
    int exit_code; /* of a monitor that was our own process; -1: not known */
    int64_t started_us;
    unsigned tries, shortages, kills; /* kills: of monitors that had not claimed the attempt */
    uint64_t overdue_ms;              /* of the loop's clock, when a monitor that was told to end should have; 0: not told */
    bool nothing_watched;             /* a monitor that is overdue has nothing left to wait for */
    struct launch_identity identity;

    struct lane_job work;
    bool working;
    uv_timer_t timer;
    bool timer_gone;
    uv_poll_t watch;                     /* on `pidfd` */
    uv_poll_t listen;                    /* on `status` */
    int pidfd, status;                   /* -1: not polled */
    unsigned polls;                      /* poll handles that are open or closing */
    void (*then)(struct launch_child *); /* what follows when no poll handle and no job is left */

    /* Results of jobs. */
    struct prepared prepared;
    struct finished finished;
    struct started looked;
    int found;             /* pidfd of the monitor, or the negative number of the system's error */
    int64_t grace_us;      /* that was ordered of the monitor that was found; negative: not known */
    bool monitor_is_alone; /* nothing of its tree is left */

    char status_text[CHILD_STATUS_SIZE];
    size_t status_length;
    char failure[CHILD_STATUS_SIZE]; /* what the monitor said; "" for nothing */
};

/* Begin an attempt whose `plan` is whole, or take up one whose `identity` is known. */
void child_start(struct launch_child *child);
void child_find(struct launch_child *child);
/* One job at a time. child_end_job() is to be called when it is done: false if the launcher was closed meanwhile; then the child is gone.
 */
void child_start_job(struct launch_child *child, uv_work_cb job, uv_after_work_cb done);
bool child_end_job(struct launch_child *child);
/* To be called when that has been dealt with, or a poll handle is gone: what follows, follows. */
void child_proceed(struct launch_child *child);
/* Looks again, from where it stands, after a pause that grows. */
void child_retry(struct launch_child *child);
/* Whether the program is known to run. */
bool child_is_claimed(const struct launch_child *child);
/* Each once. */
void child_tell_running(struct launch_child *child, const struct launch_identity *identity, int64_t started_us);
void child_tell_lingering(struct launch_child *child);
/* child_end.c: tells the end, and closes. The monitor is gone, or there was none. */
void child_finish(struct launch_child *child);
void child_end_not_started(struct launch_child *child, const struct hd_error *error);
/* To the monitor, if one is watched; stop.c sees to it that it ends. */
void child_send_stop(struct launch_child *child);
/* Gives up all handles; the child frees itself when the last of them and its job are gone. */
void child_close(struct launch_child *child);
void child_free(struct launch_child *child);

/* To be called when a child or a tidying job is gone. */
void launch_close_when_empty(struct launch *launch);

#endif
