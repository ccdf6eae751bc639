/* A sweep's row in a transaction: its statuses, its failure limit, its end. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/json.h"
#include "room.h"

static const char LOAD[] = "SELECT status, generation, generated, draws, scan, max_total, max_concurrent, completed, failed, canceled, "
                           "canceled_well, canceled_user, failure_limit, failures, failures_off, started_us, metric, metric_warned "
                           "FROM sweep WHERE sweep = ?1";

int sweep_load(struct database *database, int64_t key, struct sweep_row *ret_row, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, LOAD, "i", key);
    struct sweep_row row = {.key = key};
    int result;

    if (statement == NULL)
        return -(int)error->code;
    result = database_step(database, statement, error);
    if (result <= 0)
        return result < 0 ? result : hd_error_set(error, HD_NOT_FOUND, "no such sweep");
    row.status = (enum hd_status)sqlite3_column_int(statement, 0);
    row.generation = (enum hd_generation)sqlite3_column_int(statement, 1);
    row.generated = sqlite3_column_int64(statement, 2);
    row.draws = sqlite3_column_int64(statement, 3);
    row.scan = sqlite3_column_int64(statement, 4);
    row.max_total = sqlite3_column_int64(statement, 5);
    row.max_concurrent = sqlite3_column_int64(statement, 6);
    row.completed = sqlite3_column_int64(statement, 7);
    row.failed = sqlite3_column_int64(statement, 8);
    row.canceled = sqlite3_column_int64(statement, 9);
    row.canceled_well = sqlite3_column_int64(statement, 10);
    row.canceled_user = sqlite3_column_int64(statement, 11);
    row.watch.limit = sqlite3_column_int64(statement, 12);
    row.watch.failed = sqlite3_column_int64(statement, 13);
    row.watch.off = sqlite3_column_int(statement, 14) != 0;
    row.started_us = sqlite3_column_int64(statement, 15);
    row.metric = sqlite3_column_int64(statement, 16);
    row.metric_warned = sqlite3_column_int(statement, 17) != 0;
    database_reset(statement);
    *ret_row = row;
    return 0;
}

void sweep_state(const struct sweep_row *row, struct store_sweep_state *ret_state)
{
    *ret_state = (struct store_sweep_state){
        .key = row->key,
        .status = row->status,
        .generation = row->generation,
        .generated = row->generated,
        .ended = row->completed + row->failed + row->canceled,
        .started_us = row->started_us,
    };
}

static const char SET_STARTED[] = "UPDATE sweep SET status = ?2, started_us = ?3 WHERE sweep = ?1";
static const char SET_STATUS[] = "UPDATE sweep SET status = ?2, reason = coalesce(?3, reason), "
                                 "ended_us = CASE WHEN ?4 THEN ?5 ELSE ended_us END WHERE sweep = ?1";

/* {"code","message"}; NULL without a code (*ret_failed false) or without memory (*ret_failed true). */
static char *reason_json(const char *code, const char *message, bool *ret_failed)
{
    struct hd_text text = {0};
    char *reason;

    *ret_failed = false;
    if (code == NULL)
        return NULL;
    hd_text_format(&text, "{\"code\":\"%s\",\"message\":", code);
    hd_json_print_string(&text, message);
    hd_text_add_char(&text, '}');
    reason = hd_text_take(&text);
    *ret_failed = reason == NULL;
    return reason;
}

/* `reason` is JSON; NULL: none, and one that is stored stays. */
static int move_for(struct database *database, struct sweep_row *row, enum hd_status to, const char *reason, struct hd_error *error)
{
    int result;

    if (!hd_sweep_may_move(row->status, to))
        return hd_error_set(error, HD_CONFLICT, "a sweep that is %s cannot become %s", hd_status_name(row->status), hd_status_name(to));
    if (to == HD_RUNNING) {
        result = database_run(database, error, SET_STARTED, "iii", row->key, (int64_t)to, database->now_us);
        row->started_us = database->now_us;
    } else {
        result = database_run(database, error, SET_STATUS, "iitii", row->key, (int64_t)to, reason, (int64_t)hd_status_ended(to),
                              database->now_us);
    }
    if (result == 0)
        result = store_add_event(database, row->key, 0, STORE_EVENT_SWEEP, to, reason, error);
    if (result == 0)
        row->status = to;
    return result;
}

