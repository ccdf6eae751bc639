#include "sweep_job.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "json_tree.h"
#include "specification_parts.h"
#include "sweep_job_parts.h"

#define TABLE(rows) rows, sizeof rows / sizeof rows[0]

/* --- For the rows of all tables --- */

cJSON *job_part(const struct job *job, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(job->config, name);
}

void job_put(const struct hd_fields *fields, const char *name, cJSON *item)
{
    const struct job *job = fields->context;
    char *path = hd_fields_path(fields, name);
    const char *ours = path == NULL ? NULL : job_name_of(path);
    const char *dot = ours == NULL ? NULL : strchr(ours, '.');
    cJSON *object = job->config;

    if (dot != NULL) {
        char *part = strndup(ours, (size_t)(dot - ours));
        object = part == NULL ? NULL : job_part(job, part);
        free(part);
        ours = dot + 1;
    }
    free(path);
    if (ours == NULL || object == NULL) {
        cJSON_Delete(item);
        fields->errors->out_of_memory = true;
    } else if (!json_append_member(object, ours, item)) {
        fields->errors->out_of_memory = true;
    }
}

void job_move(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *item = hd_field_check(fields, field);

    if (item != NULL && !cJSON_IsNull(item)) {
        job_put(fields, field->name, json_copy(item));
    }
}

void job_ignore(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *item = hd_field_given(fields, field);

    if (item != NULL && !cJSON_IsNull(item)) {
        bool environment = strcmp(field->name, "environment") == 0;

        hd_fields_problem(fields, fields->warnings, "Ignored", field->name,
                          " is ignored: trials run on the daemon's machine, with what is installed there%s",
                          environment ? "; another Python is called by its path in 'trial.command'" : "");
    }
}

void job_read_object(const struct hd_fields *fields, const struct hd_field *field, const struct hd_field *table, size_t count)
{
    const cJSON *item = hd_field_check(fields, field);

    if (item != NULL) {
        struct hd_fields inner = hd_fields_inside(fields, field->name, item);
        hd_fields_read(&inner, table, count);
        hd_fields_leave(&inner);
    }
}

/* --- Sampling, objective, limits --- */

static const struct hd_field sampling_fields[] = {
    {.name = "type", .read = job_move},
    {.name = "seed", .read = job_move},
    {.name = "rule", .read = job_move},
    {.name = "logbase", .read = job_move},
};

/* A name, or an object that may say more. */
static void read_sampling(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *item = hd_field_given(fields, field);

    if (cJSON_IsObject(item)) {
        job_note_name(fields, "hyperparameter_sampling.type", "sampling_algorithm.type");
        job_read_object(fields, field, TABLE(sampling_fields));
    } else if (item != NULL && !cJSON_IsString(item)) {
        hd_fields_wrong_type(fields, field->name, "a string or an object", item);
    } else {
        job_move(fields, field); /* one that is missing is found in the config */
    }
}

static const struct hd_field objective_fields[] = {
    {.name = "primary_metric", .read = job_move},
    {.name = "goal", .read = job_move},
};

static void read_objective(const struct hd_fields *fields, const struct hd_field *field)
{
    job_read_object(fields, field, TABLE(objective_fields));
}

static bool is_grid(const struct job *job)
{
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(job_part(job, "hyperparameter_sampling"), "type"));

    return type != NULL && hd_sampling_parse(type) == HD_GRID;
}

/* A grid without a limit is run whole. */
static void read_total_trials(const struct hd_fields *fields, const struct hd_field *field)
{
    enum { DEFAULT = 1000 };
    const cJSON *item = hd_field_given(fields, field);

    if (item != NULL) {
        job_move(fields, field);
    } else if (!is_grid(fields->context)) {
        job_put(fields, field->name, hd_json_new_integer(DEFAULT));
    }
}

static void read_timeout(const struct hd_fields *fields, const struct hd_field *field)
{
    enum { DEFAULT = 5184000 };

    if (hd_field_given(fields, field) != NULL) {
        job_move(fields, field);
    } else {
        job_put(fields, field->name, hd_json_new_integer(DEFAULT));
    }
}

static const struct hd_field limit_fields[] = {
    {.name = "max_total_trials", .nullable = true, .read = read_total_trials},
    {.name = "max_concurrent_trials", .read = job_move},
    {.name = "timeout", .nullable = true, .read = read_timeout},
    {.name = "trial_timeout", .read = job_move},
};

/* Also without limits there are defaults. */
static void read_limits(const struct hd_fields *fields, const struct hd_field *field)
{
    static const cJSON none = {.type = cJSON_Object};
    const cJSON *item = hd_field_check(fields, field);
    struct hd_fields limits = hd_fields_inside(fields, field->name, item == NULL ? &none : item);

    hd_fields_read(&limits, TABLE(limit_fields));
    hd_fields_leave(&limits);
}

/* --- The job --- */

