#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Files of /proc give their whole text in one read when the buffer is large enough. */
static int read_line(const char *path, char *buffer, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return -errno;
    ssize_t count;
    do
        count = read(file, buffer, size - 1);
    while (count < 0 && errno == EINTR);
    int result = count < 0 ? -errno : 0;
    close(file);
    buffer[count < 0 ? 0 : count] = '\0';
    buffer[strcspn(buffer, "\n")] = '\0';
    return result;
}

int identity_boot_id(char ret_boot_id[IDENTITY_BOOT_ID_SIZE])
{
    char line[IDENTITY_BOOT_ID_SIZE];
    int result = read_line("/proc/sys/kernel/random/boot_id", line, sizeof line);
    if (result == 0)
        memcpy(ret_boot_id, line, sizeof line);
    return result;
}

static int read_start_ticks(int64_t pid, int64_t *ret_ticks)
{
    enum { FIELD_STATE = 3, FIELD_START_TIME = 22 };
    char path[64];
    snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    char line[1024];
    int result = read_line(path, line, sizeof line);
    if (result < 0)
        return result;
    /* The command's name, field 2, may itself have spaces and parentheses. */
    char *cursor = strrchr(line, ')');
    for (int field = FIELD_STATE; cursor != NULL && field <= FIELD_START_TIME; field++)
        cursor = strchr(cursor + 1, ' ');
    if (cursor == NULL)
        return -EPROTO;
    *ret_ticks = strtoll(cursor, NULL, 10);
    return 0;
}

int identity_read(int64_t pid, struct launch_identity *ret_identity)
{
    struct launch_identity identity = {.pid = pid};
    int result = read_start_ticks(pid, &identity.start_ticks);
    if (result == 0)
        result = identity_boot_id(identity.boot_id);
    if (result == 0)
        *ret_identity = identity;
    return result;
}

bool identity_equal(const struct launch_identity *a, const struct launch_identity *b)
{
    return a->pid == b->pid && a->start_ticks == b->start_ticks && strcmp(a->boot_id, b->boot_id) == 0;
}