int sweep_move(struct database *database, struct sweep_row *row, enum hd_status to, const char *code, const char *message,
               struct hd_error *error)
{
    bool out_of_memory;
    char *reason = reason_json(code, message, &out_of_memory);
    int result = out_of_memory ? hd_error_set(error, HD_UNAVAILABLE, "out of memory") : move_for(database, row, to, reason, error);

    free(reason);
    return result;
}

static const char SET_GENERATION[] = "UPDATE sweep SET generation = ?2 WHERE sweep = ?1";

int sweep_stop_generation(struct database *database, struct sweep_row *row, enum hd_generation generation, struct hd_error *error)
{
    static const char *const DETAILS[] = {
        [HD_GENERATED_BUDGET] = "{\"code\":\"max_total_runs\"}",
        [HD_GENERATED_SPACE] = "{\"code\":\"search_space_exhausted\"}",
        [HD_GENERATED_FAILURES] = "{\"code\":\"initial_failures\"}",
        [HD_GENERATED_CANCEL] = "{\"code\":\"canceled\"}",
    };
    int result;

    if (row->generation != HD_GENERATING && generation != HD_GENERATED_CANCEL)
        return 0;
    result = database_run(database, error, SET_GENERATION, "ii", row->key, (int64_t)generation);
    if (result == 0 && row->generation == HD_GENERATING)
        result = store_add_event(database, row->key, 0, STORE_EVENT_GENERATION, HD_STATUS_NONE, DETAILS[generation], error);
    if (result == 0)
        row->generation = generation;
    return result;
}

int sweep_resume_generation(struct database *database, struct sweep_row *row, struct hd_error *error)
{
    int result = database_run(database, error, SET_GENERATION, "ii", row->key, (int64_t)HD_GENERATING);

    if (result == 0)
        result = store_add_event(database, row->key, 0, STORE_EVENT_GENERATION, HD_STATUS_NONE, "{\"code\":\"resumed\"}", error);
    if (result == 0)
        row->generation = HD_GENERATING;
    return result;
}

static const char NEXT_LIVE[] = "SELECT run, number FROM run WHERE sweep = ?1 AND number > ?2 AND status IN (1, 2, 3, 4, 5, 6, 10) "
                                "ORDER BY number LIMIT 1";

int sweep_cancel_runs(struct database *database, int64_t sweep, const char *kind, double limit, struct hd_error *error)
{
    int64_t number = -1;

    for (;;) {
        sqlite3_stmt *statement = database_query(database, error, NEXT_LIVE, "ii", sweep, number);
        struct run_row run;
        int64_t key;
        int result;

        if (statement == NULL || (result = database_step(database, statement, error)) < 0)
            return -(int)error->code;
        if (result == 0)
            return 0;
        key = sqlite3_column_int64(statement, 0);
        number = sqlite3_column_int64(statement, 1);
        database_reset(statement);
        result = run_load(database, key, &run, error);
        if (result != 0)
            return result;
        result = run_cancel(database, &run, kind, limit, error);
        run_clear(&run);
        if (result != 0)
            return result;
    }
}

static const char *outcome_message(const char *code)
{
    static const struct {
        const char *code, *message;
    } MESSAGES[] = {
        {"max_total_runs", "all runs of max_total_runs have ended"},
        {"search_space_exhausted", "every configuration of the search space has been run"},
        {"all_children_failed", "all children failed"},
        {"children_canceled", "all children were cancelled or failed, and none completed"},
        {"initial_failures", "the first children to end all failed"},
    };

    for (size_t i = 0; i < sizeof MESSAGES / sizeof MESSAGES[0]; i++)
        if (strcmp(MESSAGES[i].code, code) == 0)
            return MESSAGES[i].message;
    return code;
}

