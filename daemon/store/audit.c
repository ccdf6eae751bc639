/* The record of who asked for which change. */
#include <string.h>

#include "reader.h"
#include "room.h"

/* The row that was written at the request's begin may have been lost with its group, as on a full disk. */
static const char KEEP[] = "INSERT INTO audit (audit, at_us, who, address, request, target, status) "
                           "VALUES (?1, ?2, ?3, ?4, ?5, ?6, nullif(?7, 0)) "
                           "ON CONFLICT (audit) DO UPDATE SET target = excluded.target, status = excluded.status";
static const char FORGET[] = "DELETE FROM audit WHERE audit = ?1";
/* A few with each new row: more go than come, and none takes long. */
static const char PRUNE[] = "DELETE FROM audit WHERE audit IN (SELECT audit FROM audit ORDER BY audit LIMIT 8) AND at_us < ?1";

static int keep(struct database *database, struct store_write *write)
{
    struct store_audit *request = (struct store_audit *)write;
    int result = 0;

    if (request->forget)
        return database_run(database, &write->error, FORGET, "i", request->key);
    if (request->status == 0)
        result = database_run(database, &write->error, PRUNE, "i", request->oldest_us);
    if (result == 0)
        result = database_run(database, &write->error, KEEP, "iitttti", request->key, request->at_us, request->who, request->address,
                              request->request, request->target, (int64_t)request->status);
    return result;
}

int store_keep_audit(struct store *store, struct store_audit *request, struct hd_error *error)
{
    return store_submit(store, &request->write, keep, (int64_t)sizeof *request, error);
}

static const char NEWEST[] = "SELECT coalesce(max(audit), 0) FROM audit";

int store_read_newest_audit(struct store_reader *reader, int64_t *ret_key, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(&reader->database, error, NEWEST, "");
    int result = statement != NULL ? database_step(&reader->database, statement, error) : -(int)error->code;

    if (result < 0)
        return result;
    *ret_key = sqlite3_column_int64(statement, 0);
    database_reset(statement);
    return 0;
}

static const char LIST[] = "SELECT audit, at_us, who, address, request, target, status FROM audit WHERE audit < ?1 "
                           "ORDER BY audit DESC LIMIT ?2";

int store_read_audit(struct store_reader *reader, int64_t before, int64_t limit, store_audit_row *row, void *context,
                     struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(&reader->database, error, LIST, "ii", before > 0 ? before : INT64_MAX, limit);
    int result;

    if (statement == NULL)
        return -(int)error->code;
    while ((result = database_step(&reader->database, statement, error)) == 1) {
        const struct store_audit_entry entry = {
            .key = sqlite3_column_int64(statement, 0),
            .at_us = sqlite3_column_int64(statement, 1),
            .who = database_text(statement, 2),
            .address = database_text(statement, 3),
            .request = database_text(statement, 4),
            .target = database_text_or_null(statement, 5),
            .status = sqlite3_column_int(statement, 6),
        };

        result = row(context, &entry);
        if (result != 0) {
            database_reset(statement);
            break;
        }
    }
    return result;
}
