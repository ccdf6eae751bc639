#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "json.h"
#include "json_tree.h"
#include "number.h"
#include "specification_parts.h"

/* An integer if the value is one, else a float. */
static cJSON *new_number(double value)
{
    if (value == floor(value) && fabs(value) <= (double)HD_INTEGER_MAX) {
        return hd_json_new_integer((int64_t)value);
    }
    return hd_json_new_float(value);
}

static bool has_sampling(const struct hd_fields *fields, const char *name)
{
    const cJSON *sampling = cJSON_GetObjectItemCaseSensitive(fields->output, "hyperparameter_sampling");
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(sampling, "type");

    return cJSON_IsString(type) && strcmp(type->valuestring, name) == 0;
}

static bool is_grid(const struct hd_fields *fields)
{
    return has_sampling(fields, "grid");
}

/* Too few runs teach too little. */
static void warn_few_runs(const struct hd_fields *fields, const struct hd_field *field, double total)
{
    enum { RUNS_PER_PARAMETER = 20 };
    const struct hd_reading *reading = fields->context;
    int parameters = hd_space_parameters(reading->space);

    if (has_sampling(fields, "bayesian") && total < RUNS_PER_PARAMETER * parameters) {
        hd_problems_add(fields->warnings, "BayesianFewRuns", field->name,
                        "'max_total_runs' (%.0f) is less than %d times the number of parameters (%d): bayesian sampling may not have learned "
                        "enough by then",
                        total, RUNS_PER_PARAMETER, parameters);
    }
}

/* Running children teach nothing yet. `concurrent` NULL: as many as there are slots. */
static void warn_concurrency(const struct hd_fields *fields, const struct hd_field *field, const cJSON *concurrent, const cJSON *total)
{
    const struct hd_reading *reading = fields->context;
    const struct hd_machine *machine = reading->options->machine;
    double at_once = concurrent != NULL ? concurrent->valuedouble : machine != NULL ? (double)machine->slots : 0;

    if (has_sampling(fields, "bayesian") && total != NULL && at_once > total->valuedouble / 4) {
        hd_problems_add(fields->warnings, "BayesianConcurrency", field->name,
                        "%.0f of %.0f runs may run at once, more than a quarter: bayesian sampling learns nothing from a run before it has "
                        "ended; a smaller 'max_concurrent_runs' gives better runs",
                        fmin(at_once, total->valuedouble), total->valuedouble);
    }
}

/* A grid without a limit is run whole. */
static void whole_grid(const struct hd_fields *fields, const struct hd_field *field)
{
    struct hd_reading *reading = fields->context;

    if (reading->space == NULL) {
        return; /* what is wrong with it was said */
    }
    uint64_t size = hd_space_size(reading->space);
    if (size == 0) {
        hd_problems_add(fields->errors, "OutOfRange", field->name, "the grid has more than %" PRId64 " combinations; give 'max_total_runs'",
                        HD_INTEGER_MAX);
    } else if (size > (uint64_t)HD_RUNS_MAX) {
        hd_problems_add(fields->errors, "OutOfRange", field->name, "the grid has %" PRIu64 " combinations; give 'max_total_runs'", size);
    } else {
        reading->whole_grid = true;
        hd_fields_put(fields, field->name, hd_json_new_integer((int64_t)size));
    }
}

static void compare_with_space(const struct hd_fields *fields, const struct hd_field *field, uint64_t size, uint64_t total)
{
    if (is_grid(fields) && size == 0) {
        hd_problems_add(fields->warnings, "GridTruncated", field->name,
                        "the grid has more than %" PRId64 " combinations; all but the first %" PRIu64 " will not be run", HD_INTEGER_MAX,
                        total);
    } else if (is_grid(fields) && size > total) {
        hd_problems_add(fields->warnings, "GridTruncated", field->name, "%" PRIu64 " of %" PRIu64 " combinations will not be run",
                        size - total, size);
    } else if (size > 0 && size < total) {
        hd_problems_add(fields->warnings, "SpaceSmallerThanBudget", field->name,
                        "the space has only %" PRIu64 " %s, before 'max_total_runs' (%" PRIu64 ")", size,
                        size == 1 ? "configuration: the sweep ends after it" : "configurations: the sweep ends after them", total);
    }
}

