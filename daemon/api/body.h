/* Bodies that may be large: parsed on the pool, so that nobody else waits for them. */
#ifndef HYPERDRIVED_API_BODY_H
#define HYPERDRIVED_API_BODY_H

#include "api.h"

/* Calls `parse` and then `after`: at once when the request's body is small, else `parse` on the pool. `parse` may read the request, but
 * not answer it; `after` has the status that libuv gives, and ends with job_done(). */
void body_start(struct http_request *request, struct api *api, struct lane_job *job, uv_work_cb parse, uv_after_work_cb after);

#endif
