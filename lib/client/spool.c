#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int file_name(char name[NAME_MAX + 1], const char *reporter, int64_t sequence)
{
    int length = snprintf(name, NAME_MAX + 1, "%s.%" PRId64 ".json", reporter, sequence);

    return length < 0 || length > NAME_MAX ? -ENAMETOOLONG : 0;
}

static int open_folder(const char *folder)
{
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return descriptor < 0 ? -errno : descriptor;
}

/* The folder, made when it is not there. */
static int make_folder(const char *folder)
{
    int made = open_folder(folder), above, result;

    if (made != -ENOENT) {
        return made;
    }
    if (mkdir(folder, 0700) < 0 && errno != EEXIST) {
        return -errno;
    }
    made = open_folder(folder);
    if (made < 0) {
        return made;
    }
    above = openat(made, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    result = above < 0 || fsync(above) < 0 ? -errno : 0;
    if (above >= 0) {
        close(above);
    }
    if (result < 0) {
        close(made);
        return result;
    }
    return made;
}

static int write_all(int file, const char *body, size_t length)
{
    while (length > 0) {
        ssize_t written = write(file, body, length);

        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return -errno;
        }
        body += written;
        length -= (size_t)written;
    }
    return 0;
}

/* Files are taken in in the order of their times, and the kernel's own are as coarse as its ticks. */
static void stamp(int file)
{
    struct timespec times[2];

    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[1] = times[0];
    (void)futimens(file, times);
}

static int write_file(int folder, const char *name, const char *body, size_t length)
{
    int file = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), result;

    if (file < 0) {
        return -errno;
    }
    result = write_all(file, body, length);
    stamp(file);
    if (result == 0 && fsync(file) < 0) {
        result = -errno;
    }
    if (close(file) < 0 && result == 0) {
        result = -errno;
    }
    return result;
}

int hd_spool_keep(const char *folder, const char *reporter, int64_t sequence, const char *body, size_t length)
{
    char name[NAME_MAX + 1], unfinished[NAME_MAX + 2];
    int result = file_name(name, reporter, sequence), descriptor;

    if (result < 0) {
        return result;
    }
    snprintf(unfinished, sizeof(unfinished), ".%.*s", NAME_MAX, name);
    /* A dot in front and no .json behind, so that both halves of a reader's rule hold. */
    unfinished[strlen(unfinished) - strlen(".json")] = '\0';
    descriptor = make_folder(folder);
    if (descriptor < 0) {
        return descriptor;
    }
    result = write_file(descriptor, unfinished, body, length);
    if (result == 0 && renameat(descriptor, unfinished, descriptor, name) < 0) {
        result = -errno;
    }
    if (result == 0 && fsync(descriptor) < 0) {
        result = -errno;
    }
    if (result < 0) {
        (void)unlinkat(descriptor, unfinished, 0);
    }
    close(descriptor);
    return result;
}

static int read_all(int file, struct hd_text *text)
{
    char bytes[16384];

    for (;;) {
        ssize_t got = read(file, bytes, sizeof(bytes));

        if (got == 0) {
            return text->failed ? -ENOMEM : 0;
        }
        if (got < 0 && errno != EINTR) {
            return -errno;
        }
        if (got > 0) {
            hd_text_add(text, bytes, (size_t)got);
        }
    }
}

int hd_spool_read(const char *folder, const char *reporter, int64_t sequence, struct hd_text *ret_body)
{
    char name[NAME_MAX + 1];
    struct hd_text text = {0};
    int result = file_name(name, reporter, sequence), descriptor, file;

    if (result < 0) {
        return result;
    }
    descriptor = open_folder(folder);
    if (descriptor < 0) {
        return descriptor;
    }
    file = openat(descriptor, name, O_RDONLY | O_CLOEXEC);
    result = file < 0 ? -errno : read_all(file, &text);
    close(descriptor);
    if (file >= 0) {
        close(file);
    }
    if (result < 0) {
        hd_text_clear(&text);
        return result;
    }
    *ret_body = text;
    return 0;
}

int hd_spool_remove(const char *folder, const char *reporter, int64_t sequence)
{
    char name[NAME_MAX + 1];
    int result = file_name(name, reporter, sequence), descriptor;

    if (result < 0) {
        return result;
    }
    descriptor = open_folder(folder);
    if (descriptor < 0) {
        return descriptor;
    }
    result = unlinkat(descriptor, name, 0) < 0 ? -errno : 0;
    close(descriptor);
    return result;
}
