#include "state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch/durable.h"

/* A new file under the temporary name: a half one that a killed daemon has left would keep its own rights. Negative: the system's error. */
static int fill(int folder, const char *temporary, const char *text, mode_t mode)
{
    int file = durable_create(folder, temporary), result;

    if (file < 0)
        return file;
    result = durable_write_all(file, text, strlen(text));
    if (result == 0 && (fchmod(file, mode) != 0 || fsync(file) != 0))
        result = -errno;
    if (close(file) != 0 && result == 0)
        result = -errno;
    return result;
}

static int write_whole(int folder, const char *name, const char *text, mode_t mode)
{
    char temporary[64];
    int result;

    if (snprintf(temporary, sizeof temporary, "%s.new", name) >= (int)sizeof temporary)
        return -ENAMETOOLONG;
    result = fill(folder, temporary, text, mode);
    if (result == 0 && renameat(folder, temporary, folder, name) != 0)
        result = -errno;
    if (result != 0)
        (void)unlinkat(folder, temporary, 0);
    return result == 0 ? durable_sync_folder(folder, ".") : result;
}

int state_file_write(const char *state_dir, const char *name, const char *text, mode_t mode, struct hd_error *error)
{
    int folder = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = folder >= 0 ? write_whole(folder, name, text, mode) : -errno;

    if (folder >= 0)
        (void)close(folder);
    return result == 0 ? 0 : hd_error_system(error, HD_UNAVAILABLE, -result, "cannot write %s/%s", state_dir, name);
}

int state_file_remove(const char *state_dir, const char *name, struct hd_error *error)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", state_dir, name);
    if (unlink(path) != 0 && errno != ENOENT)
        return hd_error_system(error, HD_UNAVAILABLE, errno, "cannot remove %s", path);
    return 0;
}
