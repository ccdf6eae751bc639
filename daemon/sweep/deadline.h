/* Points in wall-clock time at which something must happen: many deadlines, one timer. Loop thread only. */
#ifndef HYPERDRIVED_DEADLINE_H
#define HYPERDRIVED_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "core/error.h"

/* Part of the object that waits. A zeroed one is not set. */
struct deadline {
    int64_t at_us;                              /* since 1970 UTC */
    size_t place;                               /* in the heap, from 1; 0: not set */
    void (*reached)(struct deadline *deadline); /* the deadline is no longer set when this is called */
};

struct deadlines {
    uv_timer_t timer;
    struct deadline **heap; /* earliest first, from index 1 */
    size_t count, capacity;
    void (*closed)(void *data);
    void *closed_data;
};

int deadlines_open(struct deadlines *deadlines, uv_loop_t *loop, struct hd_error *error);
void deadlines_close(struct deadlines *deadlines, void (*closed)(void *data), void *data);
/* Sets or moves. False when memory is short. */
bool deadline_set(struct deadlines *deadlines, struct deadline *deadline, int64_t at_us);
void deadline_clear(struct deadlines *deadlines, struct deadline *deadline);
int64_t deadline_now_us(void);

#endif
