#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "placeholder.h"

enum { NAME_SHOWN = 80 };

struct check {
    const struct hd_specification *specification;
    struct hd_problems *errors;
    struct hd_problems *warnings;
    bool *referenced;         /* by parameter */
    char **environment_names; /* by parameter; owned */
    int parameters;
};

static bool begins_with_name(const char *text, const char *name, const char *ends)
{
    size_t length = strlen(name);

    return strncmp(text, name, length) == 0 && (text[length] == '\0' || strchr(ends, text[length]) != NULL);
}

static void note_parameter(struct check *check, const char *dotted)
{
    for (int i = 0; i < check->parameters; i++) {
        const char *name = hd_space_name(check->specification->space, i);
        if (begins_with_name(dotted, name, ".") || begins_with_name(dotted, name + strspn(name, "-"), ".")) {
            check->referenced[i] = true;
        }
    }
}

/* Also AZUREML_SWEEP_x__y is a use of x: of a member of its branch. */
static void note_variables(struct check *check, const char *text)
{
    static const char prefix[] = "AZUREML_SWEEP_";

    for (const char *at = strstr(text, prefix); at != NULL; at = strstr(at, prefix)) {
        at += strlen(prefix);
        for (int i = 0; i < check->parameters; i++) {
            const char *name = check->environment_names[i];
            size_t length = strlen(name);
            size_t whole = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
            if (strncmp(at, name, length) == 0 && (whole == length || strncmp(at + length, "__", 2) == 0)) {
                check->referenced[i] = true;
            }
        }
    }
}

/* At most NAME_SHOWN bytes, and no half character. */
static int shown_length(const struct hd_part *part)
{
    size_t length = part->name_length;

    if (length > NAME_SHOWN) {
        length = NAME_SHOWN;
        while (length > 0 && ((unsigned char)part->name[length] & 0xC0) == 0x80) {
            length--;
        }
    }
    return (int)length;
}

static void check_part(struct check *check, const char *path, const struct hd_part *part)
{
    char *name = strndup(part->name, part->name_length);
    const char *below = NULL;

    if (name == NULL) {
        check->errors->out_of_memory = true;
        return;
    }
    if (part->open) {
        hd_problems_add(check->errors, "Undefined", path, "'%s' has a ${{ without the }} that closes it", path);
    } else {
        enum hd_reference reference = hd_reference(check->specification, name, &below);
        if (reference == HD_REFERS_TO_NOTHING) {
            hd_problems_add(check->errors, "Undefined", path, "'%s' refers to %s%.*s%s, which is not defined", path,
                            part->old_form ? "{" : "${{", shown_length(part), part->name, part->old_form ? "}" : "}}");
        } else if (reference == HD_REFERS_TO_PARAMETER) {
            note_parameter(check, below);
        }
    }
    free(name);
}

static void check_text(struct check *check, const char *path, const cJSON *item, bool shell)
{
    const char *text = cJSON_GetStringValue(item);
    bool old_form = false;

    if (text == NULL) { /* not a string: that was said */
        return;
    }
    struct hd_part_scanner scanner = hd_parts(text, shell);
    struct hd_part part;
    while (hd_next_part(&scanner, &part)) {
        if (!part.placeholder) {
            continue;
        }
        check_part(check, path, &part);
        if (part.old_form && !old_form) {
            hd_problems_add(check->warnings, "SingleBrace", path, "'%s' has the old placeholder form {%.*s}; write ${{%.*s}}", path,
                            shown_length(&part), part.name, shown_length(&part), part.name);
            old_form = true;
        }
    }
    note_variables(check, text);
}

static void check_command(struct check *check, const cJSON *command)
{
    int index = 0;

    check_text(check, "run_config.command", command, true);
    for (const cJSON *word = cJSON_IsArray(command) ? command->child : NULL; word != NULL; word = word->next, index++) {
        char path[64];
        snprintf(path, sizeof path, "run_config.command[%d]", index);
        check_text(check, path, word, false);
    }
}

