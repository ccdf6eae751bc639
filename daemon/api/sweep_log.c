/* The sweep's log, rendered from its events (reference 3.4): whole, or as it grows. */
#include "answer.h"
#include "event_hub.h"
#include "event_text.h"
#include "handlers.h"
#include "resource.h"

static int print_event(void *context, const struct store_event *event)
{
    struct answer *answer = context;

    event_text_line(&answer->text, event);
    return answer_flush(answer);
}

static int produce_log(struct answer *answer, struct store_reader *reader)
{
    const struct store_event_range range = {.sweep = answer->question->sweep, .until = INT64_MAX};

    answer->content_type = "text/plain; charset=utf-8";
    return store_read_events(reader, &range, print_event, answer, NULL, answer->error);
}

void api_sweep_log(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;
    struct answer_question question = {0};
    struct event_wish wish = {.lines = true, .follow = true};
    bool follow;

    if (!resource_find_sweep(request, api, &found) || !http_query_boolean(request, "follow", false, &follow))
        return;
    question.sweep = wish.sweep = found.sweep;
    if (follow)
        event_hub_serve(api->events, request, &wish);
    else
        answer_start(request, api, produce_log, &question);
}
