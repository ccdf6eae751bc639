/* What the daemon does by itself from time to time: looks through the database for damage. */
#ifndef HYPERDRIVED_UPKEEP_H
#define HYPERDRIVED_UPKEEP_H

#include <stdatomic.h>
#include <uv.h>

#include "api/api.h"
#include "settings.h"

/* Part of the daemon. Loop thread only, but for its job. */
struct upkeep {
    uv_timer_t timer;
    uv_work_t work;
    struct api *api;
    const struct settings *settings; /* in force; a reload changes them */
    uint64_t check_from_ms;          /* end of the last check, or the start; by the loop's clock */
    bool checked;                    /* at least once */
    struct api_check found;          /* by the job */
    struct hd_error error;
    bool busy, closing;
    void (*closed)(void *data);
    void *closed_data;
};

void upkeep_open(struct upkeep *upkeep, uv_loop_t *loop, struct api *api, const struct settings *settings);
/* Calls `closed` when no job is under way and the loop has let go; the store must be open until then. */
void upkeep_close(struct upkeep *upkeep, void (*closed)(void *data), void *data);

#endif
