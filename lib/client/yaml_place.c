#include "yaml_place.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "yaml_json.h"

struct search {
    yaml_parser_t parser;
    const char *end; /* of the part of the path that was found */
    size_t line, column;
    int depth;
};

/* False at the end, and when there is nothing more to find. */
static bool next_event(struct search *search, yaml_event_t *event)
{
    return (search->end == NULL || *search->end != '\0') && yaml_parser_parse(&search->parser, event) == 1;
}

/* Remembers the place of what ends at `end` in the path, if nothing nearer is known. */
static void found(struct search *search, const char *end, yaml_mark_t mark)
{
    if (search->end != NULL && end <= search->end) {
        return;
    }
    search->end = end;
    search->line = mark.line + 1;
    search->column = mark.column + 1;
}

/* What of the path at `rest` is left behind a member of this name; NULL: it leads elsewhere. */
static const char *behind_name(const char *rest, const char *name, size_t length)
{
    if (rest == NULL || length == 0 || strncmp(rest, name, length) != 0 || (rest[length] != '\0' && strchr(".[", rest[length]) == NULL)) {
        return NULL;
    }
    return rest + length + (rest[length] == '.' ? 1 : 0);
}

static const char *behind_index(const char *rest, size_t index)
{
    char *end;

    if (rest == NULL || rest[0] != '[' || !isdigit((unsigned char)rest[1]) || strtoul(rest + 1, &end, 10) != index || *end != ']') {
        return NULL;
    }
    return end + 1 + (end[1] == '.' ? 1 : 0);
}

/* Reads the node that begins with `event`; `rest` NULL: nothing in it is looked for. False when there is no more to read. */
static bool read_node(struct search *search, const yaml_event_t *event, const char *rest);

static bool read_sequence(struct search *search, const char *rest)
{
    for (size_t index = 0;; index++) {
        yaml_event_t event;
        const char *behind = behind_index(rest, index);

        if (!next_event(search, &event)) {
            return false;
        }
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        if (!end && behind != NULL) {
            found(search, behind, event.start_mark);
        }
        bool more = end || read_node(search, &event, behind);
        yaml_event_delete(&event);
        if (end || !more) {
            return more;
        }
    }
}

/* The key has been read: what it leads to. */
static const char *take_key(struct search *search, const yaml_event_t *key, const char *rest)
{
    const char *behind =
        key->type == YAML_SCALAR_EVENT ? behind_name(rest, (const char *)key->data.scalar.value, key->data.scalar.length) : NULL;

    if (behind != NULL) {
        found(search, behind, key->start_mark);
    }
    return behind;
}

static bool read_mapping(struct search *search, const char *rest)
{
    for (;;) {
        yaml_event_t key, value;

        if (!next_event(search, &key)) {
            return false;
        }
        if (key.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&key);
            return true;
        }
        const char *behind = take_key(search, &key, rest);
        bool more = read_node(search, &key, NULL) && next_event(search, &value);
        yaml_event_delete(&key);
        if (!more) {
            return false;
        }
        more = read_node(search, &value, behind);
        yaml_event_delete(&value);
        if (!more) {
            return false;
        }
    }
}

static bool read_node(struct search *search, const yaml_event_t *event, const char *rest)
{
    bool more = true;

    if (event->type != YAML_SEQUENCE_START_EVENT && event->type != YAML_MAPPING_START_EVENT) {
        return true;
    }
    if (++search->depth > YAML_JSON_DEPTH) {
        return false;
    }
    more = event->type == YAML_SEQUENCE_START_EVENT ? read_sequence(search, rest) : read_mapping(search, rest);
    search->depth--;
    return more;
}

bool yaml_place(const char *text, size_t length, const char *path, size_t *ret_line, size_t *ret_column)
{
    struct search search = {0};
    bool more = true;

    if (yaml_parser_initialize(&search.parser) != 1) {
        return false;
    }
    yaml_parser_set_encoding(&search.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&search.parser, (const unsigned char *)text, length);
    while (more) {
        yaml_event_t event;

        if (!next_event(&search, &event)) {
            break;
        }
        more = event.type != YAML_STREAM_END_EVENT && read_node(&search, &event, path);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&search.parser);
    if (search.end == NULL) {
        return false;
    }
    *ret_line = search.line;
    *ret_column = search.column;
    return true;
}
