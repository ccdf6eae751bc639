/* Reads the members of a JSON object by a table: type, range and default of each, with the findings of reference 4.2 and their paths. */
#ifndef HD_CORE_FIELDS_H
#define HD_CORE_FIELDS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "problems.h"

/* An object that is being read, and the object with every default filled in that comes of it. */
struct hd_fields {
    const cJSON *input;
    cJSON *output; /* belongs to the tree of the whole output; NULL: only the findings are wanted */
    char *path;    /* owned; "" for the outermost object */
    struct hd_problems *errors;
    struct hd_problems *warnings;
    void *context; /* of the table's own functions */
};

enum hd_field_type {
    HD_FIELD_ANY,
    HD_FIELD_STRING, /* range: length in bytes */
    HD_FIELD_LABEL,  /* a string without control characters, for lists and log lines; range as above */
    HD_FIELD_NUMBER, /* range: value; "NaN" and "Infinity" are numbers that no range has */
    HD_FIELD_INTEGER,
    HD_FIELD_BOOLEAN,
    HD_FIELD_ARRAY, /* range: number of elements, or of members */
    HD_FIELD_OBJECT,
};

struct hd_field {
    const char *name;
    enum hd_field_type type;
    bool required;
    bool nullable;       /* null is taken, and kept */
    const char *absent;  /* JSON of the default; NULL: an absent field stays absent */
    const char *choices; /* "a, b, c": a string that is one of these in any case and with or without underscores; NULL: not asked */
    const char *range;   /* "between 1 and 5"; NULL: any value */
    double least;        /* these two only with a range */
    double most;
    /* What is done instead of hd_field_read; NULL: nothing else. */
    void (*read)(const struct hd_fields *fields, const struct hd_field *field);
};

/* Reports members of the input that `table` does not have, then reads its rows in order. */
void hd_fields_read(const struct hd_fields *fields, const struct hd_field *table, size_t count);

/* The input's member; NULL when it is absent, or null where the row allows that. */
const cJSON *hd_field_given(const struct hd_fields *fields, const struct hd_field *field);
/* The input's member if it is given and right; otherwise NULL, after the finding about it if there is one to make. */
const cJSON *hd_field_check(const struct hd_fields *fields, const struct hd_field *field);
/* The same, and puts it or its default into the output; returns the output's member if the input gave it and it is right. */
const cJSON *hd_field_read(const struct hd_fields *fields, const struct hd_field *field);
/* For a row that another row's function reads. */
void hd_field_read_elsewhere(const struct hd_fields *fields, const struct hd_field *field);
/* The one of "a, b, c" that `name` means, in `ret_choice`; false if none. */
bool hd_field_choice(const char *choices, const char *name, char *ret_choice, size_t size);

/* Puts `item` (owned from now on; NULL: memory was short) into the output. */
void hd_fields_put(const struct hd_fields *fields, const char *name, cJSON *item);
/* Begins to read a member that is an object; its output is put into this one's. hd_fields_leave follows in any case. */
struct hd_fields hd_fields_enter(const struct hd_fields *fields, const char *name, const cJSON *input);
/* The same without output: only the findings are wanted. */
struct hd_fields hd_fields_inside(const struct hd_fields *fields, const char *name, const cJSON *input);
void hd_fields_leave(struct hd_fields *fields);

/* Path of a member: `name` below fields->path; `name` may go on itself (`arguments[3]`). Owned by the caller; NULL when memory is short,
 * which the errors know then. */
char *hd_fields_path(const struct hd_fields *fields, const char *name);

/* The general forms of reference 4.2. */
void hd_fields_required(const struct hd_fields *fields, const char *name);
void hd_fields_wrong_type(const struct hd_fields *fields, const char *name, const char *type, const cJSON *got);
void hd_fields_out_of_range(const struct hd_fields *fields, const char *name, const char *range, const cJSON *got);
void hd_fields_not_allowed(const struct hd_fields *fields, const char *name, const char *choices, const cJSON *got);
/* `'<path>'<sentence>` under any code: the sentence begins behind the quote. */
void hd_fields_problem(const struct hd_fields *fields, struct hd_problems *problems, const char *code, const char *name,
                       const char *sentence, ...) __attribute__((format(printf, 5, 6)));

#endif
