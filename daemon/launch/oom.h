/* Has the kernel killed processes of a child for want of memory? */
#ifndef HYPERDRIVED_OOM_H
#define HYPERDRIVED_OOM_H

#include <stdbool.h>
#include <stdint.h>

enum oom { OOM_NO, OOM_PROBABLY, OOM_YES };

/* What was killed so since the machine was started, in all of it; 0 if the kernel does not tell. */
int64_t oom_kills(void);
/* What the cgroup of a child knows, and whether all of the machine has more such kills now than `before`. A child that was `killed`, and
 * not by us, is a likely one of those. `cgroup` is NULL if there is none. */
enum oom oom_of_child(const char *cgroup, int64_t before, bool killed);

#endif
