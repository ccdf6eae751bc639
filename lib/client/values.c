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
    listing.table.headed = listing.rows == 0;
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

/* One metric: how many values, the last one, and the least and the largest of those that are numbers. */
static void add_metric(struct listing *listing, const char *run, const cJSON *metric)
{
    const cJSON *values = cJSON_IsArray(metric) ? metric->child : metric, *value, *last = NULL, *least = NULL, *most = NULL;
    struct hd_text text[3] = {{0}, {0}, {0}};
    double number, low = 0, high = 0;
    int count = 0;

    for (value = values; value != NULL; value = cJSON_IsArray(metric) ? value->next : NULL) {
        count++;
        last = value;
        if (hd_json_metric_number(value, &number) && number == number) { /* not NaN */
            least = least == NULL || number < low ? value : least;
            low = least == value ? number : low;
            most = most == NULL || number > high ? value : most;
            high = most == value ? number : high;
        }
    }
    text_value(&text[0], last, 6);
    text_value(&text[1], least, 6);
    text_value(&text[2], most, 6);
    if (run != NULL) {
        table_add(&listing->table, TABLE_PLAIN, run);
    }
    table_add(&listing->table, TABLE_PLAIN, metric->string);
    table_format(&listing->table, TABLE_PLAIN, "%d", count);
    for (size_t i = 0; i < 3; i++) {
        table_add(&listing->table, TABLE_PLAIN, text[i].data);
        listing->table.failed = listing->table.failed || text[i].failed;
        hd_text_clear(&text[i]);
    }
    listing->rows++;
}

static bool take_metric_of_run(void *data, const cJSON *metric)
{
    struct listing *listing = data;

    add_metric(listing, NULL, metric);
    return !listing->table.failed;
}

static bool take_metrics_of_sweep(void *data, const cJSON *run)
{
    struct listing *listing = data;
    const cJSON *metric;

    cJSON_ArrayForEach(metric, run)
    {
        add_metric(listing, run->string, metric);
    }
    return !listing->table.failed;
}

int command_metrics(struct client *client, struct hd_error *error)
{
    static const struct table_column columns[] = {{"RUN", false, true},  {"METRIC", false, false}, {"VALUES", true, false},
                                                  {"LAST", true, false}, {"LEAST", true, false},   {"MOST", true, false}};
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
    return run ? print_table(client, &path, "metrics", take_metric_of_run, columns + 1, 5, error)
               : print_table(client, &path, "metrics", take_metrics_of_sweep, columns, 6, error);
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
