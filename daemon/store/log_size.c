/* What the logs of ended runs take on the disk. There is no running total that could drift: whoever needs it walks a covering index. */
#include <string.h>

#include "reader.h"
#include "room.h"

/* By the time of the end, too: the key of a run that was deleted may be another's by now. */
static const char NOTE[] = "UPDATE run SET log_bytes = ?3 WHERE run = ?1 AND ended_us = ?2";

static int note(struct database *database, struct store_write *write)
{
    struct store_note_logs *request = (struct store_note_logs *)write;
    int result = 0;

    for (int64_t i = 0; i < request->count && result == 0; i++) {
        const struct store_run_log *log = &request->logs[i];

        result = database_run(database, &write->error, NOTE, "iii", log->run, log->ended_us, log->bytes);
    }
    return result;
}

int store_note_logs(struct store *store, struct store_note_logs *request, struct hd_error *error)
{
    return store_submit(store, &request->write, note, request->count * (int64_t)sizeof *request->logs, error);
}

#define COLUMNS "SELECT run.run, run.ended_us, run.log_bytes, run.number, sweep.id FROM run INDEXED BY "
#define SWEEP   " CROSS JOIN sweep ON sweep.sweep = run.sweep "

static const char UNKNOWN[] =
    COLUMNS "run_log_unknown" SWEEP "WHERE run.log_bytes IS NULL AND run.ended_us IS NOT NULL ORDER BY run.ended_us LIMIT ?1";
static const char MEASURED[] = COLUMNS "run_log" SWEEP "WHERE run.log_bytes > 0 ORDER BY run.ended_us LIMIT ?1";

static int give(sqlite3_stmt *statement, store_log_row *row, void *context)
{
    struct store_run_log log = {
        .run = sqlite3_column_int64(statement, 0),
        .ended_us = sqlite3_column_int64(statement, 1),
        .bytes = sqlite3_column_int64(statement, 2),
        .number = sqlite3_column_int64(statement, 3),
    };

    strncpy(log.sweep_id, database_text(statement, 4), sizeof log.sweep_id - 1);
    return row(context, &log);
}

int store_read_logs(struct store_reader *reader, bool measured, int64_t limit, store_log_row *row, void *context, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(&reader->database, error, measured ? MEASURED : UNKNOWN, "i", limit);
    int result;

    if (statement == NULL)
        return -(int)error->code;
    while ((result = database_step(&reader->database, statement, error)) == 1) {
        result = give(statement, row, context);
        if (result != 0) {
            database_reset(statement);
            return result < 0 ? result : 0;
        }
    }
    return result;
}

static const char SUM[] = "SELECT coalesce(sum(log_bytes), 0) FROM run INDEXED BY run_log WHERE log_bytes > 0";

int store_read_log_bytes(struct store_reader *reader, int64_t *ret_bytes, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(&reader->database, error, SUM, "");

    if (statement == NULL || database_step(&reader->database, statement, error) < 0)
        return -(int)error->code;
    *ret_bytes = sqlite3_column_int64(statement, 0);
    database_reset(statement);
    return 0;
}
