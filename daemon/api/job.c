#include "job.h"

int job_start(struct api *api, struct lane_job *job, uv_work_cb perform, uv_after_work_cb after)
{
    int status = lane_queue(&api->lane, job, perform, after);

    if (status == 0)
        api->jobs++;
    return status;
}

static void tell_idle(struct api *api)
{
    void (*idle)(void *data) = api->idle;

    if (api->jobs > 0 || idle == NULL)
        return;
    api->idle = NULL;
    idle(api->idle_data);
}

void job_done(struct api *api)
{
    api->jobs--;
    tell_idle(api);
}

void api_when_idle(struct api *api, void (*idle)(void *data), void *data)
{
    api->idle = idle;
    api->idle_data = data;
    tell_idle(api);
}
