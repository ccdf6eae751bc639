/* YAML 1.2 (core schema) -> the JSON tree of the same meaning. */
#ifndef HD_CLIENT_YAML_JSON_H
#define HD_CLIENT_YAML_JSON_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "core/error.h"

enum {
    YAML_JSON_SIZE = 16 * 1024 * 1024, /* bytes */
    YAML_JSON_DEPTH = 64,
    YAML_JSON_ANCHORS = 1000,
    YAML_JSON_VALUES = 1000000,          /* in all; each takes some 100 bytes */
    YAML_JSON_COPIES = 100000,           /* values that all aliases of a document may add up to */
    YAML_JSON_COPIED = 16 * 1024 * 1024, /* bytes of strings in them */
};

/* Reads the one document that `text` must be. NULL after filling `error` with a sentence that begins with `line L, column C: `.
 *
 * Refused, because JSON cannot say it or because it is more often a mistake than not: a second document, keys given twice, keys that are
 * no scalars, merge keys, .inf and .nan, NUL in strings, unknown tags, `%YAML 1.1`. Numbers keep their kind. The caller frees with
 * cJSON_Delete. */
cJSON *yaml_json_parse(const char *text, size_t length, struct hd_error *error);

#endif
