/* Takes connections out of the listening socket for libmicrohttpd. When descriptors run out it would itself take no more until one of its
 * connections ends, which may be never, or, having none, wait for them busily. Here they are asked for again a moment later. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "internal.h"

enum { PAUSE_MS = 100, AT_ONCE = 64, WARNING_PERIOD_MS = 10000 };

struct http_accepting {
    uv_poll_t poll; /* the listening socket */
    bool watching;
    uint64_t again_ms;  /* not before that: the last one could not be taken */
    uint64_t warned_ms; /* 0: never */
};

/* How many connections may still be taken. */
static size_t room(const struct http_server *server)
{
    size_t most = server->settings.connections + HTTP_CONNECTIONS_ABOVE, taken = server->connections + server->dismissed;
    return taken < most ? most - taken : 0;
}

static void watch(struct http_server *server, bool wanted);

static void warn(struct http_server *server, int number, uint64_t now_ms)
{
    struct http_accepting *accepting = server->accepting;
    char line[128];
    if (server->settings.warn == NULL || (accepting->warned_ms != 0 && now_ms < accepting->warned_ms + WARNING_PERIOD_MS))
        return;
    accepting->warned_ms = now_ms;
    snprintf(line, sizeof line, "new connections wait: %s", strerror(number));
    server->settings.warn(server->settings.context, line);
}

static void pause_for(struct http_server *server, int number)
{
    uint64_t now_ms = uv_now(server->loop);
    warn(server, number, now_ms);
    server->accepting->again_ms = now_ms + PAUSE_MS;
    watch(server, false);
}

/* False when there is none, or it has to wait. */
static bool take_one(struct http_server *server)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int fd = accept4(server->listen_fd, (struct sockaddr *)&address, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        (void)MHD_add_connection(server->daemon, fd, (struct sockaddr *)&address, length); /* without memory it closes it */
        return true;
    }
    if (errno == EINTR || errno == ECONNABORTED)
        return true;
    if (errno != EAGAIN)
        pause_for(server, errno);
    return false;
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct http_server *server = poll->data;
    size_t most = room(server);
    (void)status, (void)events;
    if (most > AT_ONCE)
        most = AT_ONCE;
    while (most > 0 && take_one(server))
        most--;
    http_loop_kick(server);
}

static void watch(struct http_server *server, bool wanted)
{
    struct http_accepting *accepting = server->accepting;
    if (accepting->watching == wanted)
        return;
    accepting->watching = wanted;
    if (wanted)
        (void)uv_poll_start(&accepting->poll, UV_READABLE, on_connection); /* fails only for a handle that is closing */
    else
        uv_poll_stop(&accepting->poll);
}

uint64_t http_accept_late(struct http_server *server, uint64_t now_ms)
{
    if (server->accepting == NULL)
        return UINT64_MAX;
    bool pausing = now_ms < server->accepting->again_ms;
    watch(server, !pausing && room(server) > 0);
    return pausing ? server->accepting->again_ms : UINT64_MAX;
}

int http_accept_open(struct http_server *server, struct hd_error *error)
{
    struct http_accepting *accepting = calloc(1, sizeof *accepting);
    if (accepting == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "memory is short");
    int rc = uv_poll_init(server->loop, &accepting->poll, server->listen_fd);
    if (rc < 0) {
        free(accepting);
        return hd_error_set(error, HD_INTERNAL, "cannot watch the listening socket: %s", uv_strerror(rc));
    }
    accepting->poll.data = server;
    server->accepting = accepting;
    return 0;
}

static void handle_closed(uv_handle_t *handle)
{
    free(handle); /* the first member of what it is a part of */
}

void http_accept_close(struct http_server *server)
{
    uv_close((uv_handle_t *)&server->accepting->poll, handle_closed);
    server->accepting = NULL;
}
