/* The end of a child whose monitor is gone: what the run folder tells of it, or what is known without. */
#include <stdlib.h>
#include <time.h>

#include "child.h"

enum { KILLS_MAX = 5 };

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static void end(struct launch_child *child, struct launch_end *end)
{
    if (end->last_output == NULL)
        end->last_output = "";
    child_close(child);
    child->launch->events.ended(child, child->data, end);
}

void child_end_not_started(struct launch_child *child, const struct hd_error *error)
{
    struct launch_end ended = {.kind = LAUNCH_NOT_STARTED, .ended_us = now_us(), .error = *error};
    end(child, &ended);
}

/* The monitor ended without a claim: what it said, or how it ended, is all there is to know. */
static void end_without_claim(struct launch_child *child)
{
    struct hd_error error = {0};
    const char *what = child->plan.order.in_scope ? "program that makes its unit" : "monitor";
    const char *path = child->plan.order.in_scope ? child->plan.scope_by : child->launch->monitor;
    if (child->failure[0] != '\0')
        hd_error_set(&error, HD_INTERNAL, "%s", child->failure);
    else if (child->exit_code >= 0)
        hd_error_set(&error, HD_INTERNAL, "the %s '%s' ended with exit code %d before it started the program", what, path,
                     child->exit_code);
    else
        hd_error_set(&error, HD_INTERNAL, "the %s '%s' was killed before it started the program", what, path);
    child_end_not_started(child, &error);
}

static void end_recorded(struct launch_child *child)
{
    static const int kinds[] = {
        [RECORD_EXITED] = LAUNCH_EXITED,
        [RECORD_SIGNALED] = LAUNCH_SIGNALED,
        [RECORD_NOT_STARTED] = LAUNCH_NOT_STARTED,
        [RECORD_STOPPED_EARLY] = LAUNCH_STOPPED_EARLY,
    };
    const struct record *record = &child->finished.record;
    struct launch_end ended = {
        .kind = kinds[record->kind],
        .exit_code = record->exit_code,
        .signal = record->signal,
        .started_us = record->started_us,
        .ended_us = record->ended_us,
        .peak_memory = record->peak_memory,
        .cpu_us = record->cpu_us,
        .oom = record->oom,
        .last_output = child->finished.last_output,
    };
    if (ended.kind == LAUNCH_NOT_STARTED)
        hd_error_set(&ended.error, HD_INVALID, "%s", record->reason);
    end(child, &ended);
}

static void end_lost(struct launch_child *child)
{
    struct launch_end ended = {
        .kind = LAUNCH_LOST,
        .started_us = child->started_us,
        .ended_us = now_us(),
        .last_output = child->finished.last_output,
    };
    end(child, &ended);
}

/* A monitor that was killed before it claimed the attempt says nothing about the run. */
static bool is_worth_another(struct launch_child *child)
{
    bool killed = child->finished.outcome == FINISH_NOT_STARTED && child->exit_code < 0 && child->failure[0] == '\0';
    return killed && !atomic_load(&child->stop) && child->kills++ < KILLS_MAX;
}

static void finish_work(uv_work_t *work)
{
    struct launch_child *child = work->data;
    free(child->finished.last_output); /* of an earlier look */
    finish(child->plan.folder, &child->plan.order, child_is_claimed(child), child->tries >= CHILD_SHORTAGE_TRIES, &child->finished);
}

static void finish_done(uv_work_t *work, int status)
{
    (void)status; /* never cancelled */
    struct launch_child *child = work->data;
    if (!child_end_job(child))
        return;
    const struct finished *finished = &child->finished;
    if (finished->outcome == FINISH_LINGERING)
        child_tell_lingering(child);
    if (child->closing)
        return; /* the callback closed the launcher */
    if (finished->outcome == FINISH_LINGERING || finished->outcome == FINISH_AGAIN || is_worth_another(child)) {
        child_retry(child);
        return;
    }
    if (finished->outcome == FINISH_NOT_STARTED) {
        end_without_claim(child);
        return;
    }
    bool recorded = finished->outcome == FINISH_RECORDED;
    child_tell_running(child, &finished->started.monitor, recorded ? finished->record.started_us : finished->started.running_us);
    if (child->closing)
        return; /* the callback closed the launcher */
    if (recorded)
        end_recorded(child);
    else
        end_lost(child);
}

void child_finish(struct launch_child *child)
{
    child_start_job(child, finish_work, finish_done);
}
