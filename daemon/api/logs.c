/* The log files that a child has written. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "follow.h"
#include "handlers.h"
#include "job.h"
#include "log_file.h"
#include "log_list.h"
#include "resource.h"

struct file_work {
    struct lane_job work;
    struct http_request *request;
    struct api *api;
    char *folder; /* of the run */
    char *name;   /* NULL: the list is wanted */
    struct hd_text text;
    struct hd_error error;
    int result;
    int file; /* -1: there is none */
    int64_t offset, length, total;
    int64_t kept_from; /* what stands before is gone */
    bool follow;
    int64_t run;
    bool removed; /* the logs of this run were, for keep_logs_mb */
};

static void free_file_work(struct file_work *job)
{
    hd_text_clear(&job->text);
    free(job->folder);
    free(job->name);
    free(job);
}

static void list_files(uv_work_t *work)
{
    struct file_work *job = work->data;

    log_list_print(job->folder, job->removed, &job->text);
}

static void open_file(uv_work_t *work)
{
    struct file_work *job = work->data;

    job->file = log_file_open(job->folder, job->name, &job->total, &job->kept_from);
    if (job->file < 0 && job->removed)
        job->result = hd_error_set(&job->error, HD_GONE,
                                   "the logs of this run were removed: those of runs that ended later take the space that the setting "
                                   "'keep_logs_mb' leaves for logs");
    else if (job->file < 0 && !job->follow)
        job->result = hd_error_set(&job->error, HD_NOT_FOUND, "the run has no log '%s'", job->name);
}

static void refuse_range(struct file_work *job)
{
    char content_range[64];

    snprintf(content_range, sizeof content_range, "bytes */%" PRId64, job->total);
    http_reply_header(job->request, "Content-Range", content_range);
    if (job->kept_from > 0)
        hd_error_set(&job->error, HD_RANGE,
                     "the log has %" PRId64 " bytes, of which the first %" PRId64 " are not kept (setting 'log_limit')", job->total,
                     job->kept_from);
    else
        hd_error_set(&job->error, HD_RANGE, "the log has %" PRId64 " bytes", job->total);
    http_reply_error(job->request, &job->error);
    (void)close(job->file);
}

/* What is asked for without what is gone. */
static void leave_out_gone(struct file_work *job)
{
    int64_t end = job->offset + job->length;

    if (job->offset < job->kept_from)
        job->offset = job->kept_from;
    job->length = end - job->offset;
}

static void reply_file(struct file_work *job)
{
    /* A log has no tag: whoever makes the range depend on one gets all of it (RFC 9110, 13.1.5). */
    const char *header = http_header(job->request, "If-Range") == NULL ? http_header(job->request, "Range") : NULL;
    int range = log_range_read(header, job->total, &job->offset, &job->length);

    if (range == 0)
        job->length = job->total;
    leave_out_gone(job);
    if (range < 0 || (range == 1 && job->length <= 0)) {
        refuse_range(job);
        return;
    }
    http_reply_header(job->request, "Accept-Ranges", "bytes");
    http_reply_file(job->request, "text/plain; charset=utf-8", job->file, job->offset, job->length, range == 1, job->total);
}

static void follow_file(struct file_work *job)
{
    const struct follow_wish wish = {
        .run = job->run, .folder = job->folder, .name = job->name, .file = job->file, .size = job->total, .kept_from = job->kept_from};

    job->folder = job->name = NULL;
    followers_serve(job->api->followers, job->request, &wish);
}

static void after_file(uv_work_t *work, int status)
{
    struct file_work *job = work->data;
    struct api *api = job->api;

    if (status != 0)
        job->result = hd_error_set(&job->error, HD_UNAVAILABLE, "the daemon is stopping");
    if (job->result != 0)
        http_reply_error(job->request, &job->error);
    else if (job->follow)
        follow_file(job);
    else if (job->name != NULL)
        reply_file(job);
    else
        http_reply_json(job->request, 200, &job->text);
    free_file_work(job);
    job_done(api);
}

static int take_folder(void *context, const struct store_run *run)
{
    struct file_work *job = context;
    char *state_dir = job->folder;

    job->folder = sweeps_run_folder(state_dir, run->sweep_id, run->number);
    job->removed = run->logs_removed;
    free(state_dir);
    return job->folder != NULL ? 0 : hd_error_set(&job->error, HD_UNAVAILABLE, "out of memory");
}

static void start(struct http_request *request, struct api *api, const char *name, bool follow)
{
    struct store_found found;
    struct file_work *job;
    struct hd_error error = {0};
    int result;

    if (!resource_find_run(request, api, &found))
        return;
    job = calloc(1, sizeof *job);
    if (job == NULL) {
        hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
        http_reply_error(request, &error);
        return;
    }
    job->request = request;
    job->api = api;
    job->follow = follow;
    job->run = found.run;
    job->file = -1;
    job->work.work.data = job;
    job->folder = strdup(api->state_dir);
    job->name = name != NULL ? strdup(name) : NULL;
    if (job->folder == NULL || (name != NULL && job->name == NULL))
        result = hd_error_set(&job->error, HD_UNAVAILABLE, "out of memory");
    else
        result = store_read_run(store_loop_reader(api->store), found.run, take_folder, job, &job->error);
    if (result == 0 && job_start(api, &job->work, name != NULL ? open_file : list_files, after_file) == 0)
        return;
    if (job->error.code == HD_NO_ERROR)
        hd_error_set(&job->error, HD_UNAVAILABLE, "out of memory");
    http_reply_error(request, &job->error);
    free_file_work(job);
}

void api_list_logs(struct http_request *request, void *context)
{
    start(request, context, NULL, false);
}

void api_get_log(struct http_request *request, void *context)
{
    bool follow;

    if (http_query_boolean(request, "follow", false, &follow))
        start(request, context, http_part(request, 1), follow);
}
