#include "placeholder.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"

#define WHITE_SPACE " \t\r\n"

static const char *const roots[] = {"search_space.", "inputs.", "outputs."};

struct hd_part_scanner hd_parts(const char *text, bool shell)
{
    return (struct hd_part_scanner){.at = text, .shell = shell, .word_start = true};
}

static void trim(struct hd_part *part, const char *start, const char *end)
{
    while (start < end && strchr(WHITE_SPACE, *start) != NULL) {
        start++;
    }
    while (end > start && strchr(WHITE_SPACE, end[-1]) != NULL) {
        end--;
    }
    part->name = start;
    part->name_length = (size_t)(end - start);
}

static bool new_form_at(const char *at, struct hd_part *part)
{
    if (strncmp(at, "${{", 3) != 0) {
        return false;
    }
    const char *end = strstr(at + 3, "}}");
    *part = (struct hd_part){.start = at, .placeholder = true, .open = end == NULL};
    part->length = end == NULL ? strlen(at) : (size_t)(end + 2 - at);
    trim(part, at + 3, at + part->length - (end == NULL ? 0 : 2));
    return true;
}

/* Single braces mean much else in shells and programs: it is a placeholder only if a known root and a possible name stand in them. */
static bool old_form_at(const char *at, struct hd_part *part)
{
    if (*at != '{') {
        return false;
    }
    const char *start = at + 1 + strspn(at + 1, WHITE_SPACE);
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        size_t root_length = strlen(roots[i]);
        if (strncmp(start, roots[i], root_length) != 0) {
            continue;
        }
        size_t length = strcspn(start + root_length, WHITE_SPACE "{}$='\"");
        const char *end = start + root_length + length;
        end += strspn(end, WHITE_SPACE);
        if (length == 0 || *end != '}') {
            return false;
        }
        *part = (struct hd_part){.start = at, .length = (size_t)(end + 1 - at), .placeholder = true, .old_form = true};
        trim(part, start, end);
        return true;
    }
    return false;
}

/* Bytes that a backslash takes with it: the character behind it, and all that would make it a placeholder. */
static size_t escaped_length(const char *at)
{
    if (at[1] == '\0') {
        return 1;
    }
    return strncmp(at + 1, "${{", 3) == 0 ? 4 : 2;
}

/* Goes over one character of a shell command that begins no placeholder, with what it means for the next ones. */
static void step_shell(struct hd_part_scanner *scanner)
{
    char character = *scanner->at;
    bool word_start = scanner->quotes == HD_NO_QUOTES && strchr(WHITE_SPACE ";&|()<>`", character) != NULL;

    if (scanner->comment) {
        scanner->comment = character != '\n';
    } else if (character == '\\' && scanner->quotes != HD_SINGLE_QUOTES) {
        bool joined_line = scanner->at[1] == '\n';
        scanner->at += escaped_length(scanner->at);
        scanner->word_start = joined_line && scanner->word_start;
        return;
    } else if (character == '\'' && scanner->quotes != HD_DOUBLE_QUOTES) {
        scanner->quotes = scanner->quotes == HD_NO_QUOTES ? HD_SINGLE_QUOTES : HD_NO_QUOTES;
    } else if (character == '"' && scanner->quotes != HD_SINGLE_QUOTES) {
        scanner->quotes = scanner->quotes == HD_NO_QUOTES ? HD_DOUBLE_QUOTES : HD_NO_QUOTES;
    } else if (character == '#' && scanner->quotes == HD_NO_QUOTES && scanner->word_start) {
        scanner->comment = true; /* an apostrophe in it opens nothing, and a value with a line feed must not end it */
    }
    scanner->word_start = word_start;
    scanner->at++;
}

bool hd_next_part(struct hd_part_scanner *scanner, struct hd_part *ret_part)
{
    const char *start = scanner->at;
    struct hd_part part = {0};

    while (*scanner->at != '\0') {
        if (!scanner->comment && (new_form_at(scanner->at, &part) || old_form_at(scanner->at, &part))) {
            break;
        }
        if (strncmp(scanner->at, "${", 2) == 0) { /* a variable of the shell: its brace opens no old form */
            scanner->at++;
        }
        if (scanner->shell) {
            step_shell(scanner);
        } else {
            scanner->at++;
        }
    }
    if (scanner->at > start) {
        *ret_part = (struct hd_part){.start = start, .length = (size_t)(scanner->at - start)};
        return true;
    }
    if (*scanner->at == '\0') {
        return false;
    }
    part.quotes = scanner->quotes;
    scanner->at += part.length;
    scanner->word_start = false;
    *ret_part = part;
    return true;
}

