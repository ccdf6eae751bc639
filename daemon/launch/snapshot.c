#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/text.h"
#include "durable.h"
#include "ignore.h"
#include "path.h"
#include "place.h"
#include "shortage.h"
#include "tree.h"
#include "user.h"

#define SNAPSHOT_TARGET "run_config.source_directory"

enum { LARGEST = 5, IGNORE_FILE_LIMIT = 1 << 20 };

struct large_entry {
    char name[NAME_MAX + 1];
    int64_t bytes;
};

struct take {
    char source[PATH_MAX]; /* without links */
    int64_t limit;
    int64_t bytes;           /* measured, then copied */
    struct ignore *ignore;   /* NULL: nothing is left out */
    const struct user *user; /* whose rights are enough; NULL: ours */
    struct large_entry largest[LARGEST];
    dev_t home_device; /* the folder that the snapshot is made in: it must not be part of what is copied */
    ino_t home_inode;
    struct hd_error *error;
};

/* What one step on an entry needs: `path` is relative to the source. */
struct entry {
    int folder;
    const char *name;
    const char *path;
    struct stat info;
    int depth;
};

static int refuse(struct take *take, const char *path, const char *problem)
{
    hd_error_set(take->error, HD_INVALID, "'" SNAPSHOT_TARGET "': '%s/%s' %s", take->source, path, problem);
    if (take->error != NULL)
        snprintf(take->error->target, sizeof take->error->target, "%s", SNAPSHOT_TARGET);
    return -HD_INVALID;
}

/* A shortage is none of the user's faults. */
static int refuse_system(struct take *take, const char *path, int number)
{
    char problem[256];
    if (is_shortage(number))
        return hd_error_system(take->error, HD_UNAVAILABLE, number, "cannot read '%s/%s'", take->source, path);
    snprintf(problem, sizeof problem, "cannot be read: %s", strerror(number));
    return refuse(take, path, problem);
}

static int fail_target(struct take *take, const char *path, int number)
{
    return hd_error_system(take->error, code_of(number), number, "cannot write the snapshot of '%s/%s'", take->source, path);
}

static bool is_left_out(const struct take *take, const char *name, const char *path, bool is_folder)
{
    if (is_folder && strcmp(name, ".git") == 0)
        return true;
    return take->ignore != NULL && ignore_matches(take->ignore, path, is_folder);
}

/* Calls `visit` for each entry of a folder that belongs to the snapshot. */
static int each(struct take *take, int folder, const char *path, int depth, int (*visit)(struct take *, const struct entry *, void *),
                void *data)
{
    struct tree_names names = {0};
    int result = tree_list(folder, &names);
    if (result < 0)
        return refuse_system(take, path, -result);
    for (size_t i = 0; result == 0 && i < names.count; i++) {
        char below[PATH_MAX];
        struct entry entry = {.folder = folder, .name = names.list[i], .path = below, .depth = depth};
        if (snprintf(below, sizeof below, "%s%s%s", path, *path == '\0' ? "" : "/", names.list[i]) >= (int)sizeof below)
            result = refuse(take, path, "has entries whose path is too long");
        else if (fstatat(folder, names.list[i], &entry.info, AT_SYMLINK_NOFOLLOW) < 0)
            result = refuse_system(take, below, errno);
        else if (!is_left_out(take, names.list[i], below, S_ISDIR(entry.info.st_mode)))
            result = visit(take, &entry, data);
    }
    tree_names_clear(&names);
    return result;
}

static int check_top_name(struct take *take, const struct entry *entry)
{
    if (place_is_reserved(entry->name))
        return refuse(take, entry->path, "has a name that the run folder needs for itself; rename it, or name it in .amlignore");
    if (place_is_common_folder(entry->name) && !S_ISDIR(entry->info.st_mode))
        return refuse(take, entry->path, "must be a folder, because every run has one of this name; rename it, or name it in .amlignore");
    return 0;
}

