/* What the files of this folder share: the server, its connections, its requests. */
#ifndef HYPERDRIVED_HTTP_INTERNAL_H
#define HYPERDRIVED_HTTP_INTERNAL_H

#include <microhttpd.h>

#include "certificate.h"
#include "http.h"
#include "target.h"

enum {
    HTTP_TAG_SIZE = 64,
    HTTP_CONNECTIONS_ABOVE = 64, /* connections above our limit that still get a 503; beyond these the backlog waits */
    HTTP_ADDRESS_ABOVE = 8,      /* the same for the connections of one address; further ones are closed at once */
    HTTP_ADDRESS_BUCKETS = 256,
    HTTP_POOL_BYTES = 32 * 1024,    /* memory of one connection for request line, headers and one piece of the body */
    HTTP_DISCARD_BYTES = 64 * 1024, /* a refused body up to this length is read and thrown away, so that the connection can be kept */
    HTTP_BODIES_AT_ONCE = 16,       /* all bodies in memory together: this many of the largest one */
    HTTP_LINGER_MS = 5000,          /* how long a refused upload is drained before its socket is closed */
    HTTP_LINGER_SOCKETS = 64,       /* at once */
    HTTP_CLOSE_ARRIVE_MS = 2000,    /* how long http_close waits for what is still coming in */
    HTTP_CLOSE_DRAIN_MS = 10000,    /* how long http_close waits for handlers if the settings do not say */
    HTTP_CLOSE_FLUSH_MS = 2000,     /* and then for clients to take the last answers */
    HTTP_CLOSE_STREAM_MS = 500,     /* how long http_close waits for those who read a stream to take its end */
    HTTP_STREAMS = 256,             /* at once, if the settings do not say */
    HTTP_STREAMS_OF_RUN = 16,       /* of these with the token of one run */
    HTTP_STREAM_BYTES = 32 * 1024,  /* a stream that holds so much is full */
    HTTP_HEARTBEAT_MS = 15000,      /* if the settings do not say */
};

/* Behind the tag of an answer that is compressed. */
#define HTTP_TAG_OF_GZIP "-gzip"

/* Where a connection stands; the order is that of its life. */
enum http_stage {
    HTTP_IDLE,     /* between two requests */
    HTTP_HEAD,     /* new, or the request line came: waits for the rest of the header */
    HTTP_BODY,     /* waits for the body */
    HTTP_HANDLING, /* a handler owes the answer; suspended unless the handler is running right now */
    HTTP_REPLYING, /* the answer is on its way */
    HTTP_STAGES,
};

struct http_connection {
    struct http_server *server;
    struct MHD_Connection *connection;
    int fd;
    enum http_stage stage;
    uint64_t since_ms;                       /* when it came into this stage */
    struct http_connection *previous, *next; /* in the stage's list, oldest first */
    const char *refused;                     /* above a limit of connections: every request gets 503, with this sentence; else NULL */
    struct http_certificate *certificate;    /* what it was shown; NULL: plain HTTP */
    struct http_address *address;            /* where it counts; NULL: nowhere */
    bool linger;                             /* the client may still be sending what nobody will read */
    bool dismissed;                          /* it was shut at once, and counts no more */
    struct http_watch *watch;                /* for the client's end; NULL when memory was short */
    struct http_stream *stream;              /* what is being sent, when it is one */
};

struct http_stage_list {
    struct http_connection *first, *last;
    size_t count;
};

struct http_stream {
    struct http_server *server;
    struct http_request *request;        /* NULL: over, and the connection may be gone */
    struct http_stream *previous, *next; /* in the server's list */
    struct http_stream *next_woken;
    struct http_stream_settings settings;
    char *bytes; /* what is to be sent is from `begin` to `end` */
    size_t begin, end, capacity;
    bool suspended; /* it had nothing to send */
    bool woken;     /* in the server's list of those to be resumed */
    bool wanting;   /* `wanted` is to be called */
    bool ended, cut;
    bool broken; /* what was appended is sent, and no end behind it */
};

struct http_reply_field {
    struct http_reply_field *next;
    char *value;
    char name[];
};

struct http_request {
    struct http_server *server;           /* NULL: the server is gone, only the handler still knows this request */
    struct MHD_Connection *connection;    /* NULL: gone */
    struct http_connection *peer;         /* NULL: gone */
    struct http_request *previous, *next; /* in the server's list of all requests */
    struct http_request *next_answered;
    const struct http_route *route;
    const char *method; /* static; "" for one that no route has */
    struct http_principal principal;
    struct http_target target;
    const char *parts[HTTP_PARTS];
    int part_count;
    char *body;
    size_t body_length, body_capacity;
    size_t body_limit; /* as it was when the request came */
    bool examined;     /* the first call of libmicrohttpd is behind us */
    bool must_close;   /* refused: where the next request begins is not certain */
    bool suspended;
    bool revoked;  /* the token was good when the header came, and is no more */
    bool owed;     /* a handler has it and has not answered */
    bool answered; /* `response` stands, or was handed to libmicrohttpd */
    bool failed;   /* memory was short while the answer was put together */
    int status;
    char tag[HTTP_TAG_SIZE]; /* "": the answer has none */
    bool varies;             /* with Accept-Encoding */
    struct MHD_Response *response;
    struct http_reply_field *fields;
    struct http_stream *stream; /* the answer, when it is one */
    void (*when_answered)(void *data, int status);
    void *when_answered_data;
    char uri[]; /* as it came; cut up and decoded in place by http_target_parse */
};