enum hd_reference hd_reference(const struct hd_specification *specification, const char *name, const char **ret_below)
{
    const struct hd_run_config *run = &specification->run;

    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        size_t length = strlen(roots[i]);
        const char *below = name + length;
        if (strncmp(name, roots[i], length) != 0 || *below == '\0') {
            continue;
        }
        *ret_below = below;
        if (roots[i][0] == 'o') {
            return cJSON_GetObjectItemCaseSensitive(run->outputs, below) != NULL ? HD_REFERS_TO_OUTPUT : HD_REFERS_TO_NOTHING;
        }
        if (hd_space_has_path(specification->space, below)) {
            return HD_REFERS_TO_PARAMETER;
        }
        bool input = roots[i][0] == 'i' && cJSON_GetObjectItemCaseSensitive(run->inputs, below) != NULL;
        return input ? HD_REFERS_TO_INPUT : HD_REFERS_TO_NOTHING;
    }
    return HD_REFERS_TO_NOTHING;
}

/* What of `dotted` is left behind `name` and its dot; NULL if it does not begin with that. "" if it is all. */
static const char *behind(const char *dotted, const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || strncmp(dotted, name, length) != 0 || (dotted[length] != '\0' && dotted[length] != '.')) {
        return NULL;
    }
    return dotted + length;
}

/* Names can have dots themselves, so every member that `dotted` begins with is tried. As deep as a configuration at most. */
static const cJSON *find_value(const cJSON *object, const char *dotted, bool outermost)
{
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        const char *rest = behind(dotted, member->string);
        if (rest == NULL && outermost) {
            rest = behind(dotted, member->string + strspn(member->string, "-"));
        }
        if (rest != NULL && *rest == '\0') {
            return member;
        }
        if (rest != NULL && cJSON_IsObject(member)) {
            const cJSON *found = find_value(member, rest + 1, false);
            if (found != NULL) {
                return found;
            }
        }
    }
    return NULL;
}

static void add_input(struct hd_text *out, const cJSON *input)
{
    hd_json_command_line(out, cJSON_IsObject(input) ? cJSON_GetObjectItemCaseSensitive(input, "path") : input);
}

/* The folder of an output; for a single file, one of the same name in it. */
static void add_output(struct hd_text *out, const cJSON *output, const char *outputs_directory)
{
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(output, "type"));

    hd_text_format(out, "%s/%s", outputs_directory, output->string);
    if (type != NULL && strcmp(type, "uri_file") == 0) {
        hd_text_format(out, "/%s", output->string);
    }
}

static void add_value(struct hd_text *out, const char *name, const struct hd_specification *specification, const cJSON *configuration,
                      const struct hd_program_places *places)
{
    const char *below;
    const cJSON *value;

    switch (hd_reference(specification, name, &below)) {
    case HD_REFERS_TO_PARAMETER:
        value = find_value(configuration, below, true);
        if (value != NULL) { /* else it is of a branch that was not drawn */
            hd_json_command_line(out, value);
        }
        break;
    case HD_REFERS_TO_INPUT:
        add_input(out, cJSON_GetObjectItemCaseSensitive(specification->run.inputs, below));
        break;
    case HD_REFERS_TO_OUTPUT:
        add_output(out, cJSON_GetObjectItemCaseSensitive(specification->run.outputs, below), places->outputs_directory);
        break;
    case HD_REFERS_TO_NOTHING: /* refused when the sweep was made */
        break;
    }
}

static void add_escaped(struct hd_text *out, const char *value, const char *special, const char *before, const char *behind_it)
{
    for (; *value != '\0'; value++) {
        bool is_special = strchr(special, *value) != NULL;
        hd_text_add_string(out, is_special ? before : "");
        hd_text_add_char(out, *value);
        hd_text_add_string(out, is_special ? behind_it : "");
    }
}

static void add_quoted(struct hd_text *out, const char *value, enum hd_quotes quotes)
{
    static const char harmless[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";

    switch (quotes) {
    case HD_NO_QUOTES:
        if (*value != '\0' && value[strspn(value, harmless)] == '\0') {
            hd_text_add_string(out, value);
            return;
        }
        hd_text_add_char(out, '\'');
        add_escaped(out, value, "'", "'\"", "\"'");
        hd_text_add_char(out, '\'');
        return;
    case HD_SINGLE_QUOTES:
        add_escaped(out, value, "'", "'\"", "\"'");
        return;
    case HD_DOUBLE_QUOTES:
        add_escaped(out, value, "\\\"$`", "\\", "");
        return;
    }
}

void hd_placeholders_replace(struct hd_text *out, const char *text, bool shell, const struct hd_specification *specification,
                             const cJSON *configuration, const struct hd_program_places *places)
{
    struct hd_part_scanner scanner = hd_parts(text, shell);
    struct hd_part part;

    while (hd_next_part(&scanner, &part)) {
        if (!part.placeholder) {
            hd_text_add(out, part.start, part.length);
            continue;
        }
        struct hd_text value = {0};
        char *name = strndup(part.name, part.name_length);
        if (name == NULL) {
            out->failed = true;
            return;
        }
        add_value(&value, name, specification, configuration, places);
        free(name);
        char *text_of_value = hd_text_take(&value);
        if (text_of_value == NULL) {
            out->failed = true;
            return;
        }
        if (shell) {
            add_quoted(out, text_of_value, part.quotes);
        } else {
            hd_text_add_string(out, text_of_value);
        }
        free(text_of_value);
    }
}
