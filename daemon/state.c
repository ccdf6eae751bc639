#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch/durable.h"
#include "log.h"
#include "state_file.h"

enum { PATH_SIZE = 4096, FOLDER_MODE = 0700 };

/* Of the folder or of what is in it; `what` is what could not be done. */
static int refuse(const char *state_dir, int number, const char *what, const char *path, struct hd_error *error)
{
    if (number == EROFS)
        return hd_error_set(
            error, HD_UNAVAILABLE,
            "the state folder %s is on a file system that may only be read: mount it to be written, or give another --state-dir",
            state_dir);
    return hd_error_system(error, number == EACCES || number == EPERM ? HD_FORBIDDEN : HD_UNAVAILABLE, number, "%s %s", what, path);
}

static int refuse_file(const char *path, struct hd_error *error)
{
    return hd_error_set(error, HD_INVALID,
                        "%s is no folder, and so the state folder cannot be there: move it away, or give another --state-dir", path);
}

/* What is acknowledged later would be gone with the folder's name. Where the parent may not be read it is left to the system. */
static void sync_parent(const char *path)
{
    char parent[PATH_SIZE];
    char *slash;

    snprintf(parent, sizeof parent, "%s", path);
    slash = strrchr(parent, '/');
    slash[slash == parent ? 1 : 0] = '\0';
    (void)durable_sync_folder(AT_FDCWD, parent);
}

/* mkdir -p; folders that exist are left as they are. */
static int make_folders(const char *path, struct hd_error *error)
{
    char part[PATH_SIZE];

    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
        return hd_error_set(error, HD_INVALID, "the path of the state folder is too long: %s", path);
    for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL)
            *slash = '\0';
        int number = mkdir(part, FOLDER_MODE) == 0 ? 0 : errno;
        if (number == ENOTDIR) {
            *strrchr(part, '/') = '\0';
            return refuse_file(part, error);
        }
        if (number == 0)
            sync_parent(part);
        else if (number != EEXIST)
            return refuse(path, number, "cannot make the folder", part, error);
        if (slash == NULL)
            return 0;
        *slash = '/';
    }
}

static bool is_of_others(const struct stat *status)
{
    return status->st_uid != 0 && status->st_uid != geteuid();
}

static int check_folder(const char *state_dir, const struct stat *status, struct hd_error *error)
{
    if (!S_ISDIR(status->st_mode))
        return refuse_file(state_dir, error);
    if (is_of_others(status))
        return hd_error_set(error, HD_FORBIDDEN, "the state folder %s belongs to another user (uid %u): give it to the daemon's", state_dir,
                            (unsigned)status->st_uid);
    return 0;
}

/* Who may write there could put a token, or a database with one, of his own in the place of ours. So nobody may from here on, and such
 * files are refused when they are opened. */
static int close_to_writers(const char *state_dir, struct hd_error *error)
{
    struct stat status;

    if (stat(state_dir, &status) != 0)
        return hd_error_system(error, HD_UNAVAILABLE, errno, "cannot look at the state folder %s", state_dir);
    if (check_folder(state_dir, &status, error) != 0)
        return -(int)error->code;
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return 0;
    if (chmod(state_dir, status.st_mode & 07777 & ~(mode_t)(S_IWGRP | S_IWOTH)) != 0)
        return refuse(state_dir, errno, "others may write, which cannot be changed, into", state_dir, error);
    log_line(LOG_LEVEL_WARNING, "others could write into the state folder %s until now: see what is in it", state_dir);
    return 0;
}

static int make_part(const char *state_dir, const char *name, struct hd_error *error)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof path, "%s/%s", state_dir, name);
    return make_folders(path, error);
}

/* A daemon that was killed while it started a monitor leaves its descriptors to that process until it executes: a moment later they are
 * free. So a lock is only "in use" when it stays so. False with errno. */
static bool take_lock(int lock)
{
    enum { TRIES = 100, PAUSE_US = 20000 };

    for (int i = 0; i < TRIES; i++) {
        if (flock(lock, LOCK_EX | LOCK_NB) == 0)
            return true;
        if (errno != EWOULDBLOCK)
            return false;
        (void)usleep(PAUSE_US);
    }
    errno = EWOULDBLOCK;
    return false;
}

static int open_ways(const char *state_dir, struct hd_error *error)
{
    static const char *const parts[] = {"", "/runs", "/snapshots"};
    char path[PATH_SIZE];

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        snprintf(path, sizeof path, "%s%s", state_dir, parts[i]);
        if (chmod(path, 0711) != 0)
            return hd_error_system(error, HD_UNAVAILABLE, errno, "cannot let users through %s (setting 'run_as_users')", path);
    }
    return 0;
}

