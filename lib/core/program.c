#include "program.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "placeholder.h"
#include "text.h"

int hd_strings_add(struct hd_strings *strings, const char *string)
{
    char **list = realloc(strings->list, ((size_t)strings->count + 2) * sizeof *list);

    if (list == NULL) {
        return -1;
    }
    strings->list = list;
    list[strings->count] = strdup(string);
    if (list[strings->count] == NULL) {
        return -1;
    }
    strings->count++;
    list[strings->count] = NULL;
    return 0;
}

void hd_strings_clear(struct hd_strings *strings)
{
    for (int i = 0; i < strings->count; i++) {
        free(strings->list[i]);
    }
    free(strings->list);
    *strings = (struct hd_strings){0};
}

int hd_strings_add_text(struct hd_strings *strings, struct hd_text *text)
{
    char *string = hd_text_take(text);
    int result = string == NULL ? -1 : hd_strings_add(strings, string);

    free(string);
    return result;
}

static int add_value(struct hd_strings *strings, const cJSON *value)
{
    struct hd_text text = {0};

    hd_json_command_line(&text, value);
    return hd_strings_add_text(strings, &text);
}

/* One option per constant of a drawn branch. No deeper than the space allows. */
static int add_flat(struct hd_strings *strings, const char *option, const cJSON *value)
{
    if (!cJSON_IsObject(value)) {
        return hd_strings_add(strings, option) != 0 || add_value(strings, value) != 0 ? -1 : 0;
    }
    for (const cJSON *member = value->child; member != NULL; member = member->next) {
        struct hd_text name = {0};
        hd_text_format(&name, "%s.%s", option, member->string);
        char *inner = hd_text_take(&name);
        int result = inner == NULL ? -1 : add_flat(strings, inner, member);
        free(inner);
        if (result != 0) {
            return -1;
        }
    }
    return 0;
}

static int add_hyperparameter(struct hd_strings *strings, const struct hd_specification *specification, const cJSON *value)
{
    struct hd_text name = {0};

    hd_text_add_string(&name, value->string[0] == '-' ? "" : "--");
    hd_text_add_string(&name, value->string);
    char *option = hd_text_take(&name);
    if (option == NULL) {
        return -1;
    }
    int result = -1;
    if (specification->nested_flat) {
        result = add_flat(strings, option, value);
    } else if (hd_strings_add(strings, option) == 0) {
        result = add_value(strings, value);
    }
    free(option);
    return result;
}

static int add_script_arguments(struct hd_strings *strings, const struct hd_specification *specification, const cJSON *configuration,
                                const struct hd_program_places *places)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, specification->run.arguments)
    {
        if (add_value(strings, item) != 0) {
            return -1;
        }
    }
    cJSON_ArrayForEach(item, configuration)
    {
        if (add_hyperparameter(strings, specification, item) != 0) {
            return -1;
        }
    }
    if (places->resume_directory == NULL) {
        return 0;
    }
    return hd_strings_add(strings, "--resume-from") != 0 || hd_strings_add(strings, places->resume_directory) != 0 ? -1 : 0;
}

/* Interpreter and script. A script's name is never taken for an option, or looked up in PATH. */
static int add_script(struct hd_strings *strings, const struct hd_run_config *run)
{
    struct hd_text script = {0};

    if (run->interpreter != NULL && hd_strings_add(strings, run->interpreter) != 0) {
        return -1;
    }
    hd_text_add_string(&script, run->interpreter == NULL || run->script[0] == '-' ? "./" : "");
    hd_text_add_string(&script, run->script);
    return hd_strings_add_text(strings, &script);
}

static int add_replaced(struct hd_strings *strings, const cJSON *word, bool shell, const struct hd_specification *specification,
                        const cJSON *configuration, const struct hd_program_places *places)
{
    struct hd_text text = {0};

    hd_placeholders_replace(&text, word->valuestring, shell, specification, configuration, places);
    return hd_strings_add_text(strings, &text);
}

static int add_command(struct hd_strings *strings, const struct hd_specification *specification, const cJSON *configuration,
                       const struct hd_program_places *places)
{
    const cJSON *command = specification->run.command;
    const cJSON *word;

    if (cJSON_IsString(command)) {
        if (hd_strings_add(strings, "/bin/sh") != 0 || hd_strings_add(strings, "-c") != 0) {
            return -1;
        }
        return add_replaced(strings, command, true, specification, configuration, places);
    }
    cJSON_ArrayForEach(word, command)
    {
        if (add_replaced(strings, word, false, specification, configuration, places) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Hands over what was made, or nothing. */
static int finish(int result, struct hd_strings *made, struct hd_strings *ret)
{
    if (result != 0) {
        hd_strings_clear(made);
        return -1;
    }
    *ret = *made;
    return 0;
}

int hd_program_arguments(const struct hd_specification *specification, const cJSON *configuration, const struct hd_program_places *places,
                         struct hd_strings *ret_arguments)
{
    struct hd_strings made = {0};
    int result = specification->run.command != NULL ? add_command(&made, specification, configuration, places)
                                                    : add_script_arguments(&made, specification, configuration, places);

    return finish(result, &made, ret_arguments);
}

int hd_program_argv(const struct hd_specification *specification, const cJSON *configuration, const struct hd_program_places *places,
                    struct hd_strings *ret_argv)
{
    struct hd_strings made = {0};

    if (specification->run.script == NULL) {
        return hd_program_arguments(specification, configuration, places, ret_argv);
    }
    int result = add_script(&made, &specification->run);
    if (result == 0) {
        result = add_script_arguments(&made, specification, configuration, places);
    }
    return finish(result, &made, ret_argv);
}
