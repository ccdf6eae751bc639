/* Unix sockets: listening at a path, and who is at the other end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "internal.h"

enum {
    BACKLOG = 1024,
    /* Everybody may connect: what somebody may do is found out then, as over TCP. Who is not even to connect is kept out by the folder. */
    MODE = 0666,
    GROUPS_ON_STACK = 64,
};

static const char SCHEME[] = "unix:";

const char *http_local_path(const char *address)
{
    return strncmp(address, SCHEME, sizeof SCHEME - 1) == 0 ? address + sizeof SCHEME - 1 : NULL;
}

/* --- Listening ---------------------------------------------------------------------------------------------------------------------------
 */

/* Whoever may rename in the folder could put a socket of his own in place of ours, and be sent tokens. */
static int check_folder(const char *path, struct hd_error *error)
{
    char folder[sizeof((struct sockaddr_un *)0)->sun_path];
    struct stat status;
    char *slash;
    snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    slash[slash == folder ? 1 : 0] = '\0';
    if (stat(folder, &status) != 0)
        return hd_error_system(error, HD_INVALID, errno, "cannot listen on unix:%s: its folder", path);
    bool others_write = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (status.st_mode & S_ISVTX) == 0;
    if (others_write || (status.st_uid != 0 && status.st_uid != geteuid()))
        return hd_error_set(
            error, HD_INVALID,
            "cannot listen on unix:%s: others may change what lies in %s, and put a socket of their own there; use a folder "
            "that belongs to the daemon's user, as systemd's RuntimeDirectory= makes it",
            path, folder);
    return 0;
}

/* What a daemon that is gone has left is removed; a socket that somebody serves is not. 0, or the reason as a negative errno. */
static int make_room(const struct sockaddr_un *name)
{
    struct stat status;
    if (lstat(name->sun_path, &status) != 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(status.st_mode))
        return -EEXIST;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int number = connect(fd, (const struct sockaddr *)name, sizeof *name) == 0 ? 0 : errno;
    close(fd);
    if (number != ECONNREFUSED)
        return -EADDRINUSE;
    return unlink(name->sun_path) == 0 ? 0 : -errno;
}

static int open_socket(const struct sockaddr_un *name)
{
    int rc = make_room(name);
    if (rc < 0)
        return rc;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, (const struct sockaddr *)name, sizeof *name) == 0 && chmod(name->sun_path, MODE) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int number = errno;
    close(fd);
    return -number;
}

static int refuse_other_kind(const char *path, struct hd_error *error)
{
    return hd_error_set(error, HD_INVALID, "cannot listen on unix:%s: there is something else than a socket", path);
}

int http_local_check(const char *path, struct hd_error *error)
{
    enum { LONGEST = sizeof((struct sockaddr_un *)0)->sun_path - 1 };
    struct stat status;
    if (path[0] != '/' || strlen(path) > LONGEST)
        return hd_error_set(error, HD_INVALID,
                            "'unix:%s' is not an address to listen on; write unix: and an absolute path of at most %d bytes", path,
                            (int)LONGEST);
    if (check_folder(path, error) < 0)
        return -(int)error->code;
    return lstat(path, &status) == 0 && !S_ISSOCK(status.st_mode) ? refuse_other_kind(path, error) : 0;
}

int http_local_listen(const char *path, int *ret_fd, struct hd_error *error)
{
    enum { TRIES = 100, PAUSE_US = 20000 }; /* as for a port: what a killed daemon's child still holds is free in a moment */
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (http_local_check(path, error) < 0)
        return -(int)error->code;
    memcpy(name.sun_path, path, strlen(path) + 1);
    int fd = open_socket(&name);
    for (int tries = 0; fd == -EADDRINUSE && tries < TRIES; tries++) {
        (void)usleep(PAUSE_US);
        fd = open_socket(&name);
    }
    if (fd == -EADDRINUSE)
        return hd_error_set(error, HD_UNAVAILABLE, "cannot listen on unix:%s: another program serves it", path);
    if (fd == -EEXIST)
        return refuse_other_kind(path, error);
    if (fd < 0)
        return hd_error_system(error, HD_UNAVAILABLE, -fd, "cannot listen on unix:%s", path);
    *ret_fd = fd;
    return 0;
}

/* Clients name the machine "localhost" over a Unix socket, and the check of Host holds them to it: a page of a stranger that reaches the
 * socket through somebody's forwarded port comes with another name. */
int http_local_describe(struct http_server *server, const char *path, struct hd_error *error)
{
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    if (path[0] != '/')
        return hd_error_set(error, HD_INVALID,
                            "the listening socket that was handed over has no path: anybody could take its name when the daemon is away");
    size_t length = (size_t)snprintf(server->url, sizeof server->url, "http+unix://");
    for (; *path != '\0' && length + 4 <= sizeof server->url; path++)
        length += (size_t)snprintf(server->url + length, sizeof server->url - length, strchr(PLAIN, *path) != NULL ? "%c" : "%%%02X",
                                   (unsigned char)*path);
    snprintf(server->host, sizeof server->host, "localhost");
    server->loopback = true;
    server->local = true;
    return 0;
}

/* --- Who is there ------------------------------------------------------------------------------------------------------------------------
 */

/* As it was when the client connected; only the kernel can say so. */
static bool peer_of(const struct http_request *request, struct ucred *ret_peer)
{
    socklen_t size = sizeof *ret_peer;
    return request->server != NULL && request->server->local && request->peer != NULL &&
           getsockopt(request->peer->fd, SOL_SOCKET, SO_PEERCRED, ret_peer, &size) == 0 && size == sizeof *ret_peer;
}

/* A browser, or a proxy that says so, speaks for somebody else than the user that its process belongs to. */
static bool speaks_for_others(const struct http_request *request)
{
    static const char *const MARKS[] = {"Origin", "Sec-Fetch-Site", "Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"};
    for (size_t i = 0; i < sizeof MARKS / sizeof MARKS[0]; i++)
        if (http_header(request, MARKS[i]) != NULL)
            return true;
    return false;
}

bool http_peer_user(const struct http_request *request, uid_t *ret_user)
{
    struct ucred peer;
    if (!peer_of(request, &peer) || speaks_for_others(request))
        return false;
    *ret_user = peer.uid;
    return true;
}

bool http_peer_has_group(const struct http_request *request, gid_t group)
{
    struct ucred peer;
    gid_t some[GROUPS_ON_STACK], *groups = some;
    socklen_t size = sizeof some;
    bool found;
    if (!peer_of(request, &peer))
        return false;
    found = peer.gid == group;
    int rc = getsockopt(request->peer->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size);
    if (rc != 0 && errno == ERANGE && (groups = malloc(size)) != NULL)
        rc = getsockopt(request->peer->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size);
    for (size_t i = 0; rc == 0 && i < size / sizeof *groups; i++)
        found = found || groups[i] == group;
    if (groups != some)
        free(groups);
    return found;
}
