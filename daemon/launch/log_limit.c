#include "log_limit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 4096, ALLOCATED_UNIT = 512 };

/* The program owns these names and may have put anything there: no link is followed, no FIFO waited for. */
static int open_log(int folder)
{
    int logs = openat(folder, "user_logs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int file = logs < 0 ? -1 : openat(logs, "std_log.txt", O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int number = errno;

    if (logs >= 0)
        close(logs);
    return file < 0 ? -number : file;
}

/* Three quarters stay, so that this has not to be done for every line. */
static int give_back_head(int file, int64_t size, int64_t limit)
{
    int64_t from = (size - limit / 4 * 3) / BLOCK * BLOCK;

    return from <= 0 || fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, from) == 0 ? 0 : -errno;
}

int log_limit_keep(int folder, int64_t limit)
{
    struct stat status;
    int file = open_log(folder), result = 0;

    if (file < 0)
        return 0;
    if (fstat(file, &status) != 0)
        result = -errno;
    else if (S_ISREG(status.st_mode) && (int64_t)status.st_blocks * ALLOCATED_UNIT > limit)
        result = give_back_head(file, status.st_size, limit);
    close(file);
    return result;
}

int64_t log_kept_from(int file, int64_t size)
{
    off_t from = lseek(file, 0, SEEK_DATA);

    if (from < 0) /* ENXIO: nothing of it is there; all else: not known here */
        return errno == ENXIO ? size : 0;
    return from < size ? from : size;
}
