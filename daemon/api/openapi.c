/* What this daemon answers, for programs and people that want to know. */
#include "openapi.h"

#include "handlers.h"

void api_openapi(struct http_request *request, void *context)
{
    struct hd_text text = {0};

    (void)context;
    hd_text_add_string(&text, api_document);
    http_reply_text(request, 200, "application/yaml", &text);
    hd_text_clear(&text);
}
