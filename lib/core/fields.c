#include "fields.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "json_tree.h"
#include "text.h"

char *hd_fields_path(const struct hd_fields *fields, const char *name)
{
    struct hd_text path = {0};

    hd_text_add_string(&path, fields->path == NULL ? "" : fields->path);
    if (path.length > 0) {
        hd_text_add_char(&path, '.');
    }
    hd_text_add_string(&path, name);
    char *result = hd_text_take(&path);
    if (result == NULL) {
        fields->errors->out_of_memory = true;
    }
    return result;
}

void hd_fields_problem(const struct hd_fields *fields, struct hd_problems *problems, const char *code, const char *name,
                       const char *sentence, ...)
{
    char *path = hd_fields_path(fields, name);
    char *text = NULL;
    va_list arguments;

    va_start(arguments, sentence);
    int length = vasprintf(&text, sentence, arguments);
    va_end(arguments);
    if (length < 0) {
        text = NULL;
        fields->errors->out_of_memory = true;
    }
    if (path != NULL && text != NULL) {
        hd_problems_add(problems, code, path, "'%s'%s", path, text);
    }
    free(text);
    free(path);
}

void hd_fields_required(const struct hd_fields *fields, const char *name)
{
    hd_fields_problem(fields, fields->errors, "Required", name, " is required");
}

static void must_be(const struct hd_fields *fields, const char *code, const char *name, const char *form, const char *what,
                    const cJSON *got)
{
    char *excerpt = hd_json_excerpt(got);

    if (excerpt == NULL) {
        fields->errors->out_of_memory = true;
        return;
    }
    hd_fields_problem(fields, fields->errors, code, name, " must be %s%s, got %s", form, what, excerpt);
    free(excerpt);
}

void hd_fields_wrong_type(const struct hd_fields *fields, const char *name, const char *type, const cJSON *got)
{
    must_be(fields, "WrongType", name, "", type, got);
}

void hd_fields_out_of_range(const struct hd_fields *fields, const char *name, const char *range, const cJSON *got)
{
    must_be(fields, "OutOfRange", name, "", range, got);
}

void hd_fields_not_allowed(const struct hd_fields *fields, const char *name, const char *choices, const cJSON *got)
{
    must_be(fields, "NotAllowed", name, "one of ", choices, got);
}

/* Equal but for the case of letters and for underscores; `choice` ends at its length, `name` at its NUL. */
static bool means(const char *choice, size_t length, const char *name)
{
    for (const char *end = choice + length;;) {
        while (choice < end && *choice == '_') {
            choice++;
        }
        name += strspn(name, "_");
        if (choice == end || *name == '\0') {
            return choice == end && *name == '\0';
        }
        if (tolower((unsigned char)*choice++) != tolower((unsigned char)*name++)) {
            return false;
        }
    }
}

bool hd_field_choice(const char *choices, const char *name, char *ret_choice, size_t size)
{
    for (const char *choice = choices; *choice != '\0';) {
        size_t length = strcspn(choice, ",");
        if (means(choice, length, name) && length < size) {
            memcpy(ret_choice, choice, length);
            ret_choice[length] = '\0';
            return true;
        }
        choice += length;
        choice += strspn(choice, ", ");
    }
    return false;
}

static bool is_integer(const cJSON *item)
{
    int64_t value;

    return cJSON_IsNumber(item) && (hd_json_is_integer(item) || hd_json_integer(item, &value));
}

static bool is_number(const cJSON *item)
{
    double value;

    return hd_json_metric_number(item, &value);
}

static bool is_boolean(const cJSON *item)
{
    return cJSON_IsBool(item);
}

static bool is_string(const cJSON *item)
{
    return cJSON_IsString(item);
}

static bool is_array(const cJSON *item)
{
    return cJSON_IsArray(item);
}

static bool is_object(const cJSON *item)
{
    return cJSON_IsObject(item);
}

static const struct {
    const char *name; /* as in `must be <type>`; NULL: everything is of this type */
    bool (*is)(const cJSON *item);
} types[] = {
    [HD_FIELD_ANY] = {NULL, NULL},
    [HD_FIELD_STRING] = {"a string", is_string},
    [HD_FIELD_LABEL] = {"a string", is_string},
    [HD_FIELD_NUMBER] = {"a number", is_number},
    [HD_FIELD_INTEGER] = {"an integer", is_integer},
    [HD_FIELD_BOOLEAN] = {"true or false", is_boolean},
    [HD_FIELD_ARRAY] = {"an array", is_array},
    [HD_FIELD_OBJECT] = {"an object", is_object},
};

