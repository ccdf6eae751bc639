#include "lane.h"

#include <stddef.h>

void lane_open(struct lane *lane, uv_loop_t *loop, int width)
{
    *lane = (struct lane){.loop = loop, .width = width};
    lane->last = &lane->first;
}

static struct lane_job *take_first(struct lane *lane)
{
    struct lane_job *job = lane->first;

    if (job == NULL)
        return NULL;
    lane->first = job->next;
    if (lane->first == NULL)
        lane->last = &lane->first;
    return job;
}

static void start(struct lane *lane, struct lane_job *job);

/* The next one first: with `after` all of this may be gone. */
static void on_done(uv_work_t *work, int status)
{
    struct lane_job *job = (struct lane_job *)work, *next;
    struct lane *lane = job->lane;

    lane->running--;
    next = take_first(lane);
    if (next != NULL)
        start(lane, next);
    job->after(work, status);
}

static void start(struct lane *lane, struct lane_job *job)
{
    lane->running++;
    (void)uv_queue_work(lane->loop, &job->work, job->perform, on_done); /* fails only without a function */
}

int lane_queue(struct lane *lane, struct lane_job *job, uv_work_cb perform, uv_after_work_cb after)
{
    if (lane->stopped)
        return UV_ECANCELED;
    job->lane = lane;
    job->perform = perform;
    job->after = after;
    job->next = NULL;
    if (lane->running < lane->width) {
        start(lane, job);
        return 0;
    }
    *lane->last = job;
    lane->last = &job->next;
    return 0;
}

void lane_stop(struct lane *lane)
{
    struct lane_job *waiting = lane->first, *next;

    lane->stopped = true;
    lane->first = NULL;
    lane->last = &lane->first;
    for (; waiting != NULL; waiting = next) {
        next = waiting->next;
        waiting->after(&waiting->work, UV_ECANCELED);
    }
}
