/* What this daemon answers, for programs and people that want to know. */
#include "openapi.h"

#include "answer.h"
#include "handlers.h"

static int produce(struct answer *answer, struct store_reader *reader)
{
    (void)reader;
    answer->content_type = "application/yaml";
    hd_text_add_string(&answer->text, api_document);
    return 0;
}

void api_openapi(struct http_request *request, void *context)
{
    const struct answer_question question = {.tagged = true, .without_store = true};

    answer_start(request, context, produce, &question);
}
