#include "backup_target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/text.h"

/* --- What lies there -----------------------------------------------------------------------------------------------------------------
 */

/* A database of hyperdrived, by SQLite's header: its first words, and the application id ("hyDr") at byte 68. An empty file is nobody's. */
static bool is_backup(const char *path)
{
    enum { HEADER = 72, ID_AT = 68 };
    static const char format[] = "SQLite format 3";
    char header[HEADER];
    int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t length = file >= 0 ? read(file, header, sizeof(header)) : -1;

    if (file >= 0) {
        close(file);
    }
    return length == 0 || (length == HEADER && memcmp(header, format, sizeof(format)) == 0 && memcmp(header + ID_AT, "hyDr", 4) == 0);
}

/* Whether something has the name of the first `length` bytes of the path and `end`. */
static bool exists_beside(const char *path, size_t length, const char *end)
{
    struct hd_text name = {0};
    struct stat status;
    bool exists;

    hd_text_format(&name, "%.*s%s", (int)length, path, end);
    exists = name.failed || lstat(name.data, &status) == 0;
    hd_text_clear(&name);
    return exists;
}

/* One that a program has open, or that a daemon starts on. */
static bool is_database_in_use(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;

    return exists_beside(path, strlen(path), "-wal") ||
           (strcmp(name, "hyperdrive.db") == 0 && exists_beside(path, (size_t)(name - path), "lock"));
}

int backup_target_check(const char *path, bool replace, struct hd_error *error)
{
    struct stat status;

    if (is_database_in_use(path)) {
        return hd_error_set(error, HD_CONFLICT, "%s is the place of a database that is in use: give the backup another name", path);
    }
    if (lstat(path, &status) != 0) {
        return 0; /* whatever else is wrong with the name is told when the file is made beside it */
    }
    if (S_ISDIR(status.st_mode)) {
        return hd_error_set(error, HD_INVALID, "%s is a folder: give the name of a file in it", path);
    }
    if (S_ISLNK(status.st_mode)) {
        return hd_error_set(error, HD_INVALID, "%s is a symbolic link: give the name that it leads to", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return hd_error_set(error, HD_INVALID, "%s is no regular file: give another name", path);
    }
    if (!replace) {
        return hd_error_set(error, HD_CONFLICT, "%s exists: give another name, or --replace to have the new backup in its place", path);
    }
    if (!is_backup(path)) {
        return hd_error_set(error, HD_CONFLICT, "%s is no earlier backup: give another name, or remove it", path);
    }
    return 0;
}

/* --- The name ------------------------------------------------------------------------------------------------------------------------
 */

/* The name that the file has got is durable when its folder is. */
static int sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    int file = folder != NULL ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int result = file >= 0 ? fsync(file) : -1;

    if (file >= 0) {
        close(file);
    }
    free(folder);
    return result;
}

/* Not every file system can rename without replacing; a second link is refused by all where there is a name. */
static int rename_to_nothing(const char *temporary, const char *path)
{
    int result = renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE);

    if (result != 0 && (errno == EINVAL || errno == ENOSYS)) {
        result = link(temporary, path) == 0 ? unlink(temporary) : -1;
    }
    return result;
}

int backup_target_name(const char *temporary, const char *path, bool replace, struct hd_error *error)
{
    int result = replace ? rename(temporary, path) : rename_to_nothing(temporary, path);

    if (result != 0 && errno == EEXIST) {
        return hd_error_set(error, HD_CONFLICT, "somebody has made %s meanwhile: it was left as it is", path);
    }
    if (result != 0 || sync_folder(path) != 0) {
        return hd_error_system(error, HD_INVALID, errno, "the backup cannot be written to %s", path);
    }
    return 0;
}
