/* Is the daemon alive, is it ready, which one is it. */
#include <inttypes.h>

#include "core/random.h"
#include "handlers.h"

void api_healthz(struct http_request *request, void *context)
{
    struct hd_text text = {0};

    (void)context;
    hd_text_add_string(&text, "{\"status\":\"ok\"}");
    http_reply_json(request, 200, &text);
    hd_text_clear(&text);
}

void api_readyz(struct http_request *request, void *context)
{
    struct api *api = context;
    struct hd_error error = {0};
    struct hd_text text = {0};

    if (api->sweeps == NULL)
        hd_error_set(&error, HD_UNAVAILABLE, "the daemon is not ready yet");
    if (api->sweeps == NULL || store_health(api->store, &error) != 0) {
        http_reply_error(request, &error);
        return;
    }
    hd_text_add_string(&text, "{\"status\":\"ready\"}");
    http_reply_json(request, 200, &text);
    hd_text_clear(&text);
}

void api_version(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_counters counters = store_counters(api->store);
    struct hd_text text = {0};

    hd_text_format(&text, "{\"name\":\"hyperdrived\",\"version\":\"%s\",\"api\":\"v1\",\"rng\":\"%s\",", HD_VERSION, HD_RANDOM_NAME);
    hd_text_format(&text, "\"store\":{\"commits\":%" PRId64 ",\"writes\":%" PRId64 ",\"points\":%" PRId64 "}}", counters.commits,
                   counters.writes, counters.points);
    http_reply_json(request, 200, &text);
    hd_text_clear(&text);
}