static int check(struct take *take, const struct entry *entry)
{
    mode_t mode = entry->info.st_mode;
    if (!S_ISREG(mode) && !S_ISDIR(mode) && !S_ISLNK(mode))
        return refuse(take, entry->path, "is neither file, folder nor link; remove it, or name it in .amlignore");
    if (S_ISDIR(mode) && entry->info.st_dev == take->home_device && entry->info.st_ino == take->home_inode)
        return refuse(take, entry->path, "is where the daemon keeps its snapshots; name its state folder in .amlignore");
    if (S_ISDIR(mode) && entry->depth >= TREE_DEPTH_MAX)
        return refuse(take, entry->path, "lies too deep: at most 100 folders may lie in each other");
    if (strcmp(entry->path, "user_logs/std_log.txt") == 0)
        return refuse(take, entry->path, "has a name that the run folder needs for itself; rename it, or name it in .amlignore");
    return entry->depth == 0 ? check_top_name(take, entry) : 0;
}

/* Keeps the largest entries of the top folder, largest first. */
static void note_large(struct take *take, const char *name, int64_t bytes)
{
    for (size_t i = 0; i < LARGEST; i++) {
        if (bytes <= take->largest[i].bytes)
            continue;
        memmove(&take->largest[i + 1], &take->largest[i], (LARGEST - 1 - i) * sizeof *take->largest);
        snprintf(take->largest[i].name, sizeof take->largest[i].name, "%s", name);
        take->largest[i].bytes = bytes;
        return;
    }
}

static int measure_entry(struct take *take, const struct entry *entry, void *data)
{
    (void)data;
    int result = check(take, entry);
    int64_t before = take->bytes;
    if (result == 0 && S_ISREG(entry->info.st_mode))
        take->bytes += entry->info.st_size;
    if (result == 0 && S_ISDIR(entry->info.st_mode)) {
        int below = tree_open_folder(entry->folder, entry->name);
        if (below < 0)
            return refuse_system(take, entry->path, -below);
        result = each(take, below, entry->path, entry->depth + 1, measure_entry, NULL);
        close(below);
    }
    if (entry->depth == 0)
        note_large(take, entry->name, take->bytes - before);
    return result;
}

static int refuse_size(struct take *take)
{
    struct hd_text list = {0};
    for (size_t i = 0; i < LARGEST && take->largest[i].bytes > 0; i++)
        hd_text_format(&list, "%s'%s' %.1f MB", i == 0 ? "" : ", ", take->largest[i].name, (double)take->largest[i].bytes / 1e6);
    hd_error_set(take->error, HD_INVALID,
                 "'" SNAPSHOT_TARGET "': a snapshot of '%s' has %.1f MB (%" PRId64 " bytes), above the limit of %.1f MB; largest: %s; "
                 "name in .amlignore what the runs do not need, or set 'snapshot' to false",
                 take->source, (double)take->bytes / 1e6, take->bytes, (double)take->limit / 1e6, list.data != NULL ? list.data : "");
    if (take->error != NULL)
        snprintf(take->error->target, sizeof take->error->target, "%s", SNAPSHOT_TARGET);
    hd_text_clear(&list);
    return -HD_INVALID;
}

/* Rewrites where a link points as the header says. Folders are never entered by links here, so the text of the path is the place. */
static int link_target(const struct take *take, const struct entry *entry, const char *target, char *ret_target)
{
    char place[PATH_MAX], parent[PATH_MAX];
    if (snprintf(parent, sizeof parent, "%s/%s", take->source, entry->path) >= (int)sizeof parent)
        return -ENAMETOOLONG;
    *strrchr(parent, '/') = '\0';
    int result = path_join(parent, target, place, sizeof place);
    if (result < 0)
        return result;
    if (!path_is_below(place, take->source))
        return snprintf(ret_target, PATH_MAX, "%s", place) >= PATH_MAX ? -ENAMETOOLONG : 0;
    if (*target != '/')
        return snprintf(ret_target, PATH_MAX, "%s", target) >= PATH_MAX ? -ENAMETOOLONG : 0;
    /* An absolute link to the inside becomes relative: up to the source, then down. */
    struct hd_text relative = {0};
    for (int i = 0; i < entry->depth; i++)
        hd_text_add_string(&relative, "../");
    const char *below = place + strlen(take->source);
    hd_text_add_string(&relative, *below == '/' ? below + 1 : ".");
    result = relative.failed ? -ENOMEM : snprintf(ret_target, PATH_MAX, "%s", relative.data) >= PATH_MAX ? -ENAMETOOLONG : 0;
    hd_text_clear(&relative);
    return result;
}

