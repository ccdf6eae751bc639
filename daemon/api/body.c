#include "body.h"

#include "job.h"

void body_start(struct http_request *request, struct api *api, struct lane_job *job, uv_work_cb parse, uv_after_work_cb after)
{
    size_t length;
    int status = 0;

    (void)http_body(request, &length);
    if (length > HTTP_SMALL_BODY) {
        status = job_start(api, job, parse, after);
        if (status == 0)
            return;
    } else {
        parse(&job->work);
    }
    api->jobs++; /* `after` counts one down */
    after(&job->work, status);
}
