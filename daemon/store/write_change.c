/* Changes of a sweep that exists: its budget and concurrency. */
#include <inttypes.h>
#include <string.h>

#include "room.h"

static const char SET_LIMITS[] = "UPDATE sweep SET max_total = ?2, max_concurrent = ?3, config = ?4 WHERE sweep = ?1";

/* More budget lets a generation go on that had ended for want of it; less may end it. */
static int follow_budget(struct database *database, struct sweep_row *row, struct hd_error *error)
{
    if (row->generation == HD_GENERATED_BUDGET && row->generated < row->max_total)
        return sweep_resume_generation(database, row, error);
    if (row->generation == HD_GENERATING && row->generated >= row->max_total && row->generated > 0)
        return sweep_stop_generation(database, row, HD_GENERATED_BUDGET, error);
    return 0;
}

static int change(struct database *database, struct store_write *write)
{
    struct store_change_sweep *request = (struct store_change_sweep *)write;
    struct sweep_row row;
    int result = sweep_load(database, request->sweep, &row, &write->error);

    if (result != 0)
        return result;
    if (row.status != HD_STARTING && row.status != HD_RUNNING)
        return hd_error_set(&write->error, HD_CONFLICT, "the sweep is %s: its budget cannot be changed any more",
                            hd_status_name(row.status));
    if (request->max_total < row.generated)
        return hd_error_set(&write->error, HD_CONFLICT,
                            "'max_total_runs' must be at least %" PRId64
                            ", the number of children that were generated already, got %" PRId64,
                            row.generated, request->max_total);
    row.max_total = request->max_total;
    row.max_concurrent = request->max_concurrent;
    result = database_run(database, &write->error, SET_LIMITS, "iiit", row.key, row.max_total, row.max_concurrent, request->config);
    if (result == 0)
        result = follow_budget(database, &row, &write->error);
    if (result == 0)
        result = sweep_settle(database, &row, &write->error);
    if (result == 0)
        sweep_state(&row, &request->ret_sweep);
    return result;
}

int store_change_sweep(struct store *store, struct store_change_sweep *request, struct hd_error *error)
{
    return store_submit(store, &request->write, change, (int64_t)strlen(request->config), error);
}
