/* What the daemon does by itself from time to time: looks through the database for damage, and deletes what is old, or too much. */
#ifndef HYPERDRIVED_UPKEEP_H
#define HYPERDRIVED_UPKEEP_H

#include <uv.h>

#include "api/api.h"
#include "old_logs.h"
#include "settings.h"
#include "wall_clock.h"

enum { UPKEEP_OLD_AT_ONCE = 64 };

/* Part of the daemon. Loop thread only, but for its job. */
struct upkeep {
    uv_timer_t timer;
    uv_work_t work;
    struct api *api;
    const struct settings *settings; /* in force; a reload changes them */
    uint64_t check_from_ms;          /* end of the last check, or the start; by the loop's clock */
    bool checked;                    /* at least once */
    uint64_t old_from_ms;            /* end of the last look for old sweeps */
    struct wall_clock clock;         /* by which they become old */
    bool told_of_clock;
    int64_t now_us;    /* by it, for the job */
    int64_t old_days;  /* keep_days then; 0: there was none yet */
    int64_t old_after; /* key of the sweep behind which the next look begins */
    struct upkeep_old {
        int64_t key;
        char id[64];
    } old[UPKEEP_OLD_AT_ONCE]; /* found by the job */
    int old_count;
    uint64_t logs_from_ms; /* end of the last pass over the logs */
    bool logs_more;        /* the next one need not wait */
    struct old_logs logs;
    struct store_note_logs note; /* of what the pass has come to */
    struct api_check found;      /* by the job */
    struct hd_error error;
    bool busy, closing;
    void (*closed)(void *data);
    void *closed_data;
};

void upkeep_open(struct upkeep *upkeep, uv_loop_t *loop, struct api *api, const struct settings *settings);
/* Calls `closed` when no job is under way and the loop has let go; the store must be open until then. */
void upkeep_close(struct upkeep *upkeep, void (*closed)(void *data), void *data);

#endif