void hd_read_total_runs(const struct hd_fields *fields, const struct hd_field *field)
{
    const struct hd_reading *reading = fields->context;
    const cJSON *total = hd_field_read(fields, field);

    if (hd_field_given(fields, field) == NULL) {
        if (is_grid(fields)) {
            whole_grid(fields, field);
        } else {
            hd_fields_required(fields, field->name);
        }
    } else if (total != NULL && reading->space != NULL) {
        compare_with_space(fields, field, hd_space_size(reading->space), (uint64_t)total->valuedouble);
        warn_few_runs(fields, field, total->valuedouble);
    }
}

void hd_read_concurrent_runs(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *concurrent = hd_field_read(fields, field);
    const cJSON *total = cJSON_GetObjectItemCaseSensitive(fields->output, "max_total_runs");

    if (concurrent != NULL && total != NULL && concurrent->valuedouble > total->valuedouble) {
        hd_problems_add(fields->warnings, "ConcurrencyAboveTotal", field->name,
                        "'max_concurrent_runs' (%.0f) is more than 'max_total_runs' (%.0f) and acts as that", concurrent->valuedouble,
                        total->valuedouble);
    }
    warn_concurrency(fields, field, concurrent, total);
}

static const struct hd_field seconds_field = {
    .name = "max_duration_seconds", .type = HD_FIELD_INTEGER, .range = "between 1 and 960000000000", .least = 1, .most = HD_SECONDS_MAX};

/* Minutes that come from seconds are rounded, and so are seconds that come from minutes: that much is not a difference. */
static bool same_duration(double minutes, double seconds)
{
    return fabs(minutes * 60 - seconds) <= seconds * 1e-15;
}

/* The given minutes; 0 if there are none that are right. */
static double duration_minutes(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *item = hd_field_check(fields, field);
    double minutes;

    if (item == NULL || !hd_json_metric_number(item, &minutes)) {
        return 0;
    }
    if (!(minutes > 0)) {
        hd_fields_out_of_range(fields, field->name, "greater than 0", item);
        return 0;
    }
    if (minutes * 60 > HD_SECONDS_MAX) {
        hd_fields_out_of_range(fields, field->name, "at most 16000000000", item);
        return 0;
    }
    if (minutes * 60 < 1e-6) {
        hd_fields_out_of_range(fields, field->name, "at least 2e-08 (a microsecond)", item);
        return 0;
    }
    return minutes;
}

/* Both forms of the limit. Seconds are what counts; those that are not whole can only come with the minutes that they are equal to, as
 * this function's own output does. */
void hd_read_duration(const struct hd_fields *fields, const struct hd_field *field)
{
    double minutes = duration_minutes(fields, field);
    const cJSON *given = hd_field_given(fields, &seconds_field);
    bool same = minutes > 0 && cJSON_IsNumber(given) && same_duration(minutes, given->valuedouble);
    const cJSON *checked = same ? given : hd_field_check(fields, &seconds_field);

    if (checked != NULL && minutes > 0 && !same) {
        hd_problems_add(fields->errors, "Conflict", field->name,
                        "'max_duration_minutes' and 'max_duration_seconds' differ; give one of them");
        return;
    }
    double seconds = checked != NULL ? checked->valuedouble : minutes > 0 ? minutes * 60 : 10080 * 60;
    hd_fields_put(fields, field->name, minutes > 0 ? json_copy(hd_field_given(fields, field)) : new_number(seconds / 60));
    hd_fields_put(fields, seconds_field.name, new_number(seconds));
}
