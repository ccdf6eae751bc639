#include "place.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launch.h"
#include "monitor.h"
#include "order.h"
#include "shortage.h"
#include "tree.h"

enum { COMPARE_BLOCK = 64 * 1024 };

bool place_is_common_folder(const char *name)
{
    return strcmp(name, "outputs") == 0 || strcmp(name, "logs") == 0 || strcmp(name, "user_logs") == 0;
}

/* started.<n> or exit.<n>, with what durable_write() puts behind while it works. */
static bool is_numbered(const char *name, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(name, prefix, length) == 0 && isdigit((unsigned char)name[length]);
}

bool place_is_reserved(const char *name)
{
    return strcmp(name, MONITOR_LOCK_FILE) == 0 || strcmp(name, ORDER_FILE) == 0 || strcmp(name, ORDER_FILE ".tmp") == 0 ||
           strcmp(name, "spool") == 0 || strcmp(name, LAUNCH_RESUMED) == 0 || strcmp(name, LAUNCH_RESUMED ".partial") == 0 ||
           is_numbered(name, "started.") || is_numbered(name, "exit.") || is_numbered(name, "spool.");
}

/* The copy belongs to the program, which may change it. */
static mode_t copy_mode(mode_t mode)
{
    return (mode & 0777) | 0600;
}

static int link_entry(int from, const char *name, int to)
{
    char target[PATH_MAX];
    ssize_t length = readlinkat(from, name, target, sizeof target - 1);
    if (length < 0)
        return -errno;
    target[length] = '\0';
    int result = tree_remove(to, name);
    return result == 0 && symlinkat(target, to, name) < 0 ? -errno : result;
}

/* Counts down what may still be copied; false once it is too much. */
struct measure {
    int64_t bytes_left;
    int64_t entries_left;
};

static int measure(int folder, struct measure *left, int depth)
{
    struct tree_names names = {0};
    int result = depth > TREE_DEPTH_MAX ? -ELOOP : tree_list(folder, &names);
    left->entries_left -= (int64_t)names.count;
    for (size_t i = 0; result == 0 && left->entries_left >= 0 && left->bytes_left >= 0 && i < names.count; i++) {
        struct stat info;
        if (fstatat(folder, names.list[i], &info, AT_SYMLINK_NOFOLLOW) < 0) {
            result = -errno;
        } else if (S_ISDIR(info.st_mode)) {
            int below = tree_open_folder(folder, names.list[i]);
            result = below < 0 ? below : measure(below, left, depth + 1);
            if (below >= 0)
                close(below);
        } else if (S_ISREG(info.st_mode)) {
            left->bytes_left -= info.st_size;
        }
    }
    tree_names_clear(&names);
    return result;
}

static int copy_folder(int from, int to);

