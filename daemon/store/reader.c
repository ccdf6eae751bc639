#include "reader.h"

#include <stdlib.h>
#include <string.h>

int reader_open(struct store_reader **ret_reader, const char *path, const char *vfs, struct hd_error *error)
{
    struct store_reader *reader = calloc(1, sizeof *reader);
    int result;

    if (reader == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    result = database_open(&reader->database, path, vfs, DATABASE_READER, error);
    if (result != 0) {
        free(reader);
        return result;
    }
    *ret_reader = reader;
    return 0;
}

void reader_close(struct store_reader *reader)
{
    if (reader == NULL)
        return;
    database_close(&reader->database);
    free(reader);
}

static const char PROBE[] = "SELECT count(*) FROM sqlite_schema";

int reader_probe(struct store_reader *reader, struct hd_error *error)
{
    return database_run(&reader->database, error, PROBE, "");
}

static const char BEGIN[] = "BEGIN";
static const char END[] = "COMMIT";

int store_begin_reads(struct store_reader *reader, struct hd_error *error)
{
    return database_run(&reader->database, error, BEGIN, "");
}

void store_end_reads(struct store_reader *reader)
{
    struct hd_error ignored = {0}; /* a read transaction has nothing to lose */

    (void)database_run(&reader->database, &ignored, END, "");
}

static const char FIND_SWEEP[] = "SELECT sweep, status, generated FROM sweep WHERE id = ?1 AND deleting = 0";
static const char FIND_RUN[] = "SELECT run.run, run.sweep, run.attempt, run.status, sweep.generated, sweep.id "
                               "FROM run JOIN sweep USING (sweep) WHERE run.id = ?1 AND sweep.deleting = 0";

int store_find(struct store_reader *reader, const char *id, struct store_found *ret_found, struct hd_error *error)
{
    struct database *database = &reader->database;
    struct store_found found = {.what = STORE_NOTHING};
    sqlite3_stmt *statement = database_query(database, error, FIND_SWEEP, "t", id);
    int result;

    if (statement == NULL || (result = database_step(database, statement, error)) < 0)
        return -(int)error->code;
    if (result == 1) {
        found.what = STORE_SWEEP;
        found.sweep = sqlite3_column_int64(statement, 0);
        found.status = (enum hd_status)sqlite3_column_int(statement, 1);
        found.generated = sqlite3_column_int64(statement, 2);
        database_reset(statement);
        *ret_found = found;
        return 0;
    }
    statement = database_query(database, error, FIND_RUN, "t", id);
    if (statement == NULL || (result = database_step(database, statement, error)) < 0)
        return -(int)error->code;
    if (result == 1) {
        found.what = STORE_RUN;
        found.run = sqlite3_column_int64(statement, 0);
        found.sweep = sqlite3_column_int64(statement, 1);
        found.attempt = sqlite3_column_int(statement, 2);
        found.status = (enum hd_status)sqlite3_column_int(statement, 3);
        found.generated = sqlite3_column_int64(statement, 4);
        strncpy(found.sweep_id, database_text(statement, 5), sizeof found.sweep_id - 1);
        database_reset(statement);
    }
    *ret_found = found;
    return 0;
}
