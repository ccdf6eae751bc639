#include "oom.h"

#include <limits.h>
#include <stdio.h>

#include "kernel_file.h"

int64_t oom_kills(void)
{
    int64_t kills = 0;
    return kernel_file_number("/proc/vmstat", "oom_kill", &kills) == 0 ? kills : 0;
}

enum oom oom_of_child(const char *cgroup, int64_t before, bool killed)
{
    char events[PATH_MAX];
    int64_t kills;
    int length = cgroup == NULL ? -1 : snprintf(events, sizeof events, "%s/memory.events", cgroup);
    /* Without the controller of memory the cgroup has no such file. */
    if (length > 0 && (size_t)length < sizeof events && kernel_file_number(events, "oom_kill", &kills) == 0)
        return kills > 0 ? OOM_YES : OOM_NO;
    return killed && oom_kills() > before ? OOM_PROBABLY : OOM_NO;
}
