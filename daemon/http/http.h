/* HTTP/1.1 on the loop: libmicrohttpd in external epoll mode, routing, requests, replies.
 *
 * Everything here belongs to the loop thread. A handler gets a request with its whole body and must answer it once, at once or later, by
 * one of the http_reply functions; in between the connection is suspended. All suspended connections that are answered in one turn of the
 * loop are resumed together, and MHD_run is called once. */
#ifndef HYPERDRIVED_HTTP_H
#define HYPERDRIVED_HTTP_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "core/error.h"
#include "core/problems.h"
#include "core/text.h"

struct http_certificate; /* certificate.h */
struct http_server;
struct http_request;

/* What somebody may do; each role may all that those before it may, but a run's token is good for the routes of its own run only. */
enum http_role {
    HTTP_NOBODY,
    HTTP_OPEN = HTTP_NOBODY, /* as the role that a route needs: no token is needed */
    HTTP_RUN,
    HTTP_READ,   /* look at everything but tokens and the record of who did what */
    HTTP_SUBMIT, /* and start, change and end sweeps and runs */
    HTTP_ADMIN,  /* and everything else: delete, drain devices, hand out tokens */
    HTTP_OWNER,
};
/* "read"; HTTP_NOBODY for a word that is none of read, submit and admin. */
const char *http_role_name(enum http_role role);
enum http_role http_role_parse(const char *word);

enum { HTTP_WHO_SIZE = 96 };
/* Who asks, as the authenticator found. */
struct http_principal {
    enum http_role role;
    char who[HTTP_WHO_SIZE]; /* "owner", "token ci", "run HD_..._3": for people, and as the name of what may be revoked */
    char run_id[64];         /* with HTTP_RUN: the one run that the token is good for, */
    int attempt;             /* and its attempt */
};

enum http_route_flag {
    HTTP_OWN_RUN = 1,  /* also for the run whose id is the route's first variable part */
    HTTP_RECORDED = 2, /* may change something: it is told to `record` first */
};

/* Runs in the loop's prepare phase; the loop does not wait before check and prepare handles had another turn. */
typedef void http_handler(struct http_request *request, void *context);

/* One row per route. Tables end in a row without a method. HEAD is served by GET's row; OPTIONS, 404 and 405 (with Allow) by the server. */
struct http_route {
    const char *method;
    const char *path;    /* "/api/v1/sweeps/{id}/children/sorted"; `{}` parts match one non-empty segment, percent-decoded;
                            a last `{name...}` matches all the rest, slashes included */
    enum http_role role; /* the least one that it needs */
    unsigned flags;      /* of enum http_route_flag */
    http_handler *handler;
    const char *const
        *parameters; /* query parameters it knows, ends in NULL; NULL: none. Others are refused with 400, as are repeated ones */
};

struct http_settings {
    const char *address;                  /* "127.0.0.1:8700", "[::1]:0", "unix:/run/hyperdrive/socket"; port 0: any free one */
    int listen_fd;                        /* an open listening socket to use instead, or -1 */
    size_t body_limit;                    /* bytes */
    unsigned connections;                 /* at most; further ones get 503 */
    unsigned connections_per_address;     /* of them at most from one address that is not the loopback; 0: no limit of its own */
    char *const *allowed_hosts;           /* further names by which clients may ask, ends in NULL; or NULL */
    struct http_certificate *certificate; /* for TLS; the server's if http_open succeeds. NULL: plain HTTP */
    bool allow_plaintext;                 /* others than this machine may be served without TLS */
    int64_t header_timeout_us, body_timeout_us, idle_timeout_us;
    int64_t close_timeout_us; /* how long http_close waits for handlers that owe an answer; 0: 10 s */
    unsigned streams;         /* answers without an end that may be open at once, further ones get 503; 0: 256 */
    int64_t heartbeat_us;     /* how often streams without news say that they live; 0: 15 s */
    /* Finds who presents this bearer token. Returns false for a token that is good for nothing. NULL: none was sent, over a Unix socket,
     * where the user of the other end may be enough; without a token nobody gets through TCP. False with `error` when it cannot be told
     * now: that is no refusal. */
    bool (*authenticate)(void *context, const struct http_request *request, const char *token, struct http_principal *ret_principal,
                         struct hd_error *error);
    /* Is told each request to a route with HTTP_RECORDED before its handler. False: it has answered, and there is nothing to handle. NULL:
     * nobody is told. */
    bool (*record)(void *context, struct http_request *request);
    /* Takes what libmicrohttpd complains about (bad requests), at most one line a second; NULL: nobody. */
    void (*complain)(void *context, const char *line);
    /* Takes what keeps the server from its work, now and then while it does; NULL: nobody. */
    void (*warn)(void *context, const char *line);
    const struct http_route *routes;
    void *context; /* for authenticate, complain, warn and handlers */
};

