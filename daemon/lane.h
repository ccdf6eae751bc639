/* A part of libuv's pool: so many jobs of one kind at once, the others wait in their order. What may take long, or hang (a network's
 * folder, a tree of millions of files), then leaves threads to what must go on: starting children and taking in their ends. Loop thread
 * only.
 *
 * The lanes together have fewer threads than the pool. */
#ifndef HYPERDRIVED_LANE_H
#define HYPERDRIVED_LANE_H

#include <stdbool.h>
#include <uv.h>

#define LANE_POOL_THREADS "16"

enum {
    LANE_REQUESTS = 8,    /* bodies and answers of the API */
    LANE_SUBMISSIONS = 2, /* with their snapshots */
    LANE_REMOVALS = 2,    /* of sweeps' folders */
    LANE_COPIES = 2,      /* of what earlier runs have left, for those that build on it */
};

struct lane;

struct lane_job {
    uv_work_t work; /* first; its `data` is the user's */
    struct lane *lane;
    uv_work_cb perform;
    uv_after_work_cb after;
    struct lane_job *next;
};

struct lane {
    uv_loop_t *loop;
    int width;   /* jobs at once */
    int running; /* of them */
    bool stopped;
    struct lane_job *first, **last; /* those that wait */
};

void lane_open(struct lane *lane, uv_loop_t *loop, int width);
/* As uv_queue_work(). 0, or UV_ECANCELED behind lane_stop(). */
int lane_queue(struct lane *lane, struct lane_job *job, uv_work_cb perform, uv_after_work_cb after);
/* Those that wait are not performed any more: their `after` is called at once, with UV_ECANCELED. Those that run go on. */
void lane_stop(struct lane *lane);

#endif
