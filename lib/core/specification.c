#include "specification.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "json_tree.h"
#include "program.h"
#include "specification_parts.h"
#include "sweep_job.h"

static void read_ignored(const struct hd_fields *fields, const struct hd_field *field)
{
    if (hd_field_given(fields, field) != NULL) {
        hd_fields_problem(fields, fields->warnings, "Ignored", field->name, " is accepted for compatibility and has no effect");
    }
}

/* A metric's name and its goal may both be left out, unless something decides by the metric. */
static void read_metric(const struct hd_fields *fields, const struct hd_field *field)
{
    const struct hd_reading *reading = fields->context;
    const char *other = strcmp(field->name, "primary_metric_name") == 0 ? "primary_metric_goal" : "primary_metric_name";
    const cJSON *other_item = cJSON_GetObjectItemCaseSensitive(fields->input, other);

    hd_field_read(fields, field);
    if (hd_field_given(fields, field) == NULL && (reading->needs_metric || (other_item != NULL && !cJSON_IsNull(other_item)))) {
        hd_fields_required(fields, field->name);
    }
}

static void read_program_of_v1(const struct hd_fields *fields, const struct hd_field *field)
{
    struct hd_reading *reading = fields->context;

    if (hd_field_read(fields, field) != NULL) {
        reading->other_program = true;
    }
}

#define RUNS(minimum) .least = minimum, .most = HD_RUNS_MAX, .range = "between " #minimum " and 1000000"

/* In the order of reference 4.2. */
static const struct hd_field body_fields[] = {
    {.name = "experiment",
     .type = HD_FIELD_LABEL,
     .absent = "\"Default\"",
     .range = "1 to 256 bytes long, without control characters",
     .least = 1,
     .most = 256},
    {.name = "name",
     .type = HD_FIELD_LABEL,
     .nullable = true,
     .absent = "null",
     .range = "at most 256 bytes long, without control characters",
     .most = 256},
    {.name = "display_name",
     .type = HD_FIELD_LABEL,
     .nullable = true,
     .absent = "null",
     .range = "at most 1024 bytes long, without control characters",
     .most = 1024},
    {.name = "description",
     .type = HD_FIELD_STRING,
     .nullable = true,
     .absent = "null",
     .range = "at most 65536 bytes long",
     .most = 65536},
    {.name = "tags", .type = HD_FIELD_OBJECT, HD_FEW_MEMBERS, .absent = "{}", .read = hd_read_strings},
    {.name = "hyperparameter_sampling", .type = HD_FIELD_OBJECT, .required = true, .read = hd_read_sampling},
    {.name = "primary_metric_name",
     .type = HD_FIELD_STRING,
     .nullable = true,
     .absent = "null",
     .range = "1 to 256 bytes long",
     .least = 1,
     .most = 256,
     .read = read_metric},
    {.name = "primary_metric_goal",
     .type = HD_FIELD_STRING,
     .nullable = true,
     .absent = "null",
     .choices = "maximize, minimize",
     .read = read_metric},
    {.name = "max_total_runs", .type = HD_FIELD_INTEGER, RUNS(1), .read = hd_read_total_runs},
    {.name = "max_concurrent_runs", .type = HD_FIELD_INTEGER, .nullable = true, .absent = "null", RUNS(1), .read = hd_read_concurrent_runs},
    {.name = "max_duration_minutes", .type = HD_FIELD_NUMBER, .read = hd_read_duration},
    {.name = "max_duration_seconds", .read = hd_field_read_elsewhere},
    {.name = "trial_timeout_seconds",
     .type = HD_FIELD_INTEGER,
     .nullable = true,
     .absent = "null",
     .range = "between 1 and 960000000000",
     .least = 1,
     .most = HD_SECONDS_MAX},
    {.name = "policy", .type = HD_FIELD_OBJECT, .nullable = true, .read = hd_read_policy},
    {.name = "estimator", .read = read_program_of_v1},
    {.name = "pipeline", .read = read_program_of_v1},
    {.name = "run_config", .type = HD_FIELD_OBJECT, .read = hd_read_run_config},
    {.name = "resume_from", .nullable = true, .absent = "null", .read = hd_read_resume_from},
    {.name = "resume_child_runs", .nullable = true, .absent = "null", .read = hd_read_resume_child_runs},
    {.name = "initial_failure_limit", .type = HD_FIELD_INTEGER, .absent = "3", RUNS(0)},
    {.name = "nested_arguments", .type = HD_FIELD_STRING, .absent = "\"json\"", .choices = "json, flat"},
    {.name = "debug_flag", .read = read_ignored},
};

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* NULL for what is no string: the null of a checked config. */
static const char *string_of(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(member(object, name));
}

