/* The server as a guest of the libuv loop.
 *
 * All of libmicrohttpd's work is done in one place, the prepare handle, once per turn of the loop. Its epoll descriptor, its timeout, an
 * answer from a handler and everything else only say that there is work (http_loop_kick). So MHD_run is never called from inside one of
 * its own callbacks, all answers of a turn are resumed together, and libuv, which looks at its timers after the prepare handles, never
 * waits when libmicrohttpd has something pending that its descriptor does not tell. */
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

static void on_timer(uv_timer_t *timer)
{
    struct http_server *server = timer->data;
    server->due = true;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct http_server *server = poll->data;
    (void)status;
    (void)events;
    server->due = true;
}

void http_loop_kick(struct http_server *server)
{
    server->due = true;
    /* Whoever calls this may do so after our prepare handle has had its turn. */
    if (server->phase != HTTP_STOPPED)
        uv_timer_start(&server->timer, on_timer, 0, 0);
}

static void run(struct http_server *server)
{
    struct http_request *request = server->answered;
    server->due = false;
    server->answered = server->answered_last = NULL;
    while (request != NULL) {
        struct http_request *next = request->next_answered;
        request->suspended = false;
        MHD_resume_connection(request->connection);
        request = next;
    }
    http_stream_resume_woken(server);
    MHD_run(server->daemon);
    http_stream_tell_wanted(server);
}

static void arm_timer(struct http_server *server, uint64_t now_ms, uint64_t next_ms)
{
    unsigned long long timeout_ms = ULLONG_MAX;
    bool limited = MHD_get_timeout(server->daemon, &timeout_ms) == MHD_YES;
    if (timeout_ms > 0)
        http_half_closed_end(server);
    if (limited && timeout_ms < UINT64_MAX - now_ms && now_ms + timeout_ms < next_ms)
        next_ms = now_ms + timeout_ms;
    if (server->due || next_ms < now_ms)
        next_ms = now_ms;
    if (next_ms == UINT64_MAX)
        uv_timer_stop(&server->timer);
    else
        uv_timer_start(&server->timer, on_timer, next_ms - now_ms, 0);
}

/* They are taken off the list at once; libmicrohttpd lets go of them when it sees the hang-up. */
static void shut_all(struct http_server *server, enum http_stage stage)
{
    struct http_connection *peer;
    while ((peer = server->stages[stage].first) != NULL) {
        if (stage != HTTP_IDLE)
            http_connection_answer(peer, HD_UNAVAILABLE, "the daemon is stopping");
        shutdown(peer->fd, SHUT_RDWR);
        http_connection_enter(peer, HTTP_REPLYING);
    }
}

/* Stops listening. A connection that waits in the socket's queue is lost if nobody else has the socket, and not ours any more if somebody
 * has; but those that were taken out of it are. */
static void begin_close(struct http_server *server, uint64_t now_ms)
{
    server->phase_limit_ms = now_ms + HTTP_CLOSE_ARRIVE_MS;
    http_accept_close(server);
    http_stream_end_all(server, now_ms);
    run(server);
    close(server->listen_fd);
    server->listen_fd = -1;
    shut_all(server, HTTP_IDLE);
    http_loop_kick(server);
}

/* Ends the connections whose request is still not wholly here. */
static void begin_drain(struct http_server *server, uint64_t now_ms)
{
    uint64_t limit_ms = (uint64_t)server->settings.close_timeout_us / 1000;
    server->phase = HTTP_DRAINING;
    server->phase_limit_ms = now_ms + (limit_ms > 0 ? limit_ms : HTTP_CLOSE_DRAIN_MS);
    for (int stage = HTTP_IDLE; stage <= HTTP_BODY; stage++)
        shut_all(server, (enum http_stage)stage);
    http_loop_kick(server);
}

/* Answers in place of the handlers that did not. */
static void begin_flush(struct http_server *server, uint64_t now_ms)
{
    server->phase = HTTP_FLUSHING;
    server->phase_limit_ms = now_ms + HTTP_CLOSE_FLUSH_MS;
    for (struct http_request *request = server->requests; request != NULL; request = request->next)
        if (request->owed && request->connection != NULL && !request->answered)
            http_reply_in_place(request, HD_UNAVAILABLE, "the daemon is stopping");
    run(server);
}