/* The path in "unix:/run/hyperdrive/socket"; NULL for another address. */
const char *http_local_path(const char *address);

/* Whether a server may listen there at all, as http_open() sees it, without doing so: `secure` with TLS. */
int http_check_address(const char *address, bool secure, bool allow_plaintext, struct hd_error *error);

/* The program must ignore SIGPIPE. The settings' strings, routes and context must outlive the server. */
int http_open(struct http_server **ret_server, uv_loop_t *loop, const struct http_settings *settings, struct hd_error *error);
/* What may change while it serves; for requests that come from now on, and for those under way the times. */
void http_set_limits(struct http_server *server, size_t body_limit, int64_t header_timeout_us, int64_t body_timeout_us);
/* Whoever `who` (of the principal) names may nothing any more: his streams break, and requests of his that have not come in wholly are
 * refused. Later ones are for `authenticate` to refuse. */
void http_revoke(struct http_server *server, const char *who);
/* For connections from now on. Only for a server that has one; takes it over. */
void http_set_certificate(struct http_server *server, struct http_certificate *certificate);
/* The port it listens on (0: it is a Unix socket), and the address as a URL: "http://127.0.0.1:8700",
 * "http+unix://%2Frun%2Fhyperdrive%2Fsocket". Under TLS it has a name that the certificate is made out to, if one is known: that of the
 * settings' address, or the first of `allowed_hosts` that is. */
int http_port(const struct http_server *server);
const char *http_url(const struct http_server *server);
/* The socket it listens on; it stays the server's. Whoever has a copy keeps the port open while no server is there: who connects waits. */
int http_listening_socket(const struct http_server *server);
/* Stops taking connections, ends the idle ones, and waits a moment for the requests of the others: they are served, so that nobody who got
 * through to this server is turned away for its sake. What has not come in wholly by then is answered 503. Waits (bounded) for handlers
 * that still owe an answer; then closes everything and calls `closed`. */
void http_close(struct http_server *server, void (*closed)(void *data), void *data);

/* --- What a handler sees. Strings live until the request is answered; a header's until the handler returns, for the connection that has it
 * may go before an answer that comes later. --- */
const char *http_part(const struct http_request *request, int index);         /* the route's variable parts, from 0 */
const char *http_query(const struct http_request *request, const char *name); /* decoded; NULL: not given. "" when given empty */
const char *http_header(const struct http_request *request, const char *name);
const char *http_body(const struct http_request *request, size_t *ret_length); /* ends in NUL beyond its length */
const struct http_principal *http_principal(const struct http_request *request);
const char *http_method(const struct http_request *request);
const char *http_route_path(const struct http_request *request); /* "/api/v1/sweeps/{id}" */
enum { HTTP_CLIENT_ADDRESS_SIZE = 64 };
/* "127.0.0.1", "::1"; "unix" over a Unix socket; "unknown" if the system does not say. */
void http_client_address(const struct http_request *request, char ret_address[HTTP_CLIENT_ADDRESS_SIZE]);
/* The user at the other end of a Unix socket, when it connected. False over TCP, and for a browser or a proxy that speaks for others. */
bool http_peer_user(const struct http_request *request, uid_t *ret_user);
/* Whether that user's process was in this group. */
bool http_peer_has_group(const struct http_request *request, gid_t group);
/* Calls `answered` once, when the request is answered: with the status, and also if nobody is there any more to take the answer. */
void http_when_answered(struct http_request *request, void (*answered)(void *data, int status), void *data);
/* The data that was given there; NULL: none. */
void *http_answered_data(const struct http_request *request);

