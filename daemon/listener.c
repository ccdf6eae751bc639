#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "notify.h"

enum { FIRST_FD = 3, MOST_FDS = 64 };

/* What the manager calls the socket that it keeps for us; socket units call theirs after themselves. */
#define KEPT "hyperdrived-kept"

static int number_of(const char *name)
{
    const char *text = getenv(name);
    char *end;
    long value;

    if (text == NULL || text[0] < '1' || text[0] > '9')
        return 0;
    errno = 0;
    value = strtol(text, &end, 10);
    return errno == 0 && *end == '\0' && value <= 0x7fffffff ? (int)value : 0;
}

/* Whether the `index`-th of the names that ':' separates is KEPT. */
static bool is_kept(const char *names, int index)
{
    const char *at = names != NULL ? names : "";

    for (; index > 0; index--) {
        at = strchr(at, ':');
        if (at == NULL)
            return false;
        at++;
    }
    return strcspn(at, ":") == strlen(KEPT) && strncmp(at, KEPT, strlen(KEPT)) == 0;
}

static bool is_listening(int fd)
{
    int listening = 0, type = 0;
    socklen_t size = sizeof listening, type_size = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0 &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) == 0 && type == SOCK_STREAM;
}

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET) {
        const struct sockaddr_in *x = (const struct sockaddr_in *)a, *y = (const struct sockaddr_in *)b;

        return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
    }
    if (a->sa_family == AF_INET6) {
        const struct sockaddr_in6 *x = (const struct sockaddr_in6 *)a, *y = (const struct sockaddr_in6 *)b;

        return x->sin6_port == y->sin6_port && memcmp(&x->sin6_addr, &y->sin6_addr, sizeof x->sin6_addr) == 0;
    }
    return false;
}

static bool is_at_path(int fd, const char *path)
{
    struct sockaddr_un own = {0};
    socklen_t size = sizeof own;

    return getsockname(fd, (struct sockaddr *)&own, &size) == 0 && own.sun_family == AF_UNIX &&
           strncmp(own.sun_path, path, sizeof own.sun_path) == 0;
}

bool listener_is_at(int fd, const char *address)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct sockaddr_storage own = {0};
    socklen_t size = sizeof own;
    char host[256];
    const char *colon = strrchr(address, ':');
    struct addrinfo *list = NULL;
    size_t length = colon != NULL ? (size_t)(colon - address) : 0;
    bool bracketed = length > 2 && address[0] == '[' && colon[-1] == ']', found = false;

    if (strncmp(address, "unix:", strlen("unix:")) == 0)
        return is_at_path(fd, address + strlen("unix:"));
    if (length == 0 || length >= sizeof host || getsockname(fd, (struct sockaddr *)&own, &size) != 0)
        return false;
    snprintf(host, sizeof host, "%.*s", (int)(bracketed ? length - 2 : length), bracketed ? address + 1 : address);
    if (getaddrinfo(host, colon + 1, &hints, &list) != 0)
        return false;
    for (const struct addrinfo *info = list; info != NULL; info = info->ai_next)
        found = found || same_address((const struct sockaddr *)&own, info->ai_addr);
    freeaddrinfo(list);
    return found;
}

/* One of those that were handed over: taken, or closed. */
static void look_at(int fd, bool kept, const char *address, struct listener *listener, int *given)
{
    bool wanted = kept ? listener->fd < 0 && is_listening(fd) && listener_is_at(fd, address) : *given == 0;

    *given += kept ? 0 : 1;
    if (!wanted) {
        (void)close(fd);
        return;
    }
    if (listener->fd >= 0)
        (void)close(listener->fd);
    *listener = (struct listener){fd, !kept};
}

static int refuse(struct listener *listener, int given, struct hd_error *error)
{
    int result = 0;

    if (given > 1)
        result = hd_error_set(error, HD_INVALID,
                              "%d sockets were handed over, and this daemon serves one: leave one ListenStream= in its socket unit", given);
    else if (given == 1 && !is_listening(listener->fd))
        result = hd_error_set(error, HD_INVALID,
                              "what was handed over is no listening stream socket: its socket unit needs ListenStream= and Accept=no");
    if (result != 0)
        (void)close(listener->fd);
    return result;
}

int listener_take(const char *address, struct listener *ret_listener, struct hd_error *error)
{
    struct listener listener = {.fd = -1};
    int count = number_of("LISTEN_PID") == getpid() ? number_of("LISTEN_FDS") : 0, given = 0, kept = 0;
    const char *names = getenv("LISTEN_FDNAMES");

    for (int i = 0; i < count && i < MOST_FDS; i++) {
        bool is_ours = is_kept(names, i);
        int fd = FIRST_FD + i, flags = fcntl(fd, F_GETFD);

        if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) != 0)
            return hd_error_system(error, HD_INVALID, errno, "LISTEN_FDS is %d, but descriptor %d cannot be used", count, fd);
        kept += is_ours ? 1 : 0;
        look_at(fd, is_ours, address, &listener, &given);
    }
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    if (kept > 0 && (listener.fd < 0 || listener.given))
        notify_send("FDSTOREREMOVE=1\nFDNAME=" KEPT); /* the manager holds the port as long as it keeps the socket */
    if (refuse(&listener, given, error) != 0)
        return -(int)error->code;
    *ret_listener = listener;
    return 0;
}

void listener_keep(int fd)
{
    notify_send_descriptor("FDSTORE=1\nFDPOLL=0\nFDNAME=" KEPT, fd);
}