/* Why the first failed child failed, out of its stored error: the last lines of what it printed, else what the daemon says. */
static void add_cause(struct hd_text *message, const char *error_json)
{
    enum { LINES = 3 };
    cJSON *tree = hd_json_parse_own(error_json);
    const char *output = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, "output"));
    const char *told = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, "message"));
    size_t length = output != NULL ? strlen(output) : 0;
    const char *start;
    int lines = 0;

    while (length > 0 && output[length - 1] == '\n')
        length--;
    if (length > 0) {
        for (start = output + length; start > output; start--)
            if (start[-1] == '\n' && ++lines == LINES)
                break;
        hd_text_add_string(message, "; the first one's last output: ");
        hd_text_add(message, start, (size_t)(output + length - start));
    } else if (told != NULL) {
        hd_text_format(message, "; the first one: %s", told);
    }
    cJSON_Delete(tree);
}

static const char FIRST_CHILD_FAILED[] = "SELECT error FROM run WHERE sweep = ?1 AND status = 8 ORDER BY number LIMIT 1";

/* Ends a sweep whose children have all failed. */
static int settle_failed(struct database *database, struct sweep_row *row, const char *code, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, FIRST_CHILD_FAILED, "i", row->key);
    struct hd_text message = {0};
    int result = statement == NULL ? -(int)error->code : database_step(database, statement, error);

    hd_text_add_string(&message, outcome_message(code));
    if (result == 1) {
        add_cause(&message, database_text(statement, 0));
        database_reset(statement);
    }
    if (result >= 0)
        result = message.failed ? hd_error_set(error, HD_UNAVAILABLE, "out of memory")
                                : sweep_move(database, row, HD_FAILED, code, message.data, error);
    hd_text_clear(&message);
    return result;
}

static const char STORED_REASON[] = "SELECT reason FROM sweep WHERE sweep = ?1";

int sweep_settle(struct database *database, struct sweep_row *row, struct hd_error *error)
{
    struct hd_tally tally = {
        .status = row->status,
        .generation = row->generation,
        .children = row->generated,
        .ended = row->completed + row->failed + row->canceled,
        .completed = row->completed,
        .failed = row->failed,
        .canceled_well = row->canceled_well,
        .canceled_user = row->canceled_user,
    };
    struct hd_outcome outcome = hd_sweep_outcome(&tally);
    sqlite3_stmt *statement;
    const char *stored;
    char *reason;
    int result;

    if (!outcome.ended)
        return 0;
    statement = database_query(database, error, STORED_REASON, "i", row->key);
    if (statement == NULL || database_step(database, statement, error) < 0)
        return -(int)error->code;
    stored = database_text_or_null(statement, 0);
    reason = stored != NULL ? strdup(stored) : NULL;
    if (stored != NULL && reason == NULL) {
        database_reset(statement);
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    }
    database_reset(statement);
    /* A reason that stands already (who cancelled, which children failed) says more than the outcome's. */
    if (reason != NULL || outcome.reason_code == NULL) {
        result = move_for(database, row, outcome.status, reason, error);
        free(reason);
        return result;
    }
    if (strcmp(outcome.reason_code, "all_children_failed") == 0)
        return settle_failed(database, row, outcome.reason_code, error);
    return sweep_move(database, row, outcome.status, outcome.reason_code, outcome_message(outcome.reason_code), error);
}

static const char SET_WATCH[] = "UPDATE sweep SET failures = ?2, failures_off = ?3 WHERE sweep = ?1";
static const char SET_REASON[] = "UPDATE sweep SET reason = ?2 WHERE sweep = ?1";
static const char FIRST_FAILED[] = "SELECT id, error FROM run WHERE sweep = ?1 AND status = 8 ORDER BY ended_us, run LIMIT ?2";