static void check_environment(struct check *check, const cJSON *environment)
{
    for (const cJSON *variable = environment == NULL ? NULL : environment->child; variable != NULL; variable = variable->next) {
        char *path = NULL;
        if (asprintf(&path, "run_config.environment_variables.%s", variable->string) < 0) {
            check->errors->out_of_memory = true;
            return;
        }
        check_text(check, path, variable, false);
        free(path);
    }
}

/* A parameter that reaches the program nowhere is a mistake more often than not; a script gets all of them anyway. */
static void warn_unreferenced(struct check *check)
{
    for (int i = 0; i < check->parameters; i++) {
        const char *name = hd_space_name(check->specification->space, i);
        if (!check->referenced[i]) {
            hd_problems_add(check->warnings, "ParameterNotReferenced", "run_config.command",
                            "'run_config.command' mentions parameter '%s' neither as ${{search_space.%s}} nor as AZUREML_SWEEP_%s", name,
                            name + strspn(name, "-"), check->environment_names[i]);
        }
    }
}

static bool begin(struct check *check)
{
    check->parameters = hd_space_parameters(check->specification->space);
    check->referenced = calloc((size_t)check->parameters, sizeof *check->referenced);
    check->environment_names = calloc((size_t)check->parameters, sizeof *check->environment_names);
    if (check->referenced == NULL || check->environment_names == NULL) {
        return false;
    }
    for (int i = 0; i < check->parameters; i++) {
        check->environment_names[i] = hd_environment_name(hd_space_name(check->specification->space, i));
        if (check->environment_names[i] == NULL) {
            return false;
        }
    }
    return true;
}

static void end(struct check *check)
{
    for (int i = 0; check->environment_names != NULL && i < check->parameters; i++) {
        free(check->environment_names[i]);
    }
    free(check->environment_names);
    free(check->referenced);
}

void hd_program_check(const struct hd_specification *specification, struct hd_problems *errors, struct hd_problems *warnings)
{
    struct check check = {.specification = specification, .errors = errors, .warnings = warnings};

    if (begin(&check)) {
        check_command(&check, specification->run.command);
        check_environment(&check, specification->run.environment);
        if (specification->run.command != NULL) {
            warn_unreferenced(&check);
        }
    } else {
        errors->out_of_memory = true;
    }
    end(&check);
}

/* Is the fixed argument an option that `parameter` gives too? */
static bool overlaps(const struct hd_specification *specification, const char *argument, const char *parameter)
{
    const char *option = parameter;

    if (parameter[0] != '-') {
        if (strncmp(argument, "--", 2) != 0) {
            return false;
        }
        argument += 2;
    }
    size_t length = strlen(option);
    if (strncmp(argument, option, length) != 0) {
        return false;
    }
    if (argument[length] == '\0' || argument[length] == '=') {
        return true;
    }
    if (argument[length] != '.' || !specification->nested_flat) {
        return false;
    }
    char *dotted = strndup(argument, strcspn(argument, "="));
    bool nested = dotted != NULL && hd_space_has_path(specification->space, dotted);
    free(dotted);
    return nested;
}

void hd_program_check_overlap(const struct hd_specification *specification, struct hd_problems *warnings)
{
    const cJSON *arguments = specification->run.script == NULL ? NULL : specification->run.arguments;
    int parameters = hd_space_parameters(specification->space);
    struct hd_text list = {0};

    for (const cJSON *argument = arguments == NULL ? NULL : arguments->child; argument != NULL; argument = argument->next) {
        const char *text = cJSON_GetStringValue(argument);
        for (int i = 0; text != NULL && text[0] == '-' && i < parameters; i++) {
            if (overlaps(specification, text, hd_space_name(specification->space, i))) {
                hd_text_add_string(&list, list.length > 0 ? ", " : "");
                hd_text_add(&list, text, strcspn(text, "="));
                break;
            }
        }
    }
    if (list.length > 0) {
        hd_problems_add(warnings, "ArgumentOverlap", "run_config.arguments",
                        "'run_config.arguments' and the parameter space both give %s; the swept value comes last and usually wins",
                        list.data);
    }
    hd_text_clear(&list);
}
