#include "yaml_json.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "core/json.h"
#include "scalar.h"
#include "yaml_text.h"

struct place {
    size_t line, column; /* from 0, as libyaml counts */
};

struct key {
    const char *name; /* belongs to the member in the tree */
    struct place place;
    size_t order;
};

/* An array or object that is not closed yet. */
struct frame {
    cJSON *container; /* belongs to the tree */
    char *anchor;     /* owned; NULL: none */
    char *key;        /* owned; in an object: the key whose value comes next */
    struct place key_place;
    struct key *keys; /* all keys of an object, to find those given twice when it ends: in n log n, not n^2 */
    size_t key_count, key_capacity;
};

struct anchor {
    char *name;        /* owned */
    const cJSON *item; /* belongs to the tree */
};

struct loader {
    yaml_parser_t parser;
    const char *text;
    size_t length;
    cJSON *root;
    struct frame frames[YAML_JSON_DEPTH];
    int depth;
    struct anchor *anchors; /* place for YAML_JSON_ANCHORS, made for the first one */
    size_t anchor_count;
    size_t values; /* placed so far, those in copies not counted */
    size_t copies; /* made of aliases so far */
    size_t copied; /* bytes of their strings */
    struct hd_error *error;
};

static int fault(struct loader *loader, struct place place, const char *format, ...) __attribute__((format(printf, 3, 4), cold));