/* Writes why the failure limit ended the sweep: which children, and what the first one said. */
static int write_failure_reason(struct database *database, const struct sweep_row *row, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, FIRST_FAILED, "ii", row->key, row->watch.limit);
    struct hd_text message = {0}, ids = {0};
    char *first_error = NULL, *reason = NULL;
    bool out_of_memory = false;
    int result = statement == NULL ? -(int)error->code : 0;

    while (result == 0 && (result = database_step(database, statement, error)) == 1) {
        if (first_error == NULL && ids.length == 0)
            first_error = strdup(database_text(statement, 1));
        hd_text_format(&ids, "%s%s", ids.length == 0 ? "" : ", ", database_text(statement, 0));
        result = 0;
    }
    if (row->watch.limit == 1)
        hd_text_add_string(&message, "the first child to end failed: ");
    else
        hd_text_format(&message, "the first %" PRId64 " children to end all failed: ", row->watch.limit);
    hd_text_add(&message, ids.data != NULL ? ids.data : "", ids.length);
    if (first_error != NULL)
        add_cause(&message, first_error);
    if (result == 0) {
        reason = message.failed ? NULL : reason_json("initial_failures", message.data, &out_of_memory);
        result = reason == NULL ? hd_error_set(error, HD_UNAVAILABLE, "out of memory")
                                : database_run(database, error, SET_REASON, "it", row->key, reason);
    }
    free(first_error);
    free(reason);
    hd_text_clear(&ids);
    hd_text_clear(&message);
    return result;
}

static const char LOGGED_NAMES[] = "SELECT name.text FROM series JOIN name USING (name) WHERE series.run = ?1 ORDER BY position LIMIT 20";
static const char METRIC_NAME[] = "SELECT text FROM name WHERE name = ?1";
static const char RUN_ID[] = "SELECT id FROM run WHERE run = ?1";
static const char ADD_WARNING[] = "UPDATE sweep SET warnings = json_insert(warnings, '$[#]', json(?2)), metric_warned = 1 WHERE sweep = ?1";
static const char SET_WARNED[] = "UPDATE sweep SET metric_warned = 1 WHERE sweep = ?1";

/* A copy of the one text that a statement gives; NULL on failure. */
static char *read_text(struct database *database, const char *sql, int64_t key, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, sql, "i", key);
    char *text = NULL;

    if (statement != NULL && database_step(database, statement, error) == 1) {
        text = strdup(database_text(statement, 0));
        if (text == NULL)
            hd_error_set(error, HD_UNAVAILABLE, "out of memory");
        database_reset(statement);
    }
    return text;
}

/* The sentence of MetricNeverReported: what the child did log, and a name that differs in case only. */
static int metric_sentence(struct database *database, const struct run_row *run, const char *metric, const char *id,
                           struct hd_text *sentence, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, LOGGED_NAMES, "i", run->key);
    struct hd_text names = {0}, alike = {0};
    int result = statement == NULL ? -(int)error->code : 0;

    while (result == 0 && (result = database_step(database, statement, error)) == 1) {
        const char *name = database_text(statement, 0);

        hd_text_format(&names, "%s'%s'", names.length == 0 ? "" : ", ", name);
        if (strcasecmp(name, metric) == 0)
            hd_text_format(&alike, "; '%s' differs from it only in case", name);
        result = 0;
    }
    hd_text_format(sentence, "%s has completed without a report of the primary metric '%s'; it logged %s%s", id, metric,
                   names.length > 0 ? names.data : "nothing", alike.length > 0 ? alike.data : "");
    if (names.failed || alike.failed || sentence->failed)
        result = hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    hd_text_clear(&names);
    hd_text_clear(&alike);
    return result;
}