/* 0 for null. */
static double number_of(const cJSON *object, const char *name)
{
    const cJSON *item = member(object, name);

    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static int64_t microseconds(double seconds)
{
    return (int64_t)llround(seconds * 1e6);
}

/* Of two timeouts that may be 0 for none, the one that comes first. */
static double first_timeout(double a, double b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* A rule of random sampling is a sampling of its own here. */
static enum hd_sampling_type sampling_type(const cJSON *sampling)
{
    enum hd_sampling_type type = hd_sampling_parse(string_of(sampling, "type"));

    return type == HD_RANDOM ? hd_sampling_parse(string_of(sampling, "rule")) : type;
}

/* The checked config as values; it becomes part of the specification, as the space does. */
static void fill(cJSON *config, struct hd_space *space, struct hd_specification *ret)
{
    const cJSON *sampling = member(config, "hyperparameter_sampling");
    const cJSON *run = member(config, "run_config");

    *ret = (struct hd_specification){
        .config = config,
        .experiment = string_of(config, "experiment"),
        .name = string_of(config, "name"),
        .display_name = string_of(config, "display_name"),
        .description = string_of(config, "description"),
        .sampling = {sampling_type(sampling), (int64_t)number_of(sampling, "seed")},
        .space = space,
        .metric = string_of(config, "primary_metric_name"),
        .goal = hd_goal_parse(string_of(config, "primary_metric_goal")),
        .max_total_runs = (int64_t)number_of(config, "max_total_runs"),
        .max_concurrent_runs = (int64_t)number_of(config, "max_concurrent_runs"),
        .max_duration_us = microseconds(number_of(config, "max_duration_seconds")),
        .trial_timeout_us =
            microseconds(first_timeout(number_of(config, "trial_timeout_seconds"), number_of(run, "max_run_duration_seconds"))),
        .initial_failure_limit = (int64_t)number_of(config, "initial_failure_limit"),
        .nested_flat = strcmp(string_of(config, "nested_arguments"), "flat") == 0,
    };
    hd_policy_rule_read(member(config, "policy"), ret->goal, &ret->policy);
    hd_fill_run_config(run, &ret->run);
}

static bool is_body(const cJSON *body, struct hd_problems *errors)
{
    if (cJSON_IsObject(body)) {
        return true;
    }
    char *excerpt = hd_json_excerpt(body);
    hd_problems_add(errors, "WrongType", NULL, "the body must be an object, got %s", excerpt == NULL ? "something else" : excerpt);
    free(excerpt);
    return false;
}

static bool is_bayesian(const cJSON *body)
{
    const char *type = string_of(member(body, "hyperparameter_sampling"), "type");
    char choice[16];

    return type != NULL && hd_field_choice("bayesian", type, choice, sizeof choice);
}

/* The daemon sees no process of such a child: without a limit in time nothing tells it that the client is gone. */
static void warn_of_no_timeout(const struct hd_specification *specification, struct hd_problems *warnings)
{
    if (specification->run.launcher == HD_LAUNCHER_CLIENT && specification->trial_timeout_us == 0) {
        hd_problems_add(warnings, "NoTrialTimeout", "trial_timeout_seconds",
                        "'trial_timeout_seconds' is not given: a child whose client vanishes runs for ever, and keeps its place among "
                        "'max_concurrent_runs', until somebody tells its end or cancels the sweep");
    }
}

int hd_specification_parse(const cJSON *body, const struct hd_specification_options *options, struct hd_problems *errors,
                           struct hd_problems *warnings, struct hd_specification *ret)
{
    struct hd_reading reading = {.options = options};
    char no_path[] = "";

    if (!is_body(body, errors)) {
        return -1;
    }
    if (hd_sweep_job_is(body)) {
        return hd_sweep_job_parse(body, options, errors, warnings, ret);
    }
    reading.needs_metric = is_bayesian(body) || hd_policy_given(member(body, "policy"));
    struct hd_fields fields = {body, json_new(cJSON_Object), no_path, errors, warnings, &reading};
    if (fields.output == NULL) {
        errors->out_of_memory = true;
        return -1;
    }
    hd_fields_read(&fields, body_fields, sizeof body_fields / sizeof body_fields[0]);
    hd_refuse_not_yet(&fields);
    if (!hd_problems_none(errors) || warnings->out_of_memory) {
        errors->out_of_memory |= warnings->out_of_memory;
        hd_space_free(reading.space);
        cJSON_Delete(fields.output);
        return -1;
    }
    fill(fields.output, reading.space, ret);
    if (!hd_fill_resumed(fields.output, ret)) {
        errors->out_of_memory = true;
        hd_specification_clear(ret);
        return -1;
    }
    hd_program_check_overlap(ret, warnings);
    warn_of_no_timeout(ret, warnings);
    return 0;
}

void hd_specification_clear(struct hd_specification *specification)
{
    cJSON_Delete(specification->config);
    hd_space_free(specification->space);
    free(specification->resume_child_runs);
    *specification = (struct hd_specification){0};
}
