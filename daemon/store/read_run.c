/* Reads of runs, ranked ones by index walks (decisions, Ranking). */
#include "core/goal.h"
#include "reader.h"

#define COLUMNS                                                                                                                            \
    "SELECT run.run, run.sweep, run.number, run.id, sweep.id, run.configuration, run.stop_reason, run.error, run.status, sweep.goal, "     \
    "run.rank_key, run.reports, run.attempt, run.created_us, run.started_us, run.ended_us, run.exit_code, run.signal, run.peak_memory, "   \
    "run.cpu_us, run.monitor_pid, run.monitor_ticks, run.boot_id, run.resumed_from, run.devices, run.log_bytes FROM run "
#define SWEEP "CROSS JOIN sweep ON sweep.sweep = run.sweep "

static const char BY_KEY[] = COLUMNS SWEEP "WHERE run.run = ?1";
static const char BY_NUMBER[] = COLUMNS SWEEP "WHERE run.sweep = ?1 AND run.number > ?2 ORDER BY run.number LIMIT ?3";
static const char LIVE[] = COLUMNS SWEEP "WHERE run.sweep = ?1 AND run.status IN (1, 2, 3, 4, 5, 6, 10) ORDER BY run.number";
/* A walk repeats the partial index's condition, else the planner could not use it; INDEXED BY makes a lost index an error, not a slow
 * answer. A text per class: each walk of a merge needs a statement of its own. */
#define RANKED(index, order, class)                                                                                                        \
    COLUMNS "INDEXED BY " index " " SWEEP "WHERE run.sweep = ?1 AND run.class = " class " AND run.rank_key IS NOT NULL "                   \
                                                                                        "ORDER BY run.rank_key" order ", run.run DESC"
static const char BEST_OTHER[] = RANKED("run_best", "", "0");
static const char BEST_FAILED[] = RANKED("run_best", "", "1");
static const char BEST_CANCELED[] = RANKED("run_best", "", "2");
static const char WORST_OTHER[] = RANKED("run_worst", " DESC", "0");
static const char WORST_FAILED[] = RANKED("run_worst", " DESC", "1");
static const char WORST_CANCELED[] = RANKED("run_worst", " DESC", "2");
static const char UNRANKED[] =
    COLUMNS "INDEXED BY run_unranked " SWEEP "WHERE run.sweep = ?1 AND run.rank_key IS NULL ORDER BY run.run DESC";

enum { CLASSES = 3 };
static const char *const WALKS[2][CLASSES] = {{BEST_OTHER, BEST_FAILED, BEST_CANCELED}, {WORST_OTHER, WORST_FAILED, WORST_CANCELED}};

static int give(sqlite3_stmt *statement, store_run_row *row, void *context)
{
    struct store_run run = {
        .key = sqlite3_column_int64(statement, 0),
        .sweep = sqlite3_column_int64(statement, 1),
        .number = sqlite3_column_int64(statement, 2),
        .id = database_text(statement, 3),
        .sweep_id = database_text(statement, 4),
        .configuration = database_text(statement, 5),
        .stop_reason = database_text_or_null(statement, 6),
        .error = database_text_or_null(statement, 7),
        .status = (enum hd_status)sqlite3_column_int(statement, 8),
        .goal = (enum hd_goal)sqlite3_column_int(statement, 9),
        .has_metric = sqlite3_column_type(statement, 10) != SQLITE_NULL,
        .reports = sqlite3_column_int64(statement, 11),
        .attempt = sqlite3_column_int(statement, 12),
        .created_us = sqlite3_column_int64(statement, 13),
        .started_us = sqlite3_column_int64(statement, 14),
        .ended_us = sqlite3_column_int64(statement, 15),
        .has_exit_code = sqlite3_column_type(statement, 16) != SQLITE_NULL,
        .exit_code = sqlite3_column_int(statement, 16),
        .has_signal = sqlite3_column_type(statement, 17) != SQLITE_NULL,
        .signal = sqlite3_column_int(statement, 17),
        .peak_memory = sqlite3_column_int64(statement, 18),
        .cpu_us = sqlite3_column_int64(statement, 19),
        .monitor_pid = sqlite3_column_int64(statement, 20),
        .monitor_ticks = sqlite3_column_int64(statement, 21),
        .boot_id = database_text(statement, 22),
        .resumed_from = database_text_or_null(statement, 23),
        .devices = database_text_or_null(statement, 24),
        .logs_removed = sqlite3_column_int64(statement, 25) == STORE_LOGS_REMOVED,
    };

    if (run.has_metric)
        run.best = hd_goal_rank(run.goal, sqlite3_column_double(statement, 10));
    return row(context, &run);
}

