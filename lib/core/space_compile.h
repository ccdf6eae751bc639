/* What the files that compile a search space share. For lib/core only. */
#ifndef HD_CORE_SPACE_COMPILE_H
#define HD_CORE_SPACE_COMPILE_H

#include "json_tree.h"
#include "space_tree.h"

enum { SPACE_PARAMETERS_MAX = 256, SPACE_VALUES_MAX = 100000, SPACE_DEPTH = 16 };

struct compiler {
    const struct hd_space_options *options;
    struct hd_problems *errors;
    struct hd_problems *warnings;
    struct hd_problems grid; /* findings that come behind all others */
    size_t errors_before;    /* what the list of errors held already */
    size_t dropped_before;
};

/* Adds a finding about the value at `path`; the message is its path in quotes and what `format` says. */
void space_problem(struct hd_problems *problems, const char *code, const struct json_path *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same with `, got <got>` at the end. */
void space_problem_got(struct hd_problems *problems, const char *code, const struct json_path *path, const char *must_be, const cJSON *got);

/* Names of parameters (5.1), each on its own and then against the others (8.4). */
void space_check_names(const cJSON *object, const struct json_path *path, struct hd_problems *errors);

/* Warns of members that have the same environment variable in one configuration (8.4). */
void space_check_variables(const struct node *root, const struct json_path *path, struct hd_problems *warnings);

/* Reads arguments into node->expression and node->json; `fields` is in the order of node->expression.form. Any fault becomes a finding. */
void space_compile_numeric(struct compiler *compiler, struct node *node, const cJSON *const *fields, const struct json_path *path);

/* Removes options that are equal to an earlier one, with a warning. False when memory is short. */
bool space_drop_duplicates(struct compiler *compiler, struct node *choice, const struct json_path *values);

#endif
