#include "child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ahead.h"
#include "fault.h"
#include "monitor.h"
#include "processes.h"

enum {
    RETRY_FIRST_MS = 5, /* doubles up to RETRY_MAX_MS */
    RETRY_MAX_MS = 1000,
};

/* Life and memory */

/* What only a start needs; an environment can be large and a training long. */
static void shrink_plan(struct plan *plan)
{
    free(plan->order.working_directory);
    order_free_list(plan->order.argv);
    order_free_list(plan->order.environment);
    free(plan->user);
    free(plan->snapshot);
    order_free_list(plan->output_directories);
    plan->order.working_directory = plan->user = plan->snapshot = NULL;
    plan->order.argv = plan->order.environment = plan->output_directories = NULL;
}

static void free_when_idle(struct launch_child *child)
{
    if (child->working || child->polls > 0 || !child->timer_gone)
        return;
    struct launch *launch = child->launch;
    *child->link = child->next;
    if (child->next != NULL)
        child->next->link = child->link;
    child_free(child);
    launch_close_when_empty(launch);
}

void child_proceed(struct launch_child *child)
{
    if (child->closing) {
        free_when_idle(child);
    } else if (child->then != NULL && child->polls == 0 && !child->working) {
        void (*then)(struct launch_child *) = child->then;
        child->then = NULL;
        then(child);
    }
}

static void timer_closed(uv_handle_t *handle)
{
    struct launch_child *child = handle->data;
    child->timer_gone = true;
    free_when_idle(child);
}

static void poll_closed(uv_handle_t *handle)
{
    struct launch_child *child = handle->data;
    child->polls--;
    child_proceed(child);
}

/* 0; the descriptor is closed on failure. */
static int open_poll(struct launch_child *child, uv_poll_t *handle, int descriptor, int *ret_descriptor, uv_poll_cb ready)
{
    int result = uv_poll_init(child->launch->loop, handle, descriptor);
    if (result < 0) {
        close(descriptor);
        return result;
    }
    handle->data = child;
    child->polls++;
    *ret_descriptor = descriptor;
    return uv_poll_start(handle, UV_READABLE, ready);
}

/* A poll handle leaves epoll within uv_close(), so its descriptor may be closed at once. */
static void close_poll(uv_poll_t *handle, int *descriptor)
{
    if (*descriptor < 0)
        return;
    uv_close((uv_handle_t *)handle, poll_closed);
    close(*descriptor);
    *descriptor = -1;
}

void child_close(struct launch_child *child)
{
    if (child->closing)
        return;
    child->closing = true;
    uv_close((uv_handle_t *)&child->timer, timer_closed);
    close_poll(&child->watch, &child->pidfd);
    close_poll(&child->listen, &child->status);
}

void child_start_job(struct launch_child *child, uv_work_cb job, uv_after_work_cb done)
{
    assert(!child->working);
    child->work.work.data = child;
    child->working = true;
    uv_queue_work(child->launch->loop, &child->work.work, job, done); /* fails only without a job */
}

bool child_end_job(struct launch_child *child)
{
    child->working = false;
    if (!child->closing)
        return true;
    free_when_idle(child);
    return false;
}

/* Trying again */

bool child_is_claimed(const struct launch_child *child)
{
    return child->is_adopted || child->running_told;
}

static void retry_now(uv_timer_t *timer)
{
    struct launch_child *child = timer->data;
    if (child_is_claimed(child))
        child_find(child);
    else
        child_start(child);
}

static uint64_t next_pause_ms(struct launch_child *child)
{
    uint64_t pause = RETRY_FIRST_MS;
    for (unsigned i = 0; i < child->tries && pause < RETRY_MAX_MS; i++)
        pause *= 2;
    child->tries++;
    return pause < RETRY_MAX_MS ? pause : RETRY_MAX_MS;
}

void child_retry(struct launch_child *child)
{
    uv_timer_start(&child->timer, retry_now, next_pause_ms(child), 0); /* fails only without a callback */
}

/* Everything that is polled is closed first: a handle may be opened again only after its close callback. */
static void close_polls_then(struct launch_child *child, void (*then)(struct launch_child *))
{
    uv_timer_stop(&child->timer);
    child->then = then;
    close_poll(&child->watch, &child->pidfd);
    close_poll(&child->listen, &child->status);
    child_proceed(child);
}

/* What is told */

