#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "kernel_file.h"

#define DAEMON_FOLDER "daemon"

enum { DEPTH_MAX = 64 };

static int join(const char *path, const char *name, char *ret_path, size_t size)
{
    int length = snprintf(ret_path, size, "%s/%s", path, name);
    return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

static int write_file(const char *path, const char *name, const char *value)
{
    char file[PATH_MAX];
    int result = join(path, name, file, sizeof file);
    return result < 0 ? result : kernel_file_write(file, value);
}

/* Where version 2 is mounted: alone, or beside the controllers of version 1. NULL: nowhere. */
static const char *find_mount(void)
{
    static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
        struct statfs info;
        if (statfs(mounts[i], &info) == 0 && (unsigned long)info.f_type == CGROUP2_SUPER_MAGIC)
            return mounts[i];
    }
    return NULL;
}

/* The line "0::PATH" of /proc/self/cgroup. PATH begins with /.. when the process is outside of what its namespace shows. */
static int read_own(char *ret_path, size_t size)
{
    const char *mount = find_mount();
    struct hd_text text = {0};
    int result = mount == NULL ? -ENOENT : kernel_file_read("/proc/self/cgroup", &text);
    char *saved = NULL;
    char *line = result == 0 && text.data != NULL ? strtok_r(text.data, "\n", &saved) : NULL;
    while (line != NULL && strncmp(line, "0::/", 4) != 0)
        line = strtok_r(NULL, "\n", &saved);
    const char *path = line != NULL ? line + strlen("0::") : NULL;
    if (result == 0 && (path == NULL || strncmp(path, "/..", 3) == 0))
        result = -ENOENT;
    if (result == 0) {
        int length = snprintf(ret_path, size, "%s%s", mount, strcmp(path, "/") == 0 ? "" : path);
        result = length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
    }
    hd_text_clear(&text);
    return result;
}

/* Systemd marks what it delegates; others may do so, too. Whoever may write it without that mark, as root may, does not own it. */
static bool is_delegated(const char *path)
{
    static const char *const marks[] = {"user.delegate", "trusted.delegate"};
    char value[2];
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (getxattr(path, marks[i], value, sizeof value) == 1 && value[0] == '1')
            return access(path, W_OK) == 0;
    }
    return false;
}

int cgroup_find_delegated(char *ret_path, size_t size)
{
    int result = read_own(ret_path, size);
    if (result < 0 || is_delegated(ret_path))
        return result;
    char *last = strrchr(ret_path, '/');
    if (last == NULL || strcmp(last + 1, DAEMON_FOLDER) != 0)
        return -ENOENT;
    *last = '\0';
    return is_delegated(ret_path) ? 0 : -ENOENT;
}

int cgroup_move_aside(const char *path)
{
    char aside[PATH_MAX];
    int result = join(path, DAEMON_FOLDER, aside, sizeof aside);
    if (result == 0)
        result = cgroup_make(aside);
    return result == 0 ? cgroup_enter(aside) : result;
}

bool cgroup_has_controller(const char *path, const char *controller)
{
    char file[PATH_MAX];
    return join(path, "cgroup.subtree_control", file, sizeof file) == 0 && kernel_file_has_word(file, controller);
}

int cgroup_of_attempt(const char *base, const char *run_id, int attempt, char *ret_path, size_t size)
{
    int length = snprintf(ret_path, size, "%s/run-%s.%d", base, run_id, attempt);
    return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

int cgroup_make(const char *path)
{
    return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* Microseconds of each tenth of a second. */
static int limit_cpus(const char *path, double cpus)
{
    enum { PERIOD_US = 100000, QUOTA_MIN_US = 1000 };
    char value[64];
    double quota_us = cpus * PERIOD_US;
    snprintf(value, sizeof value, "%.0f %d", quota_us < QUOTA_MIN_US ? QUOTA_MIN_US : quota_us, PERIOD_US);
    return write_file(path, "cpu.max", value);
}

int cgroup_limit(const char *path, const struct launch_limits *limits)
{
    char value[32];
    int result = 0;
    if (limits->memory > 0) {
        snprintf(value, sizeof value, "%" PRId64, limits->memory);
        result = write_file(path, "memory.max", value);
        write_file(path, "memory.swap.max", "0"); /* fails where the kernel knows no swap */
    }
    if (result == 0 && limits->processes > 0) {
        snprintf(value, sizeof value, "%" PRId64, limits->processes);
        result = write_file(path, "pids.max", value);
    }
    return result == 0 && limits->cpus > 0 ? limit_cpus(path, limits->cpus) : result;
}

int cgroup_enter(const char *path)
{
    return write_file(path, "cgroup.procs", "0");
}

int cgroup_kill(const char *path)
{
    struct stat info;
    if (stat(path, &info) < 0)
        return errno == ENOENT ? 0 : -errno;
    return write_file(path, "cgroup.kill", "1");
}

/* What cannot be read is gone. */
static bool is_populated(int events)
{
    char text[256];
    ssize_t count = pread(events, text, sizeof text - 1, 0);
    text[count < 0 ? 0 : count] = '\0';
    return strstr(text, "populated 1") != NULL;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

bool cgroup_await_empty(const char *path, int timeout_ms)
{
    char name[PATH_MAX];
    int events = join(path, "cgroup.events", name, sizeof name) < 0 ? -1 : open(name, O_RDONLY | O_CLOEXEC);
    if (events < 0)
        return true;
    int64_t end_ms = now_ms() + timeout_ms, left_ms = timeout_ms;
    bool populated;
    while ((populated = is_populated(events)) && left_ms > 0) {
        struct pollfd change = {.fd = events, .events = POLLPRI}; /* since it was read */
        poll(&change, 1, (int)left_ms);
        left_ms = end_ms - now_ms();
    }
    close(events);
    return !populated;
}

static void remove_below(const char *path, int depth)
{
    DIR *folder = depth > DEPTH_MAX ? NULL : opendir(path);
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char below[PATH_MAX];
        bool is_cgroup = entry->d_type == DT_DIR && entry->d_name[0] != '.';
        if (is_cgroup && join(path, entry->d_name, below, sizeof below) == 0)
            remove_below(below, depth + 1);
    }
    if (folder != NULL)
        closedir(folder);
    rmdir(path);
}

void cgroup_remove(const char *path)
{
    remove_below(path, 0);
}
