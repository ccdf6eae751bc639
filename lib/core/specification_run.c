#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "json_tree.h"
#include "number.h"
#include "program.h"
#include "specification_parts.h"

enum { ELEMENT_NAME_SIZE = 64 };

static bool is_set(const struct hd_fields *fields, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(fields->input, name);

    return item != NULL && !cJSON_IsNull(item);
}

/* A path that stays below the folder that it is relative to. */
static bool is_inside(const char *path)
{
    if (*path == '/' || *path == '\0' || path[strlen(path) - 1] == '/') {
        return false;
    }
    for (const char *part = path; part != NULL; part = strchr(part, '/')) {
        part += *part == '/' ? 1 : 0;
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0')) {
            return false;
        }
    }
    return true;
}

static void read_script(const struct hd_fields *fields, const struct hd_field *field)
{
    bool one = is_set(fields, "script") != is_set(fields, "command"), both = is_set(fields, "script") && is_set(fields, "command");

    if (both || (!one && !hd_run_is_client(fields))) {
        hd_problems_add(fields->errors, "Conflict", fields->path, "give exactly one of 'run_config.script', 'run_config.command'");
    }
    const cJSON *script = hd_field_read(fields, field);
    if (script != NULL && !is_inside(script->valuestring)) {
        hd_fields_out_of_range(fields, field->name, "the relative path of a file inside 'run_config.source_directory', without ..", script);
    }
}

static bool is_blank(const char *string)
{
    return string[strspn(string, " \t\r\n")] == '\0';
}

/* One string of a command, or all of it. */
static void check_word(const struct hd_fields *fields, const char *name, const cJSON *word, bool may_be_blank)
{
    if (!cJSON_IsString(word)) {
        hd_fields_wrong_type(fields, name, "a string", word);
    } else if (strlen(word->valuestring) > HD_WORD_MAX) {
        hd_fields_out_of_range(fields, name, "at most 131071 bytes long", word);
    } else if (!may_be_blank && is_blank(word->valuestring)) {
        hd_fields_out_of_range(fields, name, "something to execute", word);
    }
}

static void read_command(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *command = hd_field_given(fields, field);
    int index = 0;

    if (cJSON_IsArray(command) && command->child == NULL) {
        hd_fields_out_of_range(fields, field->name, "something to execute", command);
    } else if (cJSON_IsArray(command)) {
        for (const cJSON *word = command->child; word != NULL; word = word->next, index++) {
            char name[ELEMENT_NAME_SIZE];
            snprintf(name, sizeof name, "command[%d]", index);
            check_word(fields, name, word, index > 0);
        }
    } else if (cJSON_IsString(command)) {
        check_word(fields, field->name, command, false);
    } else if (command != NULL) {
        hd_fields_wrong_type(fields, field->name, "a string or an array of strings", command);
        return;
    }
    hd_fields_put(fields, field->name, command == NULL ? json_new(cJSON_NULL) : json_copy(command));
}

static void read_source_directory(const struct hd_fields *fields, const struct hd_field *field)
{
    const struct hd_specification_options *options = ((const struct hd_reading *)fields->context)->options;
    const cJSON *directory = hd_field_read(fields, field);

    if (directory == NULL) {
        if (hd_field_given(fields, field) == NULL && is_set(fields, "script") && !hd_run_is_client(fields)) {
            hd_fields_required(fields, field->name);
        }
    } else if (directory->valuestring[0] != '/') {
        hd_fields_out_of_range(fields, field->name, "an absolute path", directory);
    } else if (options->is_directory != NULL && !hd_run_is_client(fields) &&
               !options->is_directory(options->context, directory->valuestring)) {
        hd_fields_problem(fields, fields->errors, "NotFound", field->name, ": no such directory: %s", directory->valuestring);
    }
}

/* A fixed argument: its text is that of a hyperparameter with this value. */
static void check_argument(const struct hd_fields *fields, const char *name, const cJSON *argument)
{
    int64_t integer;

    if (cJSON_IsArray(argument) || cJSON_IsObject(argument)) {
        hd_fields_wrong_type(fields, name, "a string, a number, true, false or null", argument);
    } else if (cJSON_IsString(argument) && strlen(argument->valuestring) > HD_WORD_MAX) {
        hd_fields_out_of_range(fields, name, "at most 131071 bytes long", argument);
    } else if (cJSON_IsNumber(argument) && hd_json_is_integer(argument) && !hd_json_integer(argument, &integer)) {
        hd_fields_out_of_range(fields, name, "between -9007199254740991 and 9007199254740991", argument);
    }
}

