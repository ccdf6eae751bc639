/* The thread of a reporter: points become batches, and batches are sent one after the other, each until it is stored or refused.
 *
 * A batch keeps its number and its text for ever, so that one whose answer was lost is a duplicate when it comes again. While the daemon is
 * away batches are made rarely and wait on the disk, so that neither memory nor a killed training is a limit to what is kept; so do those
 * that a slow daemon leaves behind. */
#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/text.h"
#include "hyperdrive.h"
#include "reporter.h"
#include "reporter_name.h"
#include "socket_url.h"
#include "spool.h"

enum {
    BATCH_ROWS = 1000,
    BATCH_BYTES = 1024 * 1024,
    ANSWER_BYTES = 64 * 1024,
    MEMORY_BYTES = 16 * 1024 * 1024, /* of batches that are not on the disk */
    LOOK_LEAST_MS = 10, /* between two looks at what waits: the training never wakes the thread, for that costs it a system call */
    LOOK_MOST_MS = 100,
    RETRY_FIRST_MS = 100,
    RETRY_MOST_MS = 2000,
    KEEP_AFTER_MS = 1000,   /* a failure that lasts so long sends batches to the disk */
    GATHER_AWAY_MS = 10000, /* how long points are gathered while nothing can be sent */
    ATTEMPT_MS = 10000,
    CONNECT_MS = 5000,
    STACK_BYTES = 512 * 1024,
};

struct batch {
    struct batch *next;
    char *text; /* NULL: in the spool */
    size_t length;
    int64_t sequence;
    uint64_t points;
};

enum saying {
    SAY_AWAY,
    SAY_REFUSED,
    SAY_FULL,
    SAY_UNKEPT,
    SAY_LOST,
};

struct sender {
    struct hd_reporter *reporter;
    char id[HD_REPORTER_NAME_SIZE];
    int64_t sequence; /* of the latest batch */
    struct hd_points draining;
    struct batch *first, **last;
    size_t memory; /* bytes of texts */

    CURLM *multi;
    CURL *curl;
    struct curl_slist *headers;
    struct hd_text body; /* of the request under way, when it comes from the disk */
    struct hd_text answer;
    bool sending;
    int failures;        /* in a row */
    int64_t failing_ms;  /* since when */
    int64_t attempt_ms;  /* when the latest attempt began */
    int64_t retry_ms;    /* not to be sent before */
    int64_t gathered_ms; /* when the latest batch was made */
    int look_ms;
    unsigned said; /* bits of enum saying */
};

/* One line of a kind, once. */
__attribute__((format(printf, 3, 4))) static void say_once(struct sender *sender, enum saying saying, const char *format, ...)
{
    struct hd_text line = {0};
    char sentence[1024];
    va_list arguments;

    if ((sender->said & 1u << saying) != 0) {
        return;
    }
    sender->said |= 1u << saying;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    hd_text_format(&line, "hyperdrive: %s\n", sentence);
    if (!line.failed) {
        fputs(line.data, stderr);
    }
    hd_text_clear(&line);
}

/* --- Batches -----------------------------------------------------------------------------------------------------------------------------
 */

static void settle(struct hd_reporter *reporter, uint64_t points, bool lost)
{
    pthread_mutex_lock(&reporter->lock);
    reporter->settled += points;
    reporter->lost = reporter->lost || lost;
    pthread_cond_broadcast(&reporter->changed);
    pthread_mutex_unlock(&reporter->lock);
}

/* What the training threads have left; cheap, for they wait meanwhile. */
static void exchange(struct sender *sender)
{
    struct hd_reporter *reporter = sender->reporter;
    struct hd_points empty = sender->draining;
    uint64_t refused;

    empty.at = empty.end = 0;
    pthread_mutex_lock(&reporter->lock);
    sender->draining = reporter->waiting;
    reporter->waiting = empty;
    refused = reporter->refused;
    pthread_mutex_unlock(&reporter->lock);
    if (refused > 0) {
        say_once(sender, SAY_FULL, "points come faster than they can be reported: some are left out");
    }
}

