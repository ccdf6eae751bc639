#include "upkeep.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include "log.h"
#include "store/check.h"

enum { PERIOD_MS = 1000, FIRST_CHECK_MS = 10 * 60 * 1000, OLD_PERIOD_MS = 60 * 60 * 1000, LOGS_PERIOD_MS = 10 * 1000 };
static const int64_t DAY_US = INT64_C(86400) * 1000000, MIB = 1 << 20;

static int64_t now_us(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void on_closed(uv_handle_t *timer)
{
    struct upkeep *upkeep = timer->data;

    upkeep->closed(upkeep->closed_data);
}

/* After a job: whether its result is still of use. */
static bool end_job(struct upkeep *upkeep, int status, const char *what)
{
    upkeep->busy = false;
    if (upkeep->closing)
        uv_close((uv_handle_t *)&upkeep->timer, on_closed);
    else if (status != 0 || upkeep->error.code != HD_NO_ERROR)
        log_line(LOG_LEVEL_WARNING, "the database could not be looked through for %s: %s", what,
                 status != 0 ? uv_strerror(status) : upkeep->error.message);
    return !upkeep->closing && status == 0 && upkeep->error.code == HD_NO_ERROR;
}

static void start_job(struct upkeep *upkeep, uv_work_cb perform, uv_after_work_cb after)
{
    upkeep->error.code = HD_NO_ERROR;
    upkeep->busy = uv_queue_work(upkeep->timer.loop, &upkeep->work, perform, after) == 0;
}

/* --- Looking through the database ---------------------------------------------------------------------------------------------------- */

static void take_fault(void *context, const char *sentence)
{
    struct upkeep *upkeep = context;

    log_line(LOG_LEVEL_ERROR, "database: %s", sentence);
    if (upkeep->found.fault[0] == '\0')
        snprintf(upkeep->found.fault, sizeof upkeep->found.fault, "%s", sentence);
}

static void check(uv_work_t *work)
{
    struct upkeep *upkeep = work->data;
    struct store_reader *reader = store_take_reader(upkeep->api->store, &upkeep->error);

    if (reader == NULL)
        return;
    (void)store_check_file(reader, false, take_fault, upkeep, &upkeep->error);
    store_give_reader(upkeep->api->store, reader);
    upkeep->found.at_us = now_us();
}

/* By the settings that are in force now. */
static bool is_check_due(const struct upkeep *upkeep)
{
    uint64_t interval_ms = (uint64_t)upkeep->settings->check_interval_us / 1000;
    uint64_t pause_ms = !upkeep->checked && interval_ms > FIRST_CHECK_MS ? FIRST_CHECK_MS : interval_ms;

    return interval_ms > 0 && uv_now(upkeep->timer.loop) - upkeep->check_from_ms >= pause_ms;
}

static void after_check(uv_work_t *work, int status)
{
    struct upkeep *upkeep = work->data;

    upkeep->checked = true;
    upkeep->check_from_ms = uv_now(upkeep->timer.loop);
    if (!end_job(upkeep, status, "damage"))
        return;
    upkeep->api->check = upkeep->found;
    log_line(LOG_LEVEL_INFO, "the database was looked through for damage: %s",
             upkeep->found.fault[0] == '\0' ? "it is whole" : "it has some, see above");
}

/* --- Deleting what is old ------------------------------------------------------------------------------------------------------------ */

static int take_old(void *context, const struct store_sweep *sweep)
{
    struct upkeep *upkeep = context;
    struct upkeep_old *old = &upkeep->old[upkeep->old_count++];

    old->key = sweep->key;
    snprintf(old->id, sizeof old->id, "%s", sweep->id);
    return 0;
}

static void find_old(uv_work_t *work)
{
    struct upkeep *upkeep = work->data;
    struct store_reader *reader = store_take_reader(upkeep->api->store, &upkeep->error);

    if (reader == NULL)
        return;
    (void)store_read_old_sweeps(reader, upkeep->now_us - upkeep->old_days * DAY_US, upkeep->old_after, UPKEEP_OLD_AT_ONCE, take_old, upkeep,
                                &upkeep->error);
    store_give_reader(upkeep->api->store, reader);
}

/* A sweep on which others build is looked at again in an hour. */
static void on_deleted(void *data, const struct hd_error *error)
{
    (void)data;
    if (error != NULL && error->code != HD_CONFLICT && error->code != HD_NOT_FOUND)
        log_line(LOG_LEVEL_WARNING, "a sweep that is older than keep_days could not be deleted: %s", error->message);
}

static void after_find(uv_work_t *work, int status)
{
    struct upkeep *upkeep = work->data;
    bool more;

    upkeep->old_from_ms = uv_now(upkeep->timer.loop);
    if (!end_job(upkeep, status, "old sweeps"))
        return;
    for (int i = 0; i < upkeep->old_count; i++) {
        log_line(LOG_LEVEL_INFO, "sweep %s has ended more than %lld days ago (keep_days)", upkeep->old[i].id, (long long)upkeep->old_days);
        sweeps_delete(upkeep->api->sweeps, upkeep->old[i].key, upkeep->old[i].id, on_deleted, NULL);
    }
    more = upkeep->old_count == UPKEEP_OLD_AT_ONCE;
    upkeep->old_after = more ? upkeep->old[upkeep->old_count - 1].key : 0;
}

/* Decades of sweeps would go in a moment. */
static void look_at_clock(struct upkeep *upkeep)
{
    bool believed;

    upkeep->now_us = wall_clock_us(&upkeep->clock, &believed);
    if (!believed && !upkeep->told_of_clock)
        log_line(LOG_LEVEL_WARNING,
                 "the clock was set forward by more than a day: until the daemon is started again keep_days counts as if "
                 "it had not been");
    upkeep->told_of_clock = !believed;
}

static bool is_old_due(const struct upkeep *upkeep)
{
    int64_t days = upkeep->settings->keep_days;
    bool more = upkeep->old_after != 0, changed = days != upkeep->old_days;

    return days > 0 && (more || changed || uv_now(upkeep->timer.loop) - upkeep->old_from_ms >= OLD_PERIOD_MS);
}

/* --- Logs of ended runs -------------------------------------------------------------------------------------------------------------- */

static void end_logs(struct upkeep *upkeep, bool more)
{
    upkeep->logs_more = more;
    upkeep->logs_from_ms = uv_now(upkeep->timer.loop);
}

/* What was removed and could not be noted is noted by a later pass, which finds that it is gone. */
static void on_noted(struct store_write *write)
{
    struct upkeep *upkeep = (struct upkeep *)((char *)write - offsetof(struct upkeep, note));

    if (write->result != 0)
        upkeep->error = write->error;
    end_logs(upkeep, end_job(upkeep, 0, "logs of ended runs"));
}

static void tell_removed(const struct old_logs *logs)
{
    if (logs->above > 0 && logs->count > 0)
        log_line(LOG_LEVEL_INFO,
                 "the logs of %" PRId64 " runs that ended longest ago were removed: all took %" PRId64
                 " bytes more than keep_logs_mb = %" PRId64,
                 logs->count, logs->above, logs->limit / MIB);
}

static void look_at_logs(uv_work_t *work)
{
    struct upkeep *upkeep = work->data;

    (void)old_logs_pass(&upkeep->logs, &upkeep->error);
}

/* Still busy until what was done is stored. */
static void after_logs(uv_work_t *work, int status)
{
    struct upkeep *upkeep = work->data;
    struct old_logs *logs = &upkeep->logs;

    if (!end_job(upkeep, status, "logs of ended runs") || logs->count == 0) {
        end_logs(upkeep, false);
        return;
    }
    tell_removed(logs);
    logs->settled = false;
    upkeep->note = (struct store_note_logs){.write = {.done = on_noted}, .logs = logs->logs, .count = logs->count};
    upkeep->busy = store_note_logs(upkeep->api->store, &upkeep->note, &upkeep->error) == 0;
    if (!upkeep->busy)
        end_logs(upkeep, end_job(upkeep, 0, "logs of ended runs"));
}

static bool is_logs_due(const struct upkeep *upkeep)
{
    int64_t limit = upkeep->settings->keep_logs_mb * MIB;
    bool changed = limit != upkeep->logs.limit;

    return limit > 0 && (upkeep->logs_more || changed || uv_now(upkeep->timer.loop) - upkeep->logs_from_ms >= LOGS_PERIOD_MS);
}

static void start_logs(struct upkeep *upkeep)
{
    int64_t limit = upkeep->settings->keep_logs_mb * MIB;

    upkeep->logs.settled = upkeep->logs.settled && limit == upkeep->logs.limit;
    upkeep->logs.limit = limit;
    start_job(upkeep, look_at_logs, after_logs);
}

/* --- All of it ----------------------------------------------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    struct upkeep *upkeep = timer->data;

    if (upkeep->busy)
        return;
    if (is_old_due(upkeep)) {
        upkeep->old_days = upkeep->settings->keep_days;
        upkeep->old_count = 0;
        look_at_clock(upkeep);
        start_job(upkeep, find_old, after_find);
    } else if (is_logs_due(upkeep)) {
        start_logs(upkeep);
    } else if (is_check_due(upkeep)) {
        upkeep->found = (struct api_check){0};
        start_job(upkeep, check, after_check);
    }
}

void upkeep_open(struct upkeep *upkeep, uv_loop_t *loop, struct api *api, const struct settings *settings)
{
    *upkeep = (struct upkeep){.api = api, .settings = settings, .logs = {.store = api->store, .state_dir = api->state_dir}};
    (void)uv_timer_init(loop, &upkeep->timer); /* neither fails: they enter it into the loop, and only refuse a missing callback */
    (void)uv_timer_start(&upkeep->timer, on_timer, PERIOD_MS, PERIOD_MS);
    upkeep->timer.data = upkeep->work.data = upkeep;
    upkeep->check_from_ms = uv_now(loop);
    wall_clock_open(&upkeep->clock);
}

void upkeep_close(struct upkeep *upkeep, void (*closed)(void *data), void *data)
{
    upkeep->closing = true;
    atomic_store(&upkeep->logs.stop, true);
    upkeep->closed = closed;
    upkeep->closed_data = data;
    if (!upkeep->busy)
        uv_close((uv_handle_t *)&upkeep->timer, on_closed);
}
