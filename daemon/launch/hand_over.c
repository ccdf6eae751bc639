#include "hand_over.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/text.h"
#include "launch.h"
#include "path.h"
#include "shortage.h"
#include "tree.h"

#define PARTIAL LAUNCH_RESUMED ".partial"

struct handing {
    const char *root;    /* of the original, */
    char real[PATH_MAX]; /* and without links on the way to it */
    const atomic_bool *stop;
};

/* What follows the root in a path; NULL if it leads elsewhere. */
static const char *below_root(const struct handing *handing, const char *path)
{
    const char *roots[] = {handing->root, handing->real};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        size_t length = strlen(roots[i]);
        if (length > 0 && path_is_below(path, roots[i]))
            return path[length] == '/' ? path + length + 1 : path + length;
    }
    return NULL;
}

/* Where the copy of a link points: `depth` folders below the root. */
static int link_target(const struct handing *handing, const char *target, int depth, struct hd_text *ret_text)
{
    char place[PATH_MAX];
    int result = *target == '/' ? path_join("/", target, place, sizeof place) : 0;
    if (result < 0)
        return result;
    const char *below = *target == '/' ? below_root(handing, place) : NULL;
    for (int i = 0; below != NULL && i < depth; i++)
        hd_text_add_string(ret_text, "../");
    hd_text_add_string(ret_text, below == NULL ? target : *below != '\0' ? below : ".");
    return ret_text->failed ? -ENOMEM : 0;
}

static int copy_link(const struct handing *handing, int from, const char *name, int to, int depth)
{
    char target[PATH_MAX];
    ssize_t length = readlinkat(from, name, target, sizeof target - 1);
    if (length < 0)
        return -errno;
    target[length] = '\0';
    struct hd_text text = {0};
    int result = link_target(handing, target, depth, &text);
    if (result == 0 && symlinkat(text.data, to, name) < 0)
        result = -errno;
    hd_text_clear(&text);
    return result;
}

static int copy_folder(const struct handing *handing, int from, int to, int depth);

static int copy_below(const struct handing *handing, int from, const char *name, int to, int depth)
{
    int source = tree_open_folder(from, name);
    int target = source < 0 ? source : tree_make_folder(to, name);
    int result = target < 0 ? target : copy_folder(handing, source, target, depth + 1);
    if (source >= 0)
        close(source);
    if (target >= 0)
        close(target);
    return result;
}

static int copy_entry(const struct handing *handing, int from, const char *name, int to, int depth)
{
    struct stat info;
    if (fstatat(from, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (S_ISLNK(info.st_mode))
        return copy_link(handing, from, name, to, depth);
    if (S_ISDIR(info.st_mode))
        return copy_below(handing, from, name, to, depth);
    if (!S_ISREG(info.st_mode))
        return 0;
    int64_t size = tree_copy_file(from, name, to, (info.st_mode & 0555) | 0400);
    return size < 0 ? (int)size : 0;
}

/* Closes the folder for writing when everything is in it. */
static int copy_folder(const struct handing *handing, int from, int to, int depth)
{
    struct tree_names names = {0};
    int result = depth > TREE_DEPTH_MAX ? -ELOOP : tree_list(from, &names);
    for (size_t i = 0; result == 0 && i < names.count && !atomic_load(handing->stop); i++)
        result = copy_entry(handing, from, names.list[i], to, depth);
    tree_names_clear(&names);
    return result == 0 && fchmod(to, 0500) < 0 ? -errno : result;
}

static int copy_tree(int run, const char *root, const atomic_bool *stop)
{
    struct handing handing = {.root = root, .stop = stop};
    if (realpath(root, handing.real) == NULL)
        handing.real[0] = '\0'; /* a missing one has no links in it */
    int from = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int result = from < 0 && errno != ENOENT ? -errno : tree_remove(run, PARTIAL);
    int to = result < 0 ? result : tree_make_folder(run, PARTIAL);
    if (to < 0)
        result = to;
    else if (from >= 0)
        result = copy_folder(&handing, from, to, 0);
    if (to >= 0)
        close(to);
    if (from >= 0)
        close(from);
    /* Under its own name only when it is whole: an attempt that is prepared again after a crash finds it then. */
    if (result == 0 && !atomic_load(stop) && renameat(run, PARTIAL, run, LAUNCH_RESUMED) < 0)
        result = -errno;
    return result;
}

int hand_over(int run, const char *from, const atomic_bool *stop, struct hd_error *error)
{
    if (atomic_load(stop) || faccessat(run, LAUNCH_RESUMED, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    int result = copy_tree(run, from, stop);
    if (result == 0)
        return 0;
    return hd_error_system(error, code_of(-result), -result, "cannot copy '%s', what the earlier run has left, into the run folder", from);
}

void hand_over_take_back(int run)
{
    tree_remove(run, PARTIAL);
    tree_remove(run, LAUNCH_RESUMED);
}
