#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

enum { COMPLAINT_PERIOD_MS = 1000 };

/* libmicrohttpd complains about every bad request. Strangers must not be able to fill the log with that. */
__attribute__((format(printf, 2, 0))) static void complain(void *context, const char *format, va_list arguments)
{
    struct http_server *server = context;
    uint64_t now_ms = uv_hrtime() / 1000000;
    if (server->settings.complain == NULL || (server->complaints_ms != 0 && now_ms < server->complaints_ms + COMPLAINT_PERIOD_MS))
        return;
    server->complaints_ms = now_ms;
    char line[512];
    vsnprintf(line, sizeof line, format, arguments);
    line[strcspn(line, "\n")] = '\0';
    server->settings.complain(server->settings.context, line);
}

/* Paths and parameters are decoded from the raw request line (target.h). */
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

/* Older protocols than TLS 1.2 are broken. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"

static int start_daemon(struct http_server *server, struct hd_error *error)
{
    const struct http_settings *settings = &server->settings;
    unsigned idle_s = (unsigned)((settings->idle_timeout_us + 999999) / 1000000);
    const struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES},
                                         {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)http_tls_choose},
                                         {MHD_OPTION_END, 0, NULL}};
    const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    bool secure = settings->certificate != NULL;
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | MHD_USE_NO_LISTEN_SOCKET | (secure ? (unsigned)MHD_USE_TLS : 0), 0,
        NULL, NULL, http_exchange_handle, server, MHD_OPTION_EXTERNAL_LOGGER, complain, server, /* must be the first one */
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_CONNECTION_LIMIT,
        settings->connections + HTTP_CONNECTIONS_ABOVE, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_POOL_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, idle_s, MHD_OPTION_NOTIFY_CONNECTION, http_connection_notify, server, MHD_OPTION_NOTIFY_COMPLETED,
        http_exchange_end, server, MHD_OPTION_URI_LOG_CALLBACK, http_exchange_begin, server, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped,
        server, MHD_OPTION_ARRAY, secure ? tls : none, MHD_OPTION_END);
    if (server->daemon == NULL)
        return hd_error_system(error, HD_INTERNAL, errno, "cannot start libmicrohttpd");
    return 0;
}

static uint64_t to_ms(int64_t us)
{
    return us > 0 ? (uint64_t)(us + 999) / 1000 : 0;
}

static void set_times(struct http_server *server)
{
    const struct http_settings *settings = &server->settings;
    server->stage_limit_ms[HTTP_HEAD] = to_ms(settings->header_timeout_us);
    server->stage_limit_ms[HTTP_BODY] = to_ms(settings->body_timeout_us);
    /* libmicrohttpd itself ends what is silent for the idle time. This is for who sends a byte of the request line now and then. */
    server->stage_limit_ms[HTTP_IDLE] = to_ms(settings->idle_timeout_us + settings->header_timeout_us);
}

/* The listening socket must not live on in child processes: the port would stay taken after the daemon's death. */
static int set_descriptor_flags(int fd, struct hd_error *error)
{
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) != 0)
        return hd_error_system(error, HD_INTERNAL, errno, "cannot set the listening socket's flags");
    return 0;
}

int http_open(struct http_server **ret_server, uv_loop_t *loop, const struct http_settings *settings, struct hd_error *error)
{
    int rc;
    struct http_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "memory is short");
    server->loop = loop;
    server->settings = *settings;
    set_times(server);
    if (gethostname(server->machine, sizeof server->machine - 1) != 0)
        server->machine[0] = '\0';

    rc = http_listen(server, error);
    if (rc < 0)
        goto free_server;
    rc = set_descriptor_flags(server->listen_fd, error);
    if (rc < 0)
        goto close_socket;
    server->short_of_memory = http_reply_short_of_memory();
    if (server->short_of_memory == NULL) {
        rc = hd_error_set(error, HD_UNAVAILABLE, "memory is short");
        goto close_socket;
    }
    rc = start_daemon(server, error);
    if (rc < 0)
        goto destroy_response;
    rc = http_accept_open(server, error);
    if (rc < 0)
        goto stop_daemon;
    rc = http_loop_open(server, error);
    if (rc < 0)
        goto close_accepting;
    *ret_server = server;
    return 0;

close_accepting:
    http_accept_close(server);
stop_daemon:
    MHD_stop_daemon(server->daemon);
destroy_response:
    MHD_destroy_response(server->short_of_memory);
close_socket:
    if (settings->listen_fd < 0)
        close(server->listen_fd);
free_server:
    free(server);
    return rc;
}

void http_set_limits(struct http_server *server, size_t body_limit, int64_t header_timeout_us, int64_t body_timeout_us)
{
    server->settings.body_limit = body_limit;
    server->settings.header_timeout_us = header_timeout_us;
    server->settings.body_timeout_us = body_timeout_us;
    set_times(server);
    http_loop_kick(server); /* what is late by the new times */
}

int http_listening_socket(const struct http_server *server)
{
    return server->listen_fd;
}

int http_port(const struct http_server *server)
{
    return server->port;
}

const char *http_url(const struct http_server *server)
{
    return server->url;
}

void http_close(struct http_server *server, void (*closed)(void *data), void *data)
{
    server->closed = closed;
    server->closed_data = data;
    server->phase = HTTP_ARRIVING;
    http_loop_kick(server);
}
