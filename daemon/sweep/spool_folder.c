#include "spool_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 16 << 20 };

/* What the owner of the folder has made so himself is not waited for: his run would never end. */
static bool stays(int number)
{
    static const int STAYING[] = {ENOENT, ENOTDIR, ELOOP, EACCES, EPERM, ENXIO, ENODEV, ENAMETOOLONG};

    for (size_t i = 0; i < sizeof STAYING / sizeof STAYING[0]; i++)
        if (STAYING[i] == number)
            return true;
    return false;
}

int spool_folder_failed(int number, struct hd_error *error)
{
    return hd_error_set(error, stays(number) ? HD_INVALID : HD_UNAVAILABLE, "%s", strerror(number));
}

/* --- The folder --------------------------------------------------------------------------------------------------------------------------
 */

static int open_spool(int run)
{
    return openat(run, "spool", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* 0 or the system's number. */
static int add(DIR *folder, const char *name, struct hd_spool_files *files)
{
    struct stat status;

    if (fstatat(dirfd(folder), name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : errno;
    return hd_spool_files_add(files, name, (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec) == 0 ? 0 : ENOMEM;
}

static int add_all(DIR *folder, struct hd_spool_files *files)
{
    struct dirent *entry;
    int number = 0;

    while (number == 0 && (errno = 0, entry = readdir(folder)) != NULL)
        number = add(folder, entry->d_name, files);
    return number != 0 ? number : errno;
}

int spool_folder_list(int run, struct hd_spool_files *ret_files, struct hd_error *error)
{
    struct hd_spool_files files = {0};
    int spool = open_spool(run);
    DIR *folder = spool < 0 ? NULL : fdopendir(spool);
    int number = folder == NULL ? errno : add_all(folder, &files);

    if (folder != NULL)
        (void)closedir(folder);
    else if (spool >= 0)
        (void)close(spool);
    else if (number == ENOENT)
        number = 0; /* nearly always: nothing was left over */
    if (number != 0) {
        hd_spool_files_clear(&files);
        return spool_folder_failed(number, error);
    }
    hd_spool_files_order(&files);
    *ret_files = files;
    return 0;
}

/* --- A file ------------------------------------------------------------------------------------------------------------------------------
 */

/* 0 or the system's number. */
static int read_all(int file, char *content, size_t size, size_t *ret_length)
{
    size_t length = 0;

    while (length < size) {
        ssize_t got = read(file, content + length, size - length);

        if (got < 0 && errno != EINTR)
            return errno;
        if (got == 0)
            break;
        if (got > 0)
            length += (size_t)got;
    }
    content[length] = '\0';
    *ret_length = length;
    return 0;
}

/* -1 with errno. */
static int open_file(int run, const char *name)
{
    int spool = open_spool(run), file, number;

    if (spool < 0)
        return -1;
    file = openat(spool, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    number = errno;
    (void)close(spool);
    errno = number;
    return file;
}

int spool_folder_remove(int run, const char *name)
{
    int spool = open_spool(run), number;

    if (spool < 0)
        return errno;
    number = unlinkat(spool, name, 0) < 0 ? errno : 0;
    (void)close(spool);
    return number;
}

int spool_folder_read(int run, const char *name, char **ret_content, size_t *ret_length, struct hd_error *error)
{
    int file = open_file(run, name), number = file < 0 ? errno : 0, result = 0;
    struct stat status = {0};
    char *content = NULL;
    size_t length = 0;

    if (number == 0 && fstat(file, &status) < 0)
        number = errno;
    if (number == 0 && (!S_ISREG(status.st_mode) || status.st_size > FILE_MAX)) {
        result = hd_error_set(error, HD_INVALID, "it is no regular file of at most %d MiB", FILE_MAX >> 20);
    } else if (number == 0) {
        content = malloc((size_t)status.st_size + 1);
        number = content == NULL ? ENOMEM : read_all(file, content, (size_t)status.st_size, &length);
    }
    if (file >= 0)
        (void)close(file);
    if (number != 0)
        result = spool_folder_failed(number, error);
    if (result != 0) {
        free(content);
        return result;
    }
    *ret_content = content;
    *ret_length = length;
    return 0;
}
