#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "internal.h"

static void list_remove(struct http_connection *peer)
{
    struct http_stage_list *list = &peer->server->stages[peer->stage];
    if (peer->previous != NULL)
        peer->previous->next = peer->next;
    else
        list->first = peer->next;
    if (peer->next != NULL)
        peer->next->previous = peer->previous;
    else
        list->last = peer->previous;
    list->count--;
}

/* All in one list wait equally long, so the oldest, which is first, is late first. */
static void list_append(struct http_connection *peer)
{
    struct http_stage_list *list = &peer->server->stages[peer->stage];
    peer->previous = list->last;
    peer->next = NULL;
    if (list->last != NULL)
        list->last->next = peer;
    else
        list->first = peer;
    list->last = peer;
    list->count++;
}

void http_connection_enter(struct http_connection *peer, enum http_stage stage)
{
    list_remove(peer);
    peer->stage = stage;
    peer->since_ms = uv_now(peer->server->loop);
    list_append(peer);
}

struct http_connection *http_connection_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

/* Whoever goes on beyond the answers would take the places of all with those. */
static void limit_address(struct http_connection *peer)
{
    unsigned limit = peer->server->settings.connections_per_address, count = http_address_enter(peer);
    if (limit == 0 || count <= limit)
        return;
    peer->refused = "there are too many connections from this address; use one for many requests, or try again later";
    if (count <= limit + HTTP_ADDRESS_ABOVE)
        return;
    shutdown(peer->fd, SHUT_RDWR);
    peer->dismissed = true;
    peer->server->connections--;
    peer->server->dismissed++;
    http_connection_enter(peer, HTTP_REPLYING);
}

static void started(struct http_server *server, struct MHD_Connection *connection, void **socket_context)
{
    server->connections++;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct http_connection *peer = calloc(1, sizeof *peer);
    *socket_context = peer;
    if (peer == NULL)
        return; /* http_exchange_begin refuses its requests */
    peer->server = server;
    peer->connection = connection;
    peer->fd = info != NULL ? info->connect_fd : -1;
    if (server->connections > server->settings.connections)
        peer->refused = "there are too many connections; try again later";
    peer->stage = HTTP_HEAD;
    peer->since_ms = uv_now(server->loop);
    list_append(peer);
    peer->watch = http_half_closed_watch(peer);
    http_tls_begin(peer);
    limit_address(peer);
}

static void ended(struct http_server *server, struct http_connection *peer)
{
    if (peer != NULL && peer->dismissed)
        server->dismissed--;
    else
        server->connections--;
    /* After a full house there is room for one more, and nothing else may happen that would have us look (accept.c). */
    http_loop_kick(server);
    if (peer == NULL)
        return;
    if (peer->linger)
        http_linger(server, peer->fd);
    http_address_leave(peer);
    http_tls_end(peer);
    http_half_closed_forget(peer->watch);
    list_remove(peer);
    free(peer);
}

void http_connection_notify(void *server, struct MHD_Connection *connection, void **socket_context,
                            enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        started(server, connection, socket_context);
        return;
    }
    ended(server, *socket_context);
    *socket_context = NULL;
}

void http_connection_answer(struct http_connection *peer, enum hd_code code, const char *message)
{
    struct hd_text body = {0};
    struct hd_text all = {0};
    if (peer->certificate != NULL)
        return;
    http_reply_error_text(&body, hd_code_name(code), message, NULL, NULL);
    hd_text_format(&all,
                   "HTTP/1.1 %d %s\r\n"
                   "Content-Type: application/json\r\n"
                   "Content-Length: %zu\r\n"
                   "Cache-Control: no-store\r\n"
                   "X-Content-Type-Options: nosniff\r\n"
                   "%s"
                   "Connection: close\r\n\r\n%s",
                   hd_code_status(code), MHD_get_reason_phrase_for((unsigned)hd_code_status(code)), body.length,
                   code == HD_UNAVAILABLE ? "Retry-After: 1\r\n" : "", body.failed ? "" : body.data);
    /* A socket that takes none of it (or a part) has no reader worth waiting for. */
    if (!body.failed && !all.failed && peer->fd >= 0)
        (void)!send(peer->fd, all.data, all.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    hd_text_clear(&body);
    hd_text_clear(&all);
}

static void end_late(struct http_connection *peer)
{
    static const char *const MESSAGES[HTTP_STAGES] = {
        [HTTP_IDLE] = "the request's header did not come in time",
        [HTTP_HEAD] = "the request's header did not come in time",
        [HTTP_BODY] = "the request's body did not come in time",
    };
    http_connection_answer(peer, HD_TIMEOUT, MESSAGES[peer->stage]);
    /* libmicrohttpd sees the hang-up on its next run and lets go of the connection. */
    shutdown(peer->fd, SHUT_RDWR);
    http_loop_kick(peer->server);
}

uint64_t http_connection_late(struct http_server *server, uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;
    for (int stage = 0; stage < HTTP_STAGES; stage++) {
        uint64_t limit_ms = server->stage_limit_ms[stage];
        struct http_connection *peer;
        if (limit_ms == 0)
            continue;
        while ((peer = server->stages[stage].first) != NULL && now_ms >= peer->since_ms + limit_ms) {
            end_late(peer);
            /* Until it is gone it waits among those that have no limit of ours. */
            http_connection_enter(peer, HTTP_REPLYING);
        }
        if (peer != NULL && peer->since_ms + limit_ms < next_ms)
            next_ms = peer->since_ms + limit_ms;
    }
    return next_ms;
}
