/* Reads of sweeps. */
#include "core/goal.h"
#include "reader.h"

#define COLUMNS                                                                                                                            \
    "SELECT sweep, id, experiment, config, warnings, reason, status, goal, (SELECT text FROM name WHERE name = sweep.metric), seed, "      \
    "created_us, started_us, ended_us, generation, generated, max_total, starting, preparing, queued, running, finalizing, "               \
    "cancel_requested, completed, failed, canceled, not_responding FROM sweep "

static const char BY_KEY[] = COLUMNS "WHERE sweep = ?1";
static const char LIVE[] = COLUMNS "INDEXED BY sweep_live WHERE status IN (1, 4, 6) ORDER BY sweep";
static const char NEWEST[] = COLUMNS "WHERE deleting = 0 AND sweep < ?1 ORDER BY sweep DESC LIMIT ?2";
static const char NEWEST_OF_EXPERIMENT[] = COLUMNS "WHERE deleting = 0 AND sweep < ?1 AND experiment = ?3 ORDER BY sweep DESC LIMIT ?2";
static const char NEWEST_OF_STATUS[] = COLUMNS "WHERE deleting = 0 AND sweep < ?1 AND status = ?3 ORDER BY sweep DESC LIMIT ?2";
static const char NEWEST_OF_BOTH[] =
    COLUMNS "WHERE deleting = 0 AND sweep < ?1 AND experiment = ?3 AND status = ?4 ORDER BY sweep DESC LIMIT ?2";

static const char DELETING[] = COLUMNS "INDEXED BY sweep_deleting WHERE deleting = 1 ORDER BY sweep";

/* One that has ended before it was created has ended by a wrong clock. */
static const char OLD[] = COLUMNS "WHERE ended_us < ?1 AND created_us < ?1 AND deleting = 0 AND sweep > ?2 ORDER BY sweep LIMIT ?3";

static const char INHERITED[] =
    COLUMNS "WHERE deleting = 0 AND sweep IN (SELECT earlier FROM earlier AS e WHERE e.sweep = ?1 AND e.kind = 1) "
            "ORDER BY (SELECT position FROM earlier AS e WHERE e.sweep = ?1 AND e.kind = 1 AND e.earlier = sweep.sweep)";

/* The order of the count columns above. */
static const enum hd_status COUNTED[] = {
    HD_STARTING,         HD_PREPARING, HD_QUEUED, HD_RUNNING,  HD_FINALIZING,
    HD_CANCEL_REQUESTED, HD_COMPLETED, HD_FAILED, HD_CANCELED, HD_NOT_RESPONDING,
};
enum { FIRST_COUNT = 16 };

static int each(struct store_reader *reader, sqlite3_stmt *statement, store_sweep_row *row, void *context, struct hd_error *error)
{
    int result;

    if (statement == NULL)
        return -(int)error->code;
    while ((result = database_step(&reader->database, statement, error)) == 1) {
        struct store_sweep sweep = {
            .key = sqlite3_column_int64(statement, 0),
            .id = database_text(statement, 1),
            .experiment = database_text(statement, 2),
            .config = database_text(statement, 3),
            .warnings = database_text(statement, 4),
            .reason = database_text_or_null(statement, 5),
            .status = (enum hd_status)sqlite3_column_int(statement, 6),
            .goal = (enum hd_goal)sqlite3_column_int(statement, 7),
            .metric = database_text_or_null(statement, 8),
            .seed = sqlite3_column_int64(statement, 9),
            .created_us = sqlite3_column_int64(statement, 10),
            .started_us = sqlite3_column_int64(statement, 11),
            .ended_us = sqlite3_column_int64(statement, 12),
            .generation = (enum hd_generation)sqlite3_column_int(statement, 13),
            .generated = sqlite3_column_int64(statement, 14),
            .max_total = sqlite3_column_int64(statement, 15),
        };

        for (size_t i = 0; i < sizeof COUNTED / sizeof COUNTED[0]; i++)
            sweep.by_status[COUNTED[i]] = sqlite3_column_int64(statement, FIRST_COUNT + (int)i);
        result = row(context, &sweep);
        if (result != 0) {
            database_reset(statement);
            return result;
        }
    }
    return result;
}

int store_read_sweep(struct store_reader *reader, int64_t key, store_sweep_row *row, void *context, struct hd_error *error)
{
    return each(reader, database_query(&reader->database, error, BY_KEY, "i", key), row, context, error);
}

int store_read_sweeps(struct store_reader *reader, const char *experiment, enum hd_status status, int64_t before, int64_t limit,
                      store_sweep_row *row, void *context, struct hd_error *error)
{
    struct database *database = &reader->database;
    int64_t below = before > 0 ? before : INT64_MAX, filter = (int64_t)status;
    sqlite3_stmt *statement;

    if (experiment != NULL && status != HD_STATUS_NONE)
        statement = database_query(database, error, NEWEST_OF_BOTH, "iiti", below, limit, experiment, filter);
    else if (experiment != NULL)
        statement = database_query(database, error, NEWEST_OF_EXPERIMENT, "iit", below, limit, experiment);
    else if (status != HD_STATUS_NONE)
        statement = database_query(database, error, NEWEST_OF_STATUS, "iii", below, limit, filter);
    else
        statement = database_query(database, error, NEWEST, "ii", below, limit);
    return each(reader, statement, row, context, error);
}

int store_read_live_sweeps(struct store_reader *reader, store_sweep_row *row, void *context, struct hd_error *error)
{
    return each(reader, database_query(&reader->database, error, LIVE, ""), row, context, error);
}

int store_read_deleting_sweeps(struct store_reader *reader, store_sweep_row *row, void *context, struct hd_error *error)
{
    return each(reader, database_query(&reader->database, error, DELETING, ""), row, context, error);
}

int store_read_old_sweeps(struct store_reader *reader, int64_t before_us, int64_t after, int64_t limit, store_sweep_row *row, void *context,
                          struct hd_error *error)
{
    return each(reader, database_query(&reader->database, error, OLD, "iii", before_us, after, limit), row, context, error);
}

int store_read_inherited(struct store_reader *reader, int64_t sweep, store_sweep_row *row, void *context, struct hd_error *error)
{
    return each(reader, database_query(&reader->database, error, INHERITED, "i", sweep), row, context, error);
}
