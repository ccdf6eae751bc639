/* `hyperdrive best` and `hyperdrive children`: what the sweep found. */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "elements.h"

enum { TOP_DEFAULT = 20 };

static bool given(const struct client *client, enum option_id option)
{
    return client->arguments.value[option] != NULL;
}

static void print_best(const struct output *output, const cJSON *run)
{
    struct hd_text value = {0}, text = {0};
    const cJSON *hyperparameter;

    text_value(&value, member(run, "best_primary_metric"), 17);
    output_field(output, "best run", member_text(run, "run_id", ""));
    output_field(output, "value", value.data);
    output_field(output, "status", member_text(run, "status", ""));
    if (cJSON_IsTrue(member(run, "inherited"))) {
        output_field(output, "inherited from", member_text(run, "sweep_id", ""));
    }
    hd_text_clear(&value);
    cJSON_ArrayForEach(hyperparameter, member(run, "hyperparameters"))
    {
        text_value(&text, hyperparameter, 17);
        output_field(output, hyperparameter->string, text.data);
        hd_text_clear(&text);
    }
}

int command_best(struct client *client, struct hd_error *error)
{
    struct rest_answer answer = {0};
    struct hd_text path;
    char *id = NULL;
    int result = client_id(client, 0, &id, error);

    if (result < 0) {
        return result;
    }
    path = client_path("sweeps", id, "/best");
    rest_path_query(&path, "include_failed", given(client, OPTION_NO_FAILED) ? "false" : "true");
    rest_path_query(&path, "include_canceled", given(client, OPTION_NO_CANCELED) ? "false" : "true");
    rest_path_query(&path, "include_resume_from_runs", given(client, OPTION_NO_INHERITED) ? "false" : "true");
    result = path.failed ? hd_error_set(error, HD_UNAVAILABLE, "memory is short") : rest_get(client->rest, path.data, &answer, error);
    hd_text_clear(&path);
    if (result == 0 && given(client, OPTION_JSON)) {
        output_raw(&client->output, &answer.text);
    }
    if (result == 0 && !cJSON_IsObject(member(answer.json, "run"))) {
        result = hd_error_set(error, HD_NOT_FOUND, "no child of sweep '%s' has the primary metric yet", id);
    } else if (result == 0 && !given(client, OPTION_JSON)) {
        print_best(&client->output, member(answer.json, "run"));
    }
    rest_answer_clear(&answer);
    free(id);
    return result;
}

struct listing {
    struct table table;
    long long rows;
};

static bool take_child(void *data, const cJSON *child)
{
    struct listing *listing = data;
    const char *status = member_text(child, "status", "");
    struct hd_text value = {0}, configuration = {0};

    text_value(&value, member(child, "best_primary_metric"), 8);
    text_configuration(&configuration, member(child, "hyperparameters"), 6);
    table_add(&listing->table, TABLE_PLAIN, member_text(child, "run_id", ""));
    table_add(&listing->table, TABLE_PLAIN, value.data);
    table_add(&listing->table, status_style(status), status);
    table_add(&listing->table, TABLE_PLAIN, configuration.data);
    table_add(&listing->table, TABLE_PLAIN, member_text(member(child, "stop_reason"), "message", NULL));
    listing->table.failed = listing->table.failed || value.failed || configuration.failed;
    hd_text_clear(&value);
    hd_text_clear(&configuration);
    listing->rows++;
    return !listing->table.failed;
}

static struct hd_text children_path(const struct client *client, const char *id)
{
    struct hd_text path = client_path("sweeps", id, "/children/sorted");
    int64_t top = given(client, OPTION_JSON) ? 0 : TOP_DEFAULT;
    char number[24];

    snprintf(number, sizeof(number), "%lld", (long long)(given(client, OPTION_TOP) ? client->arguments.number[OPTION_TOP] : top));
    rest_path_query(&path, "top", number);
    rest_path_query(&path, "reverse", given(client, OPTION_REVERSE) ? "true" : "false");
    rest_path_query(&path, "discard_no_metric", given(client, OPTION_DISCARD_NO_METRIC) ? "true" : "false");
    return path;
}

/* "20 of 1000 children shown". Its failure is not worth an error: the table stands. */
static void print_total(struct client *client, const char *id, long long shown)
{
    struct hd_text path = client_path("sweeps", id, "");
    struct rest_answer answer = {0};
    struct hd_error ignored = {0};

    if (!path.failed && rest_get(client->rest, path.data, &answer, &ignored) == 0) {
        double total = member_count(member(answer.json, "children"), "total");

        if (total > (double)shown) {
            fprintf(client->output.file, "%lld of %.0f children shown%s\n", shown, total,
                    given(client, OPTION_TOP) && client->arguments.number[OPTION_TOP] == 0 ? "" : "; --top 0 shows all");
        }
    }
    rest_answer_clear(&answer);
    hd_text_clear(&path);
}

static int print_children(struct client *client, const char *id, struct hd_error *error)
{
    static const struct table_column columns[] = {
        {"RUN", false, true}, {"BEST", true, false}, {"STATUS", false, true}, {"HYPERPARAMETERS", false, false}, {"STOPPED", false, false}};
    struct hd_text path = children_path(client, id);
    struct listing listing = {0};
    struct elements elements;
    struct rest_request request = {.path = path.data, .sink = elements_feed, .data = &elements};
    int result;

    table_open(&listing.table, client->output.file, client->output.width, client->output.colour, columns, 5);
    elements_open(&elements, "children", take_child, &listing);
    result = path.failed ? hd_error_set(error, HD_UNAVAILABLE, "memory is short") : rest_call(client->rest, &request, NULL, error);
    elements_close(&elements);
    hd_text_clear(&path);
    if (listing.rows == 0 && result == 0) {
        say("there are no such children yet");
    }
    listing.table.headed = listing.table.headed || listing.rows == 0; /* no head without rows, and one for all parts */
    if (!table_close(&listing.table) && result == 0) {
        result = hd_error_set(error, HD_UNAVAILABLE, "memory is short");
    }
    if (result == 0 && listing.rows > 0) {
        print_total(client, id, listing.rows);
    }
    return result;
}

int command_children(struct client *client, struct hd_error *error)
{
    struct hd_text path;
    char *id = NULL;
    int result = client_id(client, 0, &id, error);

    if (result < 0) {
        return result;
    }
    if (given(client, OPTION_JSON)) {
        path = children_path(client, id);
        result = client_print_json(client, &path, error);
    } else {
        result = print_children(client, id, error);
    }
    free(id);
    return result;
}
