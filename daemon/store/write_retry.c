/* An attempt that did not go well and is followed by another one of the same run. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/json.h"
#include "room.h"

/* The run as it was before its first attempt, but for its number: what told of the process is that of no process now. */
static const char NEXT_ATTEMPT[] =
    "UPDATE run SET attempt = ?2, devices = ?3, started_us = NULL, exit_code = NULL, signal = NULL, peak_memory = NULL, "
    "cpu_us = NULL, monitor_pid = NULL, monitor_ticks = NULL, boot_id = NULL WHERE run = ?1";
/* The next attempt's reporters count from the beginning. */
static const char FORGET_REPORTERS[] = "DELETE FROM reporter WHERE run = ?1";
static const char ADD_RETRY[] = "INSERT INTO retry (run, attempt, ordinal) VALUES (?1, ?2, ?3)";

/* {"kind","message","error"} of the event; NULL when memory is short. */
static char *detail_json(const struct run_row *row, const char *failure_json)
{
    struct hd_text text = {0};

    hd_text_format(&text, "{\"kind\":\"retry\",\"message\":\"attempt %d failed, attempt %d follows\",\"error\":%s}", row->attempt,
                   row->attempt + 1, failure_json);
    return hd_text_take(&text);
}

int run_retry(struct database *database, struct run_row *row, const char *failure_json, const char *devices, struct hd_error *error)
{
    char *detail = detail_json(row, failure_json);
    int result;

    if (detail == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    result = run_move(database, row, HD_QUEUED, detail, error);
    free(detail);
    if (result == 0)
        result = database_run(database, error, ADD_RETRY, "iii", row->key, (int64_t)row->attempt, database->ordinal);
    if (result == 0)
        result = database_run(database, error, NEXT_ATTEMPT, "iit", row->key, (int64_t)row->attempt + 1, devices);
    if (result == 0)
        result = database_run(database, error, FORGET_REPORTERS, "i", row->key);
    if (result == 0)
        row->attempt++;
    return result;
}
