#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "json.h"
#include "json_tree.h"
#include "number.h"
#include "sobol.h"
#include "specification_parts.h"

static bool is_type(const struct hd_fields *fields, const char *type)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(fields->output, "type");

    return cJSON_IsString(item) && strcmp(item->valuestring, type) == 0;
}

/* Asked for by its own name, which is an input form only: it means random sampling with that rule. */
static bool asks_for_sobol(const struct hd_fields *fields)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(fields->input, "type");
    char choice[16];

    return cJSON_IsString(item) && hd_field_choice("sobol", item->valuestring, choice, sizeof choice);
}

static void read_type(const struct hd_fields *fields, const struct hd_field *field)
{
    if (asks_for_sobol(fields)) {
        hd_fields_put(fields, field->name, json_new_string("random"));
    } else {
        hd_field_read(fields, field);
    }
}

/* B of the log types; false if what is given is none. Absent is e. */
static bool log_base(const cJSON *item, double *ret_base)
{
    double base = M_E;

    if (item != NULL && !(cJSON_IsString(item) && strcmp(item->valuestring, "e") == 0)) {
        if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble) || item->valuedouble <= 0 || item->valuedouble == 1) {
            return false;
        }
        base = item->valuedouble;
    }
    *ret_base = base;
    return true;
}

static void read_space(const struct hd_fields *fields, const struct hd_field *field)
{
    struct hd_reading *reading = fields->context;
    const cJSON *space = hd_field_check(fields, field);
    struct hd_space_options options = {.path = "hyperparameter_sampling.parameter_space", .log_base = M_E, .grid = is_type(fields, "grid")};

    if (space == NULL) {
        return;
    }
    log_base(cJSON_GetObjectItemCaseSensitive(fields->input, "logbase"), &options.log_base); /* a wrong one has its finding later */
    reading->space = hd_space_compile(space, &options, fields->errors, fields->warnings);
    if (reading->space != NULL) {
        hd_fields_put(fields, field->name, hd_space_json(reading->space));
    }
}

static void read_seed(const struct hd_fields *fields, const struct hd_field *field)
{
    const struct hd_reading *reading = fields->context;

    if (hd_field_read(fields, field) == NULL && hd_field_given(fields, field) == NULL && !is_type(fields, "grid")) {
        hd_fields_put(fields, field->name, hd_json_new_integer(reading->options->seed));
    }
}

/* For rules and bases of logarithms: true if the field may be there. */
static bool only_random(const struct hd_fields *fields, const struct hd_field *field)
{
    if (!is_type(fields, "grid") && !is_type(fields, "bayesian")) {
        return true;
    }
    if (hd_field_given(fields, field) != NULL) {
        hd_fields_problem(fields, fields->errors, "NotAllowed", field->name, " is only allowed with random sampling");
    }
    return false;
}

/* Each expression takes a dimension of the sequence. */
static void check_dimensions(const struct hd_fields *fields)
{
    const struct hd_reading *reading = fields->context;
    uint32_t dimensions = reading->space == NULL ? 0 : hd_space_dimensions(reading->space);

    if (dimensions > HD_SOBOL_DIMENSIONS) {
        hd_problems_add(fields->errors, "OutOfRange", "hyperparameter_sampling.parameter_space",
                        "sobol sampling allows at most %d dimensions, the space has %" PRIu32, HD_SOBOL_DIMENSIONS, dimensions);
    }
}

static void read_rule(const struct hd_fields *fields, const struct hd_field *field)
{
    if (!only_random(fields, field)) {
        return;
    }
    if (!asks_for_sobol(fields)) {
        const cJSON *rule = hd_field_read(fields, field);

        if (rule != NULL && strcmp(rule->valuestring, "sobol") == 0) {
            check_dimensions(fields);
        }
        return;
    }
    const cJSON *rule = hd_field_check(fields, field);
    char choice[16];
    if (rule != NULL && !hd_field_choice("sobol", rule->valuestring, choice, sizeof choice)) {
        hd_fields_problem(fields, fields->errors, "Conflict", field->name, " must be sobol or left out with sobol sampling");
    }
    hd_fields_put(fields, field->name, json_new_string("sobol"));
    check_dimensions(fields);
}

/* The last row of a sampling, so it also looks at the seed with grid sampling, which the reference puts between this field's two checks. */
static void read_log_base(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *item = hd_field_given(fields, field);
    bool allowed = only_random(fields, field);
    double base;

    if (is_type(fields, "grid") && cJSON_GetObjectItemCaseSensitive(fields->input, "seed") != NULL) {
        hd_fields_problem(fields, fields->errors, "NotAllowed", "seed", " is not allowed with grid sampling");
    }
    if (!allowed) {
        return;
    }
    if (!log_base(item, &base)) {
        hd_fields_out_of_range(fields, field->name, "\"e\" or a number greater than 0 and not 1", item);
        return;
    }
    hd_fields_put(fields, field->name, item == NULL ? json_new_string("e") : json_copy(item));
}

static const struct hd_field sampling_fields[] = {
    {.name = "type", .type = HD_FIELD_STRING, .required = true, .choices = "random, sobol, grid, bayesian", .read = read_type},
    {.name = "parameter_space", .type = HD_FIELD_OBJECT, .required = true, .read = read_space},
    {.name = "properties", .type = HD_FIELD_OBJECT, .nullable = true, .absent = "{}"},
    {.name = "seed",
     .type = HD_FIELD_INTEGER,
     .range = "between -9007199254740991 and 9007199254740991",
     .least = -(double)HD_INTEGER_MAX,
     .most = (double)HD_INTEGER_MAX,
     .read = read_seed},
    {.name = "rule", .type = HD_FIELD_STRING, .absent = "\"random\"", .choices = "random, sobol", .read = read_rule},
    {.name = "logbase", .read = read_log_base},
};

void hd_read_sampling(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *item = hd_field_check(fields, field);

    if (item == NULL) {
        return;
    }
    struct hd_fields sampling = hd_fields_enter(fields, field->name, item);
    hd_fields_read(&sampling, sampling_fields, sizeof sampling_fields / sizeof sampling_fields[0]);
    hd_refuse_not_yet(&sampling);
    hd_fields_leave(&sampling);
}
