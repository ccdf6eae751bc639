/* JSON in and out: a strict scanner that builds cJSON trees, and our own printer.
 *
 * cJSON alone loses the kind of a number, digits, duplicate keys and invalid UTF-8; so nobody but this file calls its parser
 * or printer. A number keeps its token in `valuestring`: it is an integer if the token has no point and no exponent. */
#ifndef HD_CORE_JSON_H
#define HD_CORE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "problems.h"
#include "text.h"

enum { HD_JSON_DEPTH = 64 };

/* Parses all of `text` (UTF-8, no BOM, nothing behind the value, depth at most HD_JSON_DEPTH, no NUL in keys and strings,
 * numbers that fit a double). NULL after adding `InvalidJson` (`the body is not valid JSON: <reason> at byte <n>`), or after
 * adding `Duplicate` (`'<path>' is given twice`) once for each key given again. The caller frees with cJSON_Delete. */
cJSON *hd_json_parse(const char *text, size_t length, struct hd_problems *problems);
/* Parses what this program wrote itself: NULL on any fault. */
cJSON *hd_json_parse_own(const char *text);
/* The text of a member of an object that this program printed compactly; not NUL-terminated, NULL if there is none. Builds no tree, so the
 * members in front of a large one cost next to nothing. `name` must need no escapes. */
const char *hd_json_find_own(const char *object, const char *name, size_t *ret_length);

/* A number's kind. A float token with an integral value (`5.0`) is not an integer here. */
bool hd_json_is_integer(const cJSON *item);
/* The value of an integer token, or of a float token that is integral, within +-HD_INTEGER_MAX; false otherwise. */
bool hd_json_integer(const cJSON *item, int64_t *ret_value);
/* A finite number, or one of the strings "NaN", "Infinity", "-Infinity". */
bool hd_json_metric_number(const cJSON *item, double *ret_value);

/* NULL when memory is short. Floats may be not finite: they become the strings. */
cJSON *hd_json_new_integer(int64_t value);
cJSON *hd_json_new_float(double value);

enum hd_json_style {
    HD_JSON_COMPACT, /* {"a":1,"b":[1,2]} : values in command lines, canonical form, storage */
    HD_JSON_SPACED,  /* {"a": 1, "b": [1, 2]} : as Python's json.dumps, but UTF-8 is kept */
};
void hd_json_print(struct hd_text *out, const cJSON *value, enum hd_json_style style);
/* A string in quotes, escaped; bytes that are no UTF-8, as a path or a message may hold, become U+FFFD: what is printed is always JSON. */
void hd_json_print_string(struct hd_text *out, const char *string);
/* The text of a value of reference 5.4: `True`, `65`, a string itself, compact JSON for arrays and objects. */
void hd_json_command_line(struct hd_text *out, const cJSON *value);
/* Printed form cut after 80 characters (not bytes), as `<got>` of the reference; owned by the caller, NULL when memory is short. */
char *hd_json_excerpt(const cJSON *value);

/* Equal by reference 5.2: the same type and value; 1 equals 1.0, 1 and "1" and true do not. Objects in any order of members. */
bool hd_json_equal(const cJSON *a, const cJSON *b);

#endif
