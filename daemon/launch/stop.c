/* Asks monitors to end, and sees to it that they do: one may be stopped itself, or hang. */
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup.h"
#include "child.h"
#include "monitor_spawn.h"
#include "processes.h"
#include "remains.h"

enum {
    LOOK_MS = 1000,     /* between looks at monitors that were told to end */
    OVERDUE_MS = 10000, /* after the grace: a machine that is busy ending many is slow */
};

/* Fails only when the monitor is gone already: then there is nothing to do. */
static void send_signal(const struct launch_child *child, int number)
{
    syscall(SYS_pidfd_send_signal, child->pidfd, number, NULL, 0);
}

/* Not to any: CONT takes away the stop that a debugger, or a leak checker, waits for. */
static void go_on(const struct launch_child *child)
{
    if (processes_is_stopped((pid_t)child->identity.pid))
        send_signal(child, SIGCONT);
}

/* Without the monitor the rest of its tree is hard to find, so that goes first. What else is in the cgroup goes, too: all of it is to end.
 */
static void end_tree_work(uv_work_t *work)
{
    struct launch_child *child = work->data;
    int monitor = spawn_find(&child->identity);
    child->monitor_is_alone = false;
    if (monitor < 0)
        return;
    if (child->plan.order.cgroup != NULL)
        cgroup_kill(child->plan.order.cgroup);
    child->monitor_is_alone = remains_kill_below((pid_t)child->identity.pid, monitor);
    close(monitor);
}

/* A monitor that has nothing left to wait for ends within a moment, unless it cannot. While something of its tree hangs in the kernel it is
 * right to wait. */
static void end_tree_done(uv_work_t *work, int status)
{
    (void)status; /* never cancelled */
    struct launch_child *child = work->data;
    if (!child_end_job(child))
        return;
    if (child->pidfd >= 0 && child->monitor_is_alone && child->nothing_watched)
        send_signal(child, SIGKILL);
    child->nothing_watched = child->monitor_is_alone;
    if (!child->monitor_is_alone) {
        child->overdue_ms = uv_now(child->launch->loop) + OVERDUE_MS;
        if (child->pidfd >= 0)
            child_tell_lingering(child);
    }
    child_proceed(child);
}

static void look_after(struct launch_child *child)
{
    go_on(child);
    if (uv_now(child->launch->loop) >= child->overdue_ms && !child->working)
        child_start_job(child, end_tree_work, end_tree_done);
}

static void look_after_all(uv_timer_t *timer)
{
    struct launch *launch = timer->data;
    bool some = false;
    for (struct launch_child *child = launch->children; child != NULL; child = child->next) {
        if (child->closing || child->pidfd < 0 || child->overdue_ms == 0)
            continue;
        some = true;
        look_after(child);
    }
    if (!some)
        uv_timer_stop(timer);
}

void child_send_stop(struct launch_child *child)
{
    struct launch *launch = child->launch;
    if (child->pidfd < 0)
        return;
    send_signal(child, SIGTERM);
    go_on(child);
    if (child->overdue_ms == 0)
        child->overdue_ms = uv_now(launch->loop) + (uint64_t)(child->plan.order.grace_us / 1000) + OVERDUE_MS;
    if (!launch->closing && !uv_is_active((uv_handle_t *)&launch->stops))
        uv_timer_start(&launch->stops, look_after_all, LOOK_MS, LOOK_MS); /* fails only without a callback */
}

void launch_stop(struct launch_child *child)
{
    if (child->closing)
        return;
    atomic_store(&child->stop, true);
    child_send_stop(child);
}
