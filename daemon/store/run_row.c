/* A run's row in a transaction: loading, moving along the statuses, cancelling. */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "core/instant.h"
#include "core/json.h"
#include "core/number.h"
#include "room.h"

int run_read(sqlite3_stmt *statement, struct run_row *ret_row, struct hd_error *error)
{
    const char *stop_reason = database_text_or_null(statement, 7);
    struct run_row row = {
        .key = sqlite3_column_int64(statement, 0),
        .sweep = sqlite3_column_int64(statement, 1),
        .number = sqlite3_column_int64(statement, 2),
        .status = (enum hd_status)sqlite3_column_int(statement, 3),
        .attempt = sqlite3_column_int(statement, 4),
        .reports = sqlite3_column_int64(statement, 5),
        .started_us = sqlite3_column_int64(statement, 6),
    };

    if (stop_reason != NULL && (row.stop_reason = strdup(stop_reason)) == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    *ret_row = row;
    return 0;
}

static const char LOAD[] = "SELECT " RUN_COLUMNS " FROM run WHERE run = ?1";

int run_load(struct database *database, int64_t key, struct run_row *ret_row, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, LOAD, "i", key);
    int result;

    if (statement == NULL)
        return -(int)error->code;
    result = database_step(database, statement, error);
    if (result <= 0)
        return result < 0 ? result : hd_error_set(error, HD_NOT_FOUND, "no such run");
    result = run_read(statement, ret_row, error);
    database_reset(statement);
    return result;
}

void run_clear(struct run_row *row)
{
    free(row->stop_reason);
    row->stop_reason = NULL;
}

/* One statement per status: the column of the sweep's count. */
static const char *const COUNT_UP[HD_STATUS_COUNT] = {
    [HD_STARTING] = "UPDATE sweep SET starting = starting + ?2 WHERE sweep = ?1",
    [HD_PREPARING] = "UPDATE sweep SET preparing = preparing + ?2 WHERE sweep = ?1",
    [HD_QUEUED] = "UPDATE sweep SET queued = queued + ?2 WHERE sweep = ?1",
    [HD_RUNNING] = "UPDATE sweep SET running = running + ?2 WHERE sweep = ?1",
    [HD_FINALIZING] = "UPDATE sweep SET finalizing = finalizing + ?2 WHERE sweep = ?1",
    [HD_CANCEL_REQUESTED] = "UPDATE sweep SET cancel_requested = cancel_requested + ?2 WHERE sweep = ?1",
    [HD_COMPLETED] = "UPDATE sweep SET completed = completed + ?2 WHERE sweep = ?1",
    [HD_FAILED] = "UPDATE sweep SET failed = failed + ?2 WHERE sweep = ?1",
    [HD_CANCELED] = "UPDATE sweep SET canceled = canceled + ?2 WHERE sweep = ?1",
    [HD_NOT_RESPONDING] = "UPDATE sweep SET not_responding = not_responding + ?2 WHERE sweep = ?1",
};
static const char SET_STATUS[] = "UPDATE run SET status = ?2 WHERE run = ?1";
static const char SET_ENDED[] = "UPDATE run SET status = ?2, class = ?3, ended_us = ?4 WHERE run = ?1";

int run_move(struct database *database, struct run_row *row, enum hd_status to, const char *detail, struct hd_error *error)
{
    int result;

    if (!hd_run_may_move(row->status, to))
        return hd_error_set(error, HD_CONFLICT, "a run that is %s cannot become %s", hd_status_name(row->status), hd_status_name(to));
    if (hd_status_ended(to))
        result = database_run(database, error, SET_ENDED, "iiii", row->key, (int64_t)to,
                              (int64_t)(to == HD_FAILED     ? 1
                                        : to == HD_CANCELED ? 2
                                                            : 0),
                              database->now_us);
    else
        result = database_run(database, error, SET_STATUS, "ii", row->key, (int64_t)to);
    if (result == 0 && row->status != HD_STATUS_NONE)
        result = database_run(database, error, COUNT_UP[row->status], "ii", row->sweep, INT64_C(-1));
    if (result == 0)
        result = database_run(database, error, COUNT_UP[to], "ii", row->sweep, INT64_C(1));
    if (result == 0)
        result = store_add_event(database, row->sweep, row->key, STORE_EVENT_RUN, to, detail, error);
    if (result == 0)
        row->status = to;
    return result;
}

/* The sentence of a stop reason, by its kind. */
/* Of each kind its member with the limit, and the sentence, which goes on behind the limit. */
static const struct {
    const char *kind, *member, *sentence, *rest;
} STOP_KINDS[] = {
    {"user", NULL, "cancelled by a user", ""},
    {"sweep_canceled", NULL, "the sweep was cancelled", ""},
    {"max_duration", "limit_seconds", "the sweep reached its max_duration of ", " s"},
    {"trial_timeout", "limit_seconds", "the run reached its trial_timeout of ", " s"},
    {"initial_failures", "limit", "all of the first children to end failed, and the limit is ", ""},
};

static char *stop_reason_json(const char *kind, double limit, int64_t now_us)
{
    struct hd_text text = {0};
    char at[HD_INSTANT_SIZE], number[HD_NUMBER_TEXT_SIZE] = "";
    const char *sentence = kind, *rest = "";

    hd_text_format(&text, "{\"kind\":\"%s\"", kind);
    for (size_t i = 0; i < sizeof STOP_KINDS / sizeof STOP_KINDS[0]; i++) {
        if (strcmp(STOP_KINDS[i].kind, kind) != 0)
            continue;
        sentence = STOP_KINDS[i].sentence;
        rest = STOP_KINDS[i].rest;
        if (STOP_KINDS[i].member != NULL) {
            hd_number_command_line(limit, number);
            hd_text_format(&text, ",\"%s\":%s", STOP_KINDS[i].member, number);
        }
    }
    hd_instant_text(now_us, at);
    hd_text_format(&text, ",\"message\":\"%s%s%s\",\"at_utc\":\"%s\"}", sentence, number, rest, at);
    return hd_text_take(&text);
}

static const char SET_STOP_REASON[] = "UPDATE run SET stop_reason = ?2 WHERE run = ?1";

int run_set_stop_reason(struct database *database, struct run_row *row, const char *kind, double limit, struct hd_error *error)
{
    if (row->stop_reason != NULL)
        return 0;
    row->stop_reason = stop_reason_json(kind, limit, database->now_us);
    if (row->stop_reason == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    return database_run(database, error, SET_STOP_REASON, "it", row->key, row->stop_reason);
}

int run_cancel(struct database *database, struct run_row *row, const char *kind, double limit, struct hd_error *error)
{
    int result;

    if (row->status == HD_FINALIZING || row->status == HD_CANCEL_REQUESTED || hd_status_ended(row->status))
        return 0;
    result = run_set_stop_reason(database, row, kind, limit, error);
    if (result != 0)
        return result;
    if (row->status == HD_RUNNING)
        return run_move(database, row, HD_CANCEL_REQUESTED, row->stop_reason, error);
    if (row->attempt == 0)
        return run_move(database, row, HD_CANCELED, row->stop_reason, error);
    return 0; /* being launched, or not responding */
}
