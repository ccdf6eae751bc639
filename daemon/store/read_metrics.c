/* Reads of metric points. */
#include "reader.h"

static const char SERIES_OF_SWEEP[] = "SELECT run.run, run.id, series.name, name.text, series.form, series.listed, series.points FROM run "
                                      "CROSS JOIN series ON series.run = run.run CROSS JOIN name ON name.name = series.name "
                                      "WHERE run.sweep = ?1 ORDER BY run.number, series.position";
static const char SERIES_OF_RUN[] = "SELECT run.run, run.id, series.name, name.text, series.form, series.listed, series.points FROM run "
                                    "CROSS JOIN series ON series.run = run.run CROSS JOIN name ON name.name = series.name "
                                    "WHERE run.run = ?1 ORDER BY series.position";
static const char POINTS[] =
    "SELECT sequence, kind, value, step, at_us, ordinal FROM point WHERE run = ?1 AND name = ?2 AND sequence >= ?3 "
    "ORDER BY sequence";
static const char RETRIES[] = "SELECT ordinal FROM retry WHERE run = ?1 ORDER BY attempt";

/* Which attempt has reported: points come in the order of their ordinals, and so do the ends of attempts. */
struct attempts {
    sqlite3_stmt *statement; /* NULL: there was no further one */
    int number;
    int64_t until; /* ordinal at which it was over */
};

static int next_attempt(struct store_reader *reader, struct attempts *attempts, struct hd_error *error)
{
    int result = database_step(&reader->database, attempts->statement, error);

    attempts->number++;
    attempts->until = result == 1 ? sqlite3_column_int64(attempts->statement, 0) : INT64_MAX;
    if (result != 1)
        attempts->statement = NULL;
    return result < 0 ? result : 0;
}

static int first_attempt(struct store_reader *reader, int64_t run, struct attempts *ret_attempts, struct hd_error *error)
{
    *ret_attempts = (struct attempts){.statement = database_query(&reader->database, error, RETRIES, "i", run)};
    return ret_attempts->statement == NULL ? -(int)error->code : next_attempt(reader, ret_attempts, error);
}

/* From `column` on: sequence, kind, value, step, time, ordinal. */
static void load_point(sqlite3_stmt *statement, int column, struct store_stored_point *ret_point)
{
    struct store_stored_point point = {
        .sequence = sqlite3_column_int64(statement, column),
        .kind = (enum store_point_kind)sqlite3_column_int(statement, column + 1),
        .has_step = sqlite3_column_type(statement, column + 3) != SQLITE_NULL,
        .step = sqlite3_column_int64(statement, column + 3),
        .at_us = sqlite3_column_int64(statement, column + 4),
        .ordinal = sqlite3_column_int64(statement, column + 5),
    };

    if (point.kind == STORE_INTEGER || point.kind == STORE_BOOLEAN)
        point.integer = sqlite3_column_int64(statement, column + 2);
    else if (point.kind == STORE_FLOAT)
        point.number = sqlite3_column_double(statement, column + 2);
    else
        point.text = database_text(statement, column + 2);
    *ret_point = point;
}

static int give_point(sqlite3_stmt *statement, int attempt, const struct store_metrics_reader *callbacks)
{
    struct store_stored_point point;

    load_point(statement, 0, &point);
    point.attempt = attempt;
    return callbacks->point(callbacks->context, &point);
}

static int give_points(struct store_reader *reader, int64_t run, int64_t name, const struct store_metrics_reader *callbacks,
                       struct hd_error *error)
{
    struct attempts attempts;
    sqlite3_stmt *statement;
    int result = first_attempt(reader, run, &attempts, error);

    if (result != 0)
        return result;
    statement = database_query(&reader->database, error, POINTS, "iii", run, name, callbacks->from);
    if (statement == NULL)
        result = -(int)error->code;
    while (result == 0 && (result = database_step(&reader->database, statement, error)) == 1) {
        result = 0;
        while (result == 0 && sqlite3_column_int64(statement, 5) > attempts.until)
            result = next_attempt(reader, &attempts, error);
        if (result == 0)
            result = give_point(statement, attempts.number, callbacks);
        if (result != 0)
            database_reset(statement);
    }
    if (attempts.statement != NULL)
        database_reset(attempts.statement);
    return result;
}

int store_read_metrics(struct store_reader *reader, int64_t sweep, int64_t run, const struct store_metrics_reader *callbacks,
                       struct hd_error *error)
{
    sqlite3_stmt *statement = run != 0 ? database_query(&reader->database, error, SERIES_OF_RUN, "i", run)
                                       : database_query(&reader->database, error, SERIES_OF_SWEEP, "i", sweep);
    int result;

    if (statement == NULL)
        return -(int)error->code;
    while ((result = database_step(&reader->database, statement, error)) == 1) {
        struct store_series series = {
            .run = sqlite3_column_int64(statement, 0),
            .run_id = database_text(statement, 1),
            .name = database_text(statement, 3),
            .table = sqlite3_column_int(statement, 4) == 2,
            .listed = sqlite3_column_int(statement, 5) != 0,
            .points = sqlite3_column_int64(statement, 6),
        };

        result = callbacks->series(callbacks->context, &series);
        if (result == 0)
            result = give_points(reader, series.run, sqlite3_column_int64(statement, 2), callbacks, error);
        if (result != 0) {
            database_reset(statement);
            return result;
        }
    }
    return result;
}

static const char REPORTS[] = "SELECT sequence, kind, value, step, at_us, ordinal FROM point WHERE run = ?1 AND name = "
                              "(SELECT sweep.metric FROM run JOIN sweep USING (sweep) WHERE run.run = ?1) AND sequence >= ?2 "
                              "ORDER BY sequence LIMIT ?3";

int store_read_reports(struct store_reader *reader, int64_t run, int64_t from, int64_t limit, store_point_row *row, void *context,
                       struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(&reader->database, error, REPORTS, "iii", run, from, limit);
    int result;

    if (statement == NULL)
        return -(int)error->code;
    while ((result = database_step(&reader->database, statement, error)) == 1) {
        struct store_stored_point point;

        load_point(statement, 0, &point);
        result = row(context, &point);
        if (result != 0) {
            database_reset(statement);
            return result;
        }
    }
    return result;
}

/* The kinds are numbers, finite or not, and booleans: what a strip of news has room for. A look at a point for each of few names only. */
static const char NEWEST[] =
    "SELECT name.text, point.sequence, point.kind, point.value, point.step, point.at_us, point.ordinal FROM series "
    "CROSS JOIN point ON point.run = series.run AND point.name = series.name "
    "AND point.sequence = series.points - 1 CROSS JOIN name ON name.name = series.name "
    "WHERE series.run = ?1 AND series.position < ?2 AND point.kind IN (1, 2, 3, 4, 5, 7) ORDER BY series.position";

int store_read_newest_points(struct store_reader *reader, int64_t run, int64_t names, store_newest_point *row, void *context,
                             struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(&reader->database, error, NEWEST, "ii", run, names);
    int result;

    if (statement == NULL)
        return -(int)error->code;
    while ((result = database_step(&reader->database, statement, error)) == 1) {
        struct store_stored_point point;

        load_point(statement, 1, &point);
        result = row(context, database_text(statement, 0), &point);
        if (result != 0) {
            database_reset(statement);
            return result;
        }
    }
    return result;
}
