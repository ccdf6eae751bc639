#include "lost_database.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

/* Bytes of a file; -1: there is none. */
static int measure(const char *path, int64_t *ret_size, struct hd_error *error)
{
    struct stat status;

    if (stat(path, &status) != 0 && errno != ENOENT)
        return hd_error_system(error, HD_UNAVAILABLE, errno, "cannot look at %s", path);
    *ret_size = stat(path, &status) == 0 ? (int64_t)status.st_size : -1;
    return 0;
}

static int has_entries(const char *path, bool *ret_has, struct hd_error *error)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    bool found = false;

    if (folder == NULL && errno == ENOENT) {
        *ret_has = false;
        return 0;
    }
    if (folder == NULL)
        return hd_error_system(error, HD_UNAVAILABLE, errno, "cannot look into %s", path);
    errno = 0;
    while (!found && (entry = readdir(folder)) != NULL)
        found = entry->d_name[0] != '.';
    int number = errno;
    (void)closedir(folder);
    if (!found && number != 0)
        return hd_error_system(error, HD_UNAVAILABLE, number, "cannot look into %s", path);
    *ret_has = found;
    return 0;
}

/* What sweeps have left in the state folder: its path in `found`, "" if there is nothing. */
static int find_files(const char *state_dir, char found[PATH_SIZE], struct hd_error *error)
{
    static const char *const parts[] = {"runs", "snapshots"};
    bool has = false;
    int result = 0;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && result == 0 && !has; i++) {
        snprintf(found, PATH_SIZE, "%s/%s", state_dir, parts[i]);
        result = has_entries(found, &has, error);
    }
    if (!has)
        found[0] = '\0';
    return result;
}

/* SQLite deletes a write-ahead log that it finds without its database. */
static int find_log(const char *path, char found[PATH_SIZE], struct hd_error *error)
{
    int64_t size = -1;
    int result;

    snprintf(found, PATH_SIZE, "%s-wal", path);
    result = measure(found, &size, error);
    if (size <= 0)
        found[0] = '\0';
    return result;
}

/* Whether it is as `hyperdrive backup` makes it, and no daemon has opened it since (store/backup.c). */
static bool is_untouched_backup(const char *path)
{
    enum { VERSION_AT = 18 };
    char version = 0;
    int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    bool is = file >= 0 && pread(file, &version, 1, VERSION_AT) == 1 && version == 1;

    if (file >= 0)
        (void)close(file);
    return is;
}

static int check_log(const char *path, struct hd_error *error)
{
    char log[PATH_SIZE];
    int result = find_log(path, log, error);

    if (result != 0 || log[0] == '\0' || !is_untouched_backup(path))
        return result;
    return hd_error_set(error, HD_INVALID, "%s is a backup, and %s the log of another database: remove %s and %s-shm", path, log, log,
                        path);
}

int lost_database_check(const char *state_dir, const char *path, bool *ret_expected, struct hd_error *error)
{
    char trace[PATH_SIZE];
    int64_t size = -1;
    int result = find_files(state_dir, trace, error);
    bool expected = trace[0] != '\0';

    if (result == 0 && !expected)
        result = find_log(path, trace, error);
    if (result == 0)
        result = measure(path, &size, error);
    if (result != 0)
        return result;
    *ret_expected = expected;
    if (size > 0)
        return check_log(path, error);
    if (trace[0] == '\0')
        return 0;
    return hd_error_set(error, HD_INVALID,
                        "%s is %s, but %s is not: put the database back, or a backup of it (hyperdrive backup makes them); to begin anew, "
                        "move %s away",
                        path, size < 0 ? "missing" : "empty", trace, expected ? "runs and snapshots" : "it");
}
