/* A report: metric points of one run, all or nothing, each request once. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/goal.h"
#include "room.h"

enum series_form { FORM_VALUES = 1, FORM_TABLE = 2 };

/* The run that reports, as far as points concern it. */
struct reporting {
    struct run_row run;
    enum hd_goal goal;
    int64_t metric; /* key of the primary metric's name; 0: none */
    int64_t series; /* how many it has; -1: not counted yet. Counted for each new one, many names would keep the writer for hours */
    bool has_rank;
    double rank_key;
};

static const char LOAD[] = "SELECT " RUN_COLUMNS ", sweep.goal, coalesce(sweep.metric, 0), run.rank_key "
                           "FROM run CROSS JOIN sweep ON sweep.sweep = run.sweep WHERE run.id = ?1 AND sweep.deleting = 0";

static int load(struct database *database, const char *run_id, struct reporting *ret, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, LOAD, "t", run_id);
    int result;

    if (statement == NULL)
        return -(int)error->code;
    result = database_step(database, statement, error);
    if (result <= 0)
        return result < 0 ? result : hd_error_set(error, HD_NOT_FOUND, "no run with id '%s'", run_id);
    result = run_read(statement, &ret->run, error);
    ret->goal = (enum hd_goal)sqlite3_column_int(statement, RUN_COLUMN_COUNT);
    ret->metric = sqlite3_column_int64(statement, RUN_COLUMN_COUNT + 1);
    ret->has_rank = sqlite3_column_type(statement, RUN_COLUMN_COUNT + 2) != SQLITE_NULL;
    ret->rank_key = sqlite3_column_double(statement, RUN_COLUMN_COUNT + 2);
    ret->series = -1;
    database_reset(statement);
    return result;
}

static const char IS_TAKEN[] = "SELECT 1 FROM reporter WHERE run = ?1 AND reporter = ?2 AND sequence >= ?3";
static const char NOTE_SEQUENCE[] = "INSERT INTO reporter (run, reporter, sequence) VALUES (?1, ?2, ?3) "
                                    "ON CONFLICT DO UPDATE SET sequence = excluded.sequence WHERE excluded.sequence > sequence";

/* 1: the request was taken before, 0: it was not, negative: failed. */
static int is_taken(struct database *database, int64_t run, struct store_report *request)
{
    struct hd_error *error = &request->write.error;
    sqlite3_stmt *statement;
    int result;

    if (request->reporter == NULL)
        return 0;
    statement = database_query(database, error, IS_TAKEN, "iti", run, request->reporter, request->sequence);
    if (statement == NULL)
        return -(int)error->code;
    result = database_step(database, statement, error);
    if (result == 1)
        database_reset(statement);
    return result;
}

/* Notes that the request is taken. 1: it was before, 0: it was not, negative: failed. */
static int note_sequence(struct database *database, int64_t run, struct store_report *request)
{
    int result;

    if (request->reporter == NULL)
        return 0;
    result = database_run(database, &request->write.error, NOTE_SEQUENCE, "iti", run, request->reporter, request->sequence);
    return result != 0 ? result : sqlite3_changes(database->handle) == 0;
}

static const char FIND_SERIES[] = "SELECT form, points FROM series WHERE run = ?1 AND name = ?2";
static const char COUNT_SERIES[] = "SELECT count(*) FROM series WHERE run = ?1";
static const char ADD_SERIES[] = "INSERT INTO series (run, name, position, form, listed, points) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
static const char GROW_SERIES[] = "UPDATE series SET points = points + ?3, listed = max(listed, ?4) WHERE run = ?1 AND name = ?2";

static enum series_form point_form(const struct store_point *point)
{
    return point->kind == STORE_ROW || point->kind == STORE_TABLE ? FORM_TABLE : FORM_VALUES;
}

/* Consecutive points of one name. */
struct stretch {
    const struct store_point *points;
    int64_t count;
    bool listed; /* one of them is */
};

static struct stretch take_stretch(const struct store_point *points, int64_t count)
{
    struct stretch stretch = {.points = points};

    while (stretch.count < count && (stretch.count == 0 || strcmp(points[stretch.count].name, points->name) == 0))
        stretch.listed |= points[stretch.count++].listed;
    return stretch;
}

static int count_series(struct database *database, struct reporting *reporting, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, COUNT_SERIES, "i", reporting->run.key);

    if (statement == NULL || database_step(database, statement, error) < 0)
        return -(int)error->code;
    reporting->series = sqlite3_column_int64(statement, 0);
    database_reset(statement);
    return 0;
}

