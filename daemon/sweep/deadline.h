/* Points in time at which something must happen: many deadlines, one timer. Loop thread only.
 *
 * By the clock that counts from the machine's start, asleep or not: a wall clock that is set must not end what runs. */
#ifndef HYPERDRIVED_DEADLINE_H
#define HYPERDRIVED_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "core/error.h"

/* Part of the object that waits. A zeroed one is not set. */
struct deadline {
    int64_t at_us;                              /* by deadline_now_us() */
    struct deadline *first;                     /* of those below it in the heap, none of which is earlier */
    struct deadline *next, **link;              /* beside it; link NULL: not set */
    void (*reached)(struct deadline *deadline); /* the deadline is no longer set when this is called */
};

struct deadlines {
    uv_timer_t timer;
    struct deadline *earliest; /* NULL: none is set */
    void (*closed)(void *data);
    void *closed_data;
};

int deadlines_open(struct deadlines *deadlines, uv_loop_t *loop, struct hd_error *error);
void deadlines_close(struct deadlines *deadlines, void (*closed)(void *data), void *data);
/* Sets or moves. Takes no memory: what is tried again for want of it must not be lost. */
void deadline_set(struct deadlines *deadlines, struct deadline *deadline, int64_t at_us);
/* For what has failed: in a second. */
void deadline_set_again(struct deadlines *deadlines, struct deadline *deadline);
bool deadline_is_set(const struct deadline *deadline);
void deadline_clear(struct deadlines *deadlines, struct deadline *deadline);
int64_t deadline_now_us(void);
/* When `limit_us` have passed since a moment that is known by the wall clock, as what began before a restart is. At most `limit_us` from
 * now, whatever that clock says. */
int64_t deadline_behind_us(int64_t began_us, int64_t limit_us);

#endif
