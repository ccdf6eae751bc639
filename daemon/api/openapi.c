/* What this daemon answers, for programs and people that want to know. */
#include "openapi.h"

#include "handlers.h"

void api_openapi(struct http_request *request, void *context)
{
    const struct api *api = context;
    struct hd_text text = {0};

    if (http_unchanged(request, api->instance))
        return;
    hd_text_add_string(&text, api_document);
    http_reply_text(request, 200, "application/yaml", &text);
    hd_text_clear(&text);
}
