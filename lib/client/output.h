/* How things are said to people: where output goes, and the text of values, times and lists. */
#ifndef HD_CLIENT_OUTPUT_H
#define HD_CLIENT_OUTPUT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/problems.h"
#include "core/text.h"
#include "table.h"

struct output {
    FILE *file;
    bool terminal;
    bool colour; /* a terminal, and nobody said NO_COLOR */
    int width;   /* columns of the terminal; 0: not a terminal, no limit */
};

void output_open(struct output *output, FILE *file);

/* A sentence on stderr, `hyperdrive: ...`, without control characters. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* All findings about an input: one as its sentence, several as a list; nothing when there is none. `source` is the text of a file that they
 * are about, whose lines they are told with; NULL or empty: there is none, and they are told with their paths. */
void say_problems(const struct hd_problems *problems, const struct hd_text *source);

/* Prints an answer's text, with a line end behind it. */
void output_raw(const struct output *output, const struct hd_text *text);
/* Prints JSON over several lines, short arrays and objects in one. False when memory is short. */
bool output_indented(const struct output *output, const cJSON *value);
/* `name    value`, the names in a column of their own; value NULL: nothing is printed. */
void output_field(const struct output *output, const char *name, const char *value);

/* A member of an object as a string; `otherwise` when it is absent, null or something else. */
const char *member_text(const cJSON *object, const char *name, const char *otherwise);
/* A member as a number that is not negative; 0 when it is none. */
double member_count(const cJSON *object, const char *name);
const cJSON *member(const cJSON *object, const char *name);

/* Colour of a status. */
enum table_style status_style(const char *status);

/* A value in few digits: floats with `digits` significant ones (17 and more: exactly), strings as they are, null as `-`. */
void text_value(struct hd_text *out, const cJSON *value, int digits);
/* `--lr 0.1  --depth 3`: the members of a configuration. */
void text_configuration(struct hd_text *out, const cJSON *configuration, int digits);
/* RFC 3339 in UTC -> local time, `2025-02-07 06:39:33`; `-` for what is none. */
void text_instant(struct hd_text *out, const cJSON *instant);
/* `42 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`. */
void text_duration(struct hd_text *out, double seconds);
/* Seconds from one member to another one, or to now when that is null; negative when the first is null. */
double seconds_between(const cJSON *object, const char *from, const char *to);

#endif