static int add_series(struct database *database, struct reporting *reporting, int64_t name, const struct stretch *stretch,
                      enum series_form form, struct hd_error *error)
{
    int result = reporting->series < 0 ? count_series(database, reporting, error) : 0;

    if (result != 0)
        return result;
    return database_run(database, error, ADD_SERIES, "iiiiii", reporting->run.key, name, reporting->series++, (int64_t)form,
                        (int64_t)stretch->listed, stretch->count);
}

/* Gives the stretch its place in its series, which it makes or grows. A name is either values or a table. */
static int place_stretch(struct database *database, struct reporting *reporting, int64_t name, const struct stretch *stretch,
                         int64_t *ret_sequence, struct hd_error *error)
{
    int64_t run = reporting->run.key;
    sqlite3_stmt *statement = database_query(database, error, FIND_SERIES, "ii", run, name);
    enum series_form form = point_form(stretch->points);
    int64_t sequence = 0;
    int found;

    if (statement == NULL || (found = database_step(database, statement, error)) < 0)
        return -(int)error->code;
    if (found == 1) {
        form = (enum series_form)sqlite3_column_int(statement, 0);
        sequence = sqlite3_column_int64(statement, 1);
        database_reset(statement);
    }
    for (int64_t i = 0; i < stretch->count; i++)
        if (point_form(&stretch->points[i]) != form)
            return hd_error_set(error, HD_CONFLICT, "metric '%s' is a %s: it does not take a %s", stretch->points->name,
                                form == FORM_TABLE ? "table" : "series of values", form == FORM_TABLE ? "value" : "row or table");
    *ret_sequence = sequence;
    if (found == 0)
        return add_series(database, reporting, name, stretch, form, error);
    return database_run(database, error, GROW_SERIES, "iiii", run, name, stretch->count, (int64_t)stretch->listed);
}

static const char ADD_POINT[] = "INSERT INTO point (run, name, sequence, ordinal, kind, value, step, at_us) "
                                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

static int add_point(struct database *database, int64_t run, int64_t name, int64_t sequence, const struct store_point *point,
                     struct hd_error *error)
{
    sqlite3_stmt *statement;
    int result;

    statement = database_query(database, error, ADD_POINT, "iiiii", run, name, sequence, ++database->ordinal, (int64_t)point->kind);
    if (statement == NULL)
        return -(int)error->code;
    if (point->kind == STORE_INTEGER || point->kind == STORE_BOOLEAN)
        result = sqlite3_bind_int64(statement, 6, point->integer);
    else if (point->kind == STORE_FLOAT)
        result = sqlite3_bind_double(statement, 6, point->number);
    else
        result = sqlite3_bind_text(statement, 6, point->text, -1, SQLITE_STATIC); /* NULL: null */
    if (result == SQLITE_OK && point->has_step)
        result = sqlite3_bind_int64(statement, 7, point->step);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 8, point->at_us != 0 ? point->at_us : database->now_us);
    if (result != SQLITE_OK) {
        result = database_failed(database, error);
        database_reset(statement);
        return result;
    }
    return database_step(database, statement, error);
}

bool store_is_report(enum store_point_kind kind, int64_t integer, double number, double *ret_value)
{
    switch (kind) {
    case STORE_INTEGER:
        *ret_value = (double)integer;
        return true;
    case STORE_FLOAT:
        *ret_value = number;
        return true;
    case STORE_NAN:
        *ret_value = NAN;
        return true;
    case STORE_INFINITY:
        *ret_value = INFINITY;
        return true;
    case STORE_MINUS_INFINITY:
        *ret_value = -INFINITY;
        return true;
    default:
        return false;
    }
}

static void count_report(struct reporting *reporting, const struct store_point *point)
{
    double value, rank_key;

    if (!store_is_report(point->kind, point->integer, point->number, &value))
        return;
    reporting->run.reports++;
    if (isnan(value))
        return;
    rank_key = hd_goal_rank(reporting->goal, value);
    if (!reporting->has_rank || rank_key < reporting->rank_key) {
        reporting->has_rank = true;
        reporting->rank_key = rank_key;
    }
}

static const char SET_REPORTS[] = "UPDATE run SET reports = ?2 WHERE run = ?1";
static const char SET_RANK[] = "UPDATE run SET reports = ?2, rank_key = ?3 WHERE run = ?1";

