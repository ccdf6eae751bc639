#include "check.h"

#include <string.h>

#include "migration.h"
#include "reader.h"

/* --- The file ------------------------------------------------------------------------------------------------------------------------ */

static const char LOOK_THROUGH[] = "PRAGMA quick_check(100)";
static const char LOOK_THROUGH_ALL[] = "PRAGMA integrity_check(100)";

/* In one line: SQLite's own words may have several. */
static void tell(store_fault *fault, void *context, const char *about, const char *what)
{
    struct hd_error sentence = {0};

    hd_error_set(&sentence, HD_INTERNAL, "%s: %s", about, what);
    for (char *at = strchr(sentence.message, '\n'); at != NULL; at = strchr(at, '\n'))
        *at = ' ';
    fault(context, sentence.message);
}

/* What is damaged enough ends the looking itself: that is a finding, too. */
static int end_looking(struct database *database, int result, store_fault *fault, void *context, struct hd_error *error)
{
    int reason = sqlite3_errcode(database->handle) & 0xff;

    if (result >= 0 || (reason != SQLITE_CORRUPT && reason != SQLITE_NOTADB))
        return result;
    fault(context, error->message);
    error->code = HD_NO_ERROR;
    return 0;
}

int store_check_file(struct store_reader *reader, bool with_indexes, store_fault *fault, void *context, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(&reader->database, error, with_indexes ? LOOK_THROUGH_ALL : LOOK_THROUGH, "");
    int result;

    if (statement == NULL)
        return -(int)error->code;
    while ((result = database_step(&reader->database, statement, error)) == 1)
        if (sqlite3_stricmp(database_text(statement, 0), "ok") != 0)
            tell(fault, context, "the file is damaged", database_text(statement, 0));
    return end_looking(&reader->database, result, fault, context, error);
}

/* --- What rows say of each other ----------------------------------------------------------------------------------------------------- */

#define LIVE_SWEEP "sweep.deleting = 0 "
/* A count of the sweep's row against the runs that have the status. */
#define COUNT(column, status)                                                                                                              \
    "SELECT printf('sweep %s: its row counts %d children that are " #column ", and there are %d', id, " #column ", there) FROM "           \
    "(SELECT id, " #column ", (SELECT count(*) FROM run WHERE run.sweep = sweep.sweep AND run.status = " #status ") AS there "             \
    "FROM sweep WHERE " LIVE_SWEEP ") WHERE there <> " #column

/* Each gives a row with a sentence for every fault. */
static const char *const questions[] = {
    COUNT(starting, 1),
    COUNT(preparing, 2),
    COUNT(queued, 3),
    COUNT(running, 4),
    COUNT(finalizing, 5),
    COUNT(cancel_requested, 6),
    COUNT(completed, 7),
    COUNT(failed, 8),
    COUNT(canceled, 9),
    COUNT(not_responding, 10),
    "SELECT printf('sweep %s: its row counts %d generated children, and there are %d', id, generated, there) FROM "
    "(SELECT id, generated, (SELECT count(*) FROM run WHERE run.sweep = sweep.sweep) AS there FROM sweep WHERE " LIVE_SWEEP ") "
    "WHERE there <> generated",
    "SELECT printf('run %s: its class for the ranking is %d, and its status %d', run.id, class, run.status) FROM run "
    "WHERE class <> CASE run.status WHEN 8 THEN 1 WHEN 9 THEN 2 ELSE 0 END",
    /* Kinds 1 to 5 are numbers, 3 is not one, 4 and 5 are the infinities; goal 2 is to minimize. */
    "SELECT printf('run %s: best_primary_metric is %s, and its points say %s', id, "
    "coalesce(CASE goal WHEN 2 THEN rank_key ELSE -rank_key END, 'nothing'), coalesce(CASE goal WHEN 2 THEN best ELSE -best END, "
    "'nothing')) "
    "FROM (SELECT run.id, goal, rank_key, (SELECT min(CASE goal WHEN 2 THEN number ELSE -number END) FROM "
    "(SELECT CASE kind WHEN 4 THEN 9e999 WHEN 5 THEN -9e999 ELSE CAST(value AS REAL) END AS number FROM point "
    "WHERE point.run = run.run AND point.name = sweep.metric AND kind IN (1, 2, 4, 5))) AS best "
    "FROM run JOIN sweep USING (sweep) WHERE " LIVE_SWEEP ") WHERE rank_key IS NOT best",
    "SELECT printf('run %s: its row counts %d reports of the primary metric, and there are %d', id, reports, there) FROM "
    "(SELECT run.id, reports, (SELECT count(*) FROM point WHERE point.run = run.run AND point.name = sweep.metric AND kind BETWEEN 1 AND "
    "5) "
    "AS there FROM run JOIN sweep USING (sweep) WHERE " LIVE_SWEEP ") WHERE there <> reports",
    "SELECT printf('run %s: %d points are counted under %s, there are %d, and the last one has number %s', run.id, points, name.text, "
    "there, coalesce(last, 'none')) FROM (SELECT run, name, points, (SELECT count(*) FROM point WHERE point.run = series.run "
    "AND point.name = series.name) AS there, (SELECT max(sequence) FROM point WHERE point.run = series.run AND point.name = series.name) "
    "AS last FROM series) JOIN run USING (run) JOIN sweep USING (sweep) JOIN name USING (name) "
    "WHERE " LIVE_SWEEP "AND (there <> points OR last IS NOT points - 1)",
    "SELECT DISTINCT printf('run %s: it has points under %s, and no series of that name', coalesce(run.id, point.run), "
    "coalesce(name.text, point.name)) FROM point LEFT JOIN run USING (run) LEFT JOIN name USING (name) LEFT JOIN sweep USING (sweep) "
    "WHERE coalesce(deleting, 0) = 0 AND NOT EXISTS (SELECT 1 FROM series WHERE series.run = point.run AND series.name = point.name)",
    "SELECT printf('the clock stands at %d, and the newest ordinal is %d', clock.ordinal, newest) FROM clock, "
    "(SELECT max(coalesce((SELECT max(ordinal) FROM event), 0), coalesce((SELECT max(ordinal) FROM point), 0)) AS newest) "
    "WHERE newest > clock.ordinal",
    "SELECT printf('%d events and points have the same ordinal %d', count(*), ordinal) FROM "
    "(SELECT ordinal FROM event UNION ALL SELECT ordinal FROM point) GROUP BY ordinal HAVING count(*) > 1",
};