/* Query values by the reference's rules (2.0). On a bad value they answer 400 themselves and return false. */
bool http_query_boolean(struct http_request *request, const char *name, bool default_value, bool *ret_value);
bool http_query_integer(struct http_request *request, const char *name, int64_t minimum, int64_t maximum, int64_t default_value,
                        int64_t *ret_value);
/* A body that is read on the loop: that takes less than a millisecond or so. */
enum { HTTP_SMALL_BODY = 32 * 1024 };
/* A small body as JSON (content type application/json). On a fault it answers 400, 413 or 415 itself and returns NULL. The caller frees the
 * tree. With `may_be_empty` an absent body gives an empty object. */
cJSON *http_body_json(struct http_request *request, bool may_be_empty);
/* The same for a body of any size, without the answer: NULL after adding problems. Any thread may do this between the handler's call and
 * the answer. */
cJSON *http_body_parse(const struct http_request *request, bool may_be_empty, struct hd_problems *problems);
/* Answers 400: the value of the parameter `name` must be `what`. */
void http_query_refuse(struct http_request *request, const char *name, const char *what);

/* --- Answers: exactly one per request, after which the request is gone for the handler. --- */
/* Takes over the text (it is empty afterwards); a failed text becomes 503. */
void http_reply_json(struct http_request *request, int status, struct hd_text *text);
/* The same for other content. */
void http_reply_text(struct http_request *request, int status, const char *content_type, struct hd_text *text);
void http_reply_error(struct http_request *request, const struct hd_error *error);
/* 400 ValidationError with all findings in `details`. */
void http_reply_problems(struct http_request *request, const struct hd_problems *problems);
/* An answer without a body (204). */
void http_reply_empty(struct http_request *request, int status);
/* `length` bytes of `fd` from `offset`; takes over the descriptor. With `partial` the status is 206 and Content-Range says of `total`. */
void http_reply_file(struct http_request *request, const char *content_type, int fd, int64_t offset, int64_t length, bool partial,
                     int64_t total);
/* Says which state the answer to come shows, by a strong entity tag (without quotes; letters, digits, '.', '_' and '-'). If the client has
 * that one already it is answered 304, and this returns true. */
bool http_unchanged(struct http_request *request, const char *tag);
/* Whether the client would rather have a long answer compressed. The answer says then that it depends on that. */
bool http_prefers_gzip(struct http_request *request);
/* The answer to come is compressed. After http_unchanged(). */
void http_encoded_gzip(struct http_request *request);
/* A header for the answer to come. */
void http_reply_header(struct http_request *request, const char *name, const char *value);

/* --- Answers without an end in sight: what is appended is sent as it comes. ---
 * A stream holds a bounded number of bytes. When it is full, whoever feeds it waits until it is `wanted` again, and knows for himself where
 * to go on: so a slow reader costs no memory. */
struct http_stream;
struct http_stream_settings {
    const char *content_type;
    const char *heartbeat;      /* static; sent when there was nothing else; NULL: nothing may stand between what is appended */
    void (*wanted)(void *data); /* all that was appended is on its way; NULL: nobody waits for that */
    void (*closed)(void *data); /* the stream is gone: its end was sent, the client went or the server stops. The last call. */
    void *data;
};
/* Answers with a stream. NULL when there cannot be one (too many, no memory, the server stops): then it has answered so, and nothing is
 * called. */
struct http_stream *http_stream_open(struct http_request *request, int status, const struct http_stream_settings *settings);
/* It holds as much as it may. */
bool http_stream_full(const struct http_stream *stream);
/* Bytes that it holds: at most 32 KiB and the last piece. */
size_t http_stream_held(const struct http_stream *stream);
/* All of it, if the stream is not full; nothing else. When memory is short the stream is cut off, upon which clients ask again. */
void http_stream_append(struct http_stream *stream, const char *bytes, size_t length);
/* What was appended is still sent, and then the end. */
void http_stream_end(struct http_stream *stream);
/* What was appended is still sent, and then the connection breaks, so that its reader knows that there was more. */
void http_stream_break(struct http_stream *stream);
/* The connection breaks. */
void http_stream_cut(struct http_stream *stream);

#endif
