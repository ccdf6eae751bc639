#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json.h"
#include "json_tree.h"
#include "number.h"
#include "specification_parts.h"
#include "sweep_job_parts.h"
#include "text.h"

#define TABLE(rows) rows, sizeof rows / sizeof rows[0]

/* --- Resources, distribution: what asks for more than the daemon's machine --- */

static void read_instances(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *instances = hd_field_check(fields, field);

    if (instances != NULL && instances->valuedouble > 1) {
        hd_fields_problem(fields, fields->errors, "Unsupported", field->name,
                          ": more than one machine per trial is not supported here; leave it out or give 1");
    }
}

static const struct hd_field resource_fields[] = {
    {.name = "instance_count",
     .type = HD_FIELD_INTEGER,
     .nullable = true,
     .range = "1 or more",
     .least = 1,
     .most = (double)HD_INTEGER_MAX,
     .read = read_instances},
    {.name = "instance_type", .read = job_ignore},
    {.name = "shm_size", .read = job_ignore},
    {.name = "docker_args", .read = job_ignore},
    {.name = "properties", .read = job_ignore},
};

void job_read_resources(const struct hd_fields *fields, const struct hd_field *field)
{
    job_read_object(fields, field, TABLE(resource_fields));
}

/* True if a number that counts processes is absent or `one`. */
static bool is_absent_or(const cJSON *distribution, const char *name, double one)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(distribution, name);

    return item == NULL || cJSON_IsNull(item) || (cJSON_IsNumber(item) && item->valuedouble == one);
}

static void read_distribution(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *distribution = hd_field_check(fields, field);
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(distribution, "type"));

    if (distribution == NULL) {
        return;
    }
    if (type != NULL && strcasecmp(type, "ray") != 0 && is_absent_or(distribution, "process_count_per_instance", 1) &&
        is_absent_or(distribution, "worker_count", 1) && is_absent_or(distribution, "parameter_server_count", 0)) {
        job_ignore(fields, field);
    } else {
        hd_fields_problem(fields, fields->errors, "Unsupported", field->name,
                          ": a distributed trial is not supported here; start the launcher in 'trial.command'");
    }
}

/* --- Inputs and outputs: of the job, and of the trial for names that the job does not have --- */

static bool is_inputs(const struct hd_field *field)
{
    return strcmp(field->name, "inputs") == 0;
}

/* A folder of outputs needs no more than its name. */
static cJSON *data_object(const struct hd_field *field, const cJSON *item)
{
    return !is_inputs(field) && cJSON_IsNull(item) ? json_new(cJSON_Object) : json_copy(item);
}

/* Where an output lies is not for the job to say. True if it does, after the finding about it. */
static bool has_place(const struct hd_fields *data, const cJSON *item)
{
    struct hd_fields output = hd_fields_inside(data, item->string, item);
    bool found = cJSON_GetObjectItemCaseSensitive(item, "path") != NULL;

    if (found) {
        hd_fields_problem(&output, output.errors, "Unsupported", "path",
                          ": a place of its own is not supported here; leave it out, the output lies in the run's folder outputs/%s",
                          item->string);
    }
    hd_fields_leave(&output);
    return found;
}

/* The config has one object for both; the table has the name of the job's own. */
static void note_trial_name(const struct hd_fields *data, const struct hd_field *field, const char *name)
{
    struct hd_text ours = {0};
    char *theirs = hd_fields_path(data, name);

    hd_text_format(&ours, "run_config.%s.%s", field->name, name);
    if (ours.failed) {
        data->errors->out_of_memory = true;
    } else if (theirs != NULL) {
        job_note_name(data, ours.data, theirs);
    }
    hd_text_clear(&ours);
    free(theirs);
}

void job_read_data(const struct hd_fields *fields, const struct hd_field *field)
{
    const struct job *job = fields->context;
    const cJSON *given = hd_field_check(fields, field);
    cJSON *target = cJSON_GetObjectItemCaseSensitive(job_part(job, "run_config"), field->name);

    if (given == NULL || target == NULL || fields->path == NULL) {
        return;
    }
    struct hd_fields data = hd_fields_inside(fields, field->name, given);
    for (const cJSON *item = given->child; item != NULL; item = item->next) {
        bool placed = !is_inputs(field) && has_place(&data, item);
        if (!placed && cJSON_GetObjectItemCaseSensitive(target, item->string) == NULL) {
            if (fields->path[0] != '\0') {
                note_trial_name(&data, field, item->string);
            }
            if (!json_append_member(target, item->string, data_object(field, item))) {
                data.errors->out_of_memory = true;
            }
        }
    }
    hd_fields_leave(&data);
}

