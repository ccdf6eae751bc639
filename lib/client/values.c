/* `hyperdrive hyperparameters`, `hyperdrive metrics` and `hyperdrive config`: what was drawn, what was reported, what was asked for. */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "core/json.h"
#include "elements.h"

struct listing {
    struct table table;
    long long rows;
};

/* Streams a member of an answer into a table. Takes over and frees the path. */
static int print_table(struct client *client, struct hd_text *path, const char *name, elements_take *take,
                       const struct table_column *columns, int count, struct hd_error *error)
{
    struct listing listing = {0};
    struct elements elements;
    struct rest_request request = {.path = path->data, .sink = elements_feed, .data = &elements};
    int result;

    table_open(&listing.table, client->output.file, client->output.width, client->output.colour, columns, count);
    elements_open(&elements, name, take, &listing);
    result = path->failed ? hd_error_set(error, HD_UNAVAILABLE, "memory is short") : rest_call(client->rest, &request, NULL, error);
    elements_close(&elements);
    hd_text_clear(path);
    listing.table.headed = listing.table.headed || listing.rows == 0;
    if (!table_close(&listing.table) && result == 0) {
        result = hd_error_set(error, HD_UNAVAILABLE, "memory is short");
    }
    if (listing.rows == 0 && result == 0) {
        say("there are no %s yet", name);
    }
    return result;
}

static bool take_configuration(void *data, const cJSON *configuration)
{
    struct listing *listing = data;
    struct hd_text text = {0};

    text_configuration(&text, configuration, 17);
    table_add(&listing->table, TABLE_PLAIN, configuration->string);
    table_add(&listing->table, TABLE_PLAIN, text.data);
    listing->table.failed = listing->table.failed || text.failed;
    hd_text_clear(&text);
    listing->rows++;
    return !listing->table.failed;
}

int command_hyperparameters(struct client *client, struct hd_error *error)
{
    static const struct table_column columns[] = {{"RUN", false, true}, {"HYPERPARAMETERS", false, false}};
    struct hd_text path;
    char *id = NULL;
    int result = client_id(client, 0, &id, error);

    if (result < 0) {
        return result;
    }
    path = client_path("sweeps", id, "/hyperparameters");
    free(id);
    if (client->arguments.value[OPTION_JSON] != NULL) {
        return client_print_json(client, &path, error);
    }
    return print_table(client, &path, "hyperparameters", take_configuration, columns, 2, error);
}

/* What is said of one metric of one run; a long one comes in parts. */
struct series {
    struct table *table;
    bool of_sweep; /* the first column is the run */
    char *run, *name;
    long long count, rows;
    cJSON *last, *least, *most; /* owned; the last two of values that are numbers */
    double low, high;
    bool failed;
};

static void keep(struct series *series, cJSON **place, const cJSON *value)
{
    cJSON_Delete(*place);
    *place = cJSON_Duplicate(value, true);
    series->failed = series->failed || *place == NULL;
}

static void add_value(struct series *series, const cJSON *value)
{
    double number;

    series->count++;
    if (hd_json_metric_number(value, &number) && number == number) { /* not NaN */
        if (series->least == NULL || number < series->low) {
            series->low = number;
            keep(series, &series->least, value);
        }
        if (series->most == NULL || number > series->high) {
            series->high = number;
            keep(series, &series->most, value);
        }
    }
    if (value->next == NULL) {
        keep(series, &series->last, value);
    }
}

static void add_cell(struct series *series, cJSON **value)
{
    struct hd_text text = {0};

    text_value(&text, *value, 6);
    table_add(series->table, TABLE_PLAIN, text.data);
    series->failed = series->failed || text.failed;
    hd_text_clear(&text);
    cJSON_Delete(*value);
    *value = NULL;
}

/* Its row, when all of it came. */
static void end_series(struct series *series)
{
    if (series->name != NULL) {
        if (series->of_sweep) {
            table_add(series->table, TABLE_PLAIN, series->run);
        }
        table_add(series->table, TABLE_PLAIN, series->name);
        table_format(series->table, TABLE_PLAIN, "%lld", series->count);
        add_cell(series, &series->last);
        add_cell(series, &series->least);
        add_cell(series, &series->most);
        series->rows++;
    }
    free(series->run);
    free(series->name);
    series->run = series->name = NULL;
    series->count = 0;
}

