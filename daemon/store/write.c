/* What all writes share: queueing, names, events. */
#include <string.h>

#include "room.h"

int store_submit(struct store *store, struct store_write *write, int (*execute)(struct database *, struct store_write *), int64_t bytes,
                 struct hd_error *error)
{
    write->execute = execute;
    write->store = store;
    write->bytes = bytes;
    return writer_submit(&store->writer, write, error);
}

static const char FIND_NAME[] = "SELECT name FROM name WHERE text = ?1";
static const char ADD_NAME[] = "INSERT INTO name (text) VALUES (?1)";

int64_t store_name_key(struct database *database, const char *text, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, FIND_NAME, "t", text);
    int64_t key;
    int result;

    if (statement == NULL || (result = database_step(database, statement, error)) < 0)
        return -(int64_t)error->code;
    if (result == 1) {
        key = sqlite3_column_int64(statement, 0);
        database_reset(statement);
        return key;
    }
    result = database_run(database, error, ADD_NAME, "t", text);
    return result < 0 ? result : sqlite3_last_insert_rowid(database->handle);
}

static const char ADD_EVENT[] = "INSERT INTO event (ordinal, at_us, sweep, run, kind, status, detail) "
                                "VALUES (?1, ?2, ?3, nullif(?4, 0), ?5, nullif(?6, 0), ?7)";

int store_add_event_at(struct database *database, int64_t ordinal, int64_t sweep, int64_t run, enum store_event_kind kind,
                       enum hd_status status, const char *detail, struct hd_error *error)
{
    database->has_events = true;
    return database_run(database, error, ADD_EVENT, "iiiiiit", ordinal, database->now_us, sweep, run, (int64_t)kind, (int64_t)status,
                        detail);
}

int store_add_event(struct database *database, int64_t sweep, int64_t run, enum store_event_kind kind, enum hd_status status,
                    const char *detail, struct hd_error *error)
{
    return store_add_event_at(database, ++database->ordinal, sweep, run, kind, status, detail, error);
}