/* --- The trial --- */

static void read_code(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *code = hd_field_given(fields, field);
    const char *address = cJSON_GetStringValue(code);

    if (address != NULL &&
        (strncasecmp(address, "azureml:", 8) == 0 || strncmp(address, "git@", 4) == 0 || strstr(address, "://") != NULL)) {
        hd_fields_problem(fields, fields->errors, "Unsupported", field->name,
                          ": a remote address is not supported here; download the code and give a local directory");
    } else {
        job_move(fields, field);
    }
}

/* Numbers, true and false become their text. */
static cJSON *variable_text(const struct hd_fields *variables, const cJSON *item)
{
    struct hd_text text = {0};
    int64_t integer;

    if (cJSON_IsNumber(item) && hd_json_is_integer(item) && !hd_json_integer(item, &integer)) {
        hd_fields_out_of_range(variables, item->string, "between -9007199254740991 and 9007199254740991", item);
    }
    if (!cJSON_IsNumber(item) && !cJSON_IsBool(item)) {
        return json_copy(item);
    }
    hd_json_command_line(&text, item);
    cJSON *string = text.failed ? NULL : json_new_string(text.data);
    hd_text_clear(&text);
    return string;
}

static void read_variables(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *given = hd_field_check(fields, field);
    cJSON *strings = given == NULL ? NULL : json_new(cJSON_Object);

    if (given == NULL) {
        return;
    }
    struct hd_fields variables = hd_fields_inside(fields, field->name, given);
    for (const cJSON *item = given->child; strings != NULL && item != NULL; item = item->next) {
        if (!json_append_member(strings, item->string, variable_text(&variables, item))) {
            cJSON_Delete(strings);
            strings = NULL;
        }
    }
    hd_fields_leave(&variables);
    job_put(fields, field->name, strings);
}

/* The job's own limit comes first. */
static void read_trial_timeout(const struct hd_fields *fields, const struct hd_field *field)
{
    const struct job *job = fields->context;

    if (hd_field_given(fields, field) == NULL) {
        return;
    }
    if (cJSON_GetObjectItemCaseSensitive(job->config, "trial_timeout_seconds") != NULL) {
        hd_fields_problem(fields, fields->warnings, "Ignored", field->name, " is ignored: 'limits.trial_timeout' counts");
        return;
    }
    job_note_name(fields, "trial_timeout_seconds", "trial.limits.timeout");
    job_move(fields, field);
}

static const struct hd_field trial_limit_fields[] = {{.name = "timeout", .nullable = true, .read = read_trial_timeout}};

static void read_trial_limits(const struct hd_fields *fields, const struct hd_field *field)
{
    job_read_object(fields, field, TABLE(trial_limit_fields));
}

static const struct hd_field trial_fields[] = {
    {.name = "command", .required = true, .nullable = true, .read = job_move},
    {.name = "code", .nullable = true, .read = read_code},
    {.name = "environment", .read = job_ignore},
    {.name = "environment_variables", .type = HD_FIELD_OBJECT, .nullable = true, HD_FEW_MEMBERS, .read = read_variables},
    {.name = "distribution", .type = HD_FIELD_OBJECT, .nullable = true, .read = read_distribution},
    {.name = "resources", .type = HD_FIELD_OBJECT, .nullable = true, .read = job_read_resources},
    {.name = "limits", .type = HD_FIELD_OBJECT, .nullable = true, .read = read_trial_limits},
    {.name = "inputs", .type = HD_FIELD_OBJECT, .nullable = true, HD_FEW_MEMBERS, .read = job_read_data},
    {.name = "outputs", .type = HD_FIELD_OBJECT, .nullable = true, HD_FEW_MEMBERS, .read = job_read_data},
};

void job_read_trial(const struct hd_fields *fields, const struct hd_field *field)
{
    if (cJSON_IsString(hd_field_given(fields, field))) {
        hd_fields_problem(fields, fields->errors, "Unsupported", field->name,
                          ": a component file is not supported here; put the component's content here");
        return;
    }
    job_read_object(fields, field, TABLE(trial_fields));
}
