/* Runs: one child, the list of a sweep's children, cancel of a child. */
#include "answer.h"
#include "handlers.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/json.h"
#include "core/program.h"
#include "resource.h"

enum { LIST_DEFAULT = 100, LIST_MAX = 10000 };

/* --- runDefinition.arguments, made again from the specification and the configuration ------------------------------------------------- */

struct definition {
    struct hd_text *text;
    const struct store_run *run;
    const char *state_dir;
};

static void print_strings(struct hd_text *text, const struct hd_strings *strings)
{
    hd_text_add_string(text, ",\"runDefinition\":{\"arguments\":[");
    for (int i = 0; i < strings->count; i++) {
        if (i > 0)
            hd_text_add_char(text, ',');
        hd_json_print_string(text, strings->list[i]);
    }
    hd_text_add_string(text, "]}");
}

static int print_definition(void *context, const struct store_sweep *sweep)
{
    struct definition *definition = context;
    const struct hd_specification_options options = {.seed = sweep->seed, .stored = true};
    struct hd_problems errors = {0}, warnings = {0};
    struct hd_specification specification = {0};
    struct hd_strings arguments = {0};
    struct hd_text outputs = {0};
    cJSON *config = hd_json_parse_own(sweep->config), *configuration = hd_json_parse_own(definition->run->configuration);
    char *folder = sweeps_run_folder(definition->state_dir, sweep->id, definition->run->number);
    char *resumed = sweeps_resumed_folder(definition->state_dir, sweep->id, definition->run->number);
    struct hd_program_places places = {.resume_directory = definition->run->resumed_from != NULL ? resumed : NULL};

    hd_text_format(&outputs, "%s/outputs", folder != NULL ? folder : "");
    places.outputs_directory = outputs.data;
    if (config != NULL && configuration != NULL && folder != NULL && resumed != NULL && !outputs.failed &&
        hd_specification_parse(config, &options, &errors, &warnings, &specification) == 0) {
        if (specification.run.launcher == HD_LAUNCHER_CLIENT)
            places.resume_directory = NULL; /* nothing is copied for a program that nobody here starts */
        if (hd_program_arguments(&specification, configuration, &places, &arguments) == 0)
            print_strings(definition->text, &arguments);
        hd_specification_clear(&specification);
    } else {
        definition->text->failed = true;
    }
    hd_strings_clear(&arguments);
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    hd_text_clear(&outputs);
    cJSON_Delete(config);
    cJSON_Delete(configuration);
    free(folder);
    free(resumed);
    return 0;
}

struct printing {
    struct answer *answer;
    struct store_reader *reader;
    int64_t count, last;
    bool more; /* there is a row beyond the limit */
};

static int print_run(void *context, const struct store_run *run)
{
    struct printing *printing = context;
    struct hd_text *text = &printing->answer->text;
    const char *state_dir = printing->answer->api->state_dir;
    struct definition definition = {.text = text, .run = run, .state_dir = state_dir};
    int result;

    resource_print_run(text, run, state_dir);
    result = store_read_sweep(printing->reader, run->sweep, print_definition, &definition, printing->answer->error);
    hd_text_add_char(text, '}');
    return result;
}

/* On the pool: the sweep's specification, which may be megabytes long, is read again for the arguments. */
static int produce_run(struct answer *answer, struct store_reader *reader)
{
    struct printing printing = {.answer = answer, .reader = reader};

    return store_read_run(reader, answer->question->run, print_run, &printing, answer->error);
}

void api_get_run(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;
    struct answer_question question = {0};

    if (!resource_find_run(request, api, &found) || resource_unchanged(request, api, &found))
        return;
    question.run = found.run;
    answer_start(request, api, produce_run, &question);
}

/* --- The list: rows without runDefinition, which costs a specification each -------------------------------------------------------------
 */

static int print_row(void *context, const struct store_run *run)
{
    struct printing *printing = context;
    struct answer *answer = printing->answer;

    if (printing->count == answer->question->limit) {
        printing->more = true;
        return 0;
    }
    if (printing->count++ > 0)
        hd_text_add_char(&answer->text, ',');
    printing->last = run->number;
    resource_print_run(&answer->text, run, answer->api->state_dir);
    hd_text_add_char(&answer->text, '}');
    return answer_flush(answer);
}

static int take_total(void *context, const struct store_sweep *sweep)
{
    *(int64_t *)context = sweep->generated;
    return 0;
}

static int produce_list(struct answer *answer, struct store_reader *reader)
{
    const struct answer_question *question = answer->question;
    struct printing printing = {.answer = answer, .reader = reader};
    int64_t total = 0;
    int result = store_read_sweep(reader, question->sweep, take_total, &total, answer->error);

    if (result != 0)
        return result;
    hd_text_add_string(&answer->text, "{\"children\":[");
    result = store_read_runs(reader, question->sweep, question->after, question->limit + 1, print_row, &printing, answer->error);
    hd_text_format(&answer->text, "],\"total\":%" PRId64 ",", total);
    answer_end_page(answer, printing.more, printing.last);
    return result;
}

void api_list_children(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;
    struct answer_question question = {0};

    if (!resource_find_sweep(request, api, &found) || !http_query_integer(request, "limit", 1, LIST_MAX, LIST_DEFAULT, &question.limit) ||
        !http_query_integer(request, "after", 0, INT64_MAX, -1, &question.after))
        return;
    question.sweep = found.sweep;
    answer_start(request, api, produce_list, &question);
}

void api_cancel_run(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;

    if (resource_find_run(request, api, &found) && api_expect_no_body(request))
        sweeps_cancel_run(api->sweeps, found.run, api_reply_canceled, request);
}
