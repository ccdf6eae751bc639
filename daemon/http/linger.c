#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

/* A socket whose answer is sent and whose sending side is shut down. Closing it while unread bytes lie in it would send a reset, upon which
 * the client's system throws away the answer that the client has not read yet. */
struct http_lingerer {
    uv_poll_t poll;
    struct http_server *server;
    struct http_lingerer *previous, *next; /* newest first */
    int fd;
    uint64_t limit_ms;
};

static void poll_closed(uv_handle_t *handle)
{
    struct http_lingerer *lingerer = handle->data;
    struct http_server *server = lingerer->server;
    close(lingerer->fd);
    free(lingerer);
    http_loop_handle_closed(server);
}

static void finish(struct http_lingerer *lingerer)
{
    struct http_server *server = lingerer->server;
    if (lingerer->previous != NULL)
        lingerer->previous->next = lingerer->next;
    else
        server->lingerers = lingerer->next;
    if (lingerer->next != NULL)
        lingerer->next->previous = lingerer->previous;
    server->lingerer_count--;
    uv_close((uv_handle_t *)&lingerer->poll, poll_closed);
}

static void readable(uv_poll_t *poll, int status, int events)
{
    struct http_lingerer *lingerer = poll->data;
    char rubbish[64 * 1024];
    (void)events;
    /* One piece per turn: other connections are waiting. */
    ssize_t got = status < 0 ? 0 : recv(lingerer->fd, rubbish, sizeof rubbish, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        finish(lingerer);
}

void http_linger(struct http_server *server, int fd)
{
    /* Whatever fails here only takes the kindness away: the socket is closed at once then. */
    if (server->phase != HTTP_SERVING || server->lingerer_count >= HTTP_LINGER_SOCKETS)
        return;
    struct http_lingerer *lingerer = calloc(1, sizeof *lingerer);
    if (lingerer == NULL)
        return;
    lingerer->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (lingerer->fd < 0 || uv_poll_init(server->loop, &lingerer->poll, lingerer->fd) != 0) {
        if (lingerer->fd >= 0)
            close(lingerer->fd);
        free(lingerer);
        return;
    }
    lingerer->poll.data = lingerer;
    lingerer->server = server;
    lingerer->limit_ms = uv_now(server->loop) + HTTP_LINGER_MS;
    lingerer->next = server->lingerers;
    if (lingerer->next != NULL)
        lingerer->next->previous = lingerer;
    server->lingerers = lingerer;
    server->lingerer_count++;
    server->handles++;
    if (uv_poll_start(&lingerer->poll, UV_READABLE, readable) != 0)
        finish(lingerer); /* UNTESTED: fails only for a closing handle */
}

uint64_t http_linger_late(struct http_server *server, uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;
    struct http_lingerer *next;
    for (struct http_lingerer *lingerer = server->lingerers; lingerer != NULL; lingerer = next) {
        next = lingerer->next;
        if (now_ms >= lingerer->limit_ms)
            finish(lingerer);
        else if (lingerer->limit_ms < next_ms)
            next_ms = lingerer->limit_ms;
    }
    return next_ms;
}

void http_linger_close_all(struct http_server *server)
{
    while (server->lingerers != NULL)
        finish(server->lingerers);
}
