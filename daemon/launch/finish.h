/* How an attempt ended, once its monitor is gone. Blocks: for the thread pool. */
#ifndef HYPERDRIVED_FINISH_H
#define HYPERDRIVED_FINISH_H

#include <stdbool.h>

#include "order.h"
#include "record.h"
#include "started.h"

enum finish_outcome {
    FINISH_RECORDED,    /* `record` */
    FINISH_NOT_STARTED, /* the monitor ended without claiming the attempt, and nobody will claim it */
    FINISH_LOST,        /* no record; what was left of the program is killed */
    FINISH_LINGERING,   /* no record, and some of the program's processes do not die: to be asked again */
    FINISH_AGAIN,       /* another monitor is about to claim the attempt, the system is short of something, or the disk does not answer */
};

struct finished {
    enum finish_outcome outcome;
    struct record record;
    struct started started; /* zeroed if there is none */
    char *last_output;      /* owned by the caller; NULL when memory was short */
};

/* `order` says which attempt of which run, and its cgroup, if it has one. With `claimed` the attempt is known to have been executed, even
 * if its folder says nothing any more. On the `last_try` a folder that cannot be read (a sick disk) is taken for one that says nothing. */
void finish(const char *folder, const struct order *order, bool claimed, bool last_try, struct finished *ret_finished);

#endif