/* U+0080 to U+009F, some of which terminals obey, have two bytes; `string` is valid UTF-8. */
static bool has_control_character(const char *string)
{
    for (const unsigned char *byte = (const unsigned char *)string; *byte != '\0'; byte++) {
        if (*byte < 0x20 || *byte == 0x7F || (*byte == 0xC2 && byte[1] < 0xA0)) {
            return true;
        }
    }
    return false;
}

static bool in_range(const struct hd_field *field, const cJSON *item)
{
    double value = 0;

    switch (field->type) {
    case HD_FIELD_LABEL:
        if (has_control_character(item->valuestring)) {
            return false;
        }
        /* fall through */
    case HD_FIELD_STRING:
        value = (double)strlen(item->valuestring);
        break;
    case HD_FIELD_NUMBER:
    case HD_FIELD_INTEGER:
        if (!hd_json_metric_number(item, &value) || !isfinite(value)) {
            return false;
        }
        break;
    case HD_FIELD_ARRAY:
    case HD_FIELD_OBJECT:
        value = cJSON_GetArraySize(item);
        break;
    case HD_FIELD_ANY:
    case HD_FIELD_BOOLEAN:
        return true;
    }
    return value >= field->least && value <= field->most;
}

const cJSON *hd_field_given(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(fields->input, field->name);

    return item == NULL || (field->nullable && cJSON_IsNull(item)) ? NULL : item;
}

const cJSON *hd_field_check(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *item = hd_field_given(fields, field);
    char choice[64];

    if (item == NULL) {
        if (field->required) {
            hd_fields_required(fields, field->name);
        }
        return NULL;
    }
    if (types[field->type].is != NULL && !types[field->type].is(item)) {
        hd_fields_wrong_type(fields, field->name, types[field->type].name, item);
        return NULL;
    }
    if (field->choices != NULL && !hd_field_choice(field->choices, item->valuestring, choice, sizeof choice)) {
        hd_fields_not_allowed(fields, field->name, field->choices, item);
        return NULL;
    }
    if (field->range != NULL && !in_range(field, item)) {
        hd_fields_out_of_range(fields, field->name, field->range, item);
        return NULL;
    }
    return item;
}

/* The value as the output has it: choices in their own spelling, integers as integers. */
static cJSON *normalised(const struct hd_field *field, const cJSON *item)
{
    char choice[64];
    int64_t integer;

    if (field->choices != NULL && hd_field_choice(field->choices, item->valuestring, choice, sizeof choice)) {
        return json_new_string(choice);
    }
    if (field->type == HD_FIELD_INTEGER && hd_json_integer(item, &integer)) {
        return hd_json_new_integer(integer);
    }
    return json_copy(item);
}

const cJSON *hd_field_read(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *item = hd_field_check(fields, field);

    if (item != NULL) {
        hd_fields_put(fields, field->name, normalised(field, item));
        return cJSON_GetObjectItemCaseSensitive(fields->output, field->name);
    }
    if (hd_field_given(fields, field) == NULL && field->absent != NULL) {
        hd_fields_put(fields, field->name, hd_json_parse_own(field->absent));
    }
    return NULL;
}

void hd_field_read_elsewhere(const struct hd_fields *fields, const struct hd_field *field)
{
    (void)fields;
    (void)field;
}

static bool is_known(const struct hd_field *table, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

void hd_fields_read(const struct hd_fields *fields, const struct hd_field *table, size_t count)
{
    const cJSON *member;

    cJSON_ArrayForEach(member, fields->input)
    {
        if (!is_known(table, count, member->string)) {
            hd_fields_problem(fields, fields->errors, "UnknownField", member->string, " is not a known field");
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (table[i].read != NULL) {
            table[i].read(fields, &table[i]);
        } else {
            hd_field_read(fields, &table[i]);
        }
    }
}

void hd_fields_put(const struct hd_fields *fields, const char *name, cJSON *item)
{
    if (fields->output == NULL) { /* not wanted, or there was no memory for the object itself */
        cJSON_Delete(item);
        return;
    }
    if (!json_append_member(fields->output, name, item)) {
        fields->errors->out_of_memory = true;
    }
}

struct hd_fields hd_fields_inside(const struct hd_fields *fields, const char *name, const cJSON *input)
{
    struct hd_fields inner = *fields;

    inner.input = input;
    inner.output = NULL;
    inner.path = hd_fields_path(fields, name);
    return inner;
}

struct hd_fields hd_fields_enter(const struct hd_fields *fields, const char *name, const cJSON *input)
{
    struct hd_fields inner = hd_fields_inside(fields, name, input);

    cJSON *output = json_new(cJSON_Object);
    hd_fields_put(fields, name, output);
    if (fields->output != NULL && fields->output->child != NULL && fields->output->child->prev == output) {
        inner.output = output; /* it found memory for its name too */
    }
    return inner;
}

void hd_fields_leave(struct hd_fields *fields)
{
    free(fields->path);
    fields->path = NULL;
}
