/* Answers without an end in sight. libmicrohttpd asks for bytes when the client's socket takes them; when there are none the connection is
 * suspended until some are appended. Suspended, it sees neither a timeout nor a client that goes: that is noticed in half_closed.c. */
#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "internal.h"

enum { KEEP_BYTES = 4096 }; /* of the memory of a stream that had nothing to send for a while */

size_t http_stream_held(const struct http_stream *stream)
{
    return stream->end - stream->begin;
}

bool http_stream_full(const struct http_stream *stream)
{
    return http_stream_held(stream) >= HTTP_STREAM_BYTES;
}

/* --- libmicrohttpd's side ----------------------------------------------------------------------------------------------------------------
 */

static void want(struct http_stream *stream)
{
    stream->begin = stream->end = 0;
    if (stream->wanting || stream->ended)
        return;
    stream->wanting = true;
    stream->server->streams_wanting++;
}

static ssize_t give(void *data, uint64_t position, char *buffer, size_t size)
{
    struct http_stream *stream = data;
    size_t held = http_stream_held(stream);
    (void)position;
    if (stream->cut)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (held > 0) {
        size_t length = held < size ? held : size;
        memcpy(buffer, stream->bytes + stream->begin, length);
        stream->begin += length;
        if (length == held)
            want(stream);
        return (ssize_t)length;
    }
    if (stream->ended)
        return stream->broken ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
    stream->suspended = true;
    MHD_suspend_connection(stream->request->connection);
    return 0;
}

void http_stream_detach(struct http_stream *stream)
{
    if (stream->request == NULL)
        return;
    if (stream->request->peer != NULL)
        stream->request->peer->stream = NULL;
    stream->request->stream = NULL;
    stream->request = NULL;
}

static void release(void *data)
{
    struct http_stream *stream = data;
    struct http_server *server = stream->server;
    if (stream->previous != NULL)
        stream->previous->next = stream->next;
    else
        server->streams = stream->next;
    if (stream->next != NULL)
        stream->next->previous = stream->previous;
    server->stream_count--;
    server->streams_wanting -= stream->wanting ? 1 : 0;
    http_stream_detach(stream);
    if (stream->settings.closed != NULL)
        stream->settings.closed(stream->settings.data);
    free(stream->bytes);
    free(stream);
}

/* --- The feeder's side -------------------------------------------------------------------------------------------------------------------
 */

/* A program that has no more than the token of its run must not take the streams of all. */
static bool run_has_enough(const struct http_request *request)
{
    unsigned count = 0;
    if (request->principal.role != HTTP_RUN)
        return false;
    for (const struct http_stream *stream = request->server->streams; stream != NULL; stream = stream->next)
        count += stream->request != NULL && strcmp(stream->request->principal.who, request->principal.who) == 0;
    return count >= HTTP_STREAMS_OF_RUN;
}

static bool refuse(struct http_request *request)
{
    struct http_server *server = request->server;
    struct hd_error error = {0};
    unsigned limit = server != NULL && server->settings.streams > 0 ? server->settings.streams : HTTP_STREAMS;
    if (server == NULL || server->phase != HTTP_SERVING)
        hd_error_set(&error, HD_UNAVAILABLE, "the daemon is stopping");
    else if (server->stream_count >= limit)
        hd_error_set(&error, HD_UNAVAILABLE, "%u streams are open already; try again when one of them has ended", limit);
    else if (run_has_enough(request))
        hd_error_set(&error, HD_UNAVAILABLE, "%d streams are open with the run's token already; try again when one of them has ended",
                     HTTP_STREAMS_OF_RUN);
    else
        return false;
    http_reply_error(request, &error);
    return true;
}

static void link_in(struct http_server *server, struct http_stream *stream)
{
    stream->next = server->streams;
    if (stream->next != NULL)
        stream->next->previous = stream;
    server->streams = stream;
    server->stream_count++;
    if (server->stream_count == 1)
        server->beat_ms = 0;
}

/* A client whose machine vanished does not even say that it goes: the kernel finds out. What fails here only makes that take longer. */
static void keep_alive(int fd)
{
    static const int ON = 1, IDLE_SECONDS = 60, INTERVAL_SECONDS = 20, PROBES = 3;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &ON, sizeof ON);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &IDLE_SECONDS, sizeof IDLE_SECONDS);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &INTERVAL_SECONDS, sizeof INTERVAL_SECONDS);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &PROBES, sizeof PROBES);
}

struct http_stream *http_stream_open(struct http_request *request, int status, const struct http_stream_settings *settings)
{
    enum { BLOCK = 4096 };
    if (refuse(request) || http_access_refuse_revoked(request) || !http_reply_settle(request, status))
        return NULL;
    struct http_stream *stream = calloc(1, sizeof *stream);
    struct MHD_Response *response =
        stream != NULL ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, give, stream, release) : NULL;
    if (response == NULL) {
        free(stream);
        http_reply_response(request, NULL, status);
        return NULL;
    }
    *stream = (struct http_stream){.server = request->server, .request = request};
    request->stream = stream;
    link_in(request->server, stream);
    /* nginx before us would collect what comes, and send it when there is much of it. */
    if (MHD_add_response_header(response, "Content-Type", settings->content_type) == MHD_NO ||
        MHD_add_response_header(response, "X-Accel-Buffering", "no") == MHD_NO)
        request->failed = true;
    http_reply_response(request, response, status);
    if (request->stream == NULL) /* memory was short, and the stream went with its response */
        return NULL;
    stream->settings = *settings;
    request->peer->stream = stream;
    keep_alive(request->peer->fd);
    return stream;
}

