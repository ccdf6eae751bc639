/* Writes preset rows through the store: load_rows STATE_DIR < rows.json.
 *
 * {"sweeps":[{"id","goal","metric","resume_from":[...],"children":[{"number","created","status","reports":[...]}]}]}. Children are created
 * in the order of `created`; what a sweep inherits stands before it. The sweeps are stored as Completed, whatever their children's
 * statuses, so that a daemon that is started on the folder leaves them as they are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/json.h"
#include "store/room.h"

struct preset {
    struct store_write write; /* first: the write comes back as this */
    const cJSON *sweep;
};

static int fail(struct hd_error *error, const char *what)
{
    return hd_error_set(error, HD_INVALID, "bad preset rows: %s", what);
}

static const char *text_of(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static int64_t integer_of(const cJSON *object, const char *name)
{
    int64_t value = 0;

    (void)hd_json_integer(cJSON_GetObjectItemCaseSensitive(object, name), &value);
    return value;
}

static const char INSERT_SWEEP[] =
    "INSERT INTO sweep (id, experiment, config, warnings, metric, goal, seed, max_total, max_concurrent, "
    "failure_limit, status, created_us, generation) VALUES (?1, 'Default', '{}', '[]', ?2, ?3, 0, 1000000, 0, 0, 7, ?4, 1)";
static const char INSERT_RUN[] = "INSERT INTO run (sweep, number, id, digest, configuration, status, attempt, created_us) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, 1, 1, ?6)";
static const char COUNT[] = "UPDATE sweep SET starting = starting + 1, generated = generated + 1 WHERE sweep = ?1";
static const char SET_RANK[] = "UPDATE run SET reports = reports + 1, rank_key = CASE WHEN ?2 THEN rank_key WHEN rank_key IS NULL OR "
                               "?3 < rank_key THEN ?3 ELSE rank_key END WHERE run = ?1";

/* The statuses on the way to where the preset says the run stands. */
static const enum hd_status *path_to(enum hd_status status)
{
    static const enum hd_status QUEUED[] = {HD_QUEUED, HD_STATUS_NONE}, RUNNING[] = {HD_RUNNING, HD_STATUS_NONE},
                                COMPLETED[] = {HD_RUNNING, HD_FINALIZING, HD_COMPLETED, HD_STATUS_NONE},
                                FAILED[] = {HD_RUNNING, HD_FINALIZING, HD_FAILED, HD_STATUS_NONE},
                                REQUESTED[] = {HD_RUNNING, HD_CANCEL_REQUESTED, HD_STATUS_NONE},
                                CANCELED[] = {HD_RUNNING, HD_CANCEL_REQUESTED, HD_CANCELED, HD_STATUS_NONE};

    switch (status) {
    case HD_QUEUED:
        return QUEUED;
    case HD_RUNNING:
        return RUNNING;
    case HD_COMPLETED:
        return COMPLETED;
    case HD_FAILED:
        return FAILED;
    case HD_CANCEL_REQUESTED:
        return REQUESTED;
    case HD_CANCELED:
        return CANCELED;
    default:
        return NULL;
    }
}

static int load_child(struct database *database, int64_t sweep, const char *sweep_id, enum hd_goal goal, const cJSON *child,
                      struct hd_error *error)
{
    const char *status_name = text_of(child, "status");
    const enum hd_status *moves = status_name != NULL ? path_to(hd_status_parse(status_name)) : NULL;
    struct run_row row = {.sweep = sweep, .number = integer_of(child, "number"), .status = HD_STARTING};
    char id[128], configuration[64];
    const cJSON *report;
    int result;

    if (moves == NULL)
        return fail(error, "a child's status");
    snprintf(id, sizeof id, "%s_%lld", sweep_id, (long long)row.number);
    snprintf(configuration, sizeof configuration, "{\"n\":%lld}", (long long)row.number);
    result =
        database_run(database, error, INSERT_RUN, "iitbti", sweep, row.number, id, id, (int)strlen(id), configuration, database->now_us);
    row.key = sqlite3_last_insert_rowid(database->handle);
    if (result == 0)
        result = database_run(database, error, COUNT, "i", sweep);
    cJSON_ArrayForEach(report, cJSON_GetObjectItemCaseSensitive(child, "reports"))
    {
        double value;

        if (!hd_json_metric_number(report, &value))
            return fail(error, "a report");
        if (result == 0)
            result = database_run(database, error, SET_RANK, "iid", row.key, (int64_t)(value != value),
                                  value != value ? 0.0 : hd_goal_rank(goal, value));
    }
    for (; result == 0 && *moves != HD_STATUS_NONE; moves++)
        result = run_move(database, &row, *moves, NULL, error);
    return result;
}

static const cJSON *next_created(const cJSON *children, int64_t after)
{
    const cJSON *child, *next = NULL;

    cJSON_ArrayForEach(child, children) if (integer_of(child, "created") > after &&
                                            (next == NULL || integer_of(child, "created") < integer_of(next, "created"))) next = child;
    return next;
}

static int load_inherited(struct database *database, int64_t sweep, const cJSON *resume_from, struct hd_error *error)
{
    enum { SWEEPS = 5 };
    char *ids[SWEEPS + 1] = {0};

    for (int i = 0; i < SWEEPS; i++) {
        const cJSON *id = cJSON_GetArrayItem(resume_from, i);

        ids[i] = id != NULL ? id->valuestring : NULL;
    }
    return earlier_add(database, sweep, EARLIER_INHERITED, ids, error);
}

static int load(struct database *database, struct store_write *write)
{
    const cJSON *sweep = ((struct preset *)write)->sweep, *children = cJSON_GetObjectItemCaseSensitive(sweep, "children"), *child;
    const char *id = text_of(sweep, "id"), *goal_name = text_of(sweep, "goal"), *metric = text_of(sweep, "metric");
    enum hd_goal goal = goal_name != NULL ? hd_goal_parse(goal_name) : HD_GOAL_NONE;
    int64_t name, key, created = INT64_MIN;
    int result;

    if (id == NULL || goal == HD_GOAL_NONE)
        return fail(&write->error, "a sweep needs id and goal");
    name = store_name_key(database, metric != NULL ? metric : "metric", &write->error);
    if (name < 0)
        return (int)name;
    result = database_run(database, &write->error, INSERT_SWEEP, "tiii", id, name, (int64_t)goal, database->now_us);
    key = sqlite3_last_insert_rowid(database->handle);
    if (result == 0)
        result = load_inherited(database, key, cJSON_GetObjectItemCaseSensitive(sweep, "resume_from"), &write->error);
    while (result == 0 && (child = next_created(children, created)) != NULL) {
        created = integer_of(child, "created");
        result = load_child(database, key, id, goal, child, &write->error);
    }
    return result;
}

static void on_done(struct store_write *write)
{
    write->store = NULL;
}

static char *read_all(FILE *file)
{
    struct hd_text text = {0};
    char buffer[4096];
    size_t length;

    while ((length = fread(buffer, 1, sizeof buffer, file)) > 0)
        hd_text_add(&text, buffer, length);
    return hd_text_take(&text);
}

int main(int argc, char **argv)
{
    char path[4096];
    const struct store_settings settings = {.path = path, .queue_limit = INT64_MAX};
    struct hd_error error = {0};
    char *input = read_all(stdin);
    cJSON *rows = input != NULL ? hd_json_parse_own(input) : NULL;
    const cJSON *sweep;
    struct store *store;
    uv_loop_t loop;
    int failed = 0;

    if (argc != 2 || rows == NULL) {
        fprintf(stderr, "usage: load_rows STATE_DIR < rows.json\n");
        return 2;
    }
    (void)mkdir(argv[1], 0700);
    snprintf(path, sizeof path, "%s/hyperdrive.db", argv[1]);
    if (uv_loop_init(&loop) != 0 || store_open(&store, &loop, &settings, &error) != 0) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    cJSON_ArrayForEach(sweep, cJSON_GetObjectItemCaseSensitive(rows, "sweeps"))
    {
        struct preset preset = {.sweep = sweep, .write = {.done = on_done}};

        if (store_submit(store, &preset.write, load, 0, &error) != 0)
            return 1;
        while (preset.write.store != NULL)
            uv_run(&loop, UV_RUN_ONCE);
        if (preset.write.result != 0) {
            fprintf(stderr, "%s\n", preset.write.error.message);
            failed = 1;
        }
    }
    store_close(store, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    cJSON_Delete(rows);
    free(input);
    return failed;
}