static int ask(struct database *database, const char *question, store_fault *fault, void *context, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, question, "");
    int result;

    if (statement == NULL)
        return -(int)error->code;
    while ((result = database_step(database, statement, error)) == 1)
        fault(context, database_text(statement, 0));
    return end_looking(database, result, fault, context, error);
}

static const char CHECK_REFERENCES[] = "SELECT printf('row %s of the table %s refers to a row of %s that is not there', "
                                       "coalesce(rowid, '?'), \"table\", parent) FROM pragma_foreign_key_check";

static int check_rows(struct database *database, store_fault *fault, void *context, struct hd_error *error)
{
    int result = ask(database, CHECK_REFERENCES, fault, context, error);

    for (size_t i = 0; i < sizeof questions / sizeof questions[0] && result == 0; i++)
        result = ask(database, questions[i], fault, context, error);
    return result;
}

/* --- A whole database ---------------------------------------------------------------------------------------------------------------- */

static const char READ_VERSION[] = "PRAGMA user_version";
static const char COUNT_ROWS[] = "SELECT (SELECT count(*) FROM sweep), (SELECT count(*) FROM run), (SELECT count(*) FROM point)";

static int read_version(struct database *database, int *ret_version, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, READ_VERSION, "");

    if (statement == NULL || database_step(database, statement, error) != 1)
        return -(int)error->code;
    *ret_version = sqlite3_column_int(statement, 0);
    database_reset(statement);
    return 0;
}

static int count_rows(struct database *database, struct store_checked *checked, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, COUNT_ROWS, "");

    if (statement == NULL || database_step(database, statement, error) != 1)
        return -(int)error->code;
    checked->sweeps = sqlite3_column_int64(statement, 0);
    checked->runs = sqlite3_column_int64(statement, 1);
    checked->points = sqlite3_column_int64(statement, 2);
    database_reset(statement);
    return 0;
}

int store_check(const char *path, store_fault *fault, void *context, struct store_checked *ret_checked, struct hd_error *error)
{
    struct store_checked checked = {0};
    struct store_reader *reader;
    int result = reader_open(&reader, path, NULL, error);

    if (result != 0)
        return result;
    result = store_begin_reads(reader, error); /* one state for all questions */
    if (result == 0)
        result = store_check_file(reader, true, fault, context, error);
    if (result == 0)
        result = read_version(&reader->database, &checked.version, error);
    checked.skipped = checked.version != store_migration_count;
    if (result == 0 && !checked.skipped)
        result = check_rows(&reader->database, fault, context, error);
    if (result == 0 && !checked.skipped)
        result = count_rows(&reader->database, &checked, error);
    store_end_reads(reader);
    reader_close(reader);
    if (result == 0)
        *ret_checked = checked;
    return result;
}
