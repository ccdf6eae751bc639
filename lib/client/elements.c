#include "elements.h"

#include <string.h>

#include "core/json.h"

enum { ELEMENT_LIMIT = 64 * 1024 * 1024 };

void elements_open(struct elements *elements, const char *member, elements_take *take, void *data)
{
    *elements = (struct elements){.member = member, .take = take, .data = data};
}

static bool is_space(char character)
{
    return character == ' ' || character == '\t' || character == '\n' || character == '\r';
}

static bool take_element(struct elements *elements)
{
    struct hd_text text = {0};
    cJSON *json = NULL;
    bool go_on = false;

    if (elements->current.length == 0) {
        return true; /* an empty container */
    }
    hd_text_add_char(&text, elements->object ? '{' : '[');
    hd_text_add(&text, elements->current.data, elements->current.length);
    hd_text_add_char(&text, elements->object ? '}' : ']');
    elements->current.length = 0;
    if (!text.failed && !elements->current.failed) {
        json = hd_json_parse_own(text.data);
    }
    elements->failed = json == NULL || json->child == NULL;
    if (!elements->failed) {
        go_on = elements->take(elements->data, json->child);
    }
    cJSON_Delete(json);
    hd_text_clear(&text);
    return go_on;
}

/* --- Elements in parts
 * -------------------------------------------------------------------------------------------------------------------- */

/* Below the container at depth 2 the levels are those of `split`. */
static bool is_at_level(const struct elements *elements)
{
    return elements->inside && elements->split != NULL && elements->depth == 2 + elements->level;
}

static bool may_split(const struct elements *elements, char opening)
{
    return is_at_level(elements) && elements->level < ELEMENTS_LEVELS && elements->split[elements->level] == opening;
}

/* `opening` stands at the end of the text. */
static void enter_level(struct elements *elements)
{
    size_t start = elements->level == 0 ? 0 : elements->member_start[elements->level];

    hd_text_add(&elements->head, elements->current.data + start, elements->current.length - start);
    elements->level++;
    elements->head_length[elements->level] = elements->head.length;
    elements->member_start[elements->level] = elements->current.length;
}

static void leave_level(struct elements *elements)
{
    elements->level--;
    elements->head.length = elements->head_length[elements->level];
}

/* Closes what is open, hands it out, and begins the next part with the same openings. */
static bool take_part(struct elements *elements)
{
    bool go_on;

    for (int i = elements->level; i > 0; i--) {
        hd_text_add_char(&elements->current, elements->split[i - 1] == '{' ? '}' : ']');
    }
    elements->failed = elements->failed || elements->head.failed;
    go_on = !elements->failed && take_element(elements);
    hd_text_add(&elements->current, elements->head.data, elements->head.length);
    for (int i = 1; i <= elements->level; i++) {
        elements->member_start[i] = elements->head_length[i];
    }
    return go_on;
}

/* Depth 1: keys of the outermost object, kept in quotes. */
static void take_outer(struct elements *elements, char character)
{
    if (character == ',' || character == '{') {
        elements->current.length = 0;
        elements->keyed = false;
    } else if (character == ':') {
        elements->keyed = true;
    } else if (!elements->keyed && !is_space(character)) {
        hd_text_add_char(&elements->current, character);
    }
}

static bool is_container(const struct elements *elements)
{
    size_t length = strlen(elements->member);

    return elements->depth == 1 && elements->keyed && elements->current.length == length + 2 &&
           memcmp(elements->current.data + 1, elements->member, length) == 0;
}

/* A character outside of strings. */
static bool take_character(struct elements *elements, char character)
{
    bool opens = character == '{' || character == '[', closes = character == '}' || character == ']', splits;

    if (opens && !elements->inside && is_container(elements)) {
        elements->inside = true;
        elements->object = character == '{';
        elements->current.length = 0;
        elements->depth++;
        return true;
    }
    if (elements->inside && elements->depth == 2 && (character == ',' || closes)) {
        elements->inside = !closes;
        elements->depth -= closes;
        return take_element(elements);
    }
    if (elements->level > 0 && is_at_level(elements) && character == ',' && elements->current.length >= ELEMENTS_PART) {
        return take_part(elements);
    }
    if (elements->level > 0 && is_at_level(elements) && closes) {
        leave_level(elements);
    }
    splits = opens && may_split(elements, character);
    elements->depth += opens - closes;
    if (elements->inside) {
        hd_text_add_char(&elements->current, character);
        if (splits) {
            enter_level(elements);
        } else if (character == ',' && elements->level > 0 && is_at_level(elements)) {
            elements->member_start[elements->level] = elements->current.length;
        }
    } else if (elements->depth == 1 && !closes) {
        take_outer(elements, character);
    }
    return true;
}

bool elements_feed(void *data, const char *bytes, size_t length)
{
    struct elements *elements = data;

    for (size_t i = 0; i < length && !elements->failed; i++) {
        char character = bytes[i];

        if (elements->in_string) {
            elements->in_string = character != '"' || elements->escaped;
            elements->escaped = character == '\\' && !elements->escaped;
        } else if (character == '"') {
            elements->in_string = true;
        } else if (!(elements->inside && elements->current.length == 0 && is_space(character))) {
            if (!take_character(elements, character)) {
                return false;
            }
            continue;
        } else {
            continue;
        }
        if (elements->inside || (elements->depth == 1 && !elements->keyed)) {
            hd_text_add_char(&elements->current, character);
        }
        if (elements->current.failed || elements->current.length > ELEMENT_LIMIT) {
            elements->failed = true;
        }
    }
    return !elements->failed;
}

void elements_close(struct elements *elements)
{
    hd_text_clear(&elements->current);
    hd_text_clear(&elements->head);
}
