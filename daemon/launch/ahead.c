#include "ahead.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "core/text.h"
#include "tree.h"

struct launch_ahead {
    struct launch *launch;
    char *place, *snapshot; /* snapshot NULL: none */
    char **output_directories;
    int wanted, count;
    char *ready[LAUNCH_AHEAD_MAX]; /* paths of those that are prepared: `count` */
    int taken;                     /* and not yet moved */
    int64_t made;                  /* so far: the name of the next */
    uv_work_t work;
    bool working; /* the pool has `making`, or removes everything */
    bool closing;
    char *making;
    int result;
};

static void free_ahead(struct launch_ahead *ahead)
{
    for (int i = 0; i < ahead->count; i++)
        free(ahead->ready[i]);
    free(ahead->making);
    free(ahead->place);
    free(ahead->snapshot);
    order_free_list(ahead->output_directories);
    free(ahead);
}

struct launch_ahead *launch_ahead_open(struct launch *launch, const char *place, const char *snapshot,
                                       const char *const *output_directories)
{
    struct launch_ahead *ahead = calloc(1, sizeof *ahead);
    if (ahead == NULL)
        return NULL;
    ahead->launch = launch;
    ahead->work.data = ahead;
    ahead->place = strdup(place);
    ahead->snapshot = snapshot != NULL ? strdup(snapshot) : NULL;
    ahead->output_directories = output_directories != NULL ? order_copy_list(output_directories) : NULL;
    if (ahead->place != NULL && (ahead->snapshot != NULL) == (snapshot != NULL) &&
        (ahead->output_directories != NULL) == (output_directories != NULL))
        return ahead;
    free_ahead(ahead);
    return NULL;
}

static void start_job(struct launch_ahead *ahead, uv_work_cb job, uv_after_work_cb done)
{
    ahead->working = true;
    ahead->launch->tidying++;
    uv_queue_work(ahead->launch->loop, &ahead->work, job, done); /* fails only without a job */
}

static void end_job(struct launch_ahead *ahead)
{
    ahead->working = false;
    ahead->launch->tidying--;
}

/* Removal */

static void remove_work(uv_work_t *work)
{
    struct launch_ahead *ahead = work->data;
    tree_remove(AT_FDCWD, ahead->place); /* what cannot be removed is looked for at the next start of a daemon */
}

static void remove_done(uv_work_t *work, int status)
{
    (void)status;
    struct launch_ahead *ahead = work->data;
    struct launch *launch = ahead->launch;
    end_job(ahead);
    free_ahead(ahead);
    launch_close_when_empty(launch);
}

/* What is on its way to its run must not be met by the removal. */
static void remove_when_idle(struct launch_ahead *ahead)
{
    if (!ahead->working && ahead->taken == 0)
        start_job(ahead, remove_work, remove_done);
}

void launch_ahead_close(struct launch_ahead *ahead)
{
    ahead->closing = true;
    remove_when_idle(ahead);
}

/* Preparation */

static void make_work(uv_work_t *work)
{
    struct launch_ahead *ahead = work->data;
    ahead->result = prepare_ahead(ahead->making, ahead->snapshot, ahead->output_directories);
}

static void make_next(struct launch_ahead *ahead);

static void make_done(uv_work_t *work, int status)
{
    (void)status;
    struct launch_ahead *ahead = work->data;
    end_job(ahead);
    if (ahead->result == 0)
        ahead->ready[ahead->count++] = ahead->making;
    else
        free(ahead->making);
    ahead->making = NULL;
    if (ahead->closing)
        remove_when_idle(ahead);
    else if (ahead->result == 0)
        make_next(ahead);
}

static void make_next(struct launch_ahead *ahead)
{
    if (ahead->working || ahead->closing || ahead->launch->closing || ahead->count >= ahead->wanted)
        return;
    struct hd_text path = {0};
    hd_text_format(&path, "%s/%" PRId64, ahead->place, ahead->made++);
    ahead->making = hd_text_take(&path);
    if (ahead->making != NULL)
        start_job(ahead, make_work, make_done);
}

void launch_ahead_want(struct launch_ahead *ahead, int count)
{
    ahead->wanted = count < LAUNCH_AHEAD_MAX ? count : LAUNCH_AHEAD_MAX;
    make_next(ahead);
}

char *ahead_take(struct launch_ahead *ahead)
{
    if (ahead->closing || ahead->count == 0)
        return NULL;
    char *path = ahead->ready[0];
    memmove(ahead->ready, ahead->ready + 1, (size_t)--ahead->count * sizeof *ahead->ready);
    ahead->taken++;
    return path;
}

void ahead_moved(struct launch_ahead *ahead)
{
    ahead->taken--;
    if (ahead->closing)
        remove_when_idle(ahead);
}
