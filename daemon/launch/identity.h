/* What tells a process from every other one, also after a restart of the machine or the reuse of its process id. */
#ifndef HYPERDRIVED_IDENTITY_H
#define HYPERDRIVED_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

enum { IDENTITY_BOOT_ID_SIZE = 40 };

struct launch_identity {
    int64_t pid;
    int64_t start_ticks;                 /* field 22 of /proc/PID/stat */
    char boot_id[IDENTITY_BOOT_ID_SIZE]; /* /proc/sys/kernel/random/boot_id */
};

/* Reads what the process `pid` is now: 0 or the negative number of the system's error. To be sure that the answer stays true, hold a
 * pidfd of it that was opened before. */
int identity_read(int64_t pid, struct launch_identity *ret_identity);
int identity_boot_id(char ret_boot_id[IDENTITY_BOOT_ID_SIZE]);
bool identity_equal(const struct launch_identity *a, const struct launch_identity *b);

#endif
