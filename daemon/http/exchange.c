/* One request from its first byte to its answer, as libmicrohttpd calls us: with the request line, with the header, with each piece of the
 * body, with the end of it, again when it is resumed, and when all is over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "internal.h"

/* libmicrohttpd has a record for each parameter before it asks for an answer. When they do not fit into its memory it falls silent until
 * the header is late. */
static void refuse_parameters(struct http_connection *peer, const char *uri)
{
    int count = 0;
    for (const char *at = strchr(uri, '?'); at != NULL && count <= HTTP_PARAMETERS * 4; at = strchr(at + 1, '&'))
        count++;
    if (count <= HTTP_PARAMETERS * 4)
        return; /* it comes to http_target_parse() */
    http_connection_answer(peer, HD_INVALID, "the query has too many parameters");
    peer->linger = true;
    shutdown(peer->fd, SHUT_RDWR);
    http_connection_enter(peer, HTTP_REPLYING);
    http_loop_kick(peer->server);
}

void *http_exchange_begin(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct http_server *server = context;
    struct http_connection *peer = http_connection_of(connection);
    const char *text = uri != NULL ? uri : "";
    size_t length = strlen(text);
    struct http_request *request = peer != NULL ? calloc(1, sizeof *request + length + 1) : NULL;
    if (request == NULL)
        return NULL;
    memcpy(request->uri, text, length + 1);
    request->server = server;
    request->connection = connection;
    request->peer = peer;
    request->body_limit = server->settings.body_limit;
    request->method = "";
    request->next = server->requests;
    if (request->next != NULL)
        request->next->previous = request;
    server->requests = request;
    if (peer->stage == HTTP_IDLE)
        http_connection_enter(peer, HTTP_HEAD);
    refuse_parameters(peer, text);
    return request;
}

static void free_body(struct http_request *request)
{
    if (request->server != NULL)
        request->server->body_bytes -= request->body_capacity;
    free(request->body);
    request->body = NULL;
    request->body_capacity = request->body_length = 0;
}

void http_request_free(struct http_request *request)
{
    struct http_server *server = request->server;
    free_body(request);
    if (request->previous != NULL)
        request->previous->next = request->next;
    else if (server != NULL)
        server->requests = request->next;
    if (request->next != NULL)
        request->next->previous = request->previous;
    if (request->response != NULL && server != NULL && request->response != server->short_of_memory)
        MHD_destroy_response(request->response);
    struct http_reply_field *field;
    while ((field = request->fields) != NULL) {
        request->fields = field->next;
        free(field->value);
        free(field);
    }
    free(request);
}

void http_exchange_end(void *context, struct MHD_Connection *connection, void **slot, enum MHD_RequestTerminationCode code)
{
    struct http_request *request = *slot;
    (void)context;
    (void)connection;
    (void)code;
    if (request == NULL)
        return;
    *slot = NULL;
    http_connection_enter(request->peer, HTTP_IDLE);
    if (request->stream != NULL)
        http_stream_detach(request->stream);
    request->connection = NULL;
    request->peer = NULL;
    if (!request->owed) {
        http_request_free(request);
        return;
    }
    /* The handler still knows it, and frees it by its answer, which goes nowhere. */
    request->answered = true;
}

static const char *static_method(const char *method)
{
    static const char *const METHODS[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof METHODS / sizeof METHODS[0]; i++)
        if (strcmp(method, METHODS[i]) == 0)
            return METHODS[i];
    return "";
}

/* Not an address, but the server as a whole. */
static bool asks_about_server(const struct http_request *request)
{
    return strcmp(request->method, "OPTIONS") == 0 && strcmp(request->uri, "*") == 0;
}

/* Sees whether the request may go on; if not it is answered. Who asks is checked before anything that tells how the daemon is made. */
static void examine(struct http_request *request, const char *version, struct http_header_facts *facts)
{
    struct hd_error target_error = {0};
    struct hd_error error = {0};
    int target_rc = http_target_parse(&request->target, request->uri, &target_error);
    int rc = http_header_examine(request, version, facts, &request->must_close, &error);
    if (rc == 0 && asks_about_server(request)) {
        http_reply_header(request, "Allow", "GET, HEAD, POST, PATCH, DELETE, OPTIONS");
        http_reply_empty(request, MHD_HTTP_NO_CONTENT);
        return;
    }
    if (rc == 0 && target_rc < 0) {
        rc = target_rc;
        error = target_error;
    }
    if (rc < 0) {
        http_reply_error(request, &error);
        return;
    }
    if (!http_access_admit(request, facts->authorization) || !http_query_check(request))
        return;
    if (http_header_check_body(request, facts, &error) < 0)
        http_reply_error(request, &error);
}

