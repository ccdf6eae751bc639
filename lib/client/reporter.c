/* The functions of hyperdrive.h: points are taken here, and sent in sender.c. */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"
#include "hyperdrive.h"
#include "reporter.h"
#include "utf8.h"

enum {
    NAME_MOST = 256,
    STRING_MOST = 64 * 1024,
    LIST_MOST = 10000,
    CLOSE_WAIT_MS = 2000,
    KEEP_WAIT_MS = 10000, /* for a disk that hangs; the thread is left behind then */
};

/* The one thing that is global: exit() and fork() call back without telling for whom. */
static struct {
    pthread_once_t once;
    pthread_mutex_t lock; /* for the list; taken before any reporter's lock */
    struct hd_reporter *first;
    bool ready;
} open_reporters = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};

/* --- The end of a sender -----------------------------------------------------------------------------------------------------------------
 */

/* Waits until `done` says so; false when the deadline comes first. With the lock held. */
static bool wait_until(struct hd_reporter *reporter, bool (*done)(const struct hd_reporter *, uint64_t), uint64_t what, int64_t deadline_ms)
{
    struct timespec deadline = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};
    int result = 0;

    while (!done(reporter, what) && result != ETIMEDOUT) {
        result = pthread_cond_timedwait(&reporter->changed, &reporter->lock, &deadline);
    }
    return done(reporter, what);
}

static bool is_settled(const struct hd_reporter *reporter, uint64_t points)
{
    return reporter->settled >= points || reporter->ended;
}

static bool has_ended(const struct hd_reporter *reporter, uint64_t unused)
{
    (void)unused;
    return reporter->ended;
}

static void ask_to_finish(struct hd_reporter *reporter)
{
    pthread_mutex_lock(&reporter->lock);
    if (!reporter->finishing) {
        reporter->finishing = true;
        reporter->deadline_ms = hd_monotonic_ms() + CLOSE_WAIT_MS;
    }
    if (reporter->sender != NULL && !reporter->ended) {
        hd_sender_wake(reporter->sender);
    }
    pthread_mutex_unlock(&reporter->lock);
}

/* True when no thread is left. */
static bool finish(struct hd_reporter *reporter)
{
    bool join, ended = true;

    ask_to_finish(reporter);
    pthread_mutex_lock(&reporter->lock);
    join = reporter->sender != NULL;
    if (join) {
        ended = wait_until(reporter, has_ended, 0, reporter->deadline_ms + KEEP_WAIT_MS);
    }
    if (join && ended) {
        struct sender *sender = reporter->sender;

        /* The lock is free while the thread takes its last steps. */
        reporter->sender = NULL;
        pthread_mutex_unlock(&reporter->lock);
        pthread_join(reporter->thread, NULL);
        hd_sender_close(sender);
        return true;
    }
    pthread_mutex_unlock(&reporter->lock);
    return ended;
}

/* At exit(). The reporters are not freed: other threads may still report. */
static void finish_all(void)
{
    pthread_mutex_lock(&open_reporters.lock);
    for (struct hd_reporter *reporter = open_reporters.first; reporter != NULL; reporter = reporter->next) {
        ask_to_finish(reporter);
    }
    for (struct hd_reporter *reporter = open_reporters.first; reporter != NULL; reporter = reporter->next) {
        finish(reporter);
    }
    pthread_mutex_unlock(&open_reporters.lock);
}

/* --- fork() ------------------------------------------------------------------------------------------------------------------------------
 */

/* All locks are held across the fork, so that the child finds everything behind them whole. */
static void before_fork(void)
{
    pthread_mutex_lock(&open_reporters.lock);
    for (struct hd_reporter *reporter = open_reporters.first; reporter != NULL; reporter = reporter->next) {
        pthread_mutex_lock(&reporter->lock);
    }
}

static void after_fork_in_parent(void)
{
    for (struct hd_reporter *reporter = open_reporters.first; reporter != NULL; reporter = reporter->next) {
        pthread_mutex_unlock(&reporter->lock);
    }
    pthread_mutex_unlock(&open_reporters.lock);
}

static int open_changed(pthread_cond_t *changed)
{
    pthread_condattr_t attributes;
    int result = pthread_condattr_init(&attributes);

    if (result == 0) {
        result = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        if (result == 0) {
            result = pthread_cond_init(changed, &attributes);
        }
        pthread_condattr_destroy(&attributes);
    }
    return -result;
}

