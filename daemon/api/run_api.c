/* Runs: one child, the list of a sweep's children, cancel of a child. */
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
    const struct hd_specification_options options = {.seed = sweep->seed};
    struct hd_problems errors = {0}, warnings = {0};
    struct hd_specification specification = {0};
    struct hd_strings arguments = {0};
    struct hd_text outputs = {0};
    cJSON *config = hd_json_parse_own(sweep->config), *configuration = hd_json_parse_own(definition->run->configuration);
    char *folder = sweeps_run_folder(definition->state_dir, sweep->id, definition->run->number);
    struct hd_program_places places = {0};

    hd_text_format(&outputs, "%s/outputs", folder != NULL ? folder : "");
    places.outputs_directory = outputs.data;
    if (config != NULL && configuration != NULL && folder != NULL && !outputs.failed &&
        hd_specification_parse(config, &options, &errors, &warnings, &specification) == 0) {
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
    return 0;
}

struct printing {
    struct hd_text *text;
    struct store_reader *reader;
    struct hd_error *error;
    const char *state_dir;
    int64_t limit, count, last;
    bool more; /* there is a row beyond the limit */
};

static int print_run(void *context, const struct store_run *run)
{
    struct printing *printing = context;
    struct definition definition = {.text = printing->text, .run = run, .state_dir = printing->state_dir};
    int result;

    resource_print_run(printing->text, run, printing->state_dir);
    result = store_read_sweep(printing->reader, run->sweep, print_definition, &definition, printing->error);
    hd_text_add_char(printing->text, '}');
    return result;
}

void api_get_run(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;
    struct hd_text text = {0};
    struct hd_error error = {0};
    struct printing printing = {.text = &text, .reader = store_loop_reader(api->store), .error = &error, .state_dir = api->state_dir};
    int result;

    if (!resource_find_run(request, api, &found))
        return;
    result = store_begin_reads(printing.reader, &error);
    if (result == 0) {
        result = store_read_run(printing.reader, found.run, print_run, &printing, &error);
        store_end_reads(printing.reader);
    }
    if (result == 0)
        http_reply_json(request, 200, &text);
    else
        http_reply_error(request, &error);
    hd_text_clear(&text);
}

/* --- The list: rows without runDefinition, which costs a specification each ------------------------------------------------------------- */

static int print_row(void *context, const struct store_run *run)
{
    struct printing *printing = context;

    if (printing->count == printing->limit) {
        printing->more = true;
        return 0;
    }
    if (printing->count++ > 0)
        hd_text_add_char(printing->text, ',');
    printing->last = run->number;
    resource_print_run(printing->text, run, printing->state_dir);
    hd_text_add_char(printing->text, '}');
    return 0;
}

void api_list_children(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;
    struct hd_text text = {0};
    struct hd_error error = {0};
    struct printing printing = {.text = &text, .state_dir = api->state_dir};
    int64_t limit, after;
    int result;

    if (!resource_find_sweep(request, api, &found))
        return;
    if (!http_query_integer(request, "limit", 1, LIST_MAX, LIST_DEFAULT, &limit) ||
        !http_query_integer(request, "after", 0, INT64_MAX, -1, &after))
        return;
    printing.limit = limit;
    hd_text_add_string(&text, "{\"children\":[");
    result = store_read_runs(store_loop_reader(api->store), found.sweep, after, limit + 1, print_row, &printing, &error);
    hd_text_format(&text, "],\"total\":%" PRId64, found.generated);
    if (printing.more)
        hd_text_format(&text, ",\"next\":%" PRId64 "}", printing.last);
    else
        hd_text_add_string(&text, ",\"next\":null}");
    if (result == 0)
        http_reply_json(request, 200, &text);
    else
        http_reply_error(request, &error);
    hd_text_clear(&text);
}

void api_cancel_run(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;

    if (resource_find_run(request, api, &found) && api_expect_no_body(request))
        sweeps_cancel_run(api->sweeps, found.run, api_reply_canceled, request);
}
