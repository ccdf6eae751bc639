#include <string.h>

#include "json.h"
#include "json_tree.h"
#include "specification_parts.h"

/* run_config.launcher, and what the others mean where it is `client`: then the daemon starts nothing. */

/* Fields about starting a program, and what each is where nobody has given it. */
static const struct {
    const char *name, *absent; /* JSON; NULL: whatever is given is said in vain */
} about_programs[] = {
    {"script", NULL},
    {"command", NULL},
    {"source_directory", NULL},
    {"interpreter", "\"python3\""},
    {"inputs", "{}"},
    {"outputs", "{}"},
    {"environment_variables", "{}"},
    {"snapshot", "true"},
    {"gpus_per_run", "0"},
    {"cpus_per_run", "1"},
    {"memory_limit_mb", NULL},
    {"process_limit", NULL},
    {"cpu_limit", "false"},
    {"retry_on", "[\"lost\"]"},
    {"run_as", NULL},
};

bool hd_run_is_client(const struct hd_fields *fields)
{
    const char *launcher = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(fields->input, "launcher"));
    char choice[16];

    return launcher != NULL && hd_field_choice("client", launcher, choice, sizeof choice);
}

/* What the configuration of another sweep has filled in is not said by anybody. */
static bool is_said(const struct hd_fields *fields, const char *name, const char *absent)
{
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(fields->input, name);

    if (given == NULL || cJSON_IsNull(given) || absent == NULL) {
        return given != NULL && !cJSON_IsNull(given);
    }
    cJSON *value = hd_json_parse_own(absent);
    bool equal = value != NULL && hd_json_equal(given, value);
    fields->errors->out_of_memory |= value == NULL;
    cJSON_Delete(value);
    return !equal;
}

static void warn_of_programs(const struct hd_fields *fields)
{
    for (size_t i = 0; i < sizeof about_programs / sizeof about_programs[0]; i++) {
        if (is_said(fields, about_programs[i].name, about_programs[i].absent)) {
            hd_fields_problem(fields, fields->warnings, "Ignored", about_programs[i].name,
                              " has no effect with the client launcher: whoever asks for a child runs it");
        }
    }
}

/* One that is not built yet is not among the choices, and has a refusal of its own. */
static bool put_not_yet(const struct hd_fields *fields, const struct hd_field *field)
{
    const char *given = cJSON_GetStringValue(hd_field_given(fields, field));
    char choice[16];

    if (given == NULL || !hd_field_choice("slurm", given, choice, sizeof choice)) {
        return false;
    }
    hd_fields_put(fields, field->name, json_new_string(choice));
    return true;
}

void hd_read_launcher(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *retries = cJSON_GetObjectItemCaseSensitive(fields->output, "max_retries");

    if (put_not_yet(fields, field)) {
        return;
    }
    hd_field_read(fields, field);
    if (!hd_run_is_client(fields)) {
        return;
    }
    warn_of_programs(fields);
    if (retries != NULL && retries->valuedouble > 0) {
        hd_fields_problem(fields, fields->errors, "Unsupported", "max_retries",
                          ": a retry is not supported here with the client launcher; let the client try again before it tells the end");
    }
}