static void after_fork_in_child(void)
{
    for (struct hd_reporter *reporter = open_reporters.first; reporter != NULL; reporter = reporter->next) {
        if (reporter->sender != NULL) {
            reporter->inherited = reporter->sender;
        }
        reporter->sender = NULL;
        reporter->waiting.at = reporter->waiting.end = 0;
        reporter->waiting.count = 0;
        reporter->taken = reporter->settled = reporter->refused = 0;
        reporter->lost = reporter->ended = reporter->unable = false;
        /* Its old value tells of the parent's waiting threads. */
        (void)open_changed(&reporter->changed);
        pthread_mutex_unlock(&reporter->lock);
    }
    pthread_mutex_unlock(&open_reporters.lock);
}

/* --- Opening -----------------------------------------------------------------------------------------------------------------------------
 */

static void prepare_process(void)
{
    /* libcurl first: what it hooks into exit() is then undone after finish_all(). */
    open_reporters.ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK &&
                           pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0 && atexit(finish_all) == 0;
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && *value != '\0' ? value : NULL;
}

static char *join(const char *first, const char *second, const char *third)
{
    struct hd_text text = {0};

    hd_text_format(&text, "%s%s%s", first, second, third);
    return hd_text_take(&text);
}

static bool read_environment(struct hd_reporter *reporter)
{
    const char *url = variable("HYPERDRIVE_URL"), *token = variable("HYPERDRIVE_TOKEN"), *folder = variable("HYPERDRIVE_RUN_DIR"),
               *authorities = variable("HYPERDRIVE_CA_FILE");
    char *run_id = curl_easy_escape(NULL, variable("HYPERDRIVE_RUN_ID"), 0);
    struct hd_text path = {0};

    hd_text_format(&path, "%.*s/api/v1/runs/", (int)strlen(url) - (url[strlen(url) - 1] == '/'), url);
    reporter->url = run_id != NULL && !path.failed ? join(path.data, run_id, "/metrics") : NULL;
    reporter->authorization = token != NULL ? join("Authorization: Bearer ", token, "") : NULL;
    reporter->spool = folder != NULL ? join(folder, "/spool", "") : NULL;
    reporter->authorities = authorities != NULL ? strdup(authorities) : NULL;
    curl_free(run_id);
    hd_text_clear(&path);
    return reporter->url != NULL && (token == NULL || reporter->authorization != NULL) && (folder == NULL || reporter->spool != NULL) &&
           (authorities == NULL || reporter->authorities != NULL);
}

static void free_reporter(struct hd_reporter *reporter)
{
    pthread_cond_destroy(&reporter->changed);
    pthread_mutex_destroy(&reporter->lock);
    hd_points_close(&reporter->waiting);
    free(reporter->url);
    free(reporter->authorization);
    free(reporter->spool);
    free(reporter->authorities);
    free(reporter);
}

struct hd_reporter *hd_open(void)
{
    struct hd_reporter *reporter;

    if (variable("HYPERDRIVE_URL") == NULL || variable("HYPERDRIVE_RUN_ID") == NULL) {
        return NULL;
    }
    if (pthread_once(&open_reporters.once, prepare_process) != 0 || !open_reporters.ready) {
        return NULL;
    }
    reporter = calloc(1, sizeof(*reporter));
    if (reporter == NULL) {
        return NULL;
    }
    if (pthread_mutex_init(&reporter->lock, NULL) != 0) {
        free(reporter);
        return NULL;
    }
    if (open_changed(&reporter->changed) < 0) {
        pthread_mutex_destroy(&reporter->lock);
        free(reporter);
        return NULL;
    }
    if (!hd_points_open(&reporter->waiting) || !read_environment(reporter)) {
        free_reporter(reporter);
        return NULL;
    }
    /* A fork must not come between the thread and its place in the list. */
    pthread_mutex_lock(&open_reporters.lock);
    if (hd_sender_start(reporter) < 0) {
        pthread_mutex_unlock(&open_reporters.lock);
        free_reporter(reporter);
        return NULL;
    }
    reporter->next = open_reporters.first;
    open_reporters.first = reporter;
    pthread_mutex_unlock(&open_reporters.lock);
    return reporter;
}

/* --- Reporting ---------------------------------------------------------------------------------------------------------------------------
 */

static bool is_utf8(const char *text, size_t length)
{
    for (size_t at = 0, size; at < length; at += size) {
        uint32_t character;

        if ((unsigned char)text[at] < 0x80) {
            size = 1;
            continue;
        }
        size = utf8_decode(text + at, length - at, &character);
        if (size == 0) {
            return false;
        }
    }
    return true;
}

