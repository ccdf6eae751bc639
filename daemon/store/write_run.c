/* Writes about one run: its intent, its start, its end, its cancel. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "room.h"

static const char SET_ATTEMPT[] = "UPDATE run SET attempt = ?2, devices = ?3 WHERE run = ?1";

static int intend(struct database *database, struct store_write *write)
{
    struct store_intend *request = (struct store_intend *)write;
    struct run_row row;
    int result = run_load(database, request->run, &row, &write->error);

    if (result != 0)
        return result;
    if (hd_status_ended(row.status) || row.attempt != 0)
        result = hd_error_set(&write->error, HD_CONFLICT, "the run is %s, attempt %d", hd_status_name(row.status), row.attempt);
    else
        result = database_run(database, &write->error, SET_ATTEMPT, "iit", row.key, (int64_t)row.attempt + 1, request->devices);
    request->ret_attempt = row.attempt + 1;
    run_clear(&row);
    return result;
}

int store_intend(struct store *store, struct store_intend *request, struct hd_error *error)
{
    return store_submit(store, &request->write, intend, 0, error);
}

static const char SET_RUNNING[] = "UPDATE run SET started_us = ?2, monitor_pid = ?3, monitor_ticks = ?4, boot_id = ?5 WHERE run = ?1";

static bool before_running(enum hd_status status)
{
    return status == HD_STARTING || status == HD_PREPARING || status == HD_QUEUED;
}

static int start(struct database *database, struct store_write *write)
{
    struct store_running *request = (struct store_running *)write;
    struct run_row row;
    int result = run_load(database, request->run, &row, &write->error);

    if (result != 0)
        return result;
    result = database_run(database, &write->error, SET_RUNNING, "iiiit", row.key, request->started_us, request->monitor_pid,
                          request->monitor_ticks, request->boot_id);
    /* A report may have overtaken this row and made the run Running already. */
    if (result == 0 && before_running(row.status))
        result = run_move(database, &row, HD_RUNNING, NULL, &write->error);
    if (result == 0 && row.status == HD_RUNNING && row.stop_reason != NULL)
        result = run_move(database, &row, HD_CANCEL_REQUESTED, row.stop_reason, &write->error);
    request->ret_status = row.status;
    run_clear(&row);
    return result;
}

int store_running(struct store *store, struct store_running *request, struct hd_error *error)
{
    return store_submit(store, &request->write, start, 0, error);
}

/* Where a shell stands between, its exit code tells what has become of the program that it ran. */
static void explain_exit_code(struct hd_text *message, int code)
{
    enum { NOT_EXECUTED = 126, NOT_FOUND = 127, SIGNAL_BASE = 128 };
    const char *name = code > SIGNAL_BASE ? sigabbrev_np(code - SIGNAL_BASE) : NULL;

    hd_text_format(message, "the program ended with exit code %d", code);
    if (code == NOT_FOUND)
        hd_text_add_string(message, " (a shell says this of a program that it does not find)");
    else if (code == NOT_EXECUTED)
        hd_text_add_string(message, " (a shell says this of a program that it cannot execute)");
    else if (name != NULL)
        hd_text_format(message, " (a shell says this of a program that was killed by signal %d, SIG%s)", code - SIGNAL_BASE, name);
}

/* {"code","message",...,"output"} of a failed run; NULL when memory is short. */
static char *error_json(const struct store_end *end)
{
    struct hd_text text = {0}, message = {0};
    const char *code = end->kind == STORE_EXITED     ? "NonZeroExit"
                       : end->kind == STORE_SIGNALED ? "Signal"
                       : end->kind == STORE_LOST     ? "Lost"
                                                     : "StartFailed";

    if (end->kind == STORE_EXITED)
        explain_exit_code(&message, end->exit_code);
    else if (end->kind == STORE_SIGNALED)
        hd_text_format(&message, "the program was killed by signal %d (%s)", end->signal, strsignal(end->signal));
    else if (end->kind == STORE_LOST)
        hd_text_add_string(&message, "contact with the program was lost: its monitor is gone and left no exit record");
    else
        hd_text_add_string(&message, end->message != NULL ? end->message : "the program was stopped before it started");
    if (end->memory != NULL)
        hd_text_format(&message, ": %s", end->memory);
    hd_text_format(&text, "{\"code\":\"%s\",\"message\":", code);
    hd_json_print_string(&text, message.data != NULL ? message.data : "");
    if (end->memory != NULL)
        hd_text_add_string(&text, ",\"cause\":\"OutOfMemory\"");
    if (end->kind == STORE_EXITED)
        hd_text_format(&text, ",\"exit_code\":%d", end->exit_code);
    if (end->kind == STORE_SIGNALED)
        hd_text_format(&text, ",\"signal\":%d", end->signal);
    if (end->kind != STORE_NOT_STARTED && end->kind != STORE_STOPPED_EARLY) {
        hd_text_add_string(&text, ",\"output\":");
        hd_json_print_string(&text, end->last_output);
    }
    hd_text_add_char(&text, '}');
    if (message.failed)
        text.failed = true;
    hd_text_clear(&message);
    return hd_text_take(&text);
}

static const char SET_RECORD[] = "UPDATE run SET started_us = coalesce(started_us, nullif(?2, 0)), exit_code = ?3, peak_memory = ?4, "
                                 "cpu_us = ?5 WHERE run = ?1";
static const char SET_SIGNAL_RECORD[] = "UPDATE run SET started_us = coalesce(started_us, nullif(?2, 0)), signal = ?3, peak_memory = ?4, "
                                        "cpu_us = ?5 WHERE run = ?1";
