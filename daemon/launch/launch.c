#include "launch.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "ahead.h"
#include "cgroup.h"
#include "child.h"

static void free_plan(struct plan *plan)
{
    order_clear(&plan->order);
    free(plan->folder);
    free(plan->user);
    free(plan->snapshot);
    free(plan->resumed);
    free(plan->ahead);
    order_free_list(plan->output_directories);
    *plan = (struct plan){0};
}

void child_free(struct launch_child *child)
{
    free_plan(&child->plan);
    free(child->finished.last_output);
    free(child);
}

static void stops_closed(uv_handle_t *handle)
{
    struct launch *launch = handle->data;
    void (*closed)(void *) = launch->closed;
    void *data = launch->closed_data;
    confinement_clear(&launch->confinement);
    free(launch->monitor);
    free(launch);
    if (closed != NULL)
        closed(data);
}

void launch_close_when_empty(struct launch *launch)
{
    if (launch->closing && launch->children == NULL && launch->tidying == 0)
        uv_close((uv_handle_t *)&launch->stops, stops_closed);
}

int launch_open(struct launch **ret_launch, uv_loop_t *loop, const struct launch_settings *settings, const struct launch_events *events,
                struct hd_error *error)
{
    struct launch *launch = calloc(1, sizeof *launch);
    char *monitor = strdup(settings->monitor);
    if (launch == NULL || monitor == NULL) {
        free(launch);
        free(monitor);
        return hd_error_set(error, HD_UNAVAILABLE, "not enough memory for the launcher");
    }
    const struct confinement_settings confinement = {
        .cgroup = settings->cgroup, .systemd_run = settings->systemd_run, .root = settings->root};
    struct confinement confined;
    int result = confinement_open(&confinement, &confined, error);
    if (result < 0) {
        free(launch);
        free(monitor);
        return result;
    }
    *launch = (struct launch){.loop = loop,
                              .monitor = monitor,
                              .grace_us = settings->grace_us,
                              .log_limit = settings->log_limit,
                              .confinement = confined,
                              .events = *events};
    lane_open(&launch->copies, loop, LANE_COPIES);
    uv_timer_init(loop, &launch->stops); /* cannot fail */
    launch->stops.data = launch;
    *ret_launch = launch;
    return 0;
}

const char *launch_no_limits(const struct launch *launch)
{
    return launch->confinement.no_limits;
}

const char *launch_cgroup(const struct launch *launch)
{
    return launch->confinement.base;
}

void launch_set_grace(struct launch *launch, int64_t grace_us)
{
    launch->grace_us = grace_us;
}

void launch_set_log_limit(struct launch *launch, int64_t bytes)
{
    launch->log_limit = bytes;
}

void launch_close(struct launch *launch, void (*closed)(void *data), void *data)
{
    launch->closing = true;
    launch->closed = closed;
    launch->closed_data = data;
    for (struct launch_child *child = launch->children; child != NULL; child = child->next)
        child_close(child);
    lane_stop(&launch->copies);
    launch_close_when_empty(launch);
}

/* Where it has one. Without memory for the name, or with one that is too long, the run does without. */
static char *cgroup_for(const struct launch *launch, const char *run_id, int attempt)
{
    char path[PATH_MAX];
    const char *base = launch->confinement.base;
    return base != NULL && cgroup_of_attempt(base, run_id, attempt, path, sizeof path) == 0 ? strdup(path) : NULL;
}

static struct launch_child *new_child(struct launch *launch, const char *run_id, const char *folder, int attempt, void *data)
{
    struct launch_child *child = calloc(1, sizeof *child);
    if (child == NULL)
        return NULL;
    child->plan.order.run_id = strdup(run_id);
    child->plan.folder = strdup(folder);
    if (child->plan.order.run_id == NULL || child->plan.folder == NULL) {
        child_free(child);
        return NULL;
    }
    child->plan.order.attempt = attempt;
    child->plan.order.cgroup = cgroup_for(launch, run_id, attempt);
    child->plan.order.grace_us = launch->grace_us;
    child->plan.order.log_limit = launch->log_limit;
    child->plan.monitor = launch->monitor;
    child->launch = launch;
    child->data = data;
    child->pidfd = child->status = child->exit_code = -1;
    atomic_init(&child->stop, false);
    return child;
}

