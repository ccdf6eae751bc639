#include "run_logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "tree.h"
#include "user.h"

enum { BLOCK = 512 }; /* what st_blocks counts */

const char *const run_log_folders[] = {"user_logs", "logs", NULL};

static bool is_shortage(int result)
{
    return result == -ENOMEM || result == -EMFILE || result == -ENFILE;
}

static int measure(int folder, int depth, int64_t *bytes);

/* By what is allocated: a log may have lost its beginning to log_limit. */
static int measure_entry(int folder, const char *name, int depth, int64_t *bytes)
{
    struct stat info;
    if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    if (S_ISREG(info.st_mode))
        *bytes += (int64_t)info.st_blocks * BLOCK;
    if (!S_ISDIR(info.st_mode) || depth >= TREE_DEPTH_MAX)
        return 0;
    int below = tree_open_folder(folder, name);
    if (below < 0)
        return is_shortage(below) ? below : 0;
    int result = measure(below, depth + 1, bytes);
    close(below);
    return result;
}

static int measure(int folder, int depth, int64_t *bytes)
{
    struct tree_names names = {0};
    int result = tree_list(folder, &names);
    if (result < 0 && !is_shortage(result))
        return 0;
    for (size_t i = 0; result == 0 && i < names.count; i++)
        result = measure_entry(folder, names.list[i], depth, bytes);
    tree_names_clear(&names);
    return result;
}

/* Calls `work` with the run folder, and with the rights of whose that is. */
static int with_run(const char *folder, int (*work)(int run, int64_t *bytes), int64_t *bytes)
{
    int run = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run < 0)
        return errno == ENOENT ? 0 : -errno;
    struct user_stay stay;
    int result = user_enter_owner(run, &stay);
    if (result == 0) {
        result = work(run, bytes);
        user_leave(&stay);
    }
    close(run);
    return result;
}

static int measure_logs(int run, int64_t *bytes)
{
    int result = 0;
    for (const char *const *name = run_log_folders; result == 0 && *name != NULL; name++)
        result = measure_entry(run, *name, 0, bytes);
    return result;
}

int64_t run_logs_measure(const char *folder)
{
    int64_t bytes = 0;
    int result = with_run(folder, measure_logs, &bytes);
    return is_shortage(result) ? result : bytes;
}

static int remove_logs(int run, int64_t *bytes)
{
    (void)bytes;
    int result = 0;
    for (const char *const *name = run_log_folders; result == 0 && *name != NULL; name++)
        result = tree_remove(run, *name);
    return result;
}

int run_logs_remove(const char *folder)
{
    return with_run(folder, remove_logs, NULL);
}