static bool next_point(struct sender *sender, struct hd_point *ret_point)
{
    if (sender->draining.count == 0) {
        exchange(sender);
    }
    return hd_points_take(&sender->draining, ret_point);
}

static uint64_t count_waiting(struct sender *sender, size_t *ret_bytes)
{
    const struct hd_points *draining = &sender->draining, *waiting = &sender->reporter->waiting;
    uint64_t count;

    pthread_mutex_lock(&sender->reporter->lock);
    count = waiting->count + draining->count;
    *ret_bytes = waiting->end - waiting->at + draining->end - draining->at;
    pthread_mutex_unlock(&sender->reporter->lock);
    return count;
}

static bool is_any_waiting(struct sender *sender)
{
    size_t bytes;

    return count_waiting(sender, &bytes) > 0;
}

/* Prints up to BATCH_ROWS; the number of points. */
static uint64_t print_points(struct sender *sender, struct hd_text *text)
{
    struct hd_point point;
    uint64_t points = 0;
    size_t rows = 0;

    while (rows < BATCH_ROWS && text->length < BATCH_BYTES && next_point(sender, &point)) {
        if (points > 0 && rows + hd_point_rows(&point) > BATCH_ROWS) {
            hd_points_put_back(&sender->draining);
            break;
        }
        rows += hd_point_rows(&point);
        if (points++ > 0) {
            hd_text_add_char(text, ',');
        }
        hd_point_print(text, &point);
    }
    return points;
}

static void make_batch(struct sender *sender)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    struct hd_text text = {0};
    uint64_t points;

    hd_text_format(&text, "{\"reporter\":\"%s\",\"sequence\":%" PRId64 ",\"metrics\":[", sender->id, sender->sequence + 1);
    points = print_points(sender, &text);
    hd_text_add_string(&text, "]}");
    sender->gathered_ms = hd_monotonic_ms();
    if (batch == NULL || text.failed) {
        free(batch);
        hd_text_clear(&text);
        say_once(sender, SAY_LOST, "memory is short: some points are not reported");
        settle(sender->reporter, points, true);
        return;
    }
    sender->sequence++;
    batch->sequence = sender->sequence;
    batch->points = points;
    batch->length = text.length;
    batch->text = hd_text_take(&text);
    sender->memory += batch->length;
    *sender->last = batch;
    sender->last = &batch->next;
}

static void free_batch(struct sender *sender, struct batch *batch)
{
    if (batch->text != NULL) {
        sender->memory -= batch->length;
    }
    free(batch->text);
    free(batch);
}

/* The first batch is dealt with. */
static void drop_first(struct sender *sender, bool lost)
{
    struct batch *batch = sender->first;

    assert(batch != NULL);
    sender->first = batch->next;
    if (sender->first == NULL) {
        sender->last = &sender->first;
    }
    if (batch->text == NULL) {
        (void)hd_spool_remove(sender->reporter->spool, sender->id, batch->sequence); /* one that stays comes out as a duplicate */
    }
    settle(sender->reporter, batch->points, lost);
    free_batch(sender, batch);
}

static bool keep(struct sender *sender, struct batch *batch)
{
    const char *spool = sender->reporter->spool;
    int result = spool == NULL ? -ENOENT : hd_spool_keep(spool, sender->id, batch->sequence, batch->text, batch->length);

    if (result < 0) {
        say_once(sender, SAY_UNKEPT, "reports cannot be kept in %s: %s",
                 spool != NULL ? spool : "the run's folder (HYPERDRIVE_RUN_DIR is not set)", strerror(-result));
        return false;
    }
    sender->memory -= batch->length;
    free(batch->text);
    batch->text = NULL;
    return true;
}

/* What the disk does not take stays in memory. */
static void keep_all(struct sender *sender)
{
    for (struct batch *batch = sender->first; batch != NULL; batch = batch->next) {
        bool under_way = sender->sending && batch == sender->first;

        if (batch->text != NULL && !under_way && !keep(sender, batch)) {
            return;
        }
    }
}

