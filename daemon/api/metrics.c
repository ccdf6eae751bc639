/* What children have logged, in the shapes of reference 2.8, and as points. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "core/instant.h"
#include "core/json.h"
#include "handlers.h"
#include "metric_value.h"
#include "resource.h"
#include "table.h"

struct shape {
    struct answer *answer;
    int64_t run;   /* whose object is open; 0: none yet */
    bool has_name; /* the open object has a member already */
    char *run_id;
    bool one_run;         /* no outer object by run id */
    bool in_series, list; /* a series is open; as a list */
    int64_t in_list;
    bool is_table;
    struct table table;
};

/* --- The shapes: {run: {name: value}} ----------------------------------------------------------------------------------------------------
 */

static void close_series(struct shape *shape)
{
    struct hd_text *text = &shape->answer->text;

    if (!shape->in_series)
        return;
    if (shape->is_table) {
        table_print(text, &shape->table);
        table_clear(&shape->table);
    } else if (shape->list) {
        hd_text_add_char(text, ']');
    }
    shape->in_series = false;
}

static int open_series(void *context, const struct store_series *series)
{
    struct shape *shape = context;
    struct hd_text *text = &shape->answer->text;

    close_series(shape);
    if (series->run != shape->run) {
        if (shape->run != 0 && !shape->one_run)
            hd_text_add_string(text, "},");
        shape->run = series->run;
        shape->has_name = false;
        free(shape->run_id);
        shape->run_id = strdup(series->run_id);
        if (shape->run_id == NULL)
            return hd_error_set(shape->answer->error, HD_UNAVAILABLE, "out of memory");
        if (!shape->one_run) {
            hd_json_print_string(text, series->run_id);
            hd_text_add_string(text, ":{");
        }
    }
    if (shape->has_name)
        hd_text_add_char(text, ',');
    shape->has_name = true;
    hd_json_print_string(text, series->name);
    hd_text_add_char(text, ':');
    shape->in_series = true;
    shape->is_table = series->table;
    shape->list = !series->table && (series->listed || series->points > 1 || shape->answer->question->form_list);
    shape->in_list = 0;
    if (shape->list)
        hd_text_add_char(text, '[');
    return answer_flush(shape->answer);
}

static int add_rows(struct shape *shape, const struct store_stored_point *point)
{
    cJSON *tree = hd_json_parse_own(point->text);
    int result = -1;

    if (tree != NULL)
        result = point->kind == STORE_ROW ? table_add_row(&shape->table, tree) : table_add_rows(&shape->table, tree);
    cJSON_Delete(tree);
    return result == 0 ? 0 : hd_error_set(shape->answer->error, HD_UNAVAILABLE, "out of memory");
}

static int add_point(void *context, const struct store_stored_point *point)
{
    struct shape *shape = context;

    if (shape->is_table)
        return add_rows(shape, point);
    if (shape->in_list++ > 0)
        hd_text_add_char(&shape->answer->text, ',');
    metric_value_print(&shape->answer->text, point, shape->run_id);
    return answer_flush(shape->answer);
}

static int produce_shapes(struct answer *answer, struct store_reader *reader)
{
    struct shape shape = {.answer = answer, .one_run = answer->question->run != 0};
    const struct store_metrics_reader callbacks = {.series = open_series, .point = add_point, .context = &shape};
    int result;

    hd_text_add_string(&answer->text, "{\"metrics\":{");
    result = store_read_metrics(reader, answer->question->sweep, answer->question->run, &callbacks, answer->error);
    close_series(&shape);
    if (shape.run != 0 && !shape.one_run)
        hd_text_add_char(&answer->text, '}');
    hd_text_add_string(&answer->text, "}}");
    table_clear(&shape.table);
    free(shape.run_id);
    return result;
}

/* --- Points: {name: [{"sequence","ordinal","value","step","time","attempt"}]}
 * ----------------------------------------------------------------------
 */

static int open_points(void *context, const struct store_series *series)
{
    struct shape *shape = context;
    struct hd_text *text = &shape->answer->text;

    if (shape->run != 0)
        hd_text_add_string(text, "],");
    shape->run = series->run;
    if (shape->run_id == NULL && (shape->run_id = strdup(series->run_id)) == NULL)
        return hd_error_set(shape->answer->error, HD_UNAVAILABLE, "out of memory");
    hd_json_print_string(text, series->name);
    hd_text_add_string(text, ":[");
    shape->in_list = 0;
    return 0;
}

static int print_point(void *context, const struct store_stored_point *point)
{
    struct shape *shape = context;
    struct hd_text *text = &shape->answer->text;

    hd_text_format(text, "%s{\"sequence\":%" PRId64 ",\"ordinal\":%" PRId64 ",\"value\":", shape->in_list++ > 0 ? "," : "", point->sequence,
                   point->ordinal);
    metric_value_print(text, point, shape->run_id);
    if (point->has_step)
        hd_text_format(text, ",\"step\":%" PRId64, point->step);
    else
        hd_text_add_string(text, ",\"step\":null");
    resource_instant(text, "time", point->at_us);
    hd_text_format(text, ",\"attempt\":%d}", point->attempt);
    return answer_flush(shape->answer);
}

static int produce_points(struct answer *answer, struct store_reader *reader)
{
    struct shape shape = {.answer = answer};
    const struct store_metrics_reader callbacks = {
        .series = open_points, .point = print_point, .context = &shape, .from = answer->question->from};
    int result;

    hd_text_add_string(&answer->text, "{\"points\":{");
    result = store_read_metrics(reader, 0, answer->question->run, &callbacks, answer->error);
    hd_text_add_string(&answer->text, shape.run != 0 ? "]}}" : "}}");
    free(shape.run_id);
    return result;
}

/* --- Handlers ----------------------------------------------------------------------------------------------------------------------------
 */

/* Reads `form`: absent, `list`, or (for one run) `points`. */
static bool read_form(struct http_request *request, bool may_be_points, struct answer_question *question)
{
    const char *form = http_query(request, "form");

    if (form == NULL)
        return true;
    question->form_list = strcmp(form, "list") == 0;
    question->points = may_be_points && strcmp(form, "points") == 0;
    if (question->form_list || question->points)
        return true;
    http_query_refuse(request, "form", may_be_points ? "one of list, points" : "list");
    return false;
}

void api_sweep_metrics(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;
    struct answer_question question = {0};

    if (!resource_find_sweep(request, api, &found) || !read_form(request, false, &question) || resource_unchanged(request, api, &found))
        return;
    question.sweep = found.sweep;
    answer_start(request, api, produce_shapes, &question);
}

/* Reads `from`, which numbers points: the other forms would pass it over. */
static bool read_from(struct http_request *request, struct answer_question *question)
{
    if (!http_query_integer(request, "from", 0, INT64_MAX, 0, &question->from))
        return false;
    if (question->points || http_query(request, "from") == NULL)
        return true;
    http_query_refuse(request, "from", "left out, unless 'form' is points");
    return false;
}

void api_run_metrics(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;
    struct answer_question question = {0};

    if (!resource_find_run(request, api, &found) || !read_form(request, true, &question) || !read_from(request, &question) ||
        resource_unchanged(request, api, &found))
        return;
    question.run = found.run;
    answer_start(request, api, question.points ? produce_points : produce_shapes, &question);
}