static int copy_entry(int from, const char *name, int to)
{
    struct stat info;
    if (fstatat(from, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (S_ISLNK(info.st_mode))
        return link_entry(from, name, to);
    if (S_ISREG(info.st_mode)) {
        int64_t size = tree_copy_file(from, name, to, copy_mode(info.st_mode));
        return size < 0 ? (int)size : 0;
    }
    int source = tree_open_folder(from, name);
    int target = source < 0 ? source : tree_make_folder(to, name);
    int result = target < 0 ? target : copy_folder(source, target);
    if (source >= 0)
        close(source);
    if (target >= 0)
        close(target);
    return result;
}

/* measure() has bounded the depth before. */
static int copy_folder(int from, int to)
{
    struct tree_names names = {0};
    int result = tree_list(from, &names);
    for (size_t i = 0; result == 0 && i < names.count; i++)
        result = copy_entry(from, names.list[i], to);
    tree_names_clear(&names);
    return result;
}

static int link_into(int to, const char *name, const char *folder)
{
    char target[PATH_MAX];
    if (snprintf(target, sizeof target, "%s/%s", folder, name) >= (int)sizeof target)
        return -ENAMETOOLONG;
    int result = tree_remove(to, name);
    return result == 0 && symlinkat(target, to, name) < 0 ? -errno : result;
}

/* Links to all entries; but outputs/, logs/ and user_logs/ must stay folders of the run itself. */
static int link_folder(int from, const char *path, int to, bool top)
{
    struct tree_names names = {0};
    int result = tree_list(from, &names);
    for (size_t i = 0; result == 0 && i < names.count; i++) {
        const char *name = names.list[i];
        if (!top || !place_is_common_folder(name)) {
            result = link_into(to, name, path);
            continue;
        }
        char below[PATH_MAX];
        int source = tree_open_folder(from, name);
        int target = source < 0 ? source : tree_make_folder(to, name);
        result = target < 0 ? target : 0;
        if (result == 0 && snprintf(below, sizeof below, "%s/%s", path, name) >= (int)sizeof below)
            result = -ENAMETOOLONG;
        if (result == 0)
            result = link_folder(source, below, target, false);
        if (source >= 0)
            close(source);
        if (target >= 0)
            close(target);
    }
    tree_names_clear(&names);
    return result;
}

int place_in(int run, const char *snapshot, struct hd_error *error)
{
    int from = open(snapshot, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (from < 0)
        return hd_error_system(error, code_of(errno), errno, "cannot open the snapshot '%s'", snapshot);
    struct measure left = {PLACE_COPY_BYTES, PLACE_COPY_FILES};
    int result = measure(from, &left, 0);
    bool small = left.bytes_left >= 0 && left.entries_left >= 0;
    if (result == 0)
        result = small ? copy_folder(from, run) : link_folder(from, snapshot, run, true);
    close(from);
    if (result == 0)
        return 0;
    return hd_error_system(error, code_of(-result), -result, "cannot put the snapshot '%s' into the run folder", snapshot);
}

static bool same_bytes(int a, int b)
{
    char *blocks = malloc((size_t)2 * COMPARE_BLOCK);
    bool same = blocks != NULL;
    off_t offset = 0;
    for (ssize_t count = 1; same && count > 0; offset += count) {
        count = pread(a, blocks, COMPARE_BLOCK, offset);
        ssize_t other = pread(b, blocks + COMPARE_BLOCK, COMPARE_BLOCK, offset);
        same = count >= 0 && count == other && memcmp(blocks, blocks + COMPARE_BLOCK, (size_t)count) == 0;
    }
    free(blocks);
    return same;
}

static bool same_file(int from, int run, const char *name, const struct stat *original)
{
    struct stat info;
    if (fstatat(run, name, &info, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(info.st_mode) || info.st_size != original->st_size)
        return false;
    if (info.st_mtim.tv_sec != original->st_mtim.tv_sec || info.st_mtim.tv_nsec != original->st_mtim.tv_nsec)
        return false;
    if ((info.st_mode & 07777) != copy_mode(original->st_mode))
        return false;
    int a = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int b = openat(run, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool same = a >= 0 && b >= 0 && same_bytes(a, b);
    if (a >= 0)
        close(a);
    if (b >= 0)
        close(b);
    return same;
}

static bool is_link_to(int folder, const char *name, const char *target)
{
    char found[PATH_MAX];
    ssize_t length = readlinkat(folder, name, found, sizeof found);
    return length >= 0 && (size_t)length == strlen(target) && memcmp(found, target, (size_t)length) == 0;
}

static bool same_link(int from, int run, const char *name)
{
    char target[PATH_MAX];
    ssize_t length = readlinkat(from, name, target, sizeof target - 1);
    if (length < 0)
        return false;
    target[length] = '\0';
    return is_link_to(run, name, target);
}

static void take_out(int from, const char *path, int run, int depth);

static void take_out_folder(int from, const char *path, int run, const char *name, int depth)
{
    int source = tree_open_folder(from, name);
    int target = tree_open_folder(run, name);
    if (source >= 0 && target >= 0 && depth < TREE_DEPTH_MAX) {
        take_out(source, path, target, depth + 1);
        unlinkat(run, name, AT_REMOVEDIR); /* refused as long as something is in it */
    }
    if (source >= 0)
        close(source);
    if (target >= 0)
        close(target);
}

static void take_out(int from, const char *path, int run, int depth)
{
    struct tree_names names = {0};
    if (tree_list(from, &names) < 0)
        return;
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.list[i];
        char target[PATH_MAX];
        struct stat info;
        bool fits = snprintf(target, sizeof target, "%s/%s", path, name) < (int)sizeof target;
        if (!fits || fstatat(from, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (is_link_to(run, name, target) || (S_ISLNK(info.st_mode) && same_link(from, run, name)) ||
            (S_ISREG(info.st_mode) && same_file(from, run, name, &info)))
            unlinkat(run, name, 0);
        else if (S_ISDIR(info.st_mode))
            take_out_folder(from, target, run, name, depth);
    }
    tree_names_clear(&names);
}

void place_out(int run, const char *snapshot)
{
    int from = open(snapshot, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (from < 0)
        return;
    take_out(from, snapshot, run, 0);
    close(from);
}
