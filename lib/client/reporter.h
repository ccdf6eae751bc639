/* What the training threads and the sending thread of one reporter share; see hyperdrive.h for what it is all about. */
#ifndef HD_CLIENT_REPORTER_H
#define HD_CLIENT_REPORTER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "points.h"

struct sender; /* what only the sending thread touches */

struct hd_reporter {
    struct hd_reporter *next; /* in the list of the open ones */
    char *url;                /* of the run's metrics */
    char *authorization;      /* a header line, or NULL */
    char *spool;              /* folder, or NULL: nothing can be kept */
    char *authorities;        /* PEM file by which the daemon is verified, or NULL: by what the system trusts */
    atomic_bool stop;         /* an answer asked for it */

    pthread_mutex_t lock;     /* for all below */
    pthread_cond_t changed;   /* settled, lost or ended */
    struct hd_points waiting; /* not yet taken by the sender */
    uint64_t taken;           /* points reported */
    uint64_t settled;         /* of them: stored, or lost */
    uint64_t refused;         /* not taken, because too much waited */
    bool lost;                /* some point will never be stored */
    bool finishing;           /* no more points are taken; the sender ends at `deadline_ms` at last */
    bool ended;               /* the sender has ended */
    int64_t deadline_ms;      /* monotonic */
    struct sender *sender;    /* NULL in a forked child that has not reported */
    struct sender *inherited; /* of the parent; left alone, for its thread was at any point in it */
    bool unable;              /* a forked child got no sender */
    pthread_t thread;
};

static inline int64_t hd_monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Draws a new reporter and starts its thread; with the lock held or before the reporter is known to others. 0 or a negative errno. */
int hd_sender_start(struct hd_reporter *reporter);
/* Makes the thread look at the reporter now. */
void hd_sender_wake(struct sender *sender);
/* Once its thread has ended. */
void hd_sender_close(struct sender *sender);

#endif