static int each(struct store_reader *reader, sqlite3_stmt *statement, store_run_row *row, void *context, struct hd_error *error)
{
    int result;

    if (statement == NULL)
        return -(int)error->code;
    while ((result = database_step(&reader->database, statement, error)) == 1) {
        result = give(statement, row, context);
        if (result != 0) {
            database_reset(statement);
            return result;
        }
    }
    return result;
}

int store_read_run(struct store_reader *reader, int64_t key, store_run_row *row, void *context, struct hd_error *error)
{
    return each(reader, database_query(&reader->database, error, BY_KEY, "i", key), row, context, error);
}

int store_read_runs(struct store_reader *reader, int64_t sweep, int64_t after, int64_t limit, store_run_row *row, void *context,
                    struct hd_error *error)
{
    return each(reader, database_query(&reader->database, error, BY_NUMBER, "iii", sweep, after, limit > 0 ? limit : INT64_C(-1)), row,
                context, error);
}

int store_read_live_runs(struct store_reader *reader, int64_t sweep, store_run_row *row, void *context, struct hd_error *error)
{
    return each(reader, database_query(&reader->database, error, LIVE, "i", sweep), row, context, error);
}

/* One class's walk in a merge. */
struct walk {
    sqlite3_stmt *statement; /* NULL: not asked for, or at its end */
    double rank_key;         /* of its row */
    int64_t run;
};

static int advance(struct store_reader *reader, struct walk *walk, struct hd_error *error)
{
    int result = database_step(&reader->database, walk->statement, error);

    if (result == 1) {
        walk->rank_key = sqlite3_column_double(walk->statement, 10);
        walk->run = sqlite3_column_int64(walk->statement, 0);
    } else {
        walk->statement = NULL;
    }
    return result < 0 ? result : 0;
}

/* Does the row of `a` come before that of `b`? Of equal values the newest comes first, in both directions. */
static bool comes_before(const struct walk *a, const struct walk *b, bool worst)
{
    if (a->rank_key != b->rank_key)
        return worst ? a->rank_key > b->rank_key : a->rank_key < b->rank_key;
    return a->run > b->run;
}

static struct walk *next_of(struct walk *walks, bool worst)
{
    struct walk *next = NULL;

    for (int class = 0; class < CLASSES; class ++)
        if (walks[class].statement != NULL && (next == NULL || comes_before(&walks[class], next, worst)))
            next = &walks[class];
    return next;
}

/* Gives at most *left ranked rows of the classes asked for, counting *left down. */
static int give_ranked(struct store_reader *reader, int64_t sweep, bool worst, const bool classes[CLASSES], int64_t *left,
                       store_run_row *row, void *context, struct hd_error *error)
{
    struct walk walks[CLASSES] = {0};
    struct walk *next;
    int result = 0;

    for (int class = 0; class < CLASSES && result == 0; class ++) {
        if (!classes[class])
            continue;
        walks[class].statement = database_query(&reader->database, error, WALKS[worst][class], "i", sweep);
        result = walks[class].statement == NULL ? -(int)error->code : advance(reader, &walks[class], error);
    }
    while (result == 0 && *left > 0 && (next = next_of(walks, worst)) != NULL) {
        result = give(next->statement, row, context);
        --*left;
        if (result == 0)
            result = advance(reader, next, error);
    }
    for (int class = 0; class < CLASSES; class ++)
        if (walks[class].statement != NULL)
            database_reset(walks[class].statement);
    return result;
}

int store_read_sorted(struct store_reader *reader, int64_t sweep, bool reverse, bool discard_no_metric, int64_t top, store_run_row *row,
                      void *context, struct hd_error *error)
{
    static const bool ALL[CLASSES] = {true, true, true};
    int64_t left = top > 0 ? top : INT64_MAX;
    sqlite3_stmt *statement;
    int result = give_ranked(reader, sweep, reverse, ALL, &left, row, context, error);

    if (result != 0 || discard_no_metric || left == 0)
        return result;
    statement = database_query(&reader->database, error, UNRANKED, "i", sweep);
    if (statement == NULL)
        return -(int)error->code;
    while (left-- > 0 && (result = database_step(&reader->database, statement, error)) == 1) {
        result = give(statement, row, context);
        if (result != 0)
            break;
    }
    database_reset(statement);
    return result < 0 ? result : 0;
}

int store_read_best(struct store_reader *reader, int64_t sweep, bool include_failed, bool include_canceled, store_run_row *row,
                    void *context, struct hd_error *error)
{
    const bool classes[CLASSES] = {true, include_failed, include_canceled};
    int64_t left = 1;

    return give_ranked(reader, sweep, false, classes, &left, row, context, error);
}