static int take(struct hd_reporter *reporter, const struct hd_point *point)
{
    int result = 0;

    pthread_mutex_lock(&reporter->lock);
    if (reporter->finishing) {
        result = -ESHUTDOWN;
    } else if (reporter->sender == NULL && !reporter->unable) {
        reporter->unable = hd_sender_start(reporter) < 0;
    }
    if (result == 0 && reporter->unable) {
        result = -EAGAIN;
    } else if (result == 0 && !hd_points_add(&reporter->waiting, point)) {
        reporter->refused++;
        result = -ENOBUFS;
    }
    if (result == 0) {
        reporter->taken++;
    }
    pthread_mutex_unlock(&reporter->lock);
    return result;
}

static int report(struct hd_reporter *reporter, const char *name, int64_t step, struct hd_point point)
{
    struct timespec now;

    if (name == NULL || point.value == NULL) {
        return -EINVAL;
    }
    point.name = name;
    point.name_length = strnlen(name, NAME_MOST + 1);
    point.step = step;
    if (point.name_length == 0 || point.name_length > NAME_MOST || !is_utf8(name, point.name_length)) {
        return -EINVAL;
    }
    if (step != HD_NO_STEP && (step < -HD_INTEGER_MAX || step > HD_INTEGER_MAX)) {
        return -ERANGE;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    point.at_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    return take(reporter, &point);
}

int hd_report(struct hd_reporter *reporter, const char *name, double value, int64_t step)
{
    struct hd_point point = {.kind = HD_POINT_FLOAT, .value = &value, .value_length = sizeof(value)};

    return reporter == NULL ? 0 : report(reporter, name, step, point);
}

int hd_report_integer(struct hd_reporter *reporter, const char *name, int64_t value, int64_t step)
{
    struct hd_point point = {.kind = HD_POINT_INTEGER, .value = &value, .value_length = sizeof(value)};

    if (reporter == NULL) {
        return 0;
    }
    return value < -HD_INTEGER_MAX || value > HD_INTEGER_MAX ? -ERANGE : report(reporter, name, step, point);
}

int hd_report_string(struct hd_reporter *reporter, const char *name, const char *value, int64_t step)
{
    struct hd_point point = {.kind = HD_POINT_STRING, .value = value};

    if (reporter == NULL) {
        return 0;
    }
    if (value == NULL) {
        return -EINVAL;
    }
    point.value_length = strnlen(value, STRING_MOST + 1);
    if (point.value_length > STRING_MOST) {
        return -E2BIG;
    }
    return is_utf8(value, point.value_length) ? report(reporter, name, step, point) : -EINVAL;
}

int hd_report_list(struct hd_reporter *reporter, const char *name, const double *values, size_t count, int64_t step)
{
    struct hd_point point = {.kind = HD_POINT_LIST, .value = values, .value_length = count * sizeof(*values)};

    if (reporter == NULL || count == 0) {
        return 0;
    }
    return count > LIST_MOST ? -E2BIG : report(reporter, name, step, point);
}

bool hd_should_stop(const struct hd_reporter *reporter)
{
    return reporter != NULL && atomic_load_explicit(&reporter->stop, memory_order_relaxed);
}

/* --- Waiting -----------------------------------------------------------------------------------------------------------------------------
 */

/* With the lock held, or when no thread is left. */
static int verdict(const struct hd_reporter *reporter, uint64_t points)
{
    if (reporter->lost || reporter->refused > 0) {
        return -EIO;
    }
    return reporter->settled >= points ? 0 : -ETIMEDOUT;
}

int hd_flush(struct hd_reporter *reporter, int timeout_ms)
{
    uint64_t points;
    int result;

    if (reporter == NULL) {
        return 0;
    }
    pthread_mutex_lock(&reporter->lock);
    points = reporter->taken;
    if (reporter->sender != NULL && !reporter->ended) {
        hd_sender_wake(reporter->sender);
        wait_until(reporter, is_settled, points, hd_monotonic_ms() + (timeout_ms > 0 ? timeout_ms : 0));
    }
    result = verdict(reporter, points);
    pthread_mutex_unlock(&reporter->lock);
    return result;
}

int hd_close(struct hd_reporter *reporter)
{
    struct hd_reporter **link = &open_reporters.first;
    bool alone;
    int result;

    if (reporter == NULL) {
        return 0;
    }
    alone = finish(reporter);
    pthread_mutex_lock(&open_reporters.lock);
    while (*link != NULL && *link != reporter) {
        link = &(*link)->next;
    }
    /* One whose thread hangs stays in the list: the thread goes on using it. */
    if (*link != NULL && alone) {
        *link = reporter->next;
    }
    pthread_mutex_unlock(&open_reporters.lock);
    pthread_mutex_lock(&reporter->lock);
    result = verdict(reporter, reporter->taken);
    pthread_mutex_unlock(&reporter->lock);
    if (alone) {
        free_reporter(reporter);
    }
    return result;
}
