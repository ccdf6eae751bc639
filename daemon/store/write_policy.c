/* What a policy decided, or could not decide. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "room.h"

static const char RUN_ID[] = "SELECT id FROM run WHERE run = ?1";

/* Appends the id of a run; nothing when there is none any more. */
static int add_run_id(struct database *database, int64_t run, struct hd_text *out, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, RUN_ID, "i", run);
    int result;

    if (statement == NULL || (result = database_step(database, statement, error)) < 0)
        return -(int)error->code;
    hd_text_add_string(out, result == 1 ? database_text(statement, 0) : "");
    database_reset(statement);
    return 0;
}

/* The stop reason, written with the time of this transaction; owned by the caller, NULL on failure. */
static char *reason_of(struct database *database, const struct store_stop *request, struct hd_error *error)
{
    struct hd_text reason = {0}, best = {0};
    char *text = NULL;

    if (add_run_id(database, request->decision.best_run, &best, error) == 0) {
        hd_decision_reason(&reason, &request->decision, request->metric, best.data != NULL ? best.data : "", database->now_us);
        reason.failed |= best.failed;
        text = hd_text_take(&reason);
        if (text == NULL)
            hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    }
    hd_text_clear(&best);
    return text;
}

static const char SET_STOP_REASON[] = "UPDATE run SET stop_reason = ?2 WHERE run = ?1";

static int stop_run(struct database *database, struct run_row *row, struct store_stop *request)
{
    struct hd_error *error = &request->write.error;
    int result;

    if (row->status != HD_RUNNING || row->stop_reason != NULL)
        return 0;
    row->stop_reason = reason_of(database, request, error);
    if (row->stop_reason == NULL)
        return -(int)error->code;
    result = database_run(database, error, SET_STOP_REASON, "it", row->key, row->stop_reason);
    if (result == 0)
        result = run_move(database, row, HD_CANCEL_REQUESTED, row->stop_reason, error);
    request->ret_stopped = result == 0;
    return result;
}

static int stop(struct database *database, struct store_write *write)
{
    struct store_stop *request = (struct store_stop *)write;
    struct run_row row;
    int result;

    free(request->ret_stop_reason); /* of an execution that was rolled back */
    request->ret_stop_reason = NULL;
    request->ret_stopped = false;
    result = run_load(database, request->decision.run, &row, &write->error);
    if (result != 0)
        return result;
    result = stop_run(database, &row, request);
    request->ret_status = row.status;
    if (result == 0) {
        request->ret_stop_reason = row.stop_reason;
        row.stop_reason = NULL;
    }
    run_clear(&row);
    return result;
}

int store_stop(struct store *store, struct store_stop *request, struct hd_error *error)
{
    return store_submit(store, &request->write, stop, 4096, error);
}

/* --- Events --- */

static int add_event(struct database *database, int64_t sweep, int64_t run, enum store_event_kind kind, const char *code,
                     const char *message, struct hd_error *error)
{
    struct hd_text detail = {0};
    char *text;
    int result;

    hd_text_format(&detail, "{\"code\":\"%s\",\"message\":", code);
    hd_json_print_string(&detail, message);
    hd_text_add_char(&detail, '}');
    text = hd_text_take(&detail);
    if (text == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    result = store_add_event(database, sweep, run, kind, HD_STATUS_NONE, text, error);
    free(text);
    return result;
}

static const char LOGGED_NAMES[] = "SELECT name.text FROM series JOIN name USING (name) WHERE series.run = ?1 ORDER BY position LIMIT 20";

static int add_names(struct database *database, int64_t run, struct hd_text *out, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, LOGGED_NAMES, "i", run);
    const char *before = "";
    int result;

    if (statement == NULL)
        return -(int)error->code;
    while ((result = database_step(database, statement, error)) == 1) {
        hd_text_format(out, "%s'%s'", before, database_text(statement, 0));
        before = ", ";
    }
    return result;
}

static int unjudged(struct database *database, struct store_write *write)
{
    struct store_unjudged *request = (struct store_unjudged *)write;
    struct hd_error *error = &write->error;
    struct hd_text message = {0};
    struct run_row row;
    int result = run_load(database, request->decision.run, &row, error);

    if (result != 0)
        return result;
    hd_text_format(&message, "%s is not applied to ", hd_policy_name(request->decision.type));
    result = add_run_id(database, row.key, &message, error);
    hd_text_format(&message, " at report %" PRId64 ": it has no metric yet, its reports of '%s' are all NaN; it has logged ",
                   request->decision.interval, request->metric);
    if (result == 0)
        result = add_names(database, row.key, &message, error);
    if (result == 0 && message.failed)
        result = hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    if (result == 0)
        result = add_event(database, row.sweep, row.key, STORE_EVENT_POLICY, "NoMetric", message.data, error);
    hd_text_clear(&message);
    run_clear(&row);
    return result;
}

int store_unjudged(struct store *store, struct store_unjudged *request, struct hd_error *error)
{
    return store_submit(store, &request->write, unjudged, 0, error);
}

static int note(struct database *database, struct store_write *write)
{
    struct store_note *request = (struct store_note *)write;

    return add_event(database, request->sweep, 0, request->warning ? STORE_EVENT_WARNING : STORE_EVENT_POLICY, request->code,
                     request->message, &write->error);
}

int store_note(struct store *store, struct store_note *request, struct hd_error *error)
{
    return store_submit(store, &request->write, note, (int64_t)strlen(request->message), error);
}