/* A shortage of a moment is not worth a word. */
static void tell_waiting(struct launch_child *child, const struct hd_error *error)
{
    bool passes = child->prepared.is_short && child->shortages < CHILD_SHORTAGE_TRIES;
    bool lasts = error->code == HD_STORAGE_FULL || (error->code == HD_UNAVAILABLE && !passes);
    if (!lasts || child->waiting_told || child->launch->events.waiting == NULL)
        return;
    child->waiting_told = true;
    child->launch->events.waiting(child, child->data, error);
}

void child_tell_lingering(struct launch_child *child)
{
    if (child->lingering_told || child->launch->events.lingering == NULL)
        return;
    child->lingering_told = true;
    child->launch->events.lingering(child, child->data);
}

void child_tell_running(struct launch_child *child, const struct launch_identity *identity, int64_t started_us)
{
    if (child_is_claimed(child) || started_us <= 0)
        return;
    child->running_told = true;
    child->started_us = started_us;
    child->tries = 0;
    shrink_plan(&child->plan);
    child->launch->events.running(child, child->data, identity, started_us);
}

/* Watching a monitor */

static void tell_monitor_waits(struct launch_child *child, const char *sentence)
{
    struct hd_error error = {0};
    hd_error_set(&error, HD_UNAVAILABLE, "%s", sentence);
    child->waiting_told = true;
    child->launch->events.waiting(child, child->data, &error);
}

static void read_line(struct launch_child *child, char *line)
{
    if (line[0] == MONITOR_RUNNING)
        child_tell_running(child, &child->identity, strtoll(line + 1, NULL, 10));
    else if (line[0] == MONITOR_FAILED)
        snprintf(child->failure, sizeof child->failure, "%s", line + 1);
    else if (line[0] == MONITOR_WAITING && !child->waiting_told && child->launch->events.waiting != NULL)
        tell_monitor_waits(child, line + 1);
}

/* True while more may come: a monitor that has said that it waits says one thing more. */
static bool take_lines(struct launch_child *child)
{
    char *newline;
    while ((newline = memchr(child->status_text, '\n', child->status_length)) != NULL) {
        bool last = child->status_text[0] != MONITOR_WAITING;
        *newline = '\0';
        read_line(child, child->status_text);
        if (last || child->closing)
            return false;
        child->status_length -= (size_t)(newline + 1 - child->status_text);
        memmove(child->status_text, newline + 1, child->status_length);
    }
    return child->status_length < sizeof child->status_text - 1;
}

static bool read_status(struct launch_child *child)
{
    size_t room = sizeof child->status_text - child->status_length - 1;
    ssize_t count = read(child->status, child->status_text + child->status_length, room);
    if (count < 0)
        return errno == EINTR || errno == EAGAIN;
    if (count == 0)
        return false;
    child->status_length += (size_t)count;
    return take_lines(child);
}

static void schedule_look(struct launch_child *child);

static void status_ready(uv_poll_t *handle, int status, int events)
{
    (void)events;
    struct launch_child *child = handle->data;
    bool more = status == 0 && read_status(child);
    if (more || child->closing)
        return;
    close_poll(&child->listen, &child->status);
    if (!child_is_claimed(child) && child->failure[0] == '\0')
        schedule_look(child); /* it has ended, or what it said could not be read */
}

static void look_work(uv_work_t *work)
{
    struct launch_child *child = work->data;
    int folder = open(child->plan.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    child->looked = (struct started){0};
    if (folder >= 0) {
        started_read(folder, child->plan.order.attempt, &child->looked); /* on failure: not known yet */
        close(folder);
    }
}

static void look_done(uv_work_t *work, int status)
{
    (void)status;
    struct launch_child *child = work->data;
    if (!child_end_job(child))
        return;
    child_tell_running(child, &child->identity, child->looked.running_us);
    if (child->closing)
        return;
    if (child->then != NULL)
        child_proceed(child);
    else if (!child->running_told)
        schedule_look(child);
}

/* Its tree may be being ended. */
static void look_now(uv_timer_t *timer)
{
    struct launch_child *child = timer->data;
    if (child->working)
        schedule_look(child);
    else
        child_start_job(child, look_work, look_done);
}

/* A monitor of an earlier daemon that has not executed its program yet has nobody to tell it to: it writes it into the run folder. */
static void schedule_look(struct launch_child *child)
{
    uv_timer_start(&child->timer, look_now, next_pause_ms(child), 0);
}

/* What follows when a monitor has ended. */
static void after_monitor(struct launch_child *child)
{
    bool refused =
        child->exit_code == MONITOR_EXIT_BUSY || child->exit_code == MONITOR_EXIT_CLAIMED || child->exit_code == MONITOR_EXIT_FULL;
    if (refused && !child_is_claimed(child))
        child_retry(child);
    else
        child_finish(child);
}

/* Reaps a monitor that is our own process; of another one only its exit record tells anything. */
static int reap(int pidfd)
{
    siginfo_t info = {.si_pid = 0};
    if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0 || info.si_code != CLD_EXITED)
        return -1;
    return info.si_status;
}

