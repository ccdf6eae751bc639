#include <stdlib.h>

#include "json.h"
#include "placeholder.h"
#include "program.h"
#include "text.h"

static int add_user_variable(struct hd_strings *strings, const cJSON *variable, const struct hd_specification *specification,
                             const cJSON *configuration, const struct hd_program_places *places)
{
    struct hd_text text = {0};

    hd_text_format(&text, "%s=", variable->string);
    hd_placeholders_replace(&text, variable->valuestring, false, specification, configuration, places);
    return hd_strings_add_text(strings, &text);
}

/* The variable of a value, then those of its members if it is a branch. No deeper than the space allows. */
static int add_sweep_variable(struct hd_strings *strings, const char *prefix, const cJSON *value)
{
    char *name = hd_environment_name(value->string);
    struct hd_text text = {0};
    struct hd_text inner = {0};

    if (name == NULL) {
        return -1;
    }
    hd_text_format(&text, "%s%s=", prefix, name);
    hd_json_command_line(&text, value);
    hd_text_format(&inner, "%s%s__", prefix, name);
    free(name);
    char *inner_prefix = hd_text_take(&inner);
    int result = hd_strings_add_text(strings, &text);
    if (inner_prefix == NULL) {
        result = -1;
    }
    for (const cJSON *member = cJSON_IsObject(value) ? value->child : NULL; result == 0 && member != NULL; member = member->next) {
        result = add_sweep_variable(strings, inner_prefix, member);
    }
    free(inner_prefix);
    return result;
}

static int add_environment(struct hd_strings *strings, const struct hd_specification *specification, const cJSON *configuration,
                           const struct hd_program_places *places)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, specification->run.environment)
    {
        if (add_user_variable(strings, item, specification, configuration, places) != 0) {
            return -1;
        }
    }
    cJSON_ArrayForEach(item, configuration)
    {
        if (add_sweep_variable(strings, "AZUREML_SWEEP_", item) != 0) {
            return -1;
        }
    }
    if (places->resume_directory == NULL) {
        return 0;
    }
    struct hd_text text = {0};
    hd_text_format(&text, "AZUREML_DATAREFERENCE_MODEL_LOCATION=%s", places->resume_directory);
    return hd_strings_add_text(strings, &text);
}

int hd_program_environment(const struct hd_specification *specification, const cJSON *configuration, const struct hd_program_places *places,
                           struct hd_strings *ret_environment)
{
    struct hd_strings made = {0};

    if (add_environment(&made, specification, configuration, places) != 0) {
        hd_strings_clear(&made);
        return -1;
    }
    *ret_environment = made;
    return 0;
}