static bool is_failing(const struct sender *sender, int64_t now_ms)
{
    return sender->failures > 0 && now_ms - sender->failing_ms >= KEEP_AFTER_MS;
}

/* Whether points are to become a batch now. Behind a batch that waits they gather, so that fewer requests catch up. */
static bool wants_batch(struct sender *sender, int64_t now_ms)
{
    size_t bytes;
    uint64_t waiting = count_waiting(sender, &bytes);

    if (waiting == 0 || sender->memory > MEMORY_BYTES) {
        return false;
    }
    return sender->first == NULL || waiting >= BATCH_ROWS || bytes >= BATCH_BYTES || now_ms - sender->gathered_ms >= GATHER_AWAY_MS;
}

/* --- Requests ----------------------------------------------------------------------------------------------------------------------------
 */

static size_t receive(char *bytes, size_t size, size_t count, void *data)
{
    struct sender *sender = data;

    /* The rest of a longer answer comes from no daemon of ours. */
    if (sender->answer.length + size * count <= ANSWER_BYTES) {
        hd_text_add(&sender->answer, bytes, size * count);
    }
    return size * count;
}

/* A program that the training starts must not hold our connection open. */
static curl_socket_t open_socket(void *unused, curlsocktype purpose, struct curl_sockaddr *address)
{
    int descriptor = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

    (void)unused;
    (void)purpose;
    return descriptor < 0 ? CURL_SOCKET_BAD : descriptor;
}

static bool set_address(struct sender *sender)
{
    const char *url = sender->reporter->url;
    char path[HD_SOCKET_PATH_SIZE];
    const char *rest = hd_socket_url(url, path);
    struct hd_text local = {0};
    bool set;

    if (rest == NULL) {
        return curl_easy_setopt(sender->curl, CURLOPT_URL, url) == CURLE_OK;
    }
    hd_text_format(&local, "http://localhost%s", rest);
    set = !local.failed && curl_easy_setopt(sender->curl, CURLOPT_URL, local.data) == CURLE_OK &&
          curl_easy_setopt(sender->curl, CURLOPT_UNIX_SOCKET_PATH, path) == CURLE_OK;
    hd_text_clear(&local);
    return set;
}

static bool set_options(struct sender *sender)
{
    static const char *const headers[] = {"Accept: application/json", "Content-Type: application/json", "Expect:"};
    CURL *curl = sender->curl;

    for (size_t i = 0; i <= sizeof(headers) / sizeof(headers[0]); i++) {
        const char *header = i == 0 ? sender->reporter->authorization : headers[i - 1];
        struct curl_slist *longer = header != NULL ? curl_slist_append(sender->headers, header) : sender->headers;

        if (longer == NULL && header != NULL) {
            return false;
        }
        sender->headers = longer;
    }
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* a token must not travel through what http_proxy happens to name */
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "libhyperdrive/" HD_VERSION);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)ATTEMPT_MS);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, sender->headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, sender);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    if (sender->reporter->authorities != NULL && curl_easy_setopt(curl, CURLOPT_CAINFO, sender->reporter->authorities) != CURLE_OK) {
        return false;
    }
    return set_address(sender);
}

static void fail_attempt(struct sender *sender, const char *why)
{
    int64_t now_ms = hd_monotonic_ms(), pause_ms = RETRY_FIRST_MS;

    if (sender->failures++ == 0) {
        sender->failing_ms = sender->attempt_ms;
    }
    for (int i = 1; i < sender->failures && pause_ms < RETRY_MOST_MS; i++) {
        pause_ms *= 2;
    }
    sender->retry_ms = now_ms + (pause_ms < RETRY_MOST_MS ? pause_ms : RETRY_MOST_MS);
    if (is_failing(sender, now_ms)) {
        say_once(sender, SAY_AWAY, "reports cannot be sent now, and are kept until they can: %s", why);
        keep_all(sender);
    }
}