static int copy_link(struct take *take, const struct entry *entry, int to)
{
    char target[PATH_MAX], rewritten[PATH_MAX];
    ssize_t length = readlinkat(entry->folder, entry->name, target, sizeof target - 1);
    if (length < 0)
        return refuse_system(take, entry->path, errno);
    target[length] = '\0';
    int result = link_target(take, entry, target, rewritten);
    if (result < 0)
        return refuse_system(take, entry->path, -result);
    return symlinkat(rewritten, to, entry->name) < 0 ? fail_target(take, entry->path, errno) : 0;
}

static int copy_file(struct take *take, const struct entry *entry, int to)
{
    if (faccessat(entry->folder, entry->name, R_OK, AT_EACCESS) < 0)
        return refuse_system(take, entry->path, errno);
    int64_t size = tree_copy_file(entry->folder, entry->name, to, (entry->info.st_mode & 0555) | 0400);
    if (size < 0)
        return fail_target(take, entry->path, (int)-size);
    take->bytes += size;
    return take->bytes > take->limit ? refuse(take, entry->path, "grew over the limit while it was copied") : 0;
}

static int copy_entry(struct take *take, const struct entry *entry, void *data)
{
    int to = *(int *)data;
    int result = check(take, entry);
    if (result < 0)
        return result;
    if (S_ISLNK(entry->info.st_mode))
        return copy_link(take, entry, to);
    if (S_ISREG(entry->info.st_mode))
        return copy_file(take, entry, to);
    int below = tree_open_folder(entry->folder, entry->name);
    if (below < 0)
        return refuse_system(take, entry->path, -below);
    int target = tree_make_folder(to, entry->name);
    result = target < 0 ? fail_target(take, entry->path, -target) : each(take, below, entry->path, entry->depth + 1, copy_entry, &target);
    if (target >= 0 && result == 0 && fchmod(target, (entry->info.st_mode & 0555) | 0500) < 0)
        result = fail_target(take, entry->path, errno);
    if (target >= 0)
        close(target);
    close(below);
    return result;
}

/* Syncs files before the folders that name them. After everything is written, because then most of it shares a few commits of the journal.
 */
