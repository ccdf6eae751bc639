/* Removal of a tree that somebody else has made: of any depth and size, with folders that are closed to their owner. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tree.h"

enum { PASSES_MAX = 1000000 /* somebody may fill it as fast as we empty it */ };

struct removal {
    int top;        /* the folder that is removed */
    unsigned moved; /* there, since they lay too deep to be reached with a descriptor for each folder on the way */
    int failure;    /* the first one; 0: none */
};

static void fail(struct removal *removal, int result)
{
    if (removal->failure == 0)
        removal->failure = result;
}

/* By a descriptor, since the name may have become a link meanwhile. */
static int open_closed(int folder, const char *name)
{
    char path[64];
    int place = openat(folder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (place < 0)
        return -errno;
    snprintf(path, sizeof path, "/proc/self/fd/%d", place);
    int opened = chmod(path, 0700) < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int number = errno;
    close(place);
    return opened < 0 ? -number : opened;
}

/* A folder to which we may write. */
static int open_folder(int folder, const char *name)
{
    int opened = tree_open_folder(folder, name);
    if (opened == -EACCES)
        return open_closed(folder, name);
    if (opened >= 0 && fchmod(opened, 0700) < 0) {
        int number = errno;
        close(opened);
        return -number;
    }
    return opened;
}

/* An empty folder of that name, which somebody may have made, is replaced. */
static bool move_up(struct removal *removal, int folder, const char *name)
{
    char moved[32];
    int number;
    do {
        snprintf(moved, sizeof moved, ".removed.%u", removal->moved++);
        number = renameat(folder, name, removal->top, moved) == 0 ? 0 : errno;
    } while (number == ENOTEMPTY || number == EEXIST || number == ENOTDIR);
    if (number != 0)
        fail(removal, -number);
    return number == 0;
}

static bool remove_folder(struct removal *removal, int folder, const char *name, int depth);

/* True when it is not there any more. */
static bool remove_entry(struct removal *removal, int folder, const char *name, int depth)
{
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
        return true;
    int number = errno;
    if ((number == EISDIR || number == EPERM) && remove_folder(removal, folder, name, depth))
        return true;
    fail(removal, -number); /* if nothing of it has failed before */
    return false;
}

/* True when something has gone. */
static bool remove_entries(struct removal *removal, DIR *folder, int depth)
{
    bool some = false;
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        bool own = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        some |= !own && remove_entry(removal, dirfd(folder), entry->d_name, depth);
    }
    return some;
}

/* While entries are removed a pass may miss some, and what was moved comes in addition. */
static bool empty_and_remove(struct removal *removal, DIR *stream, int folder, const char *name, int depth)
{
    bool some = true;
    for (int pass = 0; some && pass < PASSES_MAX; pass++) {
        rewinddir(stream);
        some = remove_entries(removal, stream, depth + 1);
        if (unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
            return true;
    }
    fail(removal, -errno);
    return false;
}

static bool remove_folder(struct removal *removal, int folder, const char *name, int depth)
{
    int opened = open_folder(folder, name);
    if (opened < 0) {
        if (opened != -ENOTDIR && opened != -ELOOP)
            fail(removal, opened);
        return false;
    }
    if (depth == 0)
        removal->top = opened;
    bool deep = depth >= TREE_DEPTH_MAX;
    DIR *stream = deep ? NULL : fdopendir(opened);
    if (stream == NULL) {
        if (!deep)
            fail(removal, -errno);
        close(opened);
        return deep && move_up(removal, folder, name);
    }
    bool gone = empty_and_remove(removal, stream, folder, name, depth);
    closedir(stream);
    return gone;
}

int tree_remove(int folder, const char *name)
{
    struct removal removal = {.top = -1};
    return remove_entry(&removal, folder, name, 0) ? 0 : removal.failure;
}
