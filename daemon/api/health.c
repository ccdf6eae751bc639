/* Is the daemon alive, is it ready, which one is it. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/instant.h"
#include "core/json.h"
#include "core/random.h"
#include "handlers.h"
#include "job.h"
#include "resource.h"

void api_healthz(struct http_request *request, void *context)
{
    struct hd_text text = {0};

    (void)context;
    hd_text_add_string(&text, "{\"status\":\"ok\"}");
    http_reply_json(request, 200, &text);
    hd_text_clear(&text);
}

/* --- Reads that fail are tried again by who asks whether they still do ---------------------------------------------------------------- */

struct look {
    struct lane_job work;
    struct api *api;
};

static void look(uv_work_t *work)
{
    store_look_again(((struct look *)work->data)->api->store);
}

static void after_look(uv_work_t *work, int status)
{
    struct api *api = ((struct look *)work->data)->api;

    (void)status;
    free(work->data);
    api->looking_again = false;
    job_done(api);
}

static void look_again(struct api *api)
{
    struct look *job = api->looking_again ? NULL : calloc(1, sizeof *job);

    if (job == NULL)
        return; /* the next question tries it */
    job->api = api;
    job->work.work.data = job;
    if (job_start(api, &job->work, look, after_look) == 0)
        api->looking_again = true;
    else
        free(job);
}

static int readiness(struct api *api, struct hd_error *error)
{
    if (api->sweeps == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "the daemon is not ready yet");
    if (store_health(api->store, error) != 0)
        return -(int)error->code;
    if (store_read_health(api->store, error) != 0) {
        look_again(api);
        return -(int)error->code;
    }
    if (api->check.fault[0] != '\0')
        return hd_error_set(
            error, HD_UNAVAILABLE,
            "the last look through the database found this: %.700s (see 'hyperdrived --check-database', and restore a backup)",
            api->check.fault);
    return 0;
}

void api_readyz(struct http_request *request, void *context)
{
    struct hd_error error = {0};
    struct hd_text text = {0};

    if (readiness(context, &error) != 0) {
        http_reply_error(request, &error);
        return;
    }
    hd_text_add_string(&text, "{\"status\":\"ready\"}");
    http_reply_json(request, 200, &text);
    hd_text_clear(&text);
}

static void add_path(struct hd_text *text, const char *name, const char *path)
{
    hd_text_format(text, ",\"%s\":", name);
    if (path != NULL)
        hd_json_print_string(text, path);
    else
        hd_text_add_string(text, "null");
}

void api_version(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_counters counters = store_counters(api->store);
    struct hd_text text = {0};
    struct timespec now = {0};
    char instant[HD_INSTANT_SIZE];

    (void)clock_gettime(CLOCK_REALTIME, &now);
    hd_instant_text((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, instant);
    hd_text_format(&text, "{\"name\":\"hyperdrived\",\"version\":\"%s\",\"api\":\"v1\",\"rng\":\"%s\",", HD_VERSION, HD_RANDOM_NAME);
    hd_text_format(&text, "\"store\":{\"schema\":%d,\"commits\":%" PRId64 ",\"writes\":%" PRId64 ",\"points\":%" PRId64, store_schema(),
                   counters.commits, counters.writes, counters.points);
    resource_instant(&text, "checked_utc", api->check.at_us);
    resource_string(&text, "fault", api->check.fault[0] != '\0' ? api->check.fault : NULL);
    hd_text_format(&text, "},\"time_utc\":\"%s\",\"pid\":%d", instant, (int)getpid());
    resource_string(&text, "asked_by", http_principal(request)->who);
    resource_string(&text, "role", http_role_name(http_principal(request)->role));
    add_path(&text, "state_dir", api->state_dir);
    add_path(&text, "monitor", api->monitor);
    add_path(&text, "configuration_file", api->configuration_file);
    hd_text_add_char(&text, '}');
    http_reply_json(request, 200, &text);
    hd_text_clear(&text);
}