static void turn_away(struct http_request *request, const char *message)
{
    struct hd_error error = {0};
    hd_error_set(&error, HD_UNAVAILABLE, "%s", message);
    request->must_close = true;
    http_reply_error(request, &error);
}

/* An answer that is queued in this call, before the body, makes libmicrohttpd close the connection behind it; one that is queued when the
 * body is through does not. So only a body that is long, or that has no known end, is refused at once. */
static enum MHD_Result handle_header(struct http_request *request, const char *method, const char *version)
{
    struct http_server *server = request->server;
    struct http_header_facts facts = {0};
    request->examined = true;
    request->method = static_method(method);
    http_connection_enter(request->peer, HTTP_BODY);
    if (server->phase > HTTP_ARRIVING)
        turn_away(request, "the daemon is stopping");
    else if (request->peer->refused != NULL)
        turn_away(request, request->peer->refused);
    else
        examine(request, version, &facts);
    if (!request->answered)
        return MHD_YES;
    bool long_body = facts.has_body && (facts.chunked || facts.expects_continue || facts.content_length > HTTP_DISCARD_BYTES);
    if (!request->must_close && !long_body)
        return MHD_YES;
    request->peer->linger = true;
    http_connection_enter(request->peer, HTTP_REPLYING);
    return http_reply_queue(request);
}

/* Makes room for `more` bytes and a NUL. */
static bool reserve(struct http_request *request, size_t more)
{
    enum { SMALLEST = 1024 };
    struct http_server *server = request->server;
    size_t needed = request->body_length + more + 1;
    if (needed <= request->body_capacity)
        return true;
    size_t capacity = request->body_capacity == 0 ? SMALLEST : request->body_capacity;
    while (capacity < needed)
        capacity *= 2;
    if (capacity > request->body_limit + 1)
        capacity = request->body_limit + 1;
    size_t growth = capacity - request->body_capacity;
    if (server->body_bytes + growth > HTTP_BODIES_AT_ONCE * (server->settings.body_limit + 1))
        return false;
    char *body = realloc(request->body, capacity);
    if (body == NULL)
        return false;
    request->body = body;
    request->body_capacity = capacity;
    server->body_bytes += growth;
    return true;
}

/* libmicrohttpd takes no answer in the middle of a body, so this one goes past it. */
static enum MHD_Result cut(struct http_request *request, enum hd_code code, const char *message)
{
    http_connection_answer(request->peer, code, message);
    request->peer->linger = true;
    return MHD_NO;
}

static enum MHD_Result handle_body(struct http_request *request, const char *piece, size_t *length)
{
    if (request->answered) {
        *length = 0;
        return MHD_YES;
    }
    size_t limit = request->body_limit;
    if (*length > limit - request->body_length) {
        char message[80];
        snprintf(message, sizeof message, "the body is longer than %zu bytes", limit);
        return cut(request, HD_TOO_LARGE, message);
    }
    if (!reserve(request, *length))
        return cut(request, HD_UNAVAILABLE, "there is no memory for the body now; try again later");
    memcpy(request->body + request->body_length, piece, *length);
    request->body_length += *length;
    request->body[request->body_length] = '\0';
    *length = 0;
    return MHD_YES;
}

static void call_handler(struct http_request *request)
{
    const struct http_settings *settings = &request->server->settings;
    const struct http_route *route = request->route;
    if ((route->flags & HTTP_RECORDED) == 0 || settings->record == NULL || settings->record(settings->context, request))
        route->handler(request, settings->context);
}

static enum MHD_Result handle_whole(struct http_request *request)
{
    if (!request->answered) {
        http_connection_enter(request->peer, HTTP_HANDLING);
        request->owed = true;
        if (!http_access_refuse_revoked(request))
            call_handler(request);
    }
    if (!request->answered) {
        request->suspended = true;
        MHD_suspend_connection(request->connection);
        /* The handler may have left work to a check or prepare handle, whose turn must come before the loop waits. */
        http_loop_kick(request->server);
        return MHD_YES;
    }
    http_connection_enter(request->peer, HTTP_REPLYING);
    return http_reply_queue(request);
}

enum MHD_Result http_exchange_handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                     const char *version, const char *upload, size_t *upload_length, void **slot)
{
    struct http_server *server = context;
    struct http_request *request = *slot;
    (void)url;
    if (request == NULL)
        return MHD_queue_response(connection, MHD_HTTP_SERVICE_UNAVAILABLE, server->short_of_memory);
    if (!request->examined)
        return handle_header(request, method, version);
    if (*upload_length > 0)
        return handle_body(request, upload, upload_length);
    return handle_whole(request);
}