static int sync_folder(int folder)
{
    struct tree_names names = {0};
    int result = tree_list(folder, &names);
    for (size_t i = 0; result == 0 && i < names.count; i++) {
        int opened = openat(folder, names.list[i], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        struct stat info;
        if (opened < 0) {
            result = errno == ELOOP ? 0 : -errno; /* a link is part of its folder */
            continue;
        }
        result = fstat(opened, &info) < 0 ? -errno : 0;
        if (result == 0)
            result = S_ISDIR(info.st_mode) ? sync_folder(opened) : fsync(opened) < 0 ? -errno : 0;
        close(opened);
    }
    tree_names_clear(&names);
    return result == 0 && fsync(folder) < 0 ? -errno : result;
}

static int read_ignore_file(struct take *take, int source)
{
    static const char *const names[] = {".amlignore", ".gitignore"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct hd_text text = {0};
        int result = durable_read(source, names[i], IGNORE_FILE_LIMIT, &text);
        if (result == 0)
            take->ignore = ignore_open(text.data, text.length);
        hd_text_clear(&text);
        if (result == 0)
            return take->ignore != NULL ? 0 : hd_error_set(take->error, HD_UNAVAILABLE, "not enough memory for a snapshot");
        if (result != -ENOENT)
            return refuse_system(take, names[i], -result);
    }
    return 0;
}

/* The copy with the user's rights: from what he may read, to what is his. */
static int copy_as_user(struct take *take, int source, int target)
{
    struct user_stay stay = {0};
    int result = take->user == NULL ? 0 : fchown(target, take->user->uid, take->user->gid) < 0 ? -errno : user_enter(take->user, &stay);
    if (result < 0)
        return fail_target(take, "", -result);
    result = each(take, source, "", 0, copy_entry, &target);
    user_leave(&stay);
    return result;
}

/* Into `<target>.partial`, which becomes `target` once it is whole and on disk. */
static int fill(struct take *take, int source, int home, const char *name)
{
    char partial[NAME_MAX + 1];
    if (snprintf(partial, sizeof partial, "%s.partial", name) >= (int)sizeof partial)
        return fail_target(take, "", ENAMETOOLONG);
    int result = tree_remove(home, partial);
    int target = result < 0 ? result : tree_make_folder(home, partial);
    if (target < 0)
        return fail_target(take, "", -target);
    take->bytes = 0;
    result = copy_as_user(take, source, target);
    if (result == 0 && fchmod(target, 0500) < 0)
        result = fail_target(take, "", errno);
    int number = result == 0 ? sync_folder(target) : 0;
    close(target);
    if (result == 0 && number == 0 && renameat(home, partial, home, name) < 0)
        number = -errno;
    if (result == 0 && number == 0)
        number = durable_sync_folder(home, ".");
    if (result == 0 && number < 0)
        result = fail_target(take, "", -number);
    if (result < 0) {
        tree_remove(home, partial);
        tree_remove(home, name);
    }
    return result;
}

static int measure_as_user(struct take *take, int source)
{
    struct user_stay stay = {0};
    int result = take->user == NULL ? 0 : user_enter(take->user, &stay);
    if (result < 0)
        return fail_target(take, "", -result);
    result = read_ignore_file(take, source);
    if (result == 0)
        result = each(take, source, "", 0, measure_entry, NULL);
    user_leave(&stay);
    return result;
}

static int take_into(struct take *take, int source, int home, const char *name)
{
    struct stat info;
    if (fstat(home, &info) < 0)
        return fail_target(take, "", errno);
    take->home_device = info.st_dev;
    take->home_inode = info.st_ino;
    if (faccessat(home, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return fail_target(take, "", EEXIST);
    int result = measure_as_user(take, source);
    if (result == 0 && take->bytes > take->limit)
        result = refuse_size(take);
    if (result == 0)
        result = fill(take, source, home, name);
    ignore_close(take->ignore);
    return result;
}

static int no_directory(const char *source, int number, struct hd_error *error)
{
    if (is_shortage(number))
        return hd_error_system(error, HD_UNAVAILABLE, number, "cannot read '%s'", source);
    hd_error_set(error, HD_INVALID, "'" SNAPSHOT_TARGET "': no such directory: %s", source);
    if (error != NULL)
        snprintf(error->target, sizeof error->target, "%s", SNAPSHOT_TARGET);
    return -HD_INVALID;
}

/* A descriptor of the source, and where it is without links; the negative number of the system's error when it cannot be read. */
static int open_source(const char *source, const struct user *user, char *ret_path)
{
    struct user_stay stay = {0};
    int entered = user != NULL ? user_enter(user, &stay) : 0;
    if (entered < 0)
        return entered;
    int from = realpath(source, ret_path) == NULL ? -1 : open(ret_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (from < 0)
        from = -errno;
    if (from >= 0 && faccessat(from, ".", R_OK | X_OK, AT_EACCESS) < 0) {
        int number = errno;
        close(from);
        from = -number;
    }
    user_leave(&stay);
    return from;
}

int snapshot_take(const char *source, const char *target, int64_t limit, const struct user *user, struct hd_error *error)
{
    struct take take = {.limit = limit, .user = user, .error = error};
    int from = open_source(source, user, take.source);
    if (from < 0)
        return no_directory(source, -from, error);
    char parent[PATH_MAX];
    const char *name = NULL;
    int home = path_make_parent(target, parent, sizeof parent, &name);
    int result = home < 0 ? fail_target(&take, "", -home) : take_into(&take, from, home, name);
    if (home >= 0)
        close(home);
    close(from);
    return result;
}

int snapshot_remove(const char *path, struct hd_error *error)
{
    int result = tree_remove(AT_FDCWD, path);
    return result < 0 ? hd_error_system(error, code_of(-result), -result, "cannot remove '%s'", path) : 0;
}