static void begin_attempt(struct sender *sender)
{
    struct batch *batch = sender->first;
    const char *text = batch->text;
    size_t length = batch->length;

    sender->attempt_ms = hd_monotonic_ms();
    hd_text_clear(&sender->answer);
    hd_text_clear(&sender->body);
    if (text == NULL) {
        int result = hd_spool_read(sender->reporter->spool, sender->id, batch->sequence, &sender->body);

        if (result == -ENOENT) {
            say_once(sender, SAY_LOST, "somebody else took a report out of %s", sender->reporter->spool);
            drop_first(sender, true);
            return;
        }
        if (result < 0) {
            fail_attempt(sender, strerror(-result));
            return;
        }
        text = sender->body.data;
        length = sender->body.length;
    }
    curl_easy_setopt(sender->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    if (curl_easy_setopt(sender->curl, CURLOPT_POSTFIELDS, text) != CURLE_OK ||
        curl_multi_add_handle(sender->multi, sender->curl) != CURLM_OK) {
        fail_attempt(sender, "memory is short");
        return;
    }
    sender->sending = true;
}

/* Whether the answer, a compact object, has "stop":true. What its reason says is a string, where quotes are escaped. */
static bool asks_to_stop(const struct hd_text *answer)
{
    return answer->data != NULL && strstr(answer->data, "\"stop\":true") != NULL;
}

/* Refused for good. Another server on the daemon's port does not count: only the daemon's own shape of an error does. */
static bool is_refusal(long status, const struct hd_text *answer)
{
    return status >= 400 && status < 500 && status != 408 && status != 429 && answer->data != NULL &&
           strncmp(answer->data, "{\"error\":", strlen("{\"error\":")) == 0;
}

static void end_attempt(struct sender *sender, CURLcode code)
{
    char why[128];
    long status = 0;

    curl_easy_getinfo(sender->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(sender->multi, sender->curl);
    sender->sending = false;
    if (code == CURLE_OK && status >= 200 && status < 300) {
        sender->failures = 0;
        if (asks_to_stop(&sender->answer)) {
            atomic_store_explicit(&sender->reporter->stop, true, memory_order_relaxed);
        }
        drop_first(sender, false);
    } else if (code == CURLE_OK && is_refusal(status, &sender->answer)) {
        sender->failures = 0;
        say_once(sender, SAY_REFUSED, "a report was refused: %.400s", sender->answer.data);
        drop_first(sender, true);
    } else if (code == CURLE_OK) {
        snprintf(why, sizeof(why), "the daemon answered with status %ld", status);
        fail_attempt(sender, why);
    } else {
        fail_attempt(sender, curl_easy_strerror(code));
    }
}

static void go_on(struct sender *sender)
{
    int running, left;
    CURLMsg *message;

    if (curl_multi_perform(sender->multi, &running) != CURLM_OK) {
        end_attempt(sender, CURLE_OUT_OF_MEMORY);
        return;
    }
    message = curl_multi_info_read(sender->multi, &left);
    if (message != NULL && message->msg == CURLMSG_DONE) {
        end_attempt(sender, message->data.result);
    }
}

/* --- The thread --------------------------------------------------------------------------------------------------------------------------
 */

static void ask_finishing(struct sender *sender, bool *ret_finishing, int64_t *ret_deadline_ms)
{
    pthread_mutex_lock(&sender->reporter->lock);
    *ret_finishing = sender->reporter->finishing;
    *ret_deadline_ms = sender->reporter->deadline_ms;
    pthread_mutex_unlock(&sender->reporter->lock);
}

static int how_long(struct sender *sender, bool finishing, int64_t deadline_ms)
{
    int64_t now_ms = hd_monotonic_ms(), wait_ms = sender->look_ms;

    if (sender->first != NULL && !sender->sending && sender->retry_ms - now_ms < wait_ms) {
        wait_ms = sender->retry_ms - now_ms;
    }
    if (finishing && deadline_ms - now_ms < wait_ms) {
        wait_ms = deadline_ms - now_ms;
    }
    return wait_ms > 0 ? (int)wait_ms : 0;
}

static void turn(struct sender *sender)
{
    int64_t now_ms = hd_monotonic_ms();

    sender->look_ms = 2 * sender->look_ms < LOOK_MOST_MS ? 2 * sender->look_ms : LOOK_MOST_MS;
    while (wants_batch(sender, now_ms)) {
        make_batch(sender);
        sender->look_ms = LOOK_LEAST_MS;
        /* A daemon that answers, but more slowly than points come, leaves as many behind as one that is away. */
        if (is_failing(sender, now_ms) || sender->memory > MEMORY_BYTES) {
            keep_all(sender);
        }
    }
    if (sender->first != NULL && !sender->sending && now_ms >= sender->retry_ms) {
        begin_attempt(sender);
    }
    if (sender->sending) {
        go_on(sender);
    }
}

/* The time is over: what is left goes to the disk. */
static void put_away(struct sender *sender)
{
    if (sender->sending) {
        curl_multi_remove_handle(sender->multi, sender->curl);
        sender->sending = false;
    }
    while (is_any_waiting(sender)) {
        make_batch(sender);
    }
    if (sender->first != NULL) {
        keep_all(sender);
    }
    for (struct batch *batch = sender->first; batch != NULL; batch = batch->next) {
        if (batch->text != NULL) {
            say_once(sender, SAY_LOST, "reports could be neither sent nor kept: they are lost");
            settle(sender->reporter, 0, true);
        }
    }
}

static void *send_all(void *data)
{
    struct sender *sender = data;
    struct hd_reporter *reporter = sender->reporter;
    bool finishing;
    int64_t deadline_ms;

    for (;;) {
        ask_finishing(sender, &finishing, &deadline_ms);
        turn(sender);
        if (finishing && ((sender->first == NULL && !is_any_waiting(sender)) || hd_monotonic_ms() >= deadline_ms)) {
            break;
        }
        if (sender->first == NULL && is_any_waiting(sender)) {
            continue;
        }
        curl_multi_poll(sender->multi, NULL, 0, how_long(sender, finishing, deadline_ms), NULL);
    }
    put_away(sender);
    pthread_mutex_lock(&reporter->lock);
    reporter->ended = true;
    pthread_cond_broadcast(&reporter->changed);
    pthread_mutex_unlock(&reporter->lock);
    return NULL;
}

/* --- Start and end -----------------------------------------------------------------------------------------------------------------------
 */

/* With every signal blocked: the training's handlers run in the training's threads. */
static int start_thread(struct hd_reporter *reporter, struct sender *sender)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int result = pthread_attr_init(&attributes);

    if (result != 0) {
        return -result;
    }
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    result = pthread_create(&reporter->thread, &attributes, send_all, sender);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (result == 0) {
        pthread_setname_np(reporter->thread, "hyperdrive");
    }
    return -result;
}

int hd_sender_start(struct hd_reporter *reporter)
{
    struct sender *sender = calloc(1, sizeof(*sender));
    int result = -ENOMEM;

    if (sender == NULL) {
        return result;
    }
    sender->reporter = reporter;
    sender->last = &sender->first;
    sender->look_ms = LOOK_LEAST_MS;
    sender->gathered_ms = hd_monotonic_ms();
    sender->multi = curl_multi_init();
    sender->curl = curl_easy_init();
    if (sender->multi != NULL && sender->curl != NULL && hd_points_open(&sender->draining) && set_options(sender) &&
        hd_reporter_name(sender->id)) {
        reporter->sender = sender;
        result = start_thread(reporter, sender);
    }
    if (result < 0) {
        reporter->sender = NULL;
        hd_sender_close(sender);
    }
    return result;
}

void hd_sender_wake(struct sender *sender)
{
    curl_multi_wakeup(sender->multi);
}

void hd_sender_close(struct sender *sender)
{
    while (sender->first != NULL) {
        struct batch *batch = sender->first;

        sender->first = batch->next;
        free_batch(sender, batch);
    }
    curl_easy_cleanup(sender->curl);
    if (sender->multi != NULL) {
        curl_multi_cleanup(sender->multi);
    }
    curl_slist_free_all(sender->headers);
    hd_points_close(&sender->draining);
    hd_text_clear(&sender->body);
    hd_text_clear(&sender->answer);
    free(sender);
}