/* After the first child that completed: did it ever report the primary metric? */
static int warn_of_metric(struct database *database, struct sweep_row *row, const struct run_row *run, struct hd_error *error)
{
    struct hd_text sentence = {0}, warning = {0};
    char *metric, *id;
    int result;

    row->metric_warned = true;
    if (run->reports > 0)
        return database_run(database, error, SET_WARNED, "i", row->key);
    metric = read_text(database, METRIC_NAME, row->metric, error);
    id = read_text(database, RUN_ID, run->key, error);
    result = metric == NULL || id == NULL ? -(int)error->code : metric_sentence(database, run, metric, id, &sentence, error);
    hd_text_add_string(&warning, "{\"code\":\"MetricNeverReported\",\"message\":");
    hd_json_print_string(&warning, sentence.data != NULL ? sentence.data : "");
    hd_text_add_char(&warning, '}');
    if (result == 0 && warning.failed)
        result = hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    if (result == 0)
        result = database_run(database, error, ADD_WARNING, "it", row->key, warning.data);
    if (result == 0)
        result = store_add_event(database, row->key, 0, STORE_EVENT_WARNING, HD_STATUS_NONE, warning.data, error);
    free(metric);
    free(id);
    hd_text_clear(&sentence);
    hd_text_clear(&warning);
    return result;
}

static const char COUNT_WELL[] = "UPDATE sweep SET canceled_well = canceled_well + 1 WHERE sweep = ?1";
static const char COUNT_USER[] = "UPDATE sweep SET canceled_user = canceled_user + 1 WHERE sweep = ?1";

/* A Canceled child counts by the kind of its stop reason. */
static int count_cancel(struct database *database, const struct run_row *run, struct hd_error *error)
{
    cJSON *reason = run->stop_reason != NULL ? hd_json_parse_own(run->stop_reason) : NULL;
    const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(reason, "kind"));
    int result = 0;

    if (kind != NULL && (strcmp(kind, "policy") == 0 || strcmp(kind, "trial_timeout") == 0))
        result = database_run(database, error, COUNT_WELL, "i", run->sweep);
    else if (kind != NULL && strcmp(kind, "user") == 0)
        result = database_run(database, error, COUNT_USER, "i", run->sweep);
    cJSON_Delete(reason);
    return result;
}

int sweep_run_ended(struct database *database, const struct run_row *run, bool lost, struct store_sweep_state *ret_state,
                    struct hd_error *error)
{
    struct sweep_row row = {0};
    bool failures = false;
    int result = run->status == HD_CANCELED ? count_cancel(database, run, error) : 0;

    if (result == 0)
        result = sweep_load(database, run->sweep, &row, error);
    if (result != 0)
        return result;
    if (run->status == HD_COMPLETED && row.metric != 0 && !row.metric_warned)
        result = warn_of_metric(database, &row, run, error);
    if (result == 0 && row.status == HD_RUNNING && row.generation != HD_GENERATED_FAILURES && !row.watch.off) {
        failures = hd_failure_watch_end(&row.watch, run->status, lost);
        result = database_run(database, error, SET_WATCH, "iii", row.key, row.watch.failed, (int64_t)row.watch.off);
    }
    if (result == 0 && failures) {
        row.generation = HD_GENERATING; /* the failure limit goes before the other reasons */
        result = sweep_stop_generation(database, &row, HD_GENERATED_FAILURES, error);
        if (result == 0)
            result = write_failure_reason(database, &row, error);
        if (result == 0)
            result = sweep_cancel_runs(database, row.key, "initial_failures", (double)row.watch.limit, error);
        if (result == 0)
            result = sweep_load(database, row.key, &row, error); /* the cancels changed its counts */
    }
    if (result == 0)
        result = sweep_settle(database, &row, error);
    if (result == 0) {
        sweep_state(&row, ret_state);
        ret_state->failed_start = failures;
    }
    return result;
}
