/* The wall clock, for what is deleted because it is old: one that is set forward under the daemon is not believed. */
#ifndef HYPERDRIVED_WALL_CLOCK_H
#define HYPERDRIVED_WALL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct wall_clock {
    int64_t began_us;        /* when it was opened, since 1970 */
    int64_t began_steady_us; /* the same by the clock that counts from the machine's start, which nobody sets */
};

void wall_clock_open(struct wall_clock *clock);
/* Now, since 1970; or, when the clock was set forward by more than a day since it was opened, what it would show else. Set back it is
 * believed: then less is old. */
int64_t wall_clock_us(const struct wall_clock *clock, bool *ret_believed);

#endif
