/* Named points at which a test build can be told to die: HYPERDRIVED_FAULT=<name>, or <name>:<n> for the n-th time that it is passed (see
 * the option fault_points). Nothing in other builds. */
#ifndef HYPERDRIVED_FAULT_H
#define HYPERDRIVED_FAULT_H

#ifdef HD_FAULT_POINTS
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static inline void fault_point(const char *name)
{
    static atomic_int passages; /* of the one point that is wanted */
    const char *wanted = getenv("HYPERDRIVED_FAULT");
    size_t length = strlen(name);

    if (wanted == NULL || strncmp(wanted, name, length) != 0 || (wanted[length] != '\0' && wanted[length] != ':'))
        return;
    if (atomic_fetch_add(&passages, 1) + 1 >= (wanted[length] == ':' ? atoi(wanted + length + 1) : 1))
        (void)raise(SIGKILL);
}
#else
static inline void fault_point(const char *name)
{
    (void)name;
}
#endif

#endif