/* From here on the child belongs to the loop. */
static void enter_child(struct launch_child *child)
{
    struct launch *launch = child->launch;
    uv_timer_init(launch->loop, &child->timer); /* cannot fail */
    child->timer.data = child;
    child->next = launch->children;
    child->link = &launch->children;
    if (child->next != NULL)
        child->next->link = &child->next;
    launch->children = child;
}

static bool copy_order(struct plan *plan, const struct launch_order *order)
{
    const char *working_directory = order->working_directory != NULL ? order->working_directory : order->folder;
    plan->order.working_directory = strdup(working_directory);
    plan->order.argv = order_copy_list((const char *const *)order->argv);
    plan->order.environment = order_copy_list((const char *const *)order->environment);
    plan->user = order->user != NULL ? strdup(order->user) : NULL;
    plan->snapshot = order->snapshot != NULL ? strdup(order->snapshot) : NULL;
    plan->resumed = order->resumed != NULL ? strdup(order->resumed) : NULL;
    plan->output_directories = order->output_directories != NULL ? order_copy_list(order->output_directories) : NULL;
    return plan->order.working_directory != NULL && plan->order.argv != NULL && plan->order.environment != NULL &&
           (plan->user != NULL) == (order->user != NULL) && (plan->snapshot != NULL) == (order->snapshot != NULL) &&
           (plan->resumed != NULL) == (order->resumed != NULL) && (plan->output_directories != NULL) == (order->output_directories != NULL);
}

static void set_limits(struct launch_child *child, const struct launch_limits *limits)
{
    const struct confinement *confinement = &child->launch->confinement;
    child->plan.order.limits = *limits;
    child->plan.order.in_scope = limits_are_set(limits) && confinement->scope_by != NULL;
    child->plan.scope_by = confinement->scope_by;
    child->plan.is_user_scope = confinement->is_user_scope;
}

struct launch_child *launch_start(struct launch *launch, const struct launch_order *order, void *data)
{
    struct launch_child *child = new_child(launch, order->run_id, order->folder, order->attempt, data);
    if (child == NULL)
        return NULL;
    if (!copy_order(&child->plan, order)) {
        child_free(child);
        return NULL;
    }
    set_limits(child, &order->limits);
    if (order->ahead != NULL && order->attempt == 1 && (child->plan.ahead = ahead_take(order->ahead)) != NULL)
        child->ahead = order->ahead;
    enter_child(child);
    child_start(child);
    return child;
}

struct launch_child *launch_adopt(struct launch *launch, const char *run_id, const char *folder, int attempt,
                                  const struct launch_identity *identity, void *data)
{
    struct launch_child *child = new_child(launch, run_id, folder, attempt, data);
    if (child == NULL)
        return NULL;
    child->is_adopted = true;
    child->identity = *identity;
    enter_child(child);
    child_find(child);
    return child;
}

struct tidying {
    uv_work_t work;
    struct launch *launch;
    char *folder;
    char *snapshot;
    int attempt;
};

static void free_tidying(struct tidying *tidying)
{
    free(tidying->folder);
    free(tidying->snapshot);
    free(tidying);
}

static void tidy_work(uv_work_t *work)
{
    struct tidying *tidying = work->data;
    prepare_tidy(tidying->folder, tidying->attempt, tidying->snapshot);
}

static void tidy_done(uv_work_t *work, int status)
{
    (void)status;
    struct tidying *tidying = work->data;
    struct launch *launch = tidying->launch;
    free_tidying(tidying);
    launch->tidying--;
    launch_close_when_empty(launch);
}

void launch_tidy(struct launch *launch, const char *folder, int attempt, const char *snapshot)
{
    struct tidying *tidying = calloc(1, sizeof *tidying);
    if (tidying == NULL)
        return; /* an untidy folder is better than an unhappy daemon */
    tidying->launch = launch;
    tidying->attempt = attempt;
    tidying->folder = strdup(folder);
    tidying->snapshot = snapshot != NULL ? strdup(snapshot) : NULL;
    if (tidying->folder == NULL || (tidying->snapshot == NULL) != (snapshot == NULL)) {
        free_tidying(tidying);
        return;
    }
    tidying->work.data = tidying;
    launch->tidying++;
    uv_queue_work(launch->loop, &tidying->work, tidy_work, tidy_done);
}
