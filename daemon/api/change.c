/* PATCH of a sweep: budget and concurrency while it runs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "handlers.h"
#include "resource.h"

enum { LIMIT_MAX = 1000000 };

struct changing {
    struct http_request *request;
    struct api *api;
    int64_t sweep;
};

static void on_changed(void *data, const struct hd_error *error)
{
    struct changing *changing = data;

    if (error != NULL)
        http_reply_error(changing->request, error);
    else
        api_reply_sweep(changing->request, changing->api, changing->sweep, 200);
    free(changing);
}

/* An integer of 1 or more; null means 0 where it may. */
static void read_limit(const cJSON *item, bool may_be_null, int64_t *ret_value, struct hd_problems *problems)
{
    char *excerpt;

    if (may_be_null && cJSON_IsNull(item)) {
        *ret_value = 0;
        return;
    }
    if (cJSON_IsNumber(item) && hd_json_integer(item, ret_value) && *ret_value >= 1 && *ret_value <= LIMIT_MAX)
        return;
    excerpt = hd_json_excerpt(item);
    if (cJSON_IsNumber(item) && hd_json_integer(item, ret_value))
        hd_problems_add(problems, "OutOfRange", item->string, "'%s' must be between 1 and %d, got %s", item->string, LIMIT_MAX,
                        excerpt != NULL ? excerpt : "");
    else
        hd_problems_add(problems, "WrongType", item->string, "'%s' must be an integer, got %s", item->string,
                        excerpt != NULL ? excerpt : "");
    free(excerpt);
}

static void read_change(const cJSON *body, struct sweeps_change *change, struct hd_problems *problems)
{
    for (const cJSON *item = body->child; item != NULL; item = item->next) {
        if (strcmp(item->string, "max_total_runs") == 0) {
            change->has_max_total = true;
            read_limit(item, false, &change->max_total, problems);
        } else if (strcmp(item->string, "max_concurrent_runs") == 0) {
            change->has_max_concurrent = true;
            read_limit(item, true, &change->max_concurrent, problems);
        } else {
            hd_problems_add(problems, "UnknownField", item->string,
                            "'%s' is not a known field; a running sweep's max_total_runs and max_concurrent_runs can be changed",
                            item->string);
        }
    }
    if (hd_problems_none(problems) && !change->has_max_total && !change->has_max_concurrent)
        hd_problems_add(problems, "Required", NULL, "give 'max_total_runs', 'max_concurrent_runs', or both");
}

void api_change_sweep(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;
    struct sweeps_change change = {0};
    struct hd_problems problems = {0};
    struct changing *changing;
    struct hd_error error = {0};
    cJSON *body;

    if (!resource_find_sweep(request, api, &found))
        return;
    body = http_body_json(request, false);
    if (body == NULL)
        return;
    read_change(body, &change, &problems);
    cJSON_Delete(body);
    if (!hd_problems_none(&problems)) {
        http_reply_problems(request, &problems);
        hd_problems_clear(&problems);
        return;
    }
    changing = malloc(sizeof *changing);
    if (changing == NULL) {
        hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
        http_reply_error(request, &error);
        return;
    }
    *changing = (struct changing){.request = request, .api = api, .sweep = found.sweep};
    sweeps_change(api->sweeps, found.sweep, &change, on_changed, changing);
}