static int fault(struct loader *loader, struct place place, const char *format, ...)
{
    char sentence[HD_ERROR_MESSAGE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    return hd_error_set(loader->error, HD_INVALID, "line %zu, column %zu: %s", place.line + 1, place.column + 1, sentence);
}

static int out_of_memory(struct loader *loader)
{
    return hd_error_set(loader->error, HD_UNAVAILABLE, "memory is short");
}

static struct place place_of(yaml_mark_t mark)
{
    return (struct place){mark.line, mark.column};
}

/* --- Faults of the syntax, as libyaml finds them. --- */

/* Columns count characters and this counts bytes: behind other scripts the tab is not seen, and libyaml's own words must do. */
static bool is_tab(const struct loader *loader, struct place place)
{
    const char *end = loader->text + loader->length;
    const char *line = loader->text;

    for (size_t i = 0; i < place.line && line != NULL; i++) {
        line = memchr(line, '\n', (size_t)(end - line));
        line = line != NULL ? line + 1 : NULL;
    }
    return line != NULL && place.column < (size_t)(end - line) && line[place.column] == '\t';
}

static int syntax_fault(struct loader *loader)
{
    const yaml_parser_t *parser = &loader->parser;
    const char *problem = parser->problem != NULL ? parser->problem : "this is not YAML";
    struct place place = place_of(parser->problem_mark);

    if (parser->error == YAML_MEMORY_ERROR) {
        return out_of_memory(loader);
    }
    if (strstr(problem, "cannot start any token") != NULL && is_tab(loader, place)) {
        return fault(loader, place, "a tab cannot indent in YAML; use spaces");
    }
    if (parser->context != NULL && parser->context_mark.line != parser->problem_mark.line) {
        return fault(loader, place, "%s %s that begins in line %zu", problem, parser->context, parser->context_mark.line + 1);
    }
    return fault(loader, place, "%s%s%s", problem, parser->context != NULL ? " " : "", parser->context != NULL ? parser->context : "");
}

static int next_event(struct loader *loader, yaml_event_t *ret_event)
{
    return yaml_parser_parse(&loader->parser, ret_event) ? 0 : syntax_fault(loader);
}

/* --- Scalars --- */

static const char core_tag[] = "tag:yaml.org,2002:";

/* The part of a core schema tag behind its prefix; NULL for another tag. */
static const char *tag_name(const char *tag)
{
    return strncmp(tag, core_tag, sizeof(core_tag) - 1) == 0 ? tag + sizeof(core_tag) - 1 : NULL;
}

/* True if a scalar of this kind may carry the tag `!!name`. */
static bool tag_fits(const char *name, enum scalar_kind kind)
{
    return (strcmp(name, "null") == 0 && kind == SCALAR_NULL) || (strcmp(name, "bool") == 0 && kind == SCALAR_BOOLEAN) ||
           (strcmp(name, "int") == 0 && kind == SCALAR_INTEGER) ||
           (strcmp(name, "float") == 0 && (kind == SCALAR_FLOAT || kind == SCALAR_INTEGER));
}

static int make_string(struct loader *loader, struct place place, const yaml_event_t *event, cJSON **ret_item)
{
    const char *value = (const char *)event->data.scalar.value;

    if (memchr(value, '\0', event->data.scalar.length) != NULL) {
        return fault(loader, place, "a string must not contain the character NUL");
    }
    *ret_item = cJSON_CreateString(value);
    return *ret_item != NULL ? 0 : out_of_memory(loader);
}

static int make_resolved(struct loader *loader, struct place place, const yaml_event_t *event, const char *tag, cJSON **ret_item)
{
    const char *value = (const char *)event->data.scalar.value;
    struct hd_text json = {0};
    enum scalar_kind kind = scalar_resolve(value, event->data.scalar.length, &json);
    int result = 0;

    if (kind == SCALAR_NOT_FINITE) {
        result = fault(loader, place, "%s cannot be sent: JSON has no such number; put it in quotes to send a string", value);
    } else if (kind == SCALAR_TOO_LARGE) {
        result = fault(loader, place, "the number %.80s is too large; put it in quotes to send a string", value);
    } else if (tag != NULL && !tag_fits(tag, kind)) {
        result = fault(loader, place, "'%.80s' does not fit its tag !!%.40s", value, tag);
    } else if (kind == SCALAR_STRING) {
        result = make_string(loader, place, event, ret_item);
    } else {
        cJSON *item;

        if (kind == SCALAR_INTEGER && tag != NULL && strcmp(tag, "float") == 0) {
            hd_text_add_string(&json, ".0");
        }
        item = json.failed ? NULL : hd_json_parse_own(json.data);
        if (item != NULL) {
            *ret_item = item;
        } else {
            result = out_of_memory(loader);
        }
    }
    hd_text_clear(&json);
    return result;
}

static int make_scalar(struct loader *loader, const yaml_event_t *event, cJSON **ret_item)
{
    struct place place = place_of(event->start_mark);
    const char *tag = (const char *)event->data.scalar.tag;
    const char *name = tag != NULL ? tag_name(tag) : NULL;

    if (tag != NULL && name == NULL && strcmp(tag, "!") != 0) {
        return fault(loader, place, "the tag %.80s is not known here", tag);
    }
    if (tag == NULL && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        return make_resolved(loader, place, event, NULL, ret_item);
    }
    if (name != NULL && strcmp(name, "str") != 0) {
        return make_resolved(loader, place, event, name, ret_item);
    }
    return make_string(loader, place, event, ret_item);
}

/* --- Anchors and aliases --- */

static int remember_anchor(struct loader *loader, struct place place, const char *name, const cJSON *item)
{
    char *copy;

    if (name == NULL) {
        return 0;
    }
    for (size_t i = 0; i < loader->anchor_count; i++) {
        if (strcmp(loader->anchors[i].name, name) == 0) {
            loader->anchors[i].item = item;
            return 0;
        }
    }
    if (loader->anchor_count == YAML_JSON_ANCHORS) {
        return fault(loader, place, "there are more than %d anchors", YAML_JSON_ANCHORS);
    }
    if (loader->anchors == NULL) {
        loader->anchors = calloc(YAML_JSON_ANCHORS, sizeof(*loader->anchors));
    }
    copy = strdup(name);
    if (loader->anchors == NULL || copy == NULL) {
        free(copy);
        return out_of_memory(loader);
    }
    loader->anchors[loader->anchor_count++] = (struct anchor){copy, item};
    return 0;
}

static size_t string_length(const char *string)
{
    return string != NULL ? strlen(string) : 0;
}

/* Adds what a copy of the tree would take to what the others took, as long as that is not too much, and finds its depth. Recursion ends at
 * YAML_JSON_DEPTH: no tree here is deeper. */
static void measure(struct loader *loader, const cJSON *item, int depth, int *deepest)
{
    loader->copies++;
    loader->copied += string_length(item->valuestring) + string_length(item->string);
    if ((cJSON_IsArray(item) || cJSON_IsObject(item)) && depth + 1 > *deepest) {
        *deepest = depth + 1;
    }
    for (const cJSON *child = item->child; child != NULL && loader->copies <= YAML_JSON_COPIES && loader->copied <= YAML_JSON_COPIED;
         child = child->next) {
        measure(loader, child, depth + 1, deepest);
    }
}

static int make_alias(struct loader *loader, const yaml_event_t *event, cJSON **ret_item)
{
    const char *name = (const char *)event->data.alias.anchor;
    struct place place = place_of(event->start_mark);
    const cJSON *original = NULL;
    int deepest = 0;

    for (size_t i = 0; i < loader->anchor_count; i++) {
        if (strcmp(loader->anchors[i].name, name) == 0) {
            original = loader->anchors[i].item;
        }
    }
    if (original == NULL) {
        return fault(loader, place, "no anchor &%.80s was completed before this alias", name);
    }
    measure(loader, original, 0, &deepest);
    if (loader->copies > YAML_JSON_COPIES) {
        return fault(loader, place, "the aliases expand to more than %d values", YAML_JSON_COPIES);
    }
    if (loader->copied > YAML_JSON_COPIED) {
        return fault(loader, place, "the aliases expand to more than %d MiB", YAML_JSON_COPIED / (1024 * 1024));
    }
    if (loader->depth + deepest > YAML_JSON_DEPTH) {
        return fault(loader, place, "with this alias the nesting is deeper than %d", YAML_JSON_DEPTH);
    }
    *ret_item = cJSON_Duplicate(original, true);
    if (*ret_item == NULL) {
        return out_of_memory(loader);
    }
    /* cJSON copies the key of the original too; it gets a new one when it is added to an object. */
    cJSON_free((*ret_item)->string);
    (*ret_item)->string = NULL;
    return 0;
}

/* --- Arrays and objects --- */

static void frame_clear(struct frame *frame)
{
    free(frame->anchor);
    free(frame->key);
    free(frame->keys);
    *frame = (struct frame){0};
}

static int take_key(struct loader *loader, struct frame *frame, const yaml_event_t *event)
{
    struct place place = place_of(event->start_mark);
    const char *name = (const char *)event->data.scalar.value;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

    if (event->type != YAML_SCALAR_EVENT) {
        return fault(loader, place, "a key must be a word or a string");
    }
    if (plain && event->data.scalar.length == 0) {
        return fault(loader, place, "a key is missing before ':'");
    }
    if (plain && strcmp(name, "<<") == 0) {
        return fault(loader, place, "merge keys (<<) are not part of YAML 1.2; write the members out");
    }
    if (memchr(name, '\0', event->data.scalar.length) != NULL) {
        return fault(loader, place, "a key must not contain the character NUL");
    }
    frame->key = strdup(name);
    frame->key_place = place;
    return frame->key != NULL ? 0 : out_of_memory(loader);
}

static int remember_key(struct loader *loader, struct frame *frame, const char *name)
{
    if (frame->key_count == frame->key_capacity) {
        size_t capacity = frame->key_capacity == 0 ? 16 : 2 * frame->key_capacity;
        struct key *keys = reallocarray(frame->keys, capacity, sizeof(*keys));

        if (keys == NULL) {
            return out_of_memory(loader);
        }
        frame->keys = keys;
        frame->key_capacity = capacity;
    }
    frame->keys[frame->key_count] = (struct key){name, frame->key_place, frame->key_count};
    frame->key_count++;
    return 0;
}

/* Puts a finished value, or an array or object just begun, in its place. It belongs to the tree, or is freed. */
static int place_item(struct loader *loader, struct place place, cJSON *item)
{
    struct frame *frame = loader->depth > 0 ? &loader->frames[loader->depth - 1] : NULL;
    bool added;

    if (++loader->values > YAML_JSON_VALUES) {
        cJSON_Delete(item);
        return fault(loader, place, "there are more than %d values", YAML_JSON_VALUES);
    }
    if (frame == NULL) {
        loader->root = item;
        return 0;
    }
    added = item != NULL &&
            (frame->key != NULL ? cJSON_AddItemToObject(frame->container, frame->key, item) : cJSON_AddItemToArray(frame->container, item));
    if (!added) {
        cJSON_Delete(item);
        return out_of_memory(loader);
    }
    if (frame->key != NULL) {
        free(frame->key);
        frame->key = NULL;
        return remember_key(loader, frame, item->string);
    }
    return 0;
}

static int open_container(struct loader *loader, const yaml_event_t *event)
{
    bool object = event->type == YAML_MAPPING_START_EVENT;
    const char *tag = (const char *)(object ? event->data.mapping_start.tag : event->data.sequence_start.tag);
    const char *anchor = (const char *)(object ? event->data.mapping_start.anchor : event->data.sequence_start.anchor);
    const char *name = tag != NULL ? tag_name(tag) : NULL;
    struct place place = place_of(event->start_mark);
    char *anchor_copy = anchor != NULL ? strdup(anchor) : NULL;
    cJSON *item = object ? cJSON_CreateObject() : cJSON_CreateArray();
    int result = 0;

    if (item == NULL || (anchor != NULL && anchor_copy == NULL)) {
        result = out_of_memory(loader);
    } else if (loader->depth == YAML_JSON_DEPTH) {
        result = fault(loader, place, "the nesting is deeper than %d", YAML_JSON_DEPTH);
    } else if (tag != NULL && strcmp(tag, "!") != 0 && (name == NULL || strcmp(name, object ? "map" : "seq") != 0)) {
        result = fault(loader, place, "the tag %.80s is not known here", tag);
    }
    if (result < 0) {
        cJSON_Delete(item);
        free(anchor_copy);
        return result;
    }
    result = place_item(loader, place, item);
    if (result < 0) {
        free(anchor_copy);
        return result;
    }
    loader->frames[loader->depth++] = (struct frame){.container = item, .anchor = anchor_copy};
    return 0;
}

static int compare_keys(const void *a, const void *b)
{
    const struct key *left = a, *right = b;
    int order = strcmp(left->name, right->name);

    return order != 0 ? order : left->order < right->order ? -1 : 1;
}

static int close_container(struct loader *loader, const yaml_event_t *event)
{
    struct frame *frame = &loader->frames[loader->depth - 1];
    const struct key *twice = NULL, *first = NULL;
    int result = 0;

    if (frame->key_count > 1) {
        qsort(frame->keys, frame->key_count, sizeof(*frame->keys), compare_keys);
    }
    for (size_t i = 1; i < frame->key_count; i++) {
        if (strcmp(frame->keys[i - 1].name, frame->keys[i].name) == 0 && (twice == NULL || frame->keys[i].order < twice->order)) {
            first = &frame->keys[i - 1];
            twice = &frame->keys[i];
        }
    }
    if (twice != NULL) {
        result = fault(loader, twice->place, "the key '%.80s' is given twice; first in line %zu", twice->name, first->place.line + 1);
    } else {
        result = remember_anchor(loader, place_of(event->start_mark), frame->anchor, frame->container);
    }
    frame_clear(frame);
    loader->depth--;
    return result;
}

/* --- Documents --- */

static int take_value(struct loader *loader, const yaml_event_t *event)
{
    bool scalar = event->type == YAML_SCALAR_EVENT;
    cJSON *item = NULL;
    int result = scalar ? make_scalar(loader, event, &item) : make_alias(loader, event, &item);

    if (result == 0) {
        result = place_item(loader, place_of(event->start_mark), item);
    }
    if (result == 0 && scalar) {
        result = remember_anchor(loader, place_of(event->start_mark), (const char *)event->data.scalar.anchor, item);
    }
    return result;
}

static int take_event(struct loader *loader, const yaml_event_t *event)
{
    struct frame *frame = loader->depth > 0 ? &loader->frames[loader->depth - 1] : NULL;
    bool key_expected = frame != NULL && cJSON_IsObject(frame->container) && frame->key == NULL;

    switch (event->type) {
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_container(loader, event);
    case YAML_SCALAR_EVENT:
    case YAML_ALIAS_EVENT:
        return key_expected ? take_key(loader, frame, event) : take_value(loader, event);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return key_expected ? take_key(loader, frame, event) : open_container(loader, event);
    case YAML_DOCUMENT_START_EVENT:
        if (loader->root != NULL) {
            return fault(loader, place_of(event->start_mark), "a second document begins here; give one document per file");
        }
        if (event->data.document_start.version_directive != NULL && event->data.document_start.version_directive->minor < 2) {
            return fault(loader, place_of(event->start_mark),
                         "%%YAML 1.1 is not read here; this is read as YAML 1.2, where `yes` is a string");
        }
        return 0;
    default:
        return 0;
    }
}

static int read_events(struct loader *loader)
{
    bool end = false;

    while (!end) {
        yaml_event_t event;
        int result = next_event(loader, &event);

        if (result < 0) {
            return result;
        }
        end = event.type == YAML_STREAM_END_EVENT;
        result = take_event(loader, &event);
        yaml_event_delete(&event);
        if (result < 0) {
            return result;
        }
    }
    return loader->root != NULL ? 0 : fault(loader, (struct place){0, 0}, "the document is empty");
}

static void loader_clear(struct loader *loader)
{
    while (loader->depth > 0) {
        frame_clear(&loader->frames[--loader->depth]);
    }
    for (size_t i = 0; i < loader->anchor_count; i++) {
        free(loader->anchors[i].name);
    }
    free(loader->anchors);
    yaml_parser_delete(&loader->parser);
}

cJSON *yaml_json_parse(const char *text, size_t length, struct hd_error *error)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    struct loader loader = {.text = text, .length = length, .error = error};
    int result;

    if (length > YAML_JSON_SIZE) {
        hd_error_set(error, HD_INVALID, "line 1, column 1: the document is larger than %d MiB", YAML_JSON_SIZE / (1024 * 1024));
        return NULL;
    }
    if (length >= 3 && memcmp(text, byte_order_mark, 3) == 0) {
        loader.text += 3;
        loader.length -= 3;
    }
    if (!yaml_parser_initialize(&loader.parser)) {
        out_of_memory(&loader);
        return NULL;
    }
    yaml_parser_set_encoding(&loader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&loader.parser, (const unsigned char *)loader.text, loader.length);
    result = yaml_text_check(loader.text, loader.length, error);
    if (result == 0) {
        result = read_events(&loader);
    }
    if (result < 0) {
        cJSON_Delete(loader.root);
        loader.root = NULL;
    }
    loader_clear(&loader);
    return loader.root;
}
