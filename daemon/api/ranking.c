/* The best run, the sorted children, and the hyperparameters of all children (reference 2.4, 2.5, 2.7). */
#include <inttypes.h>
#include <stdio.h>

#include "answer.h"
#include "core/goal.h"
#include "core/json.h"
#include "core/number.h"
#include "handlers.h"
#include "resource.h"

static void print_metric(struct hd_text *text, const struct store_run *run)
{
    char number[HD_NUMBER_TEXT_SIZE] = "null";

    if (run->has_metric)
        hd_number_json(run->best, number);
    resource_json(text, "best_primary_metric", number);
}

static void print_stop_reason(struct hd_text *text, const struct store_run *run)
{
    bool stopped = run->status == HD_CANCELED || run->status == HD_CANCEL_REQUESTED;

    resource_json(text, "stop_reason", stopped ? run->stop_reason : NULL);
}

/* --- Best: that of the sweep itself, then of each sweep that it inherits ---------------------------------------------------------------
 */

struct best {
    struct store_reader *reader;
    bool failed, canceled; /* are they counted? */
    bool inherited;        /* the sweep that is asked now is another one */
    bool found;
    double value;
    struct hd_text text; /* the best run so far */
    struct hd_error *error;
};

/* Of equal ones the first stays. */
static int take_better(void *context, const struct store_run *run)
{
    struct best *best = context;
    struct hd_text *text = &best->text;

    if (best->found && !hd_goal_better(run->goal, run->best, best->value))
        return 0;
    best->found = true;
    best->value = run->best;
    hd_text_clear(text);
    hd_text_add_string(text, "{\"run_id\":");
    hd_json_print_string(text, run->id);
    resource_string(text, "sweep_id", run->sweep_id);
    hd_text_format(text, ",\"inherited\":%s", best->inherited ? "true" : "false");
    resource_string(text, "status", hd_status_name(run->status));
    print_metric(text, run);
    resource_json(text, "hyperparameters", run->configuration);
    print_stop_reason(text, run);
    hd_text_add_char(text, '}');
    return 0;
}

static int ask_inherited(void *context, const struct store_sweep *sweep)
{
    struct best *best = context;

    best->inherited = true;
    return store_read_best(best->reader, sweep->key, best->failed, best->canceled, take_better, best, best->error);
}

static int find_best(struct best *best, int64_t sweep, bool with_inherited)
{
    int result = store_begin_reads(best->reader, best->error);

    if (result != 0)
        return result;
    result = store_read_best(best->reader, sweep, best->failed, best->canceled, take_better, best, best->error);
    if (result == 0 && with_inherited)
        result = store_read_inherited(best->reader, sweep, ask_inherited, best, best->error);
    store_end_reads(best->reader);
    return result;
}

void api_best(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;
    struct hd_text text = {0};
    struct hd_error error = {0};
    struct best best = {.reader = store_loop_reader(api->store), .error = &error};
    bool inherited;

    if (!resource_find_sweep(request, api, &found) || !http_query_boolean(request, "include_failed", true, &best.failed) ||
        !http_query_boolean(request, "include_canceled", true, &best.canceled) ||
        !http_query_boolean(request, "include_resume_from_runs", true, &inherited))
        return;
    if (find_best(&best, found.sweep, inherited) != 0) {
        http_reply_error(request, &error);
    } else {
        hd_text_format(&text, "{\"run\":%s}", best.found && !best.text.failed ? best.text.data : "null");
        text.failed |= best.text.failed;
        http_reply_json(request, 200, &text);
    }
    hd_text_clear(&best.text);
    hd_text_clear(&text);
}

/* --- Sorted ------------------------------------------------------------------------------------------------------------------------------
 */

struct rows {
    struct answer *answer;
    int64_t count;
};

static int print_sorted(void *context, const struct store_run *run)
{
    struct rows *rows = context;
    struct hd_text *text = &rows->answer->text;

    hd_text_add_string(text, rows->count++ > 0 ? ",{\"run_id\":" : "{\"run_id\":");
    hd_json_print_string(text, run->id);
    resource_json(text, "hyperparameters", run->configuration);
    print_metric(text, run);
    resource_string(text, "status", hd_status_name(run->status));
    hd_text_format(text, ",\"reports\":%" PRId64, run->reports);
    print_stop_reason(text, run);
    hd_text_add_char(text, '}');
    return answer_flush(rows->answer);
}

static int produce_sorted(struct answer *answer, struct store_reader *reader)
{
    const struct answer_question *question = answer->question;
    struct rows rows = {.answer = answer};
    int result;

    hd_text_add_string(&answer->text, "{\"children\":[");
    result = store_read_sorted(reader, question->sweep, question->reverse, question->discard_no_metric, question->top, print_sorted, &rows,
                               answer->error);
    hd_text_add_string(&answer->text, "]}");
    return result;
}

void api_sorted(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;
    struct answer_question question = {0};

    if (!resource_find_sweep(request, api, &found) || !http_query_integer(request, "top", 0, INT64_MAX, 0, &question.top) ||
        !http_query_boolean(request, "reverse", false, &question.reverse) ||
        !http_query_boolean(request, "discard_no_metric", false, &question.discard_no_metric) || resource_unchanged(request, api, &found))
        return;
    question.sweep = found.sweep;
    answer_start(request, api, produce_sorted, &question);
}

/* --- Hyperparameters ---------------------------------------------------------------------------------------------------------------------
 */

static int print_hyperparameters(void *context, const struct store_run *run)
{
    struct rows *rows = context;
    struct hd_text *text = &rows->answer->text;

    if (rows->count++ > 0)
        hd_text_add_char(text, ',');
    hd_json_print_string(text, run->id);
    hd_text_add_char(text, ':');
    hd_text_add_string(text, run->configuration);
    return answer_flush(rows->answer);
}

static int produce_hyperparameters(struct answer *answer, struct store_reader *reader)
{
    struct rows rows = {.answer = answer};
    int result;

    hd_text_add_string(&answer->text, "{\"hyperparameters\":{");
    result = store_read_runs(reader, answer->question->sweep, -1, 0, print_hyperparameters, &rows, answer->error);
    hd_text_add_string(&answer->text, "}}");
    return result;
}

void api_hyperparameters(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;
    struct answer_question question = {0};

    if (!resource_find_sweep(request, api, &found) || resource_unchanged(request, api, &found))
        return;
    question.sweep = found.sweep;
    answer_start(request, api, produce_hyperparameters, &question);
}
