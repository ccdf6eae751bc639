#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "internal.h"

enum { BACKLOG = 1024 }; /* the system cuts it to net.core.somaxconn */

/* Cuts "HOST:PORT" or "[HOST]:PORT" in two. */
static int split(const char *address, char *host, size_t host_size, char *port, size_t port_size, struct hd_error *error)
{
    const char *colon = strrchr(address, ':');
    const char *start = address;
    const char *end = colon;
    bool bracketed = *address == '[';
    if (bracketed && colon != NULL && colon > address + 1 && colon[-1] == ']') {
        start++;
        end--;
    } else if (bracketed || colon == NULL || memchr(address, ':', (size_t)(colon - address)) != NULL) {
        return hd_error_set(error, HD_INVALID, "'%s' is not an address to listen on; write HOST:PORT or [IPV6]:PORT, as in 127.0.0.1:8700",
                            address);
    }
    size_t length = (size_t)(end - start);
    size_t digits = strspn(colon + 1, "0123456789");
    bool port_ok = digits > 0 && digits < port_size && colon[1 + digits] == '\0' && strtol(colon + 1, NULL, 10) <= 65535;
    if (length == 0 || length >= host_size)
        return hd_error_set(error, HD_INVALID, "'%s' has no host; write HOST:PORT, as in 127.0.0.1:8700", address);
    if (!port_ok)
        return hd_error_set(error, HD_INVALID, "'%s' needs a port from 0 (any free one) to 65535 behind its last ':'", address);
    memcpy(host, start, length);
    host[length] = '\0';
    memcpy(port, colon + 1, digits + 1);
    return 0;
}

static int refuse(const char *address, int number, struct hd_error *error)
{
    static const struct {
        int number;
        const char *why;
    } REASONS[] = {
        {EADDRINUSE, "the port is in use by another program"},
        {EADDRNOTAVAIL, "this machine has no such address"},
        {EACCES, "ports below 1024 need a privilege (CAP_NET_BIND_SERVICE)"},
    };
    for (size_t i = 0; i < sizeof REASONS / sizeof REASONS[0]; i++)
        if (REASONS[i].number == number)
            return hd_error_set(error, HD_UNAVAILABLE, "cannot listen on %s: %s", address, REASONS[i].why);
    return hd_error_system(error, HD_UNAVAILABLE, number, "cannot listen on %s", address);
}

/* Returns a descriptor, or a negative errno. */
static int open_socket(const struct addrinfo *info)
{
    int on = 1;
    int off = 0;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    /* Without it a restart would have to wait for the old connections' TIME_WAIT. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        goto failed;
    /* Whether [::] serves IPv4 too must not depend on a setting of the machine. */
    if (info->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0)
        goto failed;
    if (bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
        goto failed;
    return fd;

failed:;
    int number = errno;
    close(fd);
    return -number;
}

/* A daemon that was killed while it started a process leaves its listening socket to that process until it executes, a moment later. So a
 * port is only "in use" when it stays so. */
enum { TRIES = 100, PAUSE_US = 20000 };

static int open_first(const struct addrinfo *list)
{
    int fd = -EADDRNOTAVAIL;
    for (const struct addrinfo *info = list; info != NULL && fd < 0; info = info->ai_next)
        fd = open_socket(info);
    return fd;
}

static int listen_on(const char *address, const char *host, const char *port, int *ret_fd, struct hd_error *error)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int rc = getaddrinfo(host, port, &hints, &list);
    if (rc != 0)
        return hd_error_set(error, HD_INVALID, "cannot listen on %s: %s", address, rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
    int fd = open_first(list);
    for (int tries = 0; fd == -EADDRINUSE && tries < TRIES; tries++) {
        (void)usleep(PAUSE_US);
        fd = open_first(list);
    }
    freeaddrinfo(list);
    if (fd < 0)
        return refuse(address, -fd, error);
    *ret_fd = fd;
    return 0;
}

/* One that no other machine can reach. */
static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
    return address->sa_family == AF_INET && ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
}

/* The first name of this server that its certificate is made out to, so that clients believe it; else `host`. */
static const char *believed_name(const struct http_server *server, const char *host)
{
    const struct http_certificate *certificate = server->settings.certificate;
    if (http_certificate_is_for(certificate, host))
        return host;
    for (char *const *name = server->settings.allowed_hosts; name != NULL && *name != NULL; name++)
        if (http_certificate_is_for(certificate, *name))
            return *name;
    return host;
}

