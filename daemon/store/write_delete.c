/* Deletion of a sweep: one transaction hides it, then its rows go in many small ones. */
#include <string.h>

#include "core/json.h"
#include "room.h"

/* Rows per transaction: what a report may have to wait for. */
enum { ROWS_AT_ONCE = 5000 };
/* Pages per transaction, as GIVE_BACK says. */
enum { PAGES_AT_ONCE = 500 };

static const char HIDE[] = "UPDATE sweep SET deleting = 1, submission = NULL WHERE sweep = ?1 AND deleting = 0";

/* Of no sweep, so that it stays when the rows of this one go. */
static int add_event(struct database *database, const char *id, struct hd_error *error)
{
    struct hd_text detail = {0};
    int result;

    hd_text_add_string(&detail, "{\"id\":");
    hd_json_print_string(&detail, id);
    hd_text_add_string(&detail, ",\"state\":\"deleted\"}");
    result = detail.failed ? hd_error_set(error, HD_UNAVAILABLE, "out of memory")
                           : store_add_event(database, 0, 0, STORE_EVENT_DELETED, HD_STATUS_NONE, detail.data, error);
    hd_text_clear(&detail);
    return result;
}

static int hide(struct database *database, struct store_write *write)
{
    struct store_delete_sweep *request = (struct store_delete_sweep *)write;
    struct sweep_row row;
    int result = sweep_load(database, request->sweep, &row, &write->error);

    if (result != 0)
        return result;
    if (!hd_status_ended(row.status))
        return hd_error_set(&write->error, HD_CONFLICT, "the sweep is %s: cancel it, and delete it when it has ended",
                            hd_status_name(row.status));
    result = earlier_check_unneeded(database, request->sweep, &write->error);
    if (result == 0)
        result = database_run(database, &write->error, HIDE, "i", request->sweep);
    if (result != 0)
        return result;
    if (sqlite3_changes(database->handle) == 0)
        return hd_error_set(&write->error, HD_NOT_FOUND, "no sweep with id '%s'", request->id);
    return add_event(database, request->id, &write->error);
}

int store_delete_sweep(struct store *store, struct store_delete_sweep *request, struct hd_error *error)
{
    return store_submit(store, &request->write, hide, (int64_t)strlen(request->id), error);
}

static const char NEXT_RUN[] = "SELECT run FROM run WHERE sweep = ?1 ORDER BY number LIMIT 1";
static const char DELETE_POINTS[] = "DELETE FROM point WHERE (run, name, sequence) IN "
                                    "(SELECT run, name, sequence FROM point WHERE run = ?1 LIMIT ?2)";
static const char DELETE_SERIES[] = "DELETE FROM series WHERE run = ?1";
static const char DELETE_REPORTERS[] = "DELETE FROM reporter WHERE run = ?1";
static const char DELETE_RETRIES[] = "DELETE FROM retry WHERE run = ?1";
static const char DELETE_RUN[] = "DELETE FROM run WHERE run = ?1";
static const char DELETE_EVENTS[] = "DELETE FROM event WHERE ordinal IN (SELECT ordinal FROM event WHERE sweep = ?1 LIMIT ?2)";
static const char DELETE_ASKERS[] = "DELETE FROM asker WHERE (sweep, asker) IN (SELECT sweep, asker FROM asker WHERE sweep = ?1 LIMIT ?2)";
static const char DELETE_SWEEP[] = "DELETE FROM sweep WHERE sweep = ?1 AND deleting = 1";

/* Deletes rows of one run, counting *left down; the run itself goes when nothing of it is left. */
static int purge_run(struct database *database, int64_t run, int64_t *left, struct hd_error *error)
{
    int result = database_run(database, error, DELETE_POINTS, "ii", run, *left);

    *left -= sqlite3_changes(database->handle) + 1;
    if (result != 0 || *left <= 0)
        return result;
    result = database_run(database, error, DELETE_SERIES, "i", run);
    if (result == 0)
        result = database_run(database, error, DELETE_REPORTERS, "i", run);
    if (result == 0)
        result = database_run(database, error, DELETE_RETRIES, "i", run);
    return result == 0 ? database_run(database, error, DELETE_RUN, "i", run) : result;
}

/* The first run that is left; 0 when there is none, negative when it cannot be told. */
static int64_t next_run(struct database *database, int64_t sweep, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, NEXT_RUN, "i", sweep);
    int64_t run = 0;
    int result;

    if (statement == NULL || (result = database_step(database, statement, error)) < 0)
        return -(int64_t)error->code;
    if (result == 1) {
        run = sqlite3_column_int64(statement, 0);
        database_reset(statement);
    }
    return run;
}

static int purge(struct database *database, struct store_write *write)
{
    struct store_purge *request = (struct store_purge *)write;
    int64_t left = ROWS_AT_ONCE, run;
    int result = 0;

    request->ret_done = false;
    while ((run = next_run(database, request->sweep, &write->error)) > 0 && left > 0 && result == 0)
        result = purge_run(database, run, &left, &write->error);
    if (run < 0)
        return (int)run;
    if (result != 0 || left <= 0)
        return result;
    result = database_run(database, &write->error, DELETE_EVENTS, "ii", request->sweep, left);
    if (result != 0 || sqlite3_changes(database->handle) >= left)
        return result;
    result = database_run(database, &write->error, DELETE_ASKERS, "ii", request->sweep, left);
    if (result != 0 || sqlite3_changes(database->handle) >= left)
        return result;
    result = earlier_forget(database, request->sweep, &write->error);
    if (result != 0)
        return result;
    request->ret_done = true;
    return database_run(database, &write->error, DELETE_SWEEP, "i", request->sweep);
}

int store_purge(struct store *store, struct store_purge *request, struct hd_error *error)
{
    return store_submit(store, &request->write, purge, 0, error);
}

static const char GIVE_BACK[] = "PRAGMA incremental_vacuum(500)";
static const char COUNT_FREE[] = "PRAGMA freelist_count";

static int count_free(struct database *database, int64_t *ret_pages, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, COUNT_FREE, "");

    if (statement == NULL || database_step(database, statement, error) != 1)
        return -(int)error->code;
    *ret_pages = sqlite3_column_int64(statement, 0);
    database_reset(statement);
    return 0;
}

static int give_back(struct database *database, struct store_write *write)
{
    struct store_give_back *request = (struct store_give_back *)write;
    int64_t before = 0, after = 0;
    int result = count_free(database, &before, &write->error);

    if (result == 0)
        result = database_run(database, &write->error, GIVE_BACK, "");
    if (result == 0)
        result = count_free(database, &after, &write->error);
    request->ret_done = before - after < PAGES_AT_ONCE;
    return result;
}

int store_give_back(struct store *store, struct store_give_back *request, struct hd_error *error)
{
    return store_submit(store, &request->write, give_back, 0, error);
}
