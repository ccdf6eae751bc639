#include "status.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TO(status)     (UINT32_C(1) << (status))
#define TO_ENDED_EARLY (TO(HD_FAILED) | TO(HD_CANCELED)) /* before there was a process */

/* One row per status; the moves are those of the reference, sections 3.1 and 3.2. A terminal status has none. */
static const struct {
    const char *name;
    uint32_t run;   /* where a run may go from here */
    uint32_t sweep; /* where a sweep may go from here */
} status_table[HD_STATUS_COUNT] = {
    [HD_STATUS_NONE] = {NULL, TO(HD_STARTING), TO(HD_STARTING)},
    [HD_STARTING] = {"Starting", TO(HD_PREPARING) | TO(HD_QUEUED) | TO(HD_RUNNING) | TO_ENDED_EARLY,
                     TO(HD_RUNNING) | TO(HD_COMPLETED) | TO(HD_FAILED) | TO(HD_CANCEL_REQUESTED)},
    [HD_PREPARING] = {"Preparing", TO(HD_QUEUED) | TO(HD_RUNNING) | TO_ENDED_EARLY, 0},
    [HD_QUEUED] = {"Queued", TO(HD_RUNNING) | TO_ENDED_EARLY, 0},
    [HD_RUNNING] = {"Running", TO(HD_FINALIZING) | TO(HD_CANCEL_REQUESTED) | TO(HD_NOT_RESPONDING),
                    TO(HD_COMPLETED) | TO(HD_FAILED) | TO(HD_CANCELED) | TO(HD_CANCEL_REQUESTED)},
    /* Queued: the next attempt of the same child. A Finalizing child is not cancelled any more. */
    [HD_FINALIZING] = {"Finalizing", TO(HD_QUEUED) | TO(HD_COMPLETED) | TO(HD_FAILED) | TO(HD_NOT_RESPONDING), 0},
    [HD_CANCEL_REQUESTED] = {"CancelRequested", TO(HD_CANCELED) | TO(HD_NOT_RESPONDING), TO(HD_CANCELED)},
    [HD_COMPLETED] = {"Completed", 0, 0},
    [HD_FAILED] = {"Failed", 0, 0},
    [HD_CANCELED] = {"Canceled", 0, 0},
    /* Back to what it had been, to its next attempt, or given up. */
    [HD_NOT_RESPONDING] = {"NotResponding",
                           TO(HD_RUNNING) | TO(HD_FINALIZING) | TO(HD_CANCEL_REQUESTED) | TO(HD_QUEUED) | TO(HD_FAILED) | TO(HD_CANCELED),
                           0},
};

static bool is_status(enum hd_status status)
{
    return (unsigned)status < HD_STATUS_COUNT;
}

const char *hd_status_name(enum hd_status status)
{
    return is_status(status) ? status_table[status].name : NULL;
}

enum hd_status hd_status_parse(const char *name)
{
    for (int i = 0; name != NULL && i < HD_STATUS_COUNT; i++) {
        if (status_table[i].name != NULL && strcmp(name, status_table[i].name) == 0) {
            return (enum hd_status)i;
        }
    }
    return HD_STATUS_NONE;
}

bool hd_status_ended(enum hd_status status)
{
    return status == HD_COMPLETED || status == HD_FAILED || status == HD_CANCELED;
}

bool hd_run_may_move(enum hd_status from, enum hd_status to)
{
    return is_status(from) && is_status(to) && (status_table[from].run & TO(to)) != 0;
}

bool hd_sweep_may_move(enum hd_status from, enum hd_status to)
{
    return is_status(from) && is_status(to) && (status_table[from].sweep & TO(to)) != 0;
}
