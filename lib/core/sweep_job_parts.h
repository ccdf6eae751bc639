/* What the files that read a sweep job share; for lib/core only. */
#ifndef HD_CORE_SWEEP_JOB_PARTS_H
#define HD_CORE_SWEEP_JOB_PARTS_H

#include "fields.h"

struct job_name;

/* A job that is being translated; context of every hd_fields that reads it. */
struct job {
    cJSON *config;          /* owned: the fields of section 4 */
    struct job_name *names; /* owned: fields that did not come from where the table has them */
    size_t name_count;
};

/* Puts `item` (owned from now on; NULL: memory was short) into the config, below the name of section 4 for the job's field `name` of
 * `fields`. */
void job_put(const struct hd_fields *fields, const char *name, cJSON *item);
/* The object of the config with this name, which is there from the beginning. */
cJSON *job_part(const struct job *job, const char *name);

/* For rows: the field becomes a field of section 4 as it is; what is wrong with it is found there. Null is as good as absent. */
void job_move(const struct hd_fields *fields, const struct hd_field *field);
/* For rows: a field that is accepted, with a warning, and has no effect. */
void job_ignore(const struct hd_fields *fields, const struct hd_field *field);
/* For rows: an object that is read by a table of its own. */
void job_read_object(const struct hd_fields *fields, const struct hd_field *field, const struct hd_field *table, size_t count);

/* For rows: `trial`, and what can stand inside and outside of it. */
void job_read_trial(const struct hd_fields *fields, const struct hd_field *field);
void job_read_resources(const struct hd_fields *fields, const struct hd_field *field);
void job_read_data(const struct hd_fields *fields, const struct hd_field *field);

/* --- Names --- */

/* Notes that the field `ours` of section 4 came from the field `theirs` of this job. */
void job_note_name(const struct hd_fields *fields, const char *ours, const char *theirs);
/* The name of section 4 for a path in a job; NULL if it has none. */
const char *job_name_of(const char *theirs);
/* Hands findings about the config on as findings about the job: in their targets and sentences its names take the place of those of section
 * 4. What `fields->errors` knows something about already is left out. */
void job_translate_problems(const struct hd_fields *fields, const struct hd_problems *found, struct hd_problems *ret_problems);
void job_names_clear(struct job *job);

#endif
