#include "durable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int durable_write_all(int file, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(file, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

int durable_sync_folder(int folder, const char *path)
{
    int file = openat(folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return -errno;
    int result = fsync(file) < 0 ? -errno : 0;
    close(file);
    return result;
}

int durable_create(int folder, const char *name)
{
    /* Unlinked first, so that a link somebody left under this name is never written through. */
    if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
        return -errno;
    int file = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return file < 0 ? -errno : file;
}

static int write_temporary(int folder, const char *name, const char *bytes, size_t length, mode_t mode, bool sync)
{
    int file = durable_create(folder, name);
    if (file < 0)
        return file;
    int result = durable_write_all(file, bytes, length);
    if (result == 0 && (fchmod(file, mode) < 0 || (sync && fsync(file) < 0)))
        result = -errno;
    if (close(file) < 0 && result == 0)
        result = -errno;
    return result;
}

int durable_write(int folder, const char *name, const char *bytes, size_t length, mode_t mode, bool sync)
{
    char temporary[NAME_MAX + 1];
    int size = snprintf(temporary, sizeof temporary, "%s.tmp", name);
    if (size < 0 || (size_t)size >= sizeof temporary)
        return -ENAMETOOLONG;
    int result = write_temporary(folder, temporary, bytes, length, mode, sync);
    if (result == 0 && renameat(folder, temporary, folder, name) < 0)
        result = -errno;
    if (result < 0) {
        unlinkat(folder, temporary, 0);
        return result;
    }
    return sync ? durable_sync_folder(folder, ".") : 0;
}

static int read_all(int file, size_t limit, struct hd_text *text)
{
    char buffer[4096];
    for (;;) {
        ssize_t count = read(file, buffer, sizeof buffer);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -errno;
        if (count == 0)
            return text->failed ? -ENOMEM : 0;
        if (text->length + (size_t)count > limit)
            return -EFBIG;
        hd_text_add(text, buffer, (size_t)count);
    }
}

static int read_checked(int folder, const char *name, bool own, size_t limit, struct hd_text *text)
{
    /* O_NONBLOCK: opening a FIFO of this name must not wait for a writer. */
    int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return -errno;
    struct stat info;
    int result = fstat(file, &info) < 0 ? -errno : 0;
    if (result == 0 && (!S_ISREG(info.st_mode) || (own && info.st_uid != geteuid())))
        result = -EINVAL;
    hd_text_add(text, "", 0);
    if (result == 0)
        result = read_all(file, limit, text);
    close(file);
    return result;
}

int durable_read(int folder, const char *name, size_t limit, struct hd_text *text)
{
    return read_checked(folder, name, false, limit, text);
}

int durable_read_own(int folder, const char *name, size_t limit, struct hd_text *text)
{
    return read_checked(folder, name, true, limit, text);
}
