/* DELETE of a sweep that has ended. */
#include "core/json.h"
#include "handlers.h"
#include "resource.h"

static void on_deleted(void *data, const struct hd_error *error)
{
    struct http_request *request = data;
    struct hd_text text = {0};

    if (error != NULL) {
        http_reply_error(request, error);
        return;
    }
    hd_text_add_string(&text, "{\"run_id\":");
    hd_json_print_string(&text, http_part(request, 0));
    hd_text_add_string(&text, ",\"deleted\":true}");
    http_reply_json(request, 200, &text);
    hd_text_clear(&text);
}

void api_delete_sweep(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;

    if (resource_find_sweep(request, api, &found) && api_expect_no_body(request))
        sweeps_delete(api->sweeps, found.sweep, http_part(request, 0), on_deleted, request);
}