static void wake(struct http_stream *stream)
{
    struct http_server *server = stream->server;
    if (!stream->suspended || stream->woken)
        return;
    stream->woken = true;
    stream->next_woken = server->woken;
    server->woken = stream;
    http_loop_kick(server);
}

/* Makes room for `more` bytes behind the end. */
static bool reserve(struct http_stream *stream, size_t more)
{
    size_t held = http_stream_held(stream);
    if (stream->capacity - stream->end >= more)
        return true;
    if (stream->begin > 0)
        memmove(stream->bytes, stream->bytes + stream->begin, held);
    stream->begin = 0;
    stream->end = held;
    if (stream->capacity - held >= more)
        return true;
    size_t capacity = stream->capacity > 0 ? stream->capacity : 1024;
    while (capacity < held + more)
        capacity *= 2;
    char *bytes = realloc(stream->bytes, capacity);
    if (bytes == NULL)
        return false;
    stream->bytes = bytes;
    stream->capacity = capacity;
    return true;
}

void http_stream_append(struct http_stream *stream, const char *bytes, size_t length)
{
    assert(!http_stream_full(stream));
    if (stream->ended || stream->cut || length == 0)
        return;
    if (!reserve(stream, length)) {
        http_stream_cut(stream);
        return;
    }
    memcpy(stream->bytes + stream->end, bytes, length);
    stream->end += length;
    wake(stream);
}

void http_stream_end(struct http_stream *stream)
{
    stream->ended = true;
    wake(stream);
}

void http_stream_break(struct http_stream *stream)
{
    stream->broken = true;
    http_stream_end(stream);
}

void http_stream_cut(struct http_stream *stream)
{
    stream->cut = true;
    if (stream->request != NULL && stream->request->peer != NULL)
        shutdown(stream->request->peer->fd, SHUT_RDWR);
    wake(stream);
    http_loop_kick(stream->server);
}

/* --- The loop's side ---------------------------------------------------------------------------------------------------------------------
 */

void http_stream_resume_woken(struct http_server *server)
{
    struct http_stream *stream;
    while ((stream = server->woken) != NULL) {
        server->woken = stream->next_woken;
        stream->woken = stream->suspended = false;
        MHD_resume_connection(stream->request->connection);
    }
}

void http_stream_tell_wanted(struct http_server *server)
{
    if (server->streams_wanting == 0)
        return;
    for (struct http_stream *stream = server->streams; stream != NULL; stream = stream->next) {
        if (!stream->wanting)
            continue;
        stream->wanting = false;
        server->streams_wanting--;
        if (stream->settings.wanted != NULL && !stream->ended && !stream->cut)
            stream->settings.wanted(stream->settings.data);
    }
}

static void beat(struct http_stream *stream)
{
    const char *heartbeat = stream->settings.heartbeat;
    if (http_stream_held(stream) > 0)
        return;
    if (stream->capacity > KEEP_BYTES) {
        free(stream->bytes);
        stream->bytes = NULL;
        stream->begin = stream->end = stream->capacity = 0;
    }
    if (heartbeat != NULL)
        http_stream_append(stream, heartbeat, strlen(heartbeat));
}

uint64_t http_stream_beat(struct http_server *server, uint64_t now_ms)
{
    uint64_t period_ms = server->settings.heartbeat_us > 0 ? (uint64_t)server->settings.heartbeat_us / 1000 : HTTP_HEARTBEAT_MS;
    if (server->streams == NULL)
        return UINT64_MAX;
    if (now_ms < server->beat_ms)
        return server->beat_ms;
    if (server->beat_ms != 0) /* not for the first stream */
        for (struct http_stream *stream = server->streams; stream != NULL; stream = stream->next)
            beat(stream);
    server->beat_ms = now_ms + period_ms;
    return server->beat_ms;
}

void http_stream_end_all(struct http_server *server, uint64_t now_ms)
{
    server->streams_late_ms = now_ms + HTTP_CLOSE_STREAM_MS;
    for (struct http_stream *stream = server->streams; stream != NULL; stream = stream->next)
        http_stream_end(stream);
}

uint64_t http_stream_late(struct http_server *server, uint64_t now_ms)
{
    if (server->streams == NULL || server->streams_late_ms == 0)
        return UINT64_MAX;
    if (now_ms < server->streams_late_ms)
        return server->streams_late_ms;
    server->streams_late_ms = 0;
    for (struct http_stream *stream = server->streams; stream != NULL; stream = stream->next)
        http_stream_cut(stream);
    return now_ms;
}
