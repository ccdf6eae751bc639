#include "reload.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "core/text.h"
#include "log.h"
#include "notify.h"

/* With MONOTONIC_USEC the service manager knows that the READY=1 to come belongs to this reload. */
static void notify_reloading(void)
{
    char state[96];
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\nSTATUS=Reading the settings",
             (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    notify_send(state);
}

/* On the pool: reading a file may take long. */
static void read_again(uv_work_t *work)
{
    struct reload *reload = work->data;

    reload->result = settings_read_again(reload->settings, &reload->fresh, &reload->error);
    if (reload->result == 0)
        reload->result = reload->prepare(reload->data, &reload->fresh, &reload->error);
    if (reload->result != 0)
        settings_clear(&reload->fresh);
}

static void note(void *data, const char *name, bool taken)
{
    struct hd_text *names = data;

    if (taken)
        hd_text_format(names, "%s%s", names->length > 0 ? ", " : "", name);
    else
        log_line(LOG_LEVEL_WARNING, "the setting '%s' has changed, but needs a restart (children go on meanwhile)", name);
}

static void take(struct reload *reload)
{
    struct hd_text names = {0};
    const char *file = reload->fresh.configuration_file != NULL ? reload->fresh.configuration_file : "no file";

    settings_take(reload->settings, &reload->fresh, note, &names);
    if (names.failed || names.length == 0)
        log_line(LOG_LEVEL_INFO, "settings read again (%s)%s", file, names.failed ? "" : ": nothing to take");
    else
        log_line(LOG_LEVEL_INFO, "settings read again (%s), taken: %s", file, names.data);
    hd_text_clear(&names);
}

static void finish(struct reload *reload)
{
    if (reload->result == 0) {
        reload->result = reload->apply(reload->data, &reload->fresh, &reload->error);
        if (reload->result == 0)
            take(reload);
        settings_clear(&reload->fresh);
    }
    if (reload->result != 0)
        log_line(LOG_LEVEL_ERROR, "the settings stay as they were: %s", reload->error.message);
}

static void read_on_pool(struct reload *reload, uv_loop_t *loop);

static void on_read(uv_work_t *work, int status)
{
    struct reload *reload = work->data;

    reload->busy = false;
    if (status != 0)
        reload->result = hd_error_set(&reload->error, HD_UNAVAILABLE, "the daemon is stopping");
    if (reload->stopped) {
        if (reload->result == 0)
            settings_clear(&reload->fresh);
        return;
    }
    finish(reload);
    if (reload->again)
        read_on_pool(reload, work->loop);
    else
        notify_send(reload->result == 0 ? "READY=1\nSTATUS=Ready" : "READY=1\nSTATUS=Ready; the new settings were refused, see the log");
}

static void read_on_pool(struct reload *reload, uv_loop_t *loop)
{
    reload->busy = true;
    reload->again = false;
    reload->work.data = reload;
    (void)uv_queue_work(loop, &reload->work, read_again, on_read); /* fails only without a function */
}

void reload_start(struct reload *reload, uv_loop_t *loop)
{
    if (reload->stopped)
        return;
    reload->again = reload->busy;
    if (reload->busy)
        return;
    notify_reloading();
    read_on_pool(reload, loop);
}
