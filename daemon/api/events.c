/* What happens, while it happens: Server-Sent Events of one sweep, or of all. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/instant.h"
#include "event_hub.h"
#include "handlers.h"
#include "resource.h"

/* Where a client wants to go on. */
struct place {
    bool given;
    int64_t id;
};

static bool read_id(const char *text, int64_t *ret_id)
{
    enum { DIGITS = 18 }; /* fit into 64 bits */
    size_t length = strspn(text, "0123456789");

    if (length == 0 || length > DIGITS || text[length] != '\0')
        return false;
    *ret_id = strtoll(text, NULL, 10);
    return true;
}

/* The header goes before the query: a browser that comes back asks for the same address again, and says in the header where it was. */
static bool read_place(struct http_request *request, struct place *ret_place)
{
    const char *header = http_header(request, "Last-Event-ID");
    const char *text = header != NULL ? header : http_query(request, "last_event_id");
    struct hd_error error = {0};

    ret_place->given = text != NULL;
    if (text == NULL || read_id(text, &ret_place->id))
        return true;
    if (header == NULL) {
        http_query_refuse(request, "last_event_id", "the id of an event, a number");
        return false;
    }
    hd_error_set(&error, HD_INVALID, "'Last-Event-ID' must be the id of an event, a number");
    http_reply_error(request, &error);
    return false;
}

/* `from=start`: the oldest event that is kept; `from=now`, or nothing: what comes. */
static bool read_from(struct http_request *request, bool *ret_start)
{
    const char *from = http_query(request, "from");

    *ret_start = from != NULL && strcmp(from, "start") == 0;
    if (from == NULL || *ret_start || strcmp(from, "now") == 0)
        return true;
    http_query_refuse(request, "from", "one of start, now");
    return false;
}

/* The id that a client has is remembered from the first moment on, before there is an event. */
static void add_id(struct hd_text *text, int64_t id)
{
    hd_text_format(text, "id: %" PRId64 "\n", id);
}

static void add_reset(struct hd_text *text, int64_t now)
{
    struct timespec clock;
    char at[HD_INSTANT_SIZE];

    (void)clock_gettime(CLOCK_REALTIME, &clock);
    hd_instant_text((int64_t)clock.tv_sec * 1000000 + clock.tv_nsec / 1000, at);
    add_id(text, now);
    hd_text_format(text,
                   "event: reset\ndata: {\"time\":\"%s\",\"message\":\"the events behind that id are not kept: read the state anew, "
                   "events go on from here\"}\n\n",
                   at);
}

/* Decides where the stream begins, and what it says first. Events of one sweep go with the sweep: among them nothing is ever too old. */
static int begin(struct api *api, const struct place *place, bool from_start, struct event_wish *wish, struct hd_text *preface,
                 struct hd_error *error)
{
    int64_t oldest, now;
    bool too_old;

    if (store_read_event_bounds(store_loop_reader(api->store), &oldest, &now, error) != 0)
        return -(int)error->code;
    hd_text_add_string(preface, "retry: 1000\n");
    too_old = place->given && (place->id > now || (wish->sweep == 0 && place->id + 1 < oldest));
    if (too_old) {
        wish->after = now;
        add_reset(preface, now);
    } else if (place->given || from_start) {
        wish->after = place->given ? place->id : 0;
        hd_text_add_char(preface, '\n');
    } else {
        wish->after = now;
        add_id(preface, now);
        hd_text_add_char(preface, '\n');
    }
    return preface->failed ? hd_error_set(error, HD_UNAVAILABLE, "out of memory") : 0;
}

static void serve(struct http_request *request, struct api *api, int64_t sweep)
{
    struct event_wish wish = {.sweep = sweep};
    struct hd_text preface = {0};
    struct place place = {.given = false};
    struct hd_error error = {0};
    bool from_start;

    if (!read_place(request, &place) || !read_from(request, &from_start) || !http_query_boolean(request, "follow", true, &wish.follow))
        return;
    if (begin(api, &place, from_start, &wish, &preface, &error) != 0) {
        http_reply_error(request, &error);
    } else if (sweep != 0 && wish.follow && event_hub_is_over(api->events, sweep, wish.after)) {
        http_reply_empty(request, 204); /* which tells browsers not to come back */
    } else {
        wish.preface = preface.data;
        event_hub_serve(api->events, request, &wish);
    }
    hd_text_clear(&preface);
}

void api_events(struct http_request *request, void *context)
{
    serve(request, context, 0);
}

void api_sweep_events(struct http_request *request, void *context)
{
    struct store_found found;

    if (resource_find_sweep(request, context, &found))
        serve(request, context, found.sweep);
}
