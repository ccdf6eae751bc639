#include "upkeep.h"

#include <stdio.h>
#include <time.h>

#include "log.h"
#include "store/check.h"

enum { PERIOD_MS = 1000, FIRST_CHECK_MS = 10 * 60 * 1000 };

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
    struct timespec now = {0};

    if (reader == NULL)
        return;
    (void)store_check_file(reader, false, take_fault, upkeep, &upkeep->error);
    store_give_reader(upkeep->api->store, reader);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    upkeep->found.at_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* By the settings that are in force now. */
static bool is_check_due(const struct upkeep *upkeep)
{
    uint64_t interval_ms = (uint64_t)upkeep->settings->check_interval_us / 1000;
    uint64_t pause_ms = !upkeep->checked && interval_ms > FIRST_CHECK_MS ? FIRST_CHECK_MS : interval_ms;

    return interval_ms > 0 && uv_now(upkeep->timer.loop) - upkeep->check_from_ms >= pause_ms;
}

static void on_closed(uv_handle_t *timer)
{
    struct upkeep *upkeep = timer->data;

    upkeep->closed(upkeep->closed_data);
}

static void after_check(uv_work_t *work, int status)
{
    struct upkeep *upkeep = work->data;

    upkeep->busy = false;
    if (upkeep->closing) {
        uv_close((uv_handle_t *)&upkeep->timer, on_closed);
        return;
    }
    upkeep->checked = true;
    upkeep->check_from_ms = uv_now(upkeep->timer.loop);
    if (status != 0 || upkeep->error.code != HD_NO_ERROR) {
        log_line(LOG_LEVEL_WARNING, "the database could not be looked through: %s",
                 status != 0 ? uv_strerror(status) : upkeep->error.message);
        return;
    }
    upkeep->api->check = upkeep->found;
    log_line(LOG_LEVEL_INFO, "the database was looked through: %s",
             upkeep->found.fault[0] == '\0' ? "it is whole" : "it is damaged, see above");
}

/* --- All of it ----------------------------------------------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    struct upkeep *upkeep = timer->data;

    if (upkeep->busy || !is_check_due(upkeep))
        return;
    upkeep->found = (struct api_check){0};
    upkeep->error.code = HD_NO_ERROR;
    upkeep->busy = uv_queue_work(timer->loop, &upkeep->work, check, after_check) == 0;
}

void upkeep_open(struct upkeep *upkeep, uv_loop_t *loop, struct api *api, const struct settings *settings)
{
    *upkeep = (struct upkeep){.api = api, .settings = settings};
    (void)uv_timer_init(loop, &upkeep->timer); /* neither fails: they enter it into the loop, and only refuse a missing callback */
    (void)uv_timer_start(&upkeep->timer, on_timer, PERIOD_MS, PERIOD_MS);
    upkeep->timer.data = upkeep->work.data = upkeep;
    upkeep->check_from_ms = uv_now(loop);
}

void upkeep_close(struct upkeep *upkeep, void (*closed)(void *data), void *data)
{
    upkeep->closing = true;
    upkeep->closed = closed;
    upkeep->closed_data = data;
    if (!upkeep->busy)
        uv_close((uv_handle_t *)&upkeep->timer, on_closed);
}