/* What a server does; the order is that of its life. */
enum http_phase {
    HTTP_SERVING,
    HTTP_ARRIVING, /* takes no more connections; who is connected may still ask */
    HTTP_DRAINING, /* handlers may still answer */
    HTTP_FLUSHING, /* clients may still take their answers */
    HTTP_STOPPED,
};

struct http_server {
    uv_loop_t *loop;
    uv_poll_t poll;       /* libmicrohttpd's epoll descriptor */
    uv_prepare_t prepare; /* the one place that calls MHD_run */
    uv_timer_t timer;
    unsigned handles; /* open libuv handles, lingering sockets included */
    bool due;         /* MHD_run is wanted in this turn */
    struct MHD_Daemon *daemon;
    int listen_fd;
    struct http_accepting *accepting; /* NULL: not any more */
    int port;
    bool loopback;     /* no other machine can connect */
    bool local;        /* a Unix socket */
    char host[256];    /* host part of the settings' address, without brackets */
    char machine[256]; /* what this machine calls itself; "": nothing */
    char url[384];
    struct http_settings settings;
    uint64_t stage_limit_ms[HTTP_STAGES]; /* 0: none of ours */
    struct http_stage_list stages[HTTP_STAGES];
    size_t connections;
    size_t dismissed; /* further ones, that libmicrohttpd still has to let go of */
    struct http_address *addresses[HTTP_ADDRESS_BUCKETS];
    size_t body_bytes;                             /* of all requests */
    struct http_request *requests;                 /* all that live */
    struct http_request *answered, *answered_last; /* suspended and answered: to be resumed together */
    struct http_watch *half_closed;                /* whose client sends no more */
    struct http_stream *streams;                   /* all that are open */
    struct http_stream *woken;                     /* to be resumed together */
    size_t stream_count, streams_wanting;
    uint64_t beat_ms;         /* when the next heartbeat is due */
    uint64_t streams_late_ms; /* when the server closes: when streams that are still there are cut off */
    struct http_lingerer *lingerers;
    size_t lingerer_count;
    struct MHD_Response *short_of_memory; /* made at the start, when there was memory */
    uint64_t complaints_ms;               /* when the last complaint of libmicrohttpd was passed on */
    enum http_phase phase;
    uint64_t phase_limit_ms;
    void (*closed)(void *data);
    void *closed_data;
};

/* loop.c */
int http_loop_open(struct http_server *server, struct hd_error *error);
/* Asks for one MHD_run before the loop waits again. */
void http_loop_kick(struct http_server *server);
/* A libuv handle of the server has been closed; the last one frees the server. */
void http_loop_handle_closed(struct http_server *server);

/* accept.c */
int http_accept_open(struct http_server *server, struct hd_error *error);
/* Takes no more connections; the listening socket may be closed then. */
void http_accept_close(struct http_server *server);
/* Takes connections, or waits with that, as it is right now; returns when it is to be asked again, UINT64_MAX: when one has ended. */
uint64_t http_accept_late(struct http_server *server, uint64_t now_ms);

/* connection.c */
void http_connection_notify(void *server, struct MHD_Connection *connection, void **socket_context,
                            enum MHD_ConnectionNotificationCode code);
struct http_connection *http_connection_of(struct MHD_Connection *connection);
void http_connection_enter(struct http_connection *peer, enum http_stage stage);
/* Writes a whole answer past libmicrohttpd, which must have nothing under way on this connection; the connection must end then. Under TLS
 * nothing can be written past it, and the connection ends without a word. */
void http_connection_answer(struct http_connection *peer, enum hd_code code, const char *message);
/* Ends what is late; returns when the next one will be, UINT64_MAX: never. */
uint64_t http_connection_late(struct http_server *server, uint64_t now_ms);

/* address.c */
/* Counts the connection; returns how many its address has now, 0: it is not counted. */
unsigned http_address_enter(struct http_connection *peer);
void http_address_leave(struct http_connection *peer);

/* half_closed.c */
struct http_watch *http_half_closed_watch(struct http_connection *peer);
void http_half_closed_forget(struct http_watch *watch);
/* Ends the connections whose client sends no more and that only wait for it. To be called when libmicrohttpd has nothing left to do. */
void http_half_closed_end(struct http_server *server);

