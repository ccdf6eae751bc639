#include "log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launch/log_limit.h"
#include "launch/run_logs.h"

/* Opens below the folder only: no link and no `..` leads out of it. */
static int open_beneath(int folder, const char *name, int flags)
{
    struct open_how how = {.flags = (uint64_t)(flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK),
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int file = (int)syscall(SYS_openat2, folder, name, &how, sizeof how);

    if (file < 0 && errno == ENOSYS && strchr(name, '/') == NULL) /* a kernel before 5.6 */
        file = openat(folder, name, flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    return file;
}

int log_folder_open(const char *run_folder, const char *name)
{
    int run = open(run_folder, O_PATH | O_DIRECTORY | O_CLOEXEC), folder;

    if (run < 0)
        return -1;
    folder = openat(run, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    (void)close(run);
    return folder;
}

/* The file behind the name `FOLDER/PATH`, whatever it is. */
static int open_named(const char *run_folder, const char *name)
{
    for (const char *const *folder_name = run_log_folders; *folder_name != NULL; folder_name++) {
        size_t length = strlen(*folder_name);
        int folder, file;

        if (strncmp(name, *folder_name, length) != 0 || name[length] != '/')
            continue;
        folder = log_folder_open(run_folder, *folder_name);
        if (folder < 0)
            return -1;
        file = open_beneath(folder, name + length + 1, 0);
        (void)close(folder);
        return file;
    }
    return -1;
}

int64_t log_file_kept_from(const char *name, int file, int64_t size)
{
    return strcmp(name, "user_logs/std_log.txt") == 0 ? log_kept_from(file, size) : 0;
}

int log_file_open(const char *run_folder, const char *name, int64_t *ret_size, int64_t *ret_kept_from)
{
    struct stat status;
    int file = open_named(run_folder, name);

    if (file >= 0 && (fstat(file, &status) != 0 || !S_ISREG(status.st_mode))) {
        (void)close(file);
        file = -1;
    }
    if (file >= 0) {
        *ret_size = status.st_size;
        *ret_kept_from = log_file_kept_from(name, file, status.st_size);
    }
    return file;
}

/* Reads digits and moves behind them; -1 when there are none. What no file is long enough for becomes INT64_MAX. */
static int64_t read_position(const char **text)
{
    size_t digits = strspn(*text, "0123456789");
    int64_t value = 0;

    for (size_t i = 0; i < digits; i++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, (*text)[i] - '0', &value)) {
            value = INT64_MAX;
            break;
        }
    *text += digits;
    return digits > 0 ? value : -1;
}

/* The numbers of `bytes=FIRST-LAST`, -1 for one that is not there. False: it is none of the forms that we know. */
static bool read_range(const char *header, int64_t *ret_first, int64_t *ret_last)
{
    static const char UNIT[] = "bytes=";

    if (header == NULL || strncasecmp(header, UNIT, sizeof UNIT - 1) != 0)
        return false;
    header += sizeof UNIT - 1;
    *ret_first = read_position(&header);
    if (*header++ != '-')
        return false;
    *ret_last = read_position(&header);
    return *header == '\0' && (*ret_first >= 0 || *ret_last >= 0) && (*ret_first < 0 || *ret_last < 0 || *ret_last >= *ret_first);
}

int log_range_read(const char *header, int64_t total, int64_t *ret_offset, int64_t *ret_length)
{
    int64_t first, last;

    if (!read_range(header, &first, &last))
        return 0;
    if (first < 0) { /* the last so many bytes */
        first = last < total ? total - last : 0;
        last = -1;
    }
    if (first >= total)
        return -1;
    *ret_offset = first;
    *ret_length = (last < 0 || last >= total ? total : last + 1) - first;
    return 1;
}

int log_range_read_begin(const char *header, int64_t size, int64_t *ret_offset)
{
    int64_t first, last;

    if (!read_range(header, &first, &last) || (first >= 0 && last >= 0))
        return 0;
    if (first > size)
        return -1;
    *ret_offset = first >= 0 ? first : last < size ? size - last : 0;
    return 1;
}
