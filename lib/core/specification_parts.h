/* What the files that read a specification share; for lib/core only. */
#ifndef HD_CORE_SPECIFICATION_PARTS_H
#define HD_CORE_SPECIFICATION_PARTS_H

#include "fields.h"
#include "specification.h"

#define HD_SECONDS_MAX 960000000000.0 /* 30,000 years: in microseconds, and added to any date, it still fits 63 bits */
#define HD_RUNS_MAX    1000000.0
#define HD_WORD_MAX    131071.0 /* the kernel executes no longer argument or variable (MAX_ARG_STRLEN) */

/* For the rows of objects whose members somebody searches by name. */
#define HD_FEW_MEMBERS .range = "an object with at most 1000 members", .least = 0, .most = 1000

/* What one part of a specification has to know of another; context of every hd_fields. */
struct hd_reading {
    const struct hd_specification_options *options;
    bool needs_metric;      /* for its sampling or its policy */
    bool whole_grid;        /* its size is the budget, as none was given */
    bool other_program;     /* given in a form that is refused: no `run_config` is missing then */
    struct hd_space *space; /* NULL until there is a right one; owned */
};

/* Functions of rows; each is in the file of its part. */
void hd_read_sampling(const struct hd_fields *fields, const struct hd_field *field);
void hd_read_total_runs(const struct hd_fields *fields, const struct hd_field *field);
void hd_read_concurrent_runs(const struct hd_fields *fields, const struct hd_field *field);
void hd_read_duration(const struct hd_fields *fields, const struct hd_field *field);
void hd_read_policy(const struct hd_fields *fields, const struct hd_field *field);
void hd_read_resume_from(const struct hd_fields *fields, const struct hd_field *field);
void hd_read_resume_child_runs(const struct hd_fields *fields, const struct hd_field *field);
void hd_read_run_config(const struct hd_fields *fields, const struct hd_field *field);
void hd_read_inputs(const struct hd_fields *fields, const struct hd_field *field);
void hd_read_outputs(const struct hd_fields *fields, const struct hd_field *field);
void hd_read_launcher(const struct hd_fields *fields, const struct hd_field *field);
/* Clients that ask for children run what they like; read ahead of its own row. */
bool hd_run_is_client(const struct hd_fields *fields);
void hd_read_limit(const struct hd_fields *fields, const struct hd_field *field);
void hd_read_cpu_limit(const struct hd_fields *fields, const struct hd_field *field);
void hd_read_only_there(const struct hd_fields *fields, const struct hd_field *field);
void hd_read_retry_on(const struct hd_fields *fields, const struct hd_field *field);
/* An object whose members are strings. */
void hd_read_strings(const struct hd_fields *fields, const struct hd_field *field);

/* The values of a `run_config` that was read; those that are missing, because they were wrong, are NULL or 0. */
void hd_fill_run_config(const cJSON *config, struct hd_run_config *ret);

/* Fills what a checked config says of children that are run again. False when memory is short. */
bool hd_fill_resumed(const cJSON *config, struct hd_specification *ret);

/* True if a policy is asked for. */
bool hd_policy_given(const cJSON *policy);

/* Refuses (`Unsupported`) what the output of these fields asks for and this program does not do yet. */
void hd_refuse_not_yet(const struct hd_fields *fields);

#endif
