/* `hyperdrive list`: the sweeps, newest first. */
#include <string.h>

#include "client.h"
#include "progress.h"

enum { LIST_DEFAULT = 20 };

static struct hd_text list_path(const struct arguments *arguments)
{
    struct hd_text path = {0};
    char limit[24];

    snprintf(limit, sizeof(limit), "%lld",
             arguments->value[OPTION_LIMIT] != NULL ? (long long)arguments->number[OPTION_LIMIT] : LIST_DEFAULT);
    hd_text_add_string(&path, "/sweeps");
    rest_path_query(&path, "limit", limit);
    if (arguments->value[OPTION_STATUS] != NULL) {
        rest_path_query(&path, "status", arguments->value[OPTION_STATUS]);
    }
    if (arguments->value[OPTION_EXPERIMENT] != NULL) {
        rest_path_query(&path, "experiment", arguments->value[OPTION_EXPERIMENT]);
    }
    return path;
}

static void add_row(struct table *table, const cJSON *sweep)
{
    const char *status = member_text(sweep, "status", "");
    struct hd_text created = {0}, best = {0};
    const char *name = member_text(sweep, "display_name", NULL);

    text_instant(&created, member(sweep, "created_utc"));
    text_value(&best, member(sweep, "best_primary_metric"), 6);
    table_add(table, TABLE_PLAIN, member_text(sweep, "run_id", ""));
    table_add(table, status_style(status), status);
    table_format(table, TABLE_PLAIN, "%.0f/%.0f", member_count(member(sweep, "children"), "total"), progress_total(sweep));
    table_add(table, TABLE_PLAIN, best.data);
    table_add(table, TABLE_PLAIN, created.data);
    table_add(table, TABLE_PLAIN, member_text(sweep, "experiment", ""));
    table_add(table, TABLE_PLAIN, name != NULL ? name : member_text(sweep, "name", ""));
    table->failed = table->failed || created.failed || best.failed;
    hd_text_clear(&created);
    hd_text_clear(&best);
}

static int print_table(struct client *client, const cJSON *answer, struct hd_error *error)
{
    static const struct table_column columns[] = {
        {"SWEEP", false, true},   {"STATUS", false, true},      {"CHILDREN", true, false}, {"BEST", true, false},
        {"CREATED", false, true}, {"EXPERIMENT", false, false}, {"NAME", false, false},
    };
    const cJSON *sweeps = member(answer, "sweeps"), *sweep;
    struct table table;

    if (cJSON_GetArraySize(sweeps) == 0) {
        bool chosen = client->arguments.value[OPTION_STATUS] != NULL || client->arguments.value[OPTION_EXPERIMENT] != NULL;

        say(chosen ? "there is no such sweep" : "there are no sweeps yet; submit one with: hyperdrive submit FILE");
        return EXIT_OK;
    }
    table_open(&table, client->output.file, client->output.width, client->output.colour, columns, sizeof(columns) / sizeof(columns[0]));
    cJSON_ArrayForEach(sweep, sweeps)
    {
        add_row(&table, sweep);
    }
    if (!table_close(&table)) {
        return hd_error_set(error, HD_UNAVAILABLE, "memory is short");
    }
    if (member(answer, "next") != NULL && !cJSON_IsNull(member(answer, "next"))) {
        fprintf(client->output.file, "%d sweeps shown; --limit N shows more\n", cJSON_GetArraySize(sweeps));
    }
    return EXIT_OK;
}

int command_list(struct client *client, struct hd_error *error)
{
    struct hd_text path = list_path(&client->arguments);
    struct rest_answer answer = {0};
    int result = client_connect(client, error);

    if (result == 0 && client->arguments.value[OPTION_JSON] != NULL) {
        return client_print_json(client, &path, error);
    }
    if (result == 0) {
        result = path.failed ? hd_error_set(error, HD_UNAVAILABLE, "memory is short") : rest_get(client->rest, path.data, &answer, error);
    }
    hd_text_clear(&path);
    if (result < 0) {
        return result;
    }
    result = print_table(client, answer.json, error);
    rest_answer_clear(&answer);
    return result;
}