static int add_stretch(struct database *database, struct reporting *reporting, const struct stretch *stretch, struct hd_error *error)
{
    int64_t run = reporting->run.key, name = store_name_key(database, stretch->points->name, error);
    int64_t sequence = 0;
    int result = name < 0 ? (int)name : place_stretch(database, reporting, name, stretch, &sequence, error);

    for (int64_t i = 0; i < stretch->count && result == 0; i++) {
        result = add_point(database, run, name, sequence + i, &stretch->points[i], error);
        if (name == reporting->metric)
            count_report(reporting, &stretch->points[i]);
    }
    return result;
}

static int add_points(struct database *database, struct reporting *reporting, struct store_report *request)
{
    struct hd_error *error = &request->write.error;
    int64_t run = reporting->run.key, reports = reporting->run.reports;
    bool had_rank = reporting->has_rank;
    double old_rank = reporting->rank_key;

    for (int64_t i = 0; i < request->count;) {
        struct stretch stretch = take_stretch(request->points + i, request->count - i);
        int result = add_stretch(database, reporting, &stretch, error);

        if (result != 0)
            return result;
        i += stretch.count;
    }
    if (reporting->has_rank && (!had_rank || reporting->rank_key < old_rank))
        return database_run(database, error, SET_RANK, "iid", run, reporting->run.reports, reporting->rank_key);
    if (reporting->run.reports != reports)
        return database_run(database, error, SET_REPORTS, "ii", run, reporting->run.reports);
    return 0;
}

/* What was sent again is told before the end of the run is: the answer to it may have been lost. */
static int take(struct database *database, struct reporting *reporting, struct store_report *request)
{
    struct run_row *run = &reporting->run;
    struct hd_error *error = &request->write.error;
    bool ended = hd_status_ended(run->status);
    int result;

    if (request->attempt != 0 && request->attempt != run->attempt)
        return hd_error_set(error, HD_UNAUTHORIZED, "the token is not valid any more: attempt %d of its run is over", request->attempt);
    if (run->attempt == 0 && !ended)
        return hd_error_set(error, HD_CONFLICT, "run '%s' has not started (%s): it takes no reports yet", request->run_id,
                            hd_status_name(run->status));
    result = ended ? is_taken(database, run->key, request) : note_sequence(database, run->key, request);
    if (result < 0)
        return result;
    if (result == 1) {
        request->ret_duplicate = true;
        return 0;
    }
    if (ended)
        return hd_error_set(error, HD_CONFLICT, "run '%s' has ended (%s): it takes no more reports", request->run_id,
                            hd_status_name(run->status));
    if (run->status == HD_STARTING || run->status == HD_PREPARING || run->status == HD_QUEUED) {
        result = run_move(database, run, HD_RUNNING, NULL, error);
        request->ret_started = true;
        if (result == 0 && run->stop_reason != NULL)
            result = run_move(database, run, HD_CANCEL_REQUESTED, run->stop_reason, error);
    }
    if (result == 0 && request->spooled && run->status == HD_RUNNING)
        result = run_move(database, run, HD_FINALIZING, NULL, error);
    if (result == 0)
        result = add_points(database, reporting, request);
    if (result != 0)
        return result;
    request->ret_accepted = request->count;
    request->write.points = request->count;
    request->write.points_sweep = run->sweep;
    request->write.points_run = run->key;
    return 0;
}

static int report(struct database *database, struct store_write *write)
{
    struct store_report *request = (struct store_report *)write;
    struct reporting reporting = {0};
    int result;

    free(request->ret_stop_reason);
    request->ret_stop_reason = NULL;
    request->ret_duplicate = request->ret_started = false;
    request->ret_accepted = 0;
    result = load(database, request->run_id, &reporting, &write->error);
    if (result != 0)
        return result;
    result = take(database, &reporting, request);
    if (result == 0) {
        request->ret_run = reporting.run.key;
        request->ret_sweep_key = reporting.run.sweep;
        request->ret_reports = reporting.run.reports;
        request->ret_status = reporting.run.status;
        request->ret_ordinal = database->ordinal;
        request->ret_stop_reason = reporting.run.stop_reason;
        reporting.run.stop_reason = NULL;
    }
    run_clear(&reporting.run);
    return result;
}

int store_report(struct store *store, struct store_report *request, struct hd_error *error)
{
    return store_submit(store, &request->write, report, request->count * (int64_t)sizeof *request->points, error);
}
