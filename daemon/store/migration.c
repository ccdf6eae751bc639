#include "migration.h"

#include <stdio.h>

#include "database.h"

/* "hyDr": tells our databases from those of other programs. */
enum { APPLICATION_ID = 0x68794472 };

static int pragma_value(struct database *database, const char *sql, int *ret_value, struct hd_error *error)
{
    sqlite3_stmt *statement;

    if (sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return database_failed(database, error);
    if (sqlite3_step(statement) != SQLITE_ROW) {
        int result = database_failed(database, error);

        sqlite3_finalize(statement);
        return result;
    }
    *ret_value = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return 0;
}

static int apply_one(struct database *database, int version, struct hd_error *error)
{
    char stamp[96];
    int result;

    snprintf(stamp, sizeof stamp, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;", APPLICATION_ID, version + 1);
    result = database_execute(database, "BEGIN IMMEDIATE", error);
    if (result == 0)
        result = database_execute(database, store_migrations[version], error);
    if (result == 0)
        result = database_execute(database, stamp, error);
    if (result != 0) {
        (void)sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
        hd_error_wrap(error, "migration %d", version + 1);
    }
    return result;
}

int migration_apply(struct database *database, bool expected, struct hd_error *error)
{
    int version = 0, application = 0, result;

    result = pragma_value(database, "PRAGMA user_version", &version, error);
    if (result == 0)
        result = pragma_value(database, "PRAGMA application_id", &application, error);
    if (result != 0)
        return result;
    if (version > 0 && application != APPLICATION_ID)
        return hd_error_set(error, HD_INVALID, "the file is a database of another program");
    if (version > store_migration_count)
        return hd_error_set(
            error, HD_INVALID,
            "the database has version %d, newer than this program knows (%d): start the hyperdrived that wrote it, or a newer one", version,
            store_migration_count);
    if (version == 0 && expected)
        return hd_error_set(
            error, HD_INVALID,
            "the database has nothing in it, although files of sweeps lie beside it: put the right one back, or a backup of it");
    for (; version < store_migration_count; version++) {
        result = apply_one(database, version, error);
        if (result != 0)
            return result;
    }
    return 0;
}