static void add_part(struct series *series, const char *run, const cJSON *metric)
{
    if (series->name == NULL || strcmp(series->name, metric->string) != 0 || strcmp(series->run, run) != 0) {
        end_series(series);
        series->run = strdup(run);
        series->name = strdup(metric->string);
        series->failed = series->failed || series->run == NULL || series->name == NULL;
    }
    if (series->failed) {
        return;
    }
    if (!cJSON_IsArray(metric)) {
        cJSON alone = *metric;

        alone.next = NULL;
        add_value(series, &alone);
        return;
    }
    for (const cJSON *value = metric->child; value != NULL; value = value->next) {
        add_value(series, value);
    }
}

static bool take_metric_of_run(void *data, const cJSON *metric)
{
    struct series *series = data;

    add_part(series, "", metric);
    return !series->failed;
}

static bool take_metrics_of_sweep(void *data, const cJSON *run)
{
    struct series *series = data;
    const cJSON *metric;

    cJSON_ArrayForEach(metric, run)
    {
        add_part(series, run->string, metric);
    }
    return !series->failed;
}

/* Takes over and frees the path. */
static int print_metrics(struct client *client, struct hd_text *path, bool of_sweep, struct hd_error *error)
{
    static const struct table_column columns[] = {{"RUN", false, true},  {"METRIC", false, false}, {"VALUES", true, false},
                                                  {"LAST", true, false}, {"LEAST", true, false},   {"MOST", true, false}};
    struct table table;
    struct series series = {.table = &table, .of_sweep = of_sweep};
    struct elements elements;
    struct rest_request request = {.path = path->data, .sink = elements_feed, .data = &elements};
    int result;

    table_open(&table, client->output.file, client->output.width, client->output.colour, of_sweep ? columns : columns + 1,
               of_sweep ? 6 : 5);
    elements_open(&elements, "metrics", of_sweep ? take_metrics_of_sweep : take_metric_of_run, &series);
    elements.split = of_sweep ? "{[" : "[";
    result = path->failed ? hd_error_set(error, HD_UNAVAILABLE, "memory is short") : rest_call(client->rest, &request, NULL, error);
    elements_close(&elements);
    hd_text_clear(path);
    end_series(&series);
    table.headed = table.headed || series.rows == 0;
    if ((!table_close(&table) || series.failed) && result == 0) {
        result = hd_error_set(error, HD_UNAVAILABLE, "memory is short");
    }
    if (series.rows == 0 && result == 0) {
        say("there are no metrics yet");
    }
    return result;
}

int command_metrics(struct client *client, struct hd_error *error)
{
    struct rest_answer answer = {0};
    struct hd_text path;
    char *id = NULL;
    bool run = false;
    int result = client_id(client, 0, &id, error);

    if (result == 0) {
        result = client_find(client, id, &run, &answer, error);
    }
    rest_answer_clear(&answer);
    if (result < 0) {
        free(id);
        return result;
    }
    path = client_path(run ? "runs" : "sweeps", id, "/metrics");
    free(id);
    if (client->arguments.value[OPTION_JSON] != NULL) {
        return client_print_json(client, &path, error);
    }
    return print_metrics(client, &path, !run, error);
}

int command_config(struct client *client, struct hd_error *error)
{
    struct rest_answer answer = {0};
    struct hd_text path;
    char *id = NULL;
    int result = client_id(client, 0, &id, error);

    if (result < 0) {
        return result;
    }
    path = client_path("sweeps", id, "/config");
    free(id);
    if (client->arguments.value[OPTION_JSON] != NULL) {
        return client_print_json(client, &path, error);
    }
    result = path.failed ? hd_error_set(error, HD_UNAVAILABLE, "memory is short") : rest_get(client->rest, path.data, &answer, error);
    hd_text_clear(&path);
    if (result == 0 && !output_indented(&client->output, answer.json)) {
        result = hd_error_set(error, HD_UNAVAILABLE, "memory is short");
    }
    rest_answer_clear(&answer);
    return result;
}
