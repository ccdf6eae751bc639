/* Named points at which a test build can be told to die: HYPERDRIVED_FAULT=<name> (see the option fault_points). Nothing in other builds.
 */
#ifndef HYPERDRIVED_FAULT_H
#define HYPERDRIVED_FAULT_H

#ifdef HD_FAULT_POINTS
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static inline void fault_point(const char *name)
{
    const char *wanted = getenv("HYPERDRIVED_FAULT");

    if (wanted != NULL && strcmp(wanted, name) == 0)
        (void)raise(SIGKILL);
}
#else
static inline void fault_point(const char *name)
{
    (void)name;
}
#endif

#endif
