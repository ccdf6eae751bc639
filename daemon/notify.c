#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* A path, or with '@' in front a name in the abstract name space, which is written with a NUL there. */
static int fill_address(const char *name, struct sockaddr_un *ret_address, socklen_t *ret_length)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || length < 2 || length >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, name, length);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    *ret_address = address;
    *ret_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return 0;
}

/* A manager that reads nothing fills its queue. The loop must not wait for it longer than this. */
enum { PATIENCE_US = 100000 };

/* The message, with `descriptor` attached unless it is negative. */
static ssize_t send_message(int fd, struct sockaddr_un *address, socklen_t length, const char *state, int descriptor)
{
    struct iovec text = {.iov_base = (char *)state, .iov_len = strlen(state)};
    struct msghdr message = {.msg_name = address, .msg_namelen = length, .msg_iov = &text, .msg_iovlen = 1};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof descriptor)];
    } control = {.bytes = {0}};
    if (descriptor >= 0) {
        control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof descriptor)};
        memcpy(CMSG_DATA(&control.header), &descriptor, sizeof descriptor);
        message.msg_control = &control;
        message.msg_controllen = sizeof control.bytes;
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

/* Nobody could be told of a failure: a service manager that waits in vain says so itself. */
void notify_send_descriptor(const char *state, int descriptor)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t length;
    const struct timeval patience = {.tv_usec = PATIENCE_US};
    if (name == NULL || fill_address(name, &address, &length) != 0)
        return;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    while (send_message(fd, &address, length, state, descriptor) < 0 && errno == EINTR)
        continue;
    close(fd);
}

void notify_send(const char *state)
{
    notify_send_descriptor(state, -1);
}

static int64_t positive_number(const char *text)
{
    char *end;
    if (text == NULL || text[0] < '1' || text[0] > '9')
        return 0;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' ? value : 0;
}

int64_t notify_watchdog_period_us(void)
{
    const char *process = getenv("WATCHDOG_PID");
    if (process != NULL && positive_number(process) != getpid())
        return 0;
    return positive_number(getenv("WATCHDOG_USEC")) / 2;
}