static int close_file(const char *path, int flags, struct hd_error *error)
{
    int file = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | flags, 0600), result = 0;
    struct stat status;

    if (file < 0 && errno == ENOENT)
        return 0;
    bool known = file >= 0 && fstat(file, &status) == 0;
    if (known && is_of_others(&status))
        result = hd_error_set(error, HD_INVALID, "%s belongs to another user (uid %u): remove it, or give it to the daemon's", path,
                              (unsigned)status.st_uid);
    else if (!known || fchmod(file, 0600) != 0)
        result = hd_error_system(error, HD_UNAVAILABLE, errno, "cannot open the database %s", path);
    if (file >= 0)
        (void)close(file);
    return result;
}

int state_close_database(const char *path, struct hd_error *error)
{
    static const char *const companions[] = {"-wal", "-shm"};
    char name[PATH_SIZE];
    int result = close_file(path, O_CREAT, error);

    for (size_t i = 0; i < sizeof companions / sizeof companions[0] && result == 0; i++) {
        snprintf(name, sizeof name, "%s%s", path, companions[i]);
        result = close_file(name, 0, error);
    }
    return result;
}

static int open_lock(const char *path, int flags, const char *state_dir, int *ret_lock, struct hd_error *error)
{
    int lock = open(path, flags | O_CLOEXEC, 0600);

    if (lock < 0)
        return refuse(state_dir, errno, "cannot open", path, error);
    if (!take_lock(lock)) {
        int number = errno;

        (void)close(lock);
        return number == EWOULDBLOCK
                   ? hd_error_set(error, HD_CONFLICT,
                                  "the state folder %s is in use by another hyperdrived: stop it, or give another --state-dir", state_dir)
                   : hd_error_system(error, HD_UNAVAILABLE, number, "cannot lock %s", path);
    }
    *ret_lock = lock;
    return 0;
}

/* The file tells whoever looks that a daemon is there. Somebody may remove it, so the folder itself is locked too. */
static int take_locks(const char *state_dir, struct state_locks *locks, struct hd_error *error)
{
    char path[PATH_SIZE];
    int result;

    snprintf(path, sizeof path, "%s/lock", state_dir);
    result = open_lock(path, O_RDWR | O_CREAT, state_dir, &locks->file, error);
    return result == 0 ? open_lock(state_dir, O_RDONLY | O_DIRECTORY, state_dir, &locks->folder, error) : result;
}

/* Of the folder in which the missing part would be made. */
static int check_parent(const char *state_dir, const char *parent, struct hd_error *error)
{
    struct stat status;

    if (stat(parent, &status) == 0 && !S_ISDIR(status.st_mode))
        return refuse_file(parent, error);
    return access(parent, W_OK | X_OK) == 0 ? 0 : refuse(state_dir, errno, "cannot make a folder in", parent, error);
}

int state_check(const char *state_dir, struct hd_error *error)
{
    struct stat status;
    char part[PATH_SIZE], *slash;

    if (snprintf(part, sizeof part, "%s", state_dir) >= (int)sizeof part)
        return hd_error_set(error, HD_INVALID, "the path of the state folder is too long: %s", state_dir);
    if (stat(part, &status) == 0) {
        /* Root may look on behalf of the user as whom the daemon runs. */
        if (geteuid() == 0 && S_ISDIR(status.st_mode))
            return 0;
        return check_folder(state_dir, &status, error);
    }
    while (stat(part, &status) != 0 && (errno == ENOENT || errno == ENOTDIR) && (slash = strrchr(part, '/')) != NULL)
        slash[slash == part ? 1 : 0] = '\0';
    return check_parent(state_dir, part, error);
}

int state_open(const char *state_dir, bool passable, struct state_locks *locks, struct hd_error *error)
{
    int result;

    result = make_folders(state_dir, error);
    if (result == 0)
        result = close_to_writers(state_dir, error);
    if (result != 0)
        return result;
    result = take_locks(state_dir, locks, error);
    if (result == 0)
        result = make_part(state_dir, "runs", error);
    if (result == 0)
        result = make_part(state_dir, "snapshots", error);
    if (result == 0 && passable)
        result = open_ways(state_dir, error);
    if (result != 0)
        state_close(locks);
    return result;
}

void state_close(struct state_locks *locks)
{
    if (locks->file >= 0)
        (void)close(locks->file);
    if (locks->folder >= 0)
        (void)close(locks->folder);
    locks->file = locks->folder = -1;
}

void state_recorded_url(const char *state_dir, char *url, size_t size)
{
    char path[PATH_SIZE];
    ssize_t length;
    int file;

    url[0] = '\0';
    snprintf(path, sizeof path, "%s/url", state_dir);
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    length = read(file, url, size - 1);
    (void)close(file);
    url[length > 0 ? length : 0] = '\0';
    url[strcspn(url, "\n")] = '\0';
}

int state_recorded_port(const char *state_dir)
{
    char url[STATE_URL_SIZE];
    const char *colon;

    state_recorded_url(state_dir, url, sizeof url);
    colon = strrchr(url, ':');
    return colon != NULL ? atoi(colon + 1) : 0;
}

int state_write_url(const char *state_dir, const char *url, struct hd_error *error)
{
    char line[STATE_URL_SIZE];

    snprintf(line, sizeof line, "%s\n", url);
    return state_file_write(state_dir, "url", line, 0644, error);
}
