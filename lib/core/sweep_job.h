/* A sweep job of Azure ML v2 (reference, section 9): the same sweep in another language, translated to the fields of section 4. */
#ifndef HD_CORE_SWEEP_JOB_H
#define HD_CORE_SWEEP_JOB_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "problems.h"
#include "specification.h"

/* True for a body with a `type`, of whatever job, and for one that has the fields of a sweep job but lacks it. */
bool hd_sweep_job_is(const cJSON *body);

/* As hd_specification_parse. Every finding names the fields as the job has them; `ret->config` has the names of section 4. */
int hd_sweep_job_parse(const cJSON *body, const struct hd_specification_options *options, struct hd_problems *errors,
                       struct hd_problems *warnings, struct hd_specification *ret);

/* What the field `path` of section 4 is called in `body`: there, if it is a sweep job, another one. */
const char *hd_sweep_job_field(const cJSON *body, const char *path);

#endif
