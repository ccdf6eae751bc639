/* What is executed for one child: argument list, environment and texts with placeholders (reference 8.1, 8.2, 8.4). */
#ifndef HD_CORE_PROGRAM_H
#define HD_CORE_PROGRAM_H

#include <cjson/cJSON.h>

#include "problems.h"
#include "specification.h"
#include "text.h"

struct hd_strings {
    char **list; /* ends in NULL; owned, as its strings are. NULL when empty and never added to */
    int count;
};
/* 0, or -1 when memory is short. */
int hd_strings_add(struct hd_strings *strings, const char *string);
/* The same with a text, which is emptied. */
int hd_strings_add_text(struct hd_strings *strings, struct hd_text *text);
void hd_strings_clear(struct hd_strings *strings);

/* Folders that a child's program is told. */
struct hd_program_places {
    const char *outputs_directory; /* absolute: `${{outputs.x}}` lies in it */
    const char *resume_directory;  /* outputs of the child that is run again (reference 8.6); NULL: none */
};

/* `runDefinition.arguments`: what stands behind the script, if there is one (fixed arguments, then hyperparameters); for a command, the
 * whole list as it is executed. 0, or -1 when memory is short. */
int hd_program_arguments(const struct hd_specification *specification, const cJSON *configuration, const struct hd_program_places *places,
                         struct hd_strings *ret_arguments);
/* The whole list to execute: interpreter and script first (the first name may have to be looked up in PATH), or /bin/sh -c, or a
 * command's array. A script without interpreter is `./script`, relative to the working directory. */
int hd_program_argv(const struct hd_specification *specification, const cJSON *configuration, const struct hd_program_places *places,
                    struct hd_strings *ret_argv);
/* NAME=VALUE strings: the sweep's environment_variables with placeholders replaced, then AZUREML_SWEEP_ ones. */
int hd_program_environment(const struct hd_specification *specification, const cJSON *configuration, const struct hd_program_places *places,
                           struct hd_strings *ret_environment);

/* Name part of AZUREML_SWEEP_<name>: no leading dashes, other characters than [A-Za-z0-9_] become `_`. Owned; NULL when memory is short. */
char *hd_environment_name(const char *parameter);

/* Checks all placeholders of a specification's command and environment_variables: `Undefined` errors, `SingleBrace` and
 * `ParameterNotReferenced` warnings. Asks for `space` and `run` alone, and passes over what is not of its type. */
void hd_program_check(const struct hd_specification *specification, struct hd_problems *errors, struct hd_problems *warnings);
/* `ArgumentOverlap`: options that are among the fixed arguments and among the hyperparameters. */
void hd_program_check_overlap(const struct hd_specification *specification, struct hd_problems *warnings);

#endif