static const struct hd_field extension_fields[] = {
    {.name = "initial_failure_limit", .read = job_move},
    {.name = "nested_arguments", .read = job_move},
    {.name = "resume_from", .read = job_move},
    {.name = "resume_child_runs", .read = job_move},
    {.name = "gpus_per_run", .read = job_move},
    {.name = "cpus_per_run", .read = job_move},
    {.name = "memory_limit_mb", .read = job_move},
    {.name = "process_limit", .read = job_move},
    {.name = "cpu_limit", .read = job_move},
    {.name = "max_retries", .read = job_move},
    {.name = "retry_on", .read = job_move},
    {.name = "run_as", .read = job_move},
    {.name = "launcher", .read = job_move},
    {.name = "snapshot", .read = job_move},
};

static void read_extension(const struct hd_fields *fields, const struct hd_field *field)
{
    job_read_object(fields, field, TABLE(extension_fields));
}

#define OBJECT(field_name, function)                                                                                                       \
    {                                                                                                                                      \
        .name = field_name, .type = HD_FIELD_OBJECT, .nullable = true, .read = function                                                    \
    }

static const struct hd_field job_fields[] = {
    {.name = "$schema", .read = hd_field_read_elsewhere},
    {.name = "type", .type = HD_FIELD_STRING, .required = true},
    {.name = "experiment_name", .read = job_move},
    {.name = "name", .read = job_move},
    {.name = "display_name", .read = job_move},
    {.name = "description", .read = job_move},
    {.name = "tags", .read = job_move},
    {.name = "sampling_algorithm", .nullable = true, .read = read_sampling},
    {.name = "search_space", .read = job_move},
    OBJECT("objective", read_objective),
    OBJECT("limits", read_limits),
    {.name = "early_termination", .read = job_move},
    {.name = "compute", .read = job_move},
    {.name = "inputs", .type = HD_FIELD_OBJECT, .nullable = true, HD_FEW_MEMBERS, .read = job_read_data},
    {.name = "outputs", .type = HD_FIELD_OBJECT, .nullable = true, HD_FEW_MEMBERS, .read = job_read_data},
    {.name = "trial", .type = HD_FIELD_OBJECT, .required = true, .nullable = true, .read = job_read_trial},
    OBJECT("resources", job_read_resources),
    {.name = "identity", .read = job_ignore},
    {.name = "queue_settings", .read = job_ignore},
    OBJECT("hyperdrived", read_extension),
};

bool hd_sweep_job_is(const cJSON *body)
{
    static const char *const own[] = {"trial", "search_space", "sampling_algorithm"};

    if (cJSON_GetObjectItemCaseSensitive(body, "type") != NULL) {
        return true;
    }
    if (cJSON_GetObjectItemCaseSensitive(body, "hyperparameter_sampling") != NULL ||
        cJSON_GetObjectItemCaseSensitive(body, "run_config") != NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (cJSON_GetObjectItemCaseSensitive(body, own[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* A job of another kind is another language: one sentence about that, instead of one about each of its fields. */
static bool is_other_job(const cJSON *body, struct hd_problems *errors)
{
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(body, "type");

    if (type == NULL || (cJSON_IsString(type) && strcmp(type->valuestring, "sweep") == 0)) {
        return false;
    }
    if (cJSON_IsString(type)) {
        hd_problems_add(errors, "Unsupported", "type", "'type': a %s job is not supported here; only sweep jobs are",
                        strlen(type->valuestring) <= 80 ? type->valuestring : "different");
        return true;
    }
    char *excerpt = hd_json_excerpt(type);
    hd_problems_add(errors, "WrongType", "type", "'type' must be a string, got %s", excerpt == NULL ? "something else" : excerpt);
    free(excerpt);
    return true;
}

/* The objects that the fields of a job go into. */
static bool begin(struct job *job)
{
    job->config = json_new(cJSON_Object);
    if (job->config == NULL || !json_append_member(job->config, "hyperparameter_sampling", json_new(cJSON_Object)) ||
        !json_append_member(job->config, "run_config", json_new(cJSON_Object))) {
        return false;
    }
    cJSON *run = job_part(job, "run_config");
    return json_append_member(run, "inputs", json_new(cJSON_Object)) && json_append_member(run, "outputs", json_new(cJSON_Object));
}

int hd_sweep_job_parse(const cJSON *body, const struct hd_specification_options *options, struct hd_problems *errors,
                       struct hd_problems *warnings, struct hd_specification *ret)
{
    struct hd_problems own_errors = {0}, own_warnings = {0};
    struct hd_specification specification = {0};
    struct job job = {0};
    char no_path[] = "";
    struct hd_fields fields = {body, NULL, no_path, errors, warnings, &job};

    if (is_other_job(body, errors)) {
        return -1;
    }
    if (begin(&job)) {
        hd_fields_read(&fields, TABLE(job_fields));
        (void)hd_specification_parse(job.config, options, &own_errors, &own_warnings, &specification);
        job_translate_problems(&fields, &own_errors, errors);
        job_translate_problems(&fields, &own_warnings, warnings);
    } else {
        errors->out_of_memory = true;
    }
    hd_problems_clear(&own_errors);
    hd_problems_clear(&own_warnings);
    job_names_clear(&job);
    cJSON_Delete(job.config);
    errors->out_of_memory |= warnings->out_of_memory;
    if (!hd_problems_none(errors)) {
        hd_specification_clear(&specification);
        return -1;
    }
    *ret = specification;
    return 0;
}
