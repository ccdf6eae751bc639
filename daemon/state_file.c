#include "state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "launch/durable.h"

int state_file_write(const char *state_dir, const char *name, const char *text, mode_t mode, struct hd_error *error)
{
    int folder = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = folder >= 0 ? durable_write(folder, name, text, strlen(text), mode, true) : -errno;

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