static void handle_closed(uv_handle_t *handle)
{
    http_loop_handle_closed(handle->data);
}

static void stop(struct http_server *server)
{
    server->phase = HTTP_STOPPED;
    uv_close((uv_handle_t *)&server->poll, handle_closed);
    uv_close((uv_handle_t *)&server->prepare, handle_closed);
    uv_close((uv_handle_t *)&server->timer, handle_closed);
    http_linger_close_all(server);
    MHD_stop_daemon(server->daemon);
    MHD_destroy_response(server->short_of_memory);
    /* What is left belongs to handlers alone. */
    struct http_request *request;
    while ((request = server->requests) != NULL) {
        server->requests = request->next;
        request->server = NULL;
        request->previous = request->next = NULL;
    }
    http_certificate_leave(server->settings.certificate);
}

/* True when the server has stopped. */
static bool close_step(struct http_server *server, uint64_t now_ms)
{
    if (server->listen_fd >= 0)
        begin_close(server, now_ms);
    if (server->phase == HTTP_ARRIVING) {
        if (server->stages[HTTP_HEAD].count + server->stages[HTTP_BODY].count > 0 && now_ms < server->phase_limit_ms)
            return false;
        begin_drain(server, now_ms);
    }
    bool busy = server->stages[HTTP_HANDLING].count > 0 || server->stages[HTTP_REPLYING].count > 0;
    if (busy && server->phase == HTTP_DRAINING && now_ms >= server->phase_limit_ms) {
        begin_flush(server, now_ms);
        return false;
    }
    if (busy && now_ms < server->phase_limit_ms)
        return false;
    stop(server);
    return true;
}

static void turn(uv_prepare_t *prepare)
{
    struct http_server *server = prepare->data;
    uint64_t now_ms = uv_now(server->loop);
    if (server->due)
        run(server);
    if (server->phase != HTTP_SERVING && close_step(server, now_ms))
        return;
    uint64_t next_ms = server->phase != HTTP_SERVING ? server->phase_limit_ms : UINT64_MAX;
    uint64_t late_ms = http_connection_late(server, now_ms);
    uint64_t linger_ms = http_linger_late(server, now_ms);
    uint64_t accept_ms = http_accept_late(server, now_ms);
    uint64_t stream_ms = server->phase == HTTP_SERVING ? http_stream_beat(server, now_ms) : http_stream_late(server, now_ms);
    if (late_ms < next_ms)
        next_ms = late_ms;
    if (linger_ms < next_ms)
        next_ms = linger_ms;
    if (stream_ms < next_ms)
        next_ms = stream_ms;
    if (accept_ms < next_ms)
        next_ms = accept_ms;
    arm_timer(server, now_ms, next_ms);
}

void http_loop_handle_closed(struct http_server *server)
{
    if (--server->handles > 0)
        return;
    if (server->closed != NULL)
        server->closed(server->closed_data);
    free(server);
}

int http_loop_open(struct http_server *server, struct hd_error *error)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL || info->epoll_fd < 0)
        return hd_error_set(error, HD_INTERNAL, "libmicrohttpd has no epoll descriptor");
    int rc = uv_poll_init(server->loop, &server->poll, info->epoll_fd);
    if (rc < 0)
        return hd_error_set(error, HD_INTERNAL, "cannot watch libmicrohttpd's epoll descriptor: %s", uv_strerror(rc));
    /* From here on nothing fails: these calls only refuse closing handles and missing callbacks. */
    uv_prepare_init(server->loop, &server->prepare);
    uv_timer_init(server->loop, &server->timer);
    server->poll.data = server->prepare.data = server->timer.data = server;
    server->handles = 3;
    (void)uv_poll_start(&server->poll, UV_READABLE, on_poll);
    uv_prepare_start(&server->prepare, turn);
    http_loop_kick(server);
    return 0;
}