static const char SET_ERROR[] = "UPDATE run SET error = ?2 WHERE run = ?1";
static const char SET_ENDED[] = "UPDATE run SET ended_us = ?2 WHERE run = ?1";
static const char FORGET_REASON[] = "UPDATE run SET stop_reason = NULL WHERE run = ?1";

static int write_record(struct database *database, const struct run_row *row, const struct store_end *end, struct hd_error *error)
{
    if (end->kind == STORE_EXITED)
        return database_run(database, error, SET_RECORD, "iiiii", row->key, end->started_us, (int64_t)end->exit_code, end->peak_memory,
                            end->cpu_us);
    if (end->kind == STORE_SIGNALED)
        return database_run(database, error, SET_SIGNAL_RECORD, "iiiii", row->key, end->started_us, (int64_t)end->signal, end->peak_memory,
                            end->cpu_us);
    return 0;
}

static int move_failed(struct database *database, struct run_row *row, const struct store_end *end, bool retry, struct hd_error *error)
{
    char *json = error_json(end);
    int result;

    if (json == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    if (retry) {
        result = run_retry(database, row, json, end->devices, error);
    } else {
        result = database_run(database, error, SET_ERROR, "it", row->key, json);
        if (result == 0)
            result = run_move(database, row, HD_FAILED, json, error);
    }
    free(json);
    return result;
}

/* The moves from where the run stands to its end, or to its next attempt (reference 3.1), each a legal one. */
static int move_to_end(struct database *database, struct run_row *row, const struct store_end *end, bool retry, struct hd_error *error)
{
    bool never_ran = end->kind == STORE_NOT_STARTED || end->kind == STORE_STOPPED_EARLY;
    int result = 0;

    if (before_running(row->status) && never_ran) {
        if (row->stop_reason != NULL)
            return run_move(database, row, HD_CANCELED, row->stop_reason, error);
        return move_failed(database, row, end, false, error);
    }
    if (before_running(row->status)) /* it started and ended unseen */
        result = run_move(database, row, HD_RUNNING, NULL, error);
    if (result == 0 && row->status == HD_RUNNING && row->stop_reason != NULL)
        result = run_move(database, row, HD_CANCEL_REQUESTED, row->stop_reason, error);
    if (result == 0 && (end->kind == STORE_LOST || never_ran) && row->status != HD_NOT_RESPONDING)
        result = run_move(database, row, HD_NOT_RESPONDING, NULL, error);
    if (result != 0)
        return result;
    if (row->status == HD_CANCEL_REQUESTED || (row->status == HD_NOT_RESPONDING && row->stop_reason != NULL))
        return run_move(database, row, HD_CANCELED, row->stop_reason, error);
    if (row->status == HD_RUNNING)
        result = run_move(database, row, HD_FINALIZING, NULL, error);
    if (result == 0 && end->kind == STORE_EXITED && end->exit_code == 0)
        return run_move(database, row, HD_COMPLETED, NULL, error);
    return result == 0 ? move_failed(database, row, end, retry && row->stop_reason == NULL, error) : result;
}

static int store_the_end(struct database *database, struct run_row *row, struct store_end *request, struct sweep_row *sweep)
{
    struct hd_error *error = &request->write.error;
    int result = write_record(database, row, request, error);

    if (result == 0)
        result = move_to_end(database, row, request, request->retry && sweep->status == HD_RUNNING, error);
    if (result != 0 || row->status == HD_QUEUED)
        return result;
    result = database_run(database, error, SET_ENDED, "ii", row->key, request->ended_us);
    if (result == 0 && row->status != HD_CANCELED && row->stop_reason != NULL)
        result = database_run(database, error, FORGET_REASON, "i", row->key);
    return result == 0 ? sweep_run_ended(database, row, request->kind == STORE_LOST, &request->ret_sweep, error) : result;
}

static int end_run(struct database *database, struct store_write *write)
{
    struct store_end *request = (struct store_end *)write;
    struct sweep_row sweep;
    struct run_row row;
    int result = run_load(database, request->run, &row, &write->error);

    if (result != 0)
        return result;
    result = sweep_load(database, row.sweep, &sweep, &write->error);
    if (result == 0)
        sweep_state(&sweep, &request->ret_sweep);
    /* What is told twice, because the answer to the first was lost in a crash, changes nothing. */
    if (result == 0 && !hd_status_ended(row.status) && (request->attempt == 0 || row.attempt == request->attempt))
        result = store_the_end(database, &row, request, &sweep);
    request->ret_status = row.status;
    request->ret_attempt = row.attempt;
    run_clear(&row);
    return result;
}

int store_end(struct store *store, struct store_end *request, struct hd_error *error)
{
    return store_submit(store, &request->write, end_run, 4096, error);
}

static int cancel(struct database *database, struct store_write *write)
{
    struct store_cancel_run *request = (struct store_cancel_run *)write;
    struct run_row row;
    int result = run_load(database, request->run, &row, &write->error);
    bool was_ended;

    if (result != 0)
        return result;
    was_ended = hd_status_ended(row.status);
    result = run_cancel(database, &row, request->kind, request->limit, &write->error);
    request->ret_canceled = row.status != HD_FINALIZING && row.status != HD_COMPLETED && row.status != HD_FAILED;
    request->ret_status = row.status;
    if (result == 0 && !was_ended && hd_status_ended(row.status)) {
        result = sweep_run_ended(database, &row, false, &request->ret_sweep, &write->error);
    } else if (result == 0) {
        struct sweep_row sweep;

        result = sweep_load(database, row.sweep, &sweep, &write->error);
        if (result == 0)
            sweep_state(&sweep, &request->ret_sweep);
    }
    run_clear(&row);
    return result;
}

int store_cancel_run(struct store *store, struct store_cancel_run *request, struct hd_error *error)
{
    return store_submit(store, &request->write, cancel, 0, error);
}