static void write_url(struct http_server *server, const char *host, bool v6)
{
    bool secure = server->settings.certificate != NULL;
    const char *name = secure ? believed_name(server, host) : host;
    bool bracketed = v6 && name == host;
    snprintf(server->url, sizeof server->url, "http%s://%s%.255s%s:%d", secure ? "s" : "", bracketed ? "[" : "", name, bracketed ? "]" : "",
             server->port);
}

/* Learns from the socket itself where it listens. Local clients reach an address that means "all" by the loopback address. */
static int describe(struct http_server *server, struct hd_error *error)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    } name = {0};
    socklen_t length = sizeof name;
    char host[NI_MAXHOST];
    if (getsockname(server->listen_fd, &name.any, &length) != 0)
        return hd_error_system(error, HD_INTERNAL, errno, "cannot find out the address of the listening socket");
    if (name.any.sa_family == AF_UNIX)
        return http_local_describe(server, name.local.sun_path, error);
    bool v6 = name.any.sa_family == AF_INET6;
    if (!v6 && name.any.sa_family != AF_INET)
        return hd_error_set(error, HD_INVALID, "the listening socket that was handed over is neither a TCP nor a Unix socket");
    server->loopback = is_loopback(&name.any);
    if (!v6 && name.v4.sin_addr.s_addr == htonl(INADDR_ANY))
        name.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else if (v6 && IN6_IS_ADDR_UNSPECIFIED(&name.v6.sin6_addr))
        name.v6.sin6_addr = in6addr_loopback;
    int rc = getnameinfo(&name.any, length, host, sizeof host, NULL, 0, NI_NUMERICHOST);
    if (rc != 0)
        return hd_error_set(error, HD_INTERNAL, "cannot print the address of the listening socket: %s", gai_strerror(rc));
    server->port = ntohs(v6 ? name.v6.sin6_port : name.v4.sin_port);
    write_url(server, host, v6);
    if (server->host[0] == '\0')
        snprintf(server->host, sizeof server->host, "%.255s", host);
    return 0;
}

/* Tokens would travel in the clear, and whoever reads one may start programs here. */
static int check_plaintext(bool loopback, bool secure, bool allow_plaintext, struct hd_error *error)
{
    if (loopback || secure || allow_plaintext)
        return 0;
    return hd_error_set(error, HD_INVALID,
                        "the daemon is to listen where others can reach it, and read tokens on the way: give 'tls_certificate' and "
                        "'tls_key', or listen on 127.0.0.1, or say 'allow_plaintext = yes' if that way is safe");
}

int http_check_address(const char *address, bool secure, bool allow_plaintext, struct hd_error *error)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    const char *path = http_local_path(address);
    struct addrinfo *list = NULL;
    char host[NI_MAXHOST], port[8];
    int rc;
    if (path != NULL)
        return http_local_check(path, error);
    rc = split(address, host, sizeof host, port, sizeof port, error);
    if (rc < 0)
        return rc;
    /* What is no number may be one or the other: seen when it is listened on. */
    if (getaddrinfo(host, port, &hints, &list) != 0)
        return 0;
    rc = check_plaintext(is_loopback(list->ai_addr), secure, allow_plaintext, error);
    freeaddrinfo(list);
    return rc;
}

int http_listen(struct http_server *server, struct hd_error *error)
{
    const struct http_settings *settings = &server->settings;
    const char *path = settings->listen_fd < 0 ? http_local_path(settings->address) : NULL;
    char port[8];
    int rc = 0;
    server->listen_fd = settings->listen_fd;
    if (path != NULL) {
        rc = http_local_listen(path, &server->listen_fd, error);
    } else if (server->listen_fd < 0) {
        rc = split(settings->address, server->host, sizeof server->host, port, sizeof port, error);
        if (rc == 0)
            rc = listen_on(settings->address, server->host, port, &server->listen_fd, error);
    }
    if (rc < 0)
        return rc;
    rc = describe(server, error);
    if (rc == 0)
        rc = check_plaintext(server->loopback, settings->certificate != NULL, settings->allow_plaintext, error);
    if (rc < 0 && settings->listen_fd < 0)
        close(server->listen_fd);
    return rc;
}