/* linger.c */
/* Keeps a copy of the socket until the client has stopped sending, so that no reset destroys the answer on its way. */
void http_linger(struct http_server *server, int fd);
uint64_t http_linger_late(struct http_server *server, uint64_t now_ms);
void http_linger_close_all(struct http_server *server);

/* stream.c */
/* Resumes those that have something to send; MHD_run must follow. */
void http_stream_resume_woken(struct http_server *server);
/* Tells the feeders of those that have sent all. */
void http_stream_tell_wanted(struct http_server *server);
/* Heartbeats; returns when the next will be, UINT64_MAX: never. */
uint64_t http_stream_beat(struct http_server *server, uint64_t now_ms);
void http_stream_end_all(struct http_server *server, uint64_t now_ms);
/* While the server closes: cuts off what has not ended in time; returns when that will be. */
uint64_t http_stream_late(struct http_server *server, uint64_t now_ms);
/* The request is over. */
void http_stream_detach(struct http_stream *stream);

/* exchange.c: the callbacks of libmicrohttpd in the life of one request */
void *http_exchange_begin(void *context, const char *uri, struct MHD_Connection *connection);
enum MHD_Result http_exchange_handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                     const char *version, const char *upload, size_t *upload_length, void **slot);
void http_exchange_end(void *context, struct MHD_Connection *connection, void **slot, enum MHD_RequestTerminationCode code);
void http_request_free(struct http_request *request);

/* header.c */
struct http_header_facts {
    bool has_body;
    bool chunked;
    bool expects_continue;
    uint64_t content_length;
    const char *authorization, *content_type, *content_encoding; /* NULL: not given */
};
/* Looks at a request's header: its form, where the body ends, whom it is meant for. `ret_must_close`: the fault leaves it uncertain where
 * the next request begins. */
int http_header_examine(struct http_request *request, const char *version, struct http_header_facts *ret_facts, bool *ret_must_close,
                        struct hd_error *error);
/* Refuses a body that is too long, or not JSON. */
int http_header_check_body(const struct http_request *request, const struct http_header_facts *facts, struct hd_error *error);

/* site.c */
/* Refuses a request for a name that is not ours; `authority` is NULL when there is none. */
int http_site_check_host(const struct http_server *server, const char *authority, struct hd_error *error);
/* Refuses a request that changes something for a page of another site. */
int http_site_check_origin(const struct http_request *request, const char *authority, const char *origin, const char *fetch_site,
                           struct hd_error *error);

/* tls.c */
void http_tls_begin(struct http_connection *peer);
void http_tls_end(struct http_connection *peer);
int http_tls_choose(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
                    const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **ret_chain, unsigned *ret_length,
                    gnutls_privkey_t *ret_key);

/* router.c */
struct http_match {
    const struct http_route *route; /* the row for the method; NULL: none */
    const struct http_route *path;  /* the first row for the path; NULL: none */
    char allow[96];                 /* "GET, HEAD, OPTIONS" */
};
void http_router_find(const struct http_server *server, const struct http_target *target, const char *method, struct http_match *ret_match);
/* Takes the variable parts of the request's route out of its path. */
void http_router_take_parts(struct http_request *request);

/* access.c */
/* Finds the route and who asks; sets the request's route, parts and principal. On refusal or OPTIONS it has answered: false. */
bool http_access_admit(struct http_request *request, const char *authorization);
/* True when the token has been revoked since: it has answered. */
bool http_access_refuse_revoked(struct http_request *request);

/* query.c */
/* False: it has answered 400. */
bool http_query_check(struct http_request *request);

/* reply.c */
/* A server's one answer for when there is no memory for any other; NULL when there is none for it either. */
struct MHD_Response *http_reply_short_of_memory(void);
/* Answers in place of the handler, which goes on owing one that will be dropped. */
void http_reply_in_place(struct http_request *request, enum hd_code code, const char *message);
/* The handler's debt is paid, with this status. False: somebody answered in its place (the server is closing), and this answer goes
 * nowhere. */
bool http_reply_settle(struct http_request *request, int status);
/* Makes `response` (NULL: memory was short) the request's answer and takes it over. */
void http_reply_response(struct http_request *request, struct MHD_Response *response, int status);
/* Hands the answer to libmicrohttpd. */
enum MHD_Result http_reply_queue(struct http_request *request);
/* {"error":{...}} as all errors of this daemon look. */
void http_reply_error_text(struct hd_text *text, const char *code, const char *message, const char *target,
                           const struct hd_problems *problems);

/* local.c */
/* Whether there may be a socket of ours. */
int http_local_check(const char *path, struct hd_error *error);
int http_local_listen(const char *path, int *ret_fd, struct hd_error *error);
/* Fills in what the server knows of its address. */
int http_local_describe(struct http_server *server, const char *path, struct hd_error *error);

/* listen.c */
int http_listen(struct http_server *server, struct hd_error *error);

#endif