static void monitor_ended(uv_poll_t *handle, int status, int events)
{
    (void)events;
    struct launch_child *child = handle->data;
    if (status < 0) {
        close_polls_then(child, child_retry);
        return;
    }
    /* `running` comes first, even if both became readable in one turn of the loop. */
    if (child->status >= 0)
        read_status(child);
    if (child->closing)
        return;
    child->exit_code = reap(child->pidfd);
    close_polls_then(child, after_monitor);
}

/* Takes over both descriptors; `status` is -1 for a monitor that somebody else started. */
static void watch_monitor(struct launch_child *child, int pidfd, int status)
{
    child->exit_code = -1;
    child->status_length = 0;
    child->failure[0] = '\0';
    child->overdue_ms = 0;
    child->nothing_watched = false;
    int result = open_poll(child, &child->watch, pidfd, &child->pidfd, monitor_ended);
    if (result == 0 && status >= 0)
        result = open_poll(child, &child->listen, status, &child->status, status_ready);
    else if (status >= 0)
        close(status);
    if (result < 0)
        close_polls_then(child, child_retry);
    else if (atomic_load(&child->stop))
        child_send_stop(child);
}

/* Finding a monitor */

/* The monitor may have been started when the settings were others. */
static int64_t ordered_grace_us(const struct launch_child *child)
{
    int folder = open(child->plan.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct order order = {0};
    int64_t grace_us = folder >= 0 && order_read(folder, &order) == 0 ? order.grace_us : -1;
    order_clear(&order);
    if (folder >= 0)
        close(folder);
    return grace_us;
}

static void find_work(uv_work_t *work)
{
    struct launch_child *child = work->data;
    child->found = spawn_find(&child->identity);
    child->grace_us = child->found >= 0 ? ordered_grace_us(child) : -1;
}

static void find_done(uv_work_t *work, int status)
{
    (void)status;
    struct launch_child *child = work->data;
    int found = child->found;
    if (child->closing && found >= 0)
        close(found);
    if (!child_end_job(child))
        return;
    if (found == -ESRCH) {
        child_finish(child);
    } else if (found < 0) {
        child_retry(child);
    } else {
        fault_point("after_adoption");
        if (child->grace_us >= 0)
            child->plan.order.grace_us = child->grace_us;
        watch_monitor(child, found, -1);
        bool watched = child->pidfd >= 0;
        child_tell_running(child, &child->identity, child->started_us);
        if (!child->closing && watched && !child_is_claimed(child))
            schedule_look(child);
    }
}

void child_find(struct launch_child *child)
{
    child_start_job(child, find_work, find_done);
}

/* Starting */

static void prepare_work(uv_work_t *work)
{
    struct launch_child *child = work->data;
    prepare(&child->plan, &child->stop, child->shortages >= CHILD_SHORTAGE_TRIES, &child->prepared);
}

static void prepare_done(uv_work_t *work, int status)
{
    struct launch_child *child = work->data;
    const struct prepared *prepared = &child->prepared;
    if (child->ahead != NULL)
        ahead_moved(child->ahead);
    child->ahead = NULL;
    if (child->closing && status == 0 && prepared->outcome == PREPARE_SPAWNED) {
        close(prepared->spawned.pidfd);
        close(prepared->spawned.status);
    }
    if (!child_end_job(child))
        return;
    switch (prepared->outcome) {
    case PREPARE_SPAWNED:
        child->identity = prepared->spawned.identity;
        watch_monitor(child, prepared->spawned.pidfd, prepared->spawned.status);
        break;
    case PREPARE_FOUND:
        child->identity = prepared->started.monitor;
        child->started_us = prepared->started.running_us;
        child_find(child);
        break;
    case PREPARE_AGAIN:
        child->shortages += prepared->is_short;
        tell_waiting(child, &prepared->error);
        child_retry(child);
        break;
    case PREPARE_FAILED:
        child_end_not_started(child, &prepared->error);
        break;
    }
}

/* What is copied from an earlier run may be large: one that waits for its turn holds up nobody. */
void child_start(struct launch_child *child)
{
    if (child->plan.resumed == NULL) {
        child_start_job(child, prepare_work, prepare_done);
        return;
    }
    child->work.work.data = child;
    child->working = true;
    lane_queue(&child->launch->copies, &child->work, prepare_work, prepare_done); /* it is not stopped: the launcher is not closing */
}
