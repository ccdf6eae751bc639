/* Jobs on the pool, counted: the store must not be closed under one. */
#ifndef HYPERDRIVED_API_JOB_H
#define HYPERDRIVED_API_JOB_H

#include "api.h"

/* 0, or what lane_queue() says. `after` must end with job_done(). */
int job_start(struct api *api, struct lane_job *job, uv_work_cb perform, uv_after_work_cb after);
/* The job's last word; what belongs to it may be freed already. */
void job_done(struct api *api);

#endif
