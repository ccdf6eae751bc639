/* Notices clients that send no more.
 *
 * libmicrohttpd waits for edges on its sockets: an end that comes together with the last bytes is no edge of its own, and it would not look
 * again before the idle time is over. So each socket is also watched here, for its end alone, which costs a request nothing. A client that
 * has closed its side still gets the answers to the requests that came wholly; then, or when the rest of one cannot come any more, its
 * connection is ended. */
#include <stdlib.h>
#include <sys/socket.h>

#include "internal.h"

struct http_watch {
    uv_poll_t poll;
    struct http_server *server;
    struct http_connection *peer;       /* NULL: gone */
    struct http_watch *previous, *next; /* among those whose client sends no more */
    bool ended;
};

static void free_watch(uv_handle_t *handle)
{
    struct http_watch *watch = handle->data;
    struct http_server *server = watch->server;
    free(watch);
    http_loop_handle_closed(server);
}

static void on_end(uv_poll_t *poll, int status, int events)
{
    struct http_watch *watch = poll->data;
    struct http_server *server = watch->server;
    (void)status;
    (void)events;
    uv_poll_stop(poll); /* an end stays one, and would be told again and again */
    watch->ended = true;
    watch->next = server->half_closed;
    if (watch->next != NULL)
        watch->next->previous = watch;
    server->half_closed = watch;
    http_loop_kick(server);
}

struct http_watch *http_half_closed_watch(struct http_connection *peer)
{
    struct http_server *server = peer->server;
    struct http_watch *watch = calloc(1, sizeof *watch);
    /* Without it the connection only ends later. */
    if (watch == NULL || uv_poll_init(server->loop, &watch->poll, peer->fd) != 0) {
        free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    watch->server = server;
    watch->peer = peer;
    server->handles++;
    (void)uv_poll_start(&watch->poll, UV_DISCONNECT, on_end); /* fails only for a closing handle */
    return watch;
}

static void forget(struct http_watch *watch)
{
    if (!watch->ended)
        return;
    watch->ended = false;
    if (watch->previous != NULL)
        watch->previous->next = watch->next;
    else
        watch->server->half_closed = watch->next;
    if (watch->next != NULL)
        watch->next->previous = watch->previous;
}

void http_half_closed_forget(struct http_watch *watch)
{
    if (watch == NULL)
        return;
    forget(watch);
    uv_close((uv_handle_t *)&watch->poll, free_watch);
}

/* Whatever lies in the socket is still for libmicrohttpd to read, and may be the rest of a request. */
static bool is_read_through(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void http_half_closed_end(struct http_server *server)
{
    struct http_watch *next;
    for (struct http_watch *watch = server->half_closed; watch != NULL; watch = next) {
        struct http_connection *peer = watch->peer;
        next = watch->next;
        if (peer->stream != NULL && !peer->stream->ended) { /* there is no end that the client could wait for */
            forget(watch);
            http_stream_cut(peer->stream);
            continue;
        }
        bool waits = peer->stage == HTTP_IDLE || peer->stage == HTTP_HEAD || peer->stage == HTTP_BODY;
        if (!waits || !is_read_through(peer->fd))
            continue;
        forget(watch);
        shutdown(peer->fd, SHUT_RDWR);
        http_connection_enter(peer, HTTP_REPLYING);
        http_loop_kick(server);
    }
}