static void read_arguments(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *arguments = hd_field_read(fields, field);
    int index = 0;

    if (arguments == NULL || arguments->child == NULL) {
        return;
    }
    for (const cJSON *argument = arguments->child; argument != NULL; argument = argument->next, index++) {
        char name[ELEMENT_NAME_SIZE];
        snprintf(name, sizeof name, "arguments[%d]", index);
        check_argument(fields, name, argument);
    }
    if (is_set(fields, "command")) {
        hd_fields_problem(fields, fields->warnings, "Ignored", field->name,
                          " has no effect with 'run_config.command', which is executed as it is");
    }
}

/* Null is a value here: the script is executed itself. */
static void read_interpreter(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(fields->input, field->name);

    if (given == NULL) {
        hd_fields_put(fields, field->name, is_set(fields, "command") ? json_new(cJSON_NULL) : json_new_string("python3"));
        return;
    }
    if (hd_field_check(fields, field) != NULL && is_set(fields, "command")) {
        hd_fields_problem(fields, fields->warnings, "Ignored", field->name,
                          " has no effect with 'run_config.command', which names its own program");
        hd_fields_put(fields, field->name, json_new(cJSON_NULL));
        return;
    }
    hd_fields_put(fields, field->name, json_copy(given));
}

/* How many a run takes, of what the machine has. `what` names it: "GPUs". */
static void check_machine(const struct hd_fields *fields, const struct hd_field *field, const cJSON *amount, double has, const char *what)
{
    char number[HD_NUMBER_TEXT_SIZE];

    if (amount->valuedouble <= has) {
        return;
    }
    hd_number_command_line(amount->valuedouble, number);
    if (has > 0) {
        hd_fields_problem(fields, fields->errors, "OutOfRange", field->name,
                          " must be at most %.0f, the number of %s that there are, got %s", has, what, number);
    } else {
        hd_fields_problem(fields, fields->errors, "OutOfRange", field->name, " must be 0, since there are no %s to hand out, got %s", what,
                          number);
    }
}

static void read_gpus(const struct hd_fields *fields, const struct hd_field *field)
{
    const struct hd_machine *machine = ((const struct hd_reading *)fields->context)->options->machine;
    const cJSON *gpus = hd_field_read(fields, field);

    if (gpus == NULL) {
        return;
    }
    if (gpus->valuedouble > 1 && gpus->valuedouble != floor(gpus->valuedouble)) {
        hd_fields_out_of_range(fields, field->name, "0, a fraction below 1, or a whole number", gpus);
    } else if (machine != NULL && !hd_run_is_client(fields)) {
        check_machine(fields, field, gpus, machine->gpus, "GPUs");
    }
}

static void read_cpus(const struct hd_fields *fields, const struct hd_field *field)
{
    const struct hd_machine *machine = ((const struct hd_reading *)fields->context)->options->machine;
    const cJSON *cpus = hd_field_read(fields, field);

    if (cpus != NULL && machine != NULL && !hd_run_is_client(fields)) {
        check_machine(fields, field, cpus, machine->cpus, "CPUs");
    }
}

