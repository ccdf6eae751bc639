/* Writes about a whole sweep: creation, cancel, failure at start. */
#include <stdio.h>
#include <string.h>

#include "core/number.h"
#include "room.h"

static const char INSERT[] = "INSERT INTO sweep (id, experiment, config, warnings, metric, goal, seed, max_total, max_concurrent, "
                             "failure_limit, status, created_us, launcher, submission, submission_digest) "
                             "VALUES (?1, ?2, ?3, ?4, nullif(?5, 0), ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";

static int insert(struct database *database, const struct store_create_sweep *request, int64_t metric, struct hd_error *error)
{
    const struct hd_specification *specification = request->specification;
    const struct store_submission *submission = request->submission;

    return database_run(database, error, INSERT, "ttttiiiiiiiiitb", request->id, specification->experiment, request->config,
                        request->warnings, metric, (int64_t)specification->goal, specification->sampling.seed,
                        specification->max_total_runs, specification->max_concurrent_runs, specification->initial_failure_limit,
                        (int64_t)HD_STARTING, database->now_us, (int64_t)specification->run.launcher,
                        submission != NULL ? submission->key : NULL, submission != NULL ? submission->digest : NULL,
                        submission != NULL ? (int)sizeof submission->digest : 0);
}

static int create(struct database *database, struct store_write *write)
{
    struct store_create_sweep *request = (struct store_create_sweep *)write;
    const struct hd_specification *specification = request->specification;
    int64_t metric = 0;
    int result;

    if (request->submission != NULL) {
        result = submission_find(database, request->submission, &request->ret_key, &write->error);
        request->ret_repeated = result == 0 && request->ret_key != 0;
        if (result != 0 || request->ret_repeated)
            return result;
    }
    if (specification->metric != NULL) {
        metric = store_name_key(database, specification->metric, &write->error);
        if (metric < 0)
            return (int)metric;
    }
    result = insert(database, request, metric, &write->error);
    if (result != 0)
        return result;
    request->ret_key = sqlite3_last_insert_rowid(database->handle);
    request->ret_created_us = database->now_us;
    result = earlier_add(database, request->ret_key, EARLIER_INHERITED, request->inherited, &write->error);
    if (result == 0)
        result = earlier_add(database, request->ret_key, EARLIER_RESUMED, request->resumed, &write->error);
    if (result != 0)
        return result;
    return store_add_event(database, request->ret_key, 0, STORE_EVENT_CREATED, HD_STARTING, request->warnings, &write->error);
}

int store_create_sweep(struct store *store, struct store_create_sweep *request, struct hd_error *error)
{
    return store_submit(store, &request->write, create, (int64_t)strlen(request->config), error);
}

static int cancel(struct database *database, struct store_write *write)
{
    struct store_cancel_sweep *request = (struct store_cancel_sweep *)write;
    bool by_user = strcmp(request->code, "user") == 0;
    char number[HD_NUMBER_TEXT_SIZE], message[HD_NUMBER_TEXT_SIZE + 64] = "cancelled by a user";
    struct sweep_row row;
    int result = sweep_load(database, request->sweep, &row, &write->error);

    if (result != 0)
        return result;
    if (!by_user) {
        hd_number_command_line(request->limit, number);
        snprintf(message, sizeof message, "the sweep reached its max_duration of %s s", number);
    }
    request->ret_canceled = row.status != HD_COMPLETED && row.status != HD_FAILED;
    if (row.status == HD_STARTING || row.status == HD_RUNNING) {
        result = sweep_move(database, &row, HD_CANCEL_REQUESTED, request->code, message, &write->error);
        if (result == 0)
            result = sweep_stop_generation(database, &row, HD_GENERATED_CANCEL, &write->error);
        if (result == 0)
            result = sweep_cancel_runs(database, row.key, by_user ? "sweep_canceled" : request->code, request->limit, &write->error);
        if (result == 0)
            result = sweep_load(database, row.key, &row, &write->error);
        if (result == 0)
            result = sweep_settle(database, &row, &write->error);
    }
    if (result == 0)
        sweep_state(&row, &request->ret_sweep);
    return result;
}

int store_cancel_sweep(struct store *store, struct store_cancel_sweep *request, struct hd_error *error)
{
    return store_submit(store, &request->write, cancel, 0, error);
}

static int fail(struct database *database, struct store_write *write)
{
    struct store_fail_sweep *request = (struct store_fail_sweep *)write;
    struct sweep_row row;
    int result = sweep_load(database, request->sweep, &row, &write->error);

    if (result == 0)
        result = sweep_stop_generation(database, &row, HD_GENERATED_FAILURES, &write->error);
    if (result == 0)
        result = sweep_move(database, &row, HD_FAILED, "start_failed", request->message, &write->error);
    if (result == 0)
        sweep_state(&row, &request->ret_sweep);
    return result;
}

int store_fail_sweep(struct store *store, struct store_fail_sweep *request, struct hd_error *error)
{
    return store_submit(store, &request->write, fail, 0, error);
}
