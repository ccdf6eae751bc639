/* Statuses of sweeps and runs, and the one table of their legal moves (reference, section 3). */
#ifndef HD_CORE_STATUS_H
#define HD_CORE_STATUS_H

#include <stdbool.h>

/* Stored in databases: never renumber. */
enum hd_status {
    HD_STATUS_NONE = 0, /* before the first status */
    HD_STARTING = 1,
    HD_PREPARING = 2,
    HD_QUEUED = 3,
    HD_RUNNING = 4,
    HD_FINALIZING = 5,
    HD_CANCEL_REQUESTED = 6,
    HD_COMPLETED = 7,
    HD_FAILED = 8,
    HD_CANCELED = 9,
    HD_NOT_RESPONDING = 10,
    HD_STATUS_COUNT = 11,
};

const char *hd_status_name(enum hd_status status); /* "CancelRequested"; NULL for HD_STATUS_NONE and what is none */
enum hd_status hd_status_parse(const char *name);  /* exact, case-sensitive; HD_STATUS_NONE if there is no such */
bool hd_status_ended(enum hd_status status);       /* Completed, Failed, Canceled */
bool hd_run_may_move(enum hd_status from, enum hd_status to);
bool hd_sweep_may_move(enum hd_status from, enum hd_status to);

#endif
