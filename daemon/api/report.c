/* A child's report over HTTP: its points go to the store, and the answer comes back when they are synced. */
#include <inttypes.h>
#include <stdlib.h>

#include "body.h"
#include "core/json.h"
#include "handlers.h"
#include "job.h"
#include "resource.h"
#include "sweep/report_body.h"

struct reporting {
    struct store_report request; /* first: the write comes back as this */
    struct lane_job work;
    struct http_request *http;
    struct api *api;
    cJSON *body; /* names and strings of the points live in it */
    struct report_body report;
};

static void free_reporting(struct reporting *reporting)
{
    free(reporting->request.ret_stop_reason);
    report_body_clear(&reporting->report);
    cJSON_Delete(reporting->body);
    free(reporting);
}

/* A report is not looked up before it is stored: the store tells an unknown run, too. Only then, and before any other refusal, it is looked
 * up here, for the same sentence that every other route has. True if it has answered. */
static bool refuse_unknown_run(struct reporting *reporting)
{
    struct store_found found;

    return !resource_find_run(reporting->http, reporting->api, &found);
}

static void reply_refused(struct reporting *reporting, const struct hd_error *error)
{
    if (error->code != HD_NOT_FOUND || !refuse_unknown_run(reporting))
        http_reply_error(reporting->http, error);
}

static void on_judged(struct store_report *report)
{
    struct reporting *reporting = (struct reporting *)report;
    bool stop = report->ret_stop_reason != NULL;
    struct hd_text text = {0};

    hd_text_format(&text, "{\"accepted\":%" PRId64 ",\"duplicate\":%s,\"reports\":%" PRId64 ",\"status\":\"%s\",\"stop\":%s",
                   report->ret_accepted, report->ret_duplicate ? "true" : "false", report->ret_reports, hd_status_name(report->ret_status),
                   stop ? "true" : "false");
    resource_json(&text, "stop_reason", report->ret_stop_reason);
    hd_text_add_char(&text, '}');
    http_reply_json(reporting->http, 200, &text);
    hd_text_clear(&text);
    free_reporting(reporting);
}

static void on_stored(struct store_write *write)
{
    struct reporting *reporting = (struct reporting *)write;

    if (write->result == 0) {
        sweeps_judge(reporting->api->sweeps, &reporting->request, on_judged);
        return;
    }
    reply_refused(reporting, &write->error);
    free_reporting(reporting);
}

static void submit(struct reporting *reporting)
{
    struct hd_error error = {0};

    reporting->request.run_id = http_part(reporting->http, 0);
    reporting->request.attempt = http_principal(reporting->http)->attempt;
    reporting->request.reporter = reporting->report.reporter;
    reporting->request.sequence = reporting->report.sequence;
    reporting->request.points = reporting->report.points;
    reporting->request.count = reporting->report.count;
    reporting->request.write.done = on_stored;
    if (store_report(reporting->api->store, &reporting->request, &error) == 0)
        return;
    http_reply_error(reporting->http, &error);
    free_reporting(reporting);
}

static void parse(uv_work_t *work)
{
    struct reporting *reporting = work->data;

    reporting->body = http_body_parse(reporting->http, false, &reporting->report.problems);
    if (reporting->body == NULL)
        return;
    report_body_read(&reporting->report, reporting->body);
    if (hd_problems_none(&reporting->report.problems))
        return;
    /* Nobody needs it any more, and to free millions of values here keeps nobody waiting. */
    cJSON_Delete(reporting->body);
    reporting->body = NULL;
}

static void take_parsed(struct reporting *reporting, int status)
{
    if (status != 0)
        reporting->report.problems.out_of_memory = true;
    if (hd_problems_none(&reporting->report.problems)) {
        submit(reporting);
        return;
    }
    if (!refuse_unknown_run(reporting))
        http_reply_problems(reporting->http, &reporting->report.problems);
    free_reporting(reporting);
}

static void after_parsing(uv_work_t *work, int status)
{
    struct api *api = ((struct reporting *)work->data)->api;

    take_parsed(work->data, status);
    job_done(api);
}

void api_report(struct http_request *request, void *context)
{
    struct api *api = context;
    struct reporting *reporting;
    struct store_found found;
    struct hd_error error = {0};

    if (api->sweeps == NULL && !resource_find_run(request, api, &found))
        return; /* not ready yet */
    reporting = calloc(1, sizeof *reporting);
    if (reporting == NULL) {
        hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
        http_reply_error(request, &error);
        return;
    }
    reporting->http = request;
    reporting->api = api;
    reporting->work.work.data = reporting;
    body_start(request, api, &reporting->work, parse, after_parsing);
}
