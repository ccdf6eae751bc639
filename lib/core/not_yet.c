#include <string.h>

#include "specification_parts.h"

/* What the reference has and this program refuses until it does it. Whoever builds one of these takes its row away. */
static const struct {
    const char *object; /* path; "" is the specification itself */
    const char *name;   /* of the field */
    const char *value;  /* of a string that is refused; NULL: whatever asks for something */
    const char *what;
    const char *instead;
} not_yet[] = {
    {"run_config", "launcher", "slurm", "the slurm launcher", "leave it out or give local"},
    {"run_config", "metrics_from_output", NULL, "reading metrics from the output", "leave it out and report the metrics from the program"},
    {"", "estimator", NULL, "an estimator", "give 'run_config'"},
    {"", "pipeline", NULL, "a pipeline", "give 'run_config'"},
};

static bool asks_for_something(const cJSON *item)
{
    if (cJSON_IsNumber(item)) {
        return item->valuedouble != 0;
    }
    if (cJSON_IsArray(item) || cJSON_IsObject(item)) {
        return item->child != NULL;
    }
    return cJSON_IsString(item) || cJSON_IsTrue(item);
}

void hd_refuse_not_yet(const struct hd_fields *fields)
{
    for (size_t i = 0; fields->path != NULL && i < sizeof not_yet / sizeof not_yet[0]; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(fields->output, not_yet[i].name);

        if (strcmp(fields->path, not_yet[i].object) != 0 || !asks_for_something(item)) {
            continue;
        }
        if (not_yet[i].value == NULL || (cJSON_IsString(item) && strcmp(item->valuestring, not_yet[i].value) == 0)) {
            hd_fields_problem(fields, fields->errors, "Unsupported", not_yet[i].name, ": %s is not supported here; %s", not_yet[i].what,
                              not_yet[i].instead);
        }
    }
}