/* Names that hand out GPUs; a run that set them itself would take those of others. */
static bool names_gpus(const char *name)
{
    static const char *const names[] = {"CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES",
                                        "GPU_DEVICE_ORDINAL"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Names that the daemon sets for each child itself. */
static bool is_reserved(const char *name)
{
    static const char *const prefixes[] = {"HYPERDRIVE_", "AZUREML_SWEEP_"};
    static const char *const names[] = {"AZUREML_RUN_ID", "AZUREML_DATAREFERENCE_MODEL_LOCATION"};

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_identifier(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    size_t start = strspn(name, letters);

    return start > 0 && name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789")] == '\0';
}

void hd_read_strings(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *strings = hd_field_read(fields, field);

    if (strings == NULL) {
        return;
    }
    struct hd_fields inner = hd_fields_inside(fields, field->name, strings);
    for (const cJSON *string = strings->child; string != NULL; string = string->next) {
        if (!cJSON_IsString(string)) {
            hd_fields_wrong_type(&inner, string->string, "a string", string);
        }
    }
    hd_fields_leave(&inner);
}

static void read_environment(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *given = hd_field_given(fields, field);

    hd_read_strings(fields, field);
    if (!cJSON_IsObject(given)) {
        return;
    }
    bool stored = ((const struct hd_reading *)fields->context)->options->stored;
    struct hd_fields inner = hd_fields_inside(fields, field->name, given);
    for (const cJSON *variable = given->child; variable != NULL; variable = variable->next) {
        if (!is_identifier(variable->string)) {
            hd_fields_problem(&inner, inner.errors, "InvalidName", variable->string,
                              " is not the name of an environment variable: give a letter or _, then letters, digits and _");
        } else if (is_reserved(variable->string)) {
            hd_fields_problem(&inner, inner.errors, "NotAllowed", variable->string,
                              " is set by hyperdrived for each child; take another name");
        } else if (names_gpus(variable->string) && !stored) {
            hd_fields_problem(&inner, inner.errors, "NotAllowed", variable->string,
                              " is set by hyperdrived for each child; ask for GPUs with 'run_config.gpus_per_run'");
        }
    }
    hd_fields_leave(&inner);
}

static void read_compute_target(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *target = hd_field_read(fields, field);

    if (target != NULL && strcmp(target->valuestring, "local") != 0) {
        hd_fields_problem(fields, fields->warnings, "Ignored", field->name, " is ignored: %s",
                          hd_run_is_client(fields) ? "whoever asks for a child runs it" : "children run on the machine of the daemon");
    }
}

/* Only what is given stands in the configuration: most daemons know but one user. */
static void read_run_as(const struct hd_fields *fields, const struct hd_field *field)
{
    const struct hd_specification_options *options = ((const struct hd_reading *)fields->context)->options;
    const cJSON *given = hd_field_given(fields, field), *user = given != NULL ? hd_field_check(fields, field) : NULL;
    char reason[256];

    if (hd_run_is_client(fields) || (given != NULL && user == NULL)) {
        return;
    }
    if (user != NULL) {
        hd_fields_put(fields, field->name, json_copy(user));
    }
    if (!options->stored && options->may_run_as != NULL &&
        !options->may_run_as(options->context, cJSON_GetStringValue(user), reason, sizeof reason)) {
        hd_fields_problem(fields, fields->errors, "NotAllowed", field->name, ": %s", reason);
    }
}

#define SOME_TEXT .range = "a string that is not empty", .least = 1, .most = INFINITY
#define AMOUNT    .range = "0 or more", .least = 0, .most = (double)HD_INTEGER_MAX

static const struct hd_field run_fields[] = {
    {.name = "script", .type = HD_FIELD_STRING, .nullable = true, .absent = "null", .read = read_script},
    {.name = "command", .nullable = true, .read = read_command},
    {.name = "source_directory", .type = HD_FIELD_STRING, .nullable = true, .absent = "null", .read = read_source_directory},
    {.name = "arguments", .type = HD_FIELD_ARRAY, .absent = "[]", .read = read_arguments},
    {.name = "interpreter", .type = HD_FIELD_STRING, .nullable = true, SOME_TEXT, .read = read_interpreter},
    {.name = "inputs", .type = HD_FIELD_OBJECT, HD_FEW_MEMBERS, .absent = "{}", .read = hd_read_inputs},
    {.name = "outputs", .type = HD_FIELD_OBJECT, HD_FEW_MEMBERS, .absent = "{}", .read = hd_read_outputs},
    {.name = "environment_variables", .type = HD_FIELD_OBJECT, HD_FEW_MEMBERS, .absent = "{}", .read = read_environment},
    {.name = "max_run_duration_seconds",
     .type = HD_FIELD_INTEGER,
     .nullable = true,
     .absent = "null",
     .range = "between 1 and 960000000000",
     .least = 1,
     .most = HD_SECONDS_MAX},
    {.name = "compute_target", .type = HD_FIELD_STRING, .absent = "\"local\"", .read = read_compute_target},
    {.name = "snapshot", .type = HD_FIELD_BOOLEAN, .absent = "true"},
    {.name = "gpus_per_run", .type = HD_FIELD_NUMBER, .absent = "0", AMOUNT, .read = read_gpus},
    {.name = "cpus_per_run", .type = HD_FIELD_NUMBER, .absent = "1", AMOUNT, .read = read_cpus},
    {.name = "memory_limit_mb",
     .type = HD_FIELD_INTEGER,
     .nullable = true,
     .absent = "null",
     .range = "between 1 and 1073741824",
     .least = 1,
     .most = 1 << 30,
     .read = hd_read_limit},
    {.name = "process_limit",
     .type = HD_FIELD_INTEGER,
     .nullable = true,
     .absent = "null",
     .range = "between 1 and 4194304",
     .least = 1,
     .most = 1 << 22,
     .read = hd_read_limit},
    {.name = "cpu_limit", .type = HD_FIELD_BOOLEAN, .absent = "false", .read = hd_read_cpu_limit},
    {.name = "max_retries", .type = HD_FIELD_INTEGER, .absent = "0", AMOUNT},
    {.name = "retry_on",
     .type = HD_FIELD_ARRAY,
     .absent = "[\"lost\"]",
     .range = "an array of at most 100 causes",
     .most = 100,
     .read = hd_read_retry_on},
    {.name = "run_as", .type = HD_FIELD_STRING, .nullable = true, SOME_TEXT, .read = read_run_as},
    {.name = "launcher", .type = HD_FIELD_STRING, .absent = "\"local\"", .choices = "local, client", .read = hd_read_launcher},
    {.name = "metrics_from_output", .nullable = true, .absent = "null"},
    {.name = "environment", .nullable = true, .read = hd_read_only_there},
    {.name = "docker_runtime_config", .nullable = true, .read = hd_read_only_there},
    {.name = "distributed_job_config", .nullable = true, .read = hd_read_only_there},
    {.name = "resume_from", .nullable = true, .read = hd_read_only_there},
};

static enum hd_launcher launcher_of(const cJSON *config)
{
    static const char *const names[] = {[HD_LAUNCHER_LOCAL] = "local", [HD_LAUNCHER_SLURM] = "slurm", [HD_LAUNCHER_CLIENT] = "client"};
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(config, "launcher"));

    for (int launcher = HD_LAUNCHER_LOCAL; name != NULL && launcher <= HD_LAUNCHER_CLIENT; launcher++) {
        if (strcmp(names[launcher], name) == 0) {
            return (enum hd_launcher)launcher;
        }
    }
    return HD_LAUNCHER_NONE;
}

void hd_fill_run_config(const cJSON *config, struct hd_run_config *ret)
{
    const cJSON *command = cJSON_GetObjectItemCaseSensitive(config, "command");
    const cJSON *gpus = cJSON_GetObjectItemCaseSensitive(config, "gpus_per_run");
    const cJSON *cpus = cJSON_GetObjectItemCaseSensitive(config, "cpus_per_run");
    const cJSON *retries = cJSON_GetObjectItemCaseSensitive(config, "max_retries");
    const cJSON *memory = cJSON_GetObjectItemCaseSensitive(config, "memory_limit_mb");
    const cJSON *processes = cJSON_GetObjectItemCaseSensitive(config, "process_limit");

    *ret = (struct hd_run_config){
        .launcher = launcher_of(config),
        .source_directory = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(config, "source_directory")),
        .script = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(config, "script")),
        .interpreter = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(config, "interpreter")),
        .arguments = cJSON_GetObjectItemCaseSensitive(config, "arguments"),
        .command = cJSON_IsNull(command) ? NULL : command,
        .inputs = cJSON_GetObjectItemCaseSensitive(config, "inputs"),
        .outputs = cJSON_GetObjectItemCaseSensitive(config, "outputs"),
        .environment = cJSON_GetObjectItemCaseSensitive(config, "environment_variables"),
        .run_as = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(config, "run_as")),
        .snapshot = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(config, "snapshot")),
        .gpus_per_run = cJSON_IsNumber(gpus) ? gpus->valuedouble : 0,
        .cpus_per_run = cJSON_IsNumber(cpus) ? cpus->valuedouble : 0,
        .memory_limit_mb = cJSON_IsNumber(memory) ? (int64_t)memory->valuedouble : 0,
        .process_limit = cJSON_IsNumber(processes) ? (int64_t)processes->valuedouble : 0,
        .cpu_limit = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(config, "cpu_limit")),
        .max_retries = cJSON_IsNumber(retries) ? (int64_t)retries->valuedouble : 0,
        .retry_on = cJSON_GetObjectItemCaseSensitive(config, "retry_on"),
    };
}

/* Placeholders are looked at although other fields may be wrong: all findings come at once. */
static void check_placeholders(const struct hd_fields *run)
{
    const struct hd_reading *reading = run->context;
    struct hd_specification partial = {.space = reading->space};

    if (reading->space != NULL) {
        hd_fill_run_config(run->output, &partial.run);
        hd_program_check(&partial, run->errors, run->warnings);
    }
}

void hd_read_run_config(const struct hd_fields *fields, const struct hd_field *field)
{
    const struct hd_reading *reading = fields->context;
    const cJSON *item = hd_field_check(fields, field);

    if (item == NULL) {
        if (hd_field_given(fields, field) == NULL && !reading->other_program) {
            hd_fields_required(fields, field->name);
        }
        return;
    }
    struct hd_fields run = hd_fields_enter(fields, field->name, item);
    hd_fields_read(&run, run_fields, sizeof run_fields / sizeof run_fields[0]);
    check_placeholders(&run);
    hd_refuse_not_yet(&run);
    hd_fields_leave(&run);
}
