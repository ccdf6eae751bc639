#include "event_hub.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "event_text.h"
#include "news_points.h"

enum {
    LIVE_ROWS = 256,      /* events read in one turn of the loop for all who are up to date */
    REPLAY_ROWS = 64,     /* and for one who is not */
    REPLAYS_PER_TURN = 4, /* of whom so many are served in a turn */
};

struct subscriber {
    struct event_hub *hub;
    struct http_stream *stream;
    struct subscriber *previous, *next;
    struct subscriber *next_hungry;
    int64_t sweep;
    int64_t cursor; /* all up to here was appended, or does not concern it */
    int64_t until;  /* where it ends */
    bool lines;
    bool live;   /* fed with the others */
    bool hungry; /* waits for its turn to read */
    bool last;   /* its sweep has ended */
};

struct event_hub {
    uv_idle_t idle; /* turns while there is something to read */
    struct news_points points;
    unsigned handles;
    struct store *store;
    struct subscriber *subscribers;
    struct subscriber *hungry, *hungry_last;
    int64_t head;     /* what is up to here was read for all who are live */
    bool due;         /* there may be events behind it */
    int64_t messages; /* subscribers that are told of points */
};

/* --- Subscribers ------------------------------------------------------------------------------------------------------------------------
 */

static void on_turn(uv_idle_t *idle);

static void turn_soon(struct event_hub *hub)
{
    uv_idle_start(&hub->idle, on_turn);
}

static void make_hungry(struct subscriber *subscriber)
{
    struct event_hub *hub = subscriber->hub;

    if (subscriber->hungry || subscriber->live)
        return;
    subscriber->hungry = true;
    subscriber->next_hungry = NULL;
    if (hub->hungry_last != NULL)
        hub->hungry_last->next_hungry = subscriber;
    else
        hub->hungry = subscriber;
    hub->hungry_last = subscriber;
    turn_soon(hub);
}

static void on_wanted(void *data)
{
    make_hungry(data);
}

static void leave_hungry(struct subscriber *subscriber)
{
    struct event_hub *hub = subscriber->hub;
    struct subscriber **link = &hub->hungry, *previous = NULL;

    if (!subscriber->hungry)
        return;
    while (*link != subscriber) {
        previous = *link;
        link = &previous->next_hungry;
    }
    *link = subscriber->next_hungry;
    if (hub->hungry_last == subscriber)
        hub->hungry_last = previous;
    subscriber->hungry = false;
}

static void on_closed(void *data)
{
    struct subscriber *subscriber = data;
    struct event_hub *hub = subscriber->hub;

    leave_hungry(subscriber);
    if (subscriber->previous != NULL)
        subscriber->previous->next = subscriber->next;
    else
        hub->subscribers = subscriber->next;
    if (subscriber->next != NULL)
        subscriber->next->previous = subscriber->previous;
    hub->messages -= subscriber->lines ? 0 : 1;
    free(subscriber);
}

static void link_in(struct event_hub *hub, struct subscriber *subscriber)
{
    subscriber->next = hub->subscribers;
    if (subscriber->next != NULL)
        subscriber->next->previous = subscriber;
    hub->subscribers = subscriber;
    hub->messages += subscriber->lines ? 0 : 1;
}

static bool concerns(const struct subscriber *subscriber, int64_t sweep)
{
    return subscriber->sweep == 0 || subscriber->sweep == sweep;
}

static void append_text(struct subscriber *subscriber, const struct hd_text *text)
{
    if (text->failed)
        http_stream_cut(subscriber->stream); /* its reader comes back, and begins where it was */
    else
        http_stream_append(subscriber->stream, text->data, text->length);
}

static void append_event(struct subscriber *subscriber, const struct store_event *event, const struct hd_text *text)
{
    append_text(subscriber, text);
    subscriber->cursor = event->ordinal;
    if (subscriber->sweep != 0 && event->run_id == NULL && hd_status_ended(event->status))
        subscriber->last = true;
}

/* --- Those that are behind --------------------------------------------------------------------------------------------------------------
 */

enum { FULL = 1 };

static int replay_event(void *context, const struct store_event *event)
{
    struct subscriber *subscriber = context;
    struct hd_text text = {0};

    if (http_stream_full(subscriber->stream))
        return FULL;
    if (subscriber->lines)
        event_text_line(&text, event);
    else
        event_text_message(&text, event);
    append_event(subscriber, event, &text);
    hd_text_clear(&text);
    return 0;
}

static int note_sweep(void *context, const struct store_sweep *sweep)
{
    bool *goes_on = context;

    *goes_on = !hd_status_ended(sweep->status);
    return 0;
}

static int stop_at_first(void *context, const struct store_event *event)
{
    (void)context, (void)event;
    return FULL;
}

bool event_hub_is_over(const struct event_hub *hub, int64_t sweep, int64_t after)
{
    const struct store_event_range rest = {.sweep = sweep, .after = after, .until = INT64_MAX, .limit = 1};
    struct store_reader *reader = store_loop_reader(hub->store);
    struct hd_error error = {0};
    bool goes_on = false;

    /* In this order: the event of an end is there when the end is. */
    return store_read_sweep(reader, sweep, note_sweep, &goes_on, &error) == 0 && !goes_on &&
           store_read_events(reader, &rest, stop_at_first, NULL, NULL, &error) == 0;
}

static void replay(struct subscriber *subscriber)
{
    struct event_hub *hub = subscriber->hub;
    int64_t until = subscriber->until != INT64_MAX ? subscriber->until : hub->head;
    const struct store_event_range range = {.sweep = subscriber->sweep, .after = subscriber->cursor, .until = until, .limit = REPLAY_ROWS};
    struct hd_error error = {0};
    int result = 0;

    if (subscriber->cursor < until)
        result = store_read_events(store_loop_reader(hub->store), &range, replay_event, subscriber, &subscriber->cursor, &error);
    if (result < 0)
        http_stream_cut(subscriber->stream);
    if (result != 0)
        return; /* FULL: until it is wanted */
    if (subscriber->cursor < until)
        make_hungry(subscriber);
    else if (subscriber->cursor >= subscriber->until || subscriber->last ||
             (subscriber->sweep != 0 && event_hub_is_over(hub, subscriber->sweep, subscriber->cursor)))
        http_stream_end(subscriber->stream);
    else
        subscriber->live = true;
}

static void serve_hungry(struct event_hub *hub)
{
    for (int served = 0; hub->hungry != NULL && served < REPLAYS_PER_TURN; served++) {
        struct subscriber *subscriber = hub->hungry;

        leave_hungry(subscriber);
        replay(subscriber);
    }
}

/* --- Those that are up to date ----------------------------------------------------------------------------------------------------------
 */

/* An event in the words of those who want it, each made when the first one asks. */
struct words {
    struct hd_text line, message;
    bool has_line, has_message;
};

static const struct hd_text *words_for(struct words *words, const struct subscriber *subscriber, const struct store_event *event)
{
    if (subscriber->lines) {
        if (!words->has_line)
            event_text_line(&words->line, event);
        words->has_line = true;
        return &words->line;
    }
    if (!words->has_message)
        event_text_message(&words->message, event);
    words->has_message = true;
    return &words->message;
}

static int hand_out(void *context, const struct store_event *event)
{
    struct event_hub *hub = context;
    struct words words = {0};

    for (struct subscriber *subscriber = hub->subscribers; subscriber != NULL; subscriber = subscriber->next) {
        if (!subscriber->live || !concerns(subscriber, event->sweep) || event->ordinal <= subscriber->cursor)
            continue;
        if (http_stream_full(subscriber->stream))
            subscriber->live = false;
        else
            append_event(subscriber, event, words_for(&words, subscriber, event));
    }
    hd_text_clear(&words.line);
    hd_text_clear(&words.message);
    return 0;
}

/* Their sweep has ended; the last points of its runs may still wait to be told. */
static void end_the_last(struct event_hub *hub)
{
    bool told = false;

    for (struct subscriber *subscriber = hub->subscribers; subscriber != NULL; subscriber = subscriber->next) {
        if (!subscriber->live || !subscriber->last)
            continue;
        if (!told)
            news_points_tell(&hub->points);
        told = true;
        http_stream_end(subscriber->stream);
    }
}

/* What is committed may be read again later: whoever cannot be fed now falls behind, and reads for himself. */
static void read_live(struct event_hub *hub)
{
    struct store_reader *reader = store_loop_reader(hub->store);
    struct store_event_range range = {.after = hub->head, .limit = LIVE_ROWS};
    struct hd_error error = {0};
    int64_t oldest;

    if (store_read_event_bounds(reader, &oldest, &range.until, &error) != 0 ||
        store_read_events(reader, &range, hand_out, hub, &hub->head, &error) != 0) {
        for (struct subscriber *subscriber = hub->subscribers; subscriber != NULL; subscriber = subscriber->next)
            http_stream_cut(subscriber->stream);
        hub->due = false;
        return;
    }
    hub->due = hub->head < range.until;
    if (!hub->due)
        end_the_last(hub);
}

static void on_turn(uv_idle_t *idle)
{
    struct event_hub *hub = idle->data;

    if (hub->due)
        read_live(hub);
    serve_hungry(hub);
    if (!hub->due && hub->hungry == NULL)
        uv_idle_stop(idle);
}

/* --- News of the store ------------------------------------------------------------------------------------------------------------------
 */

static void on_events(void *data)
{
    struct event_hub *hub = data;

    if (hub->subscribers == NULL)
        return;
    hub->due = true;
    turn_soon(hub);
}

static void on_points(void *data, int64_t sweep, int64_t run)
{
    struct event_hub *hub = data;

    (void)sweep;
    if (hub->messages > 0)
        news_points_note(&hub->points, run);
}

/* The points are not kept for a reader that is behind: they are in the store, and newer ones come. */
static void tell_points(void *data, int64_t sweep, const struct hd_text *text)
{
    struct event_hub *hub = data;

    for (struct subscriber *subscriber = hub->subscribers; subscriber != NULL; subscriber = subscriber->next)
        if (subscriber->live && !subscriber->lines && concerns(subscriber, sweep) && !http_stream_full(subscriber->stream))
            append_text(subscriber, text);
}

/* --- The hub ----------------------------------------------------------------------------------------------------------------------------
 */

int event_hub_open(struct event_hub **ret_hub, uv_loop_t *loop, struct store *store, struct hd_error *error)
{
    struct event_hub *hub = calloc(1, sizeof *hub);
    const struct store_news news = {.events = on_events, .points = on_points, .data = hub};

    if (hub == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    hub->store = store;
    /* Neither can fail: they only enter a handle into the loop. */
    (void)uv_idle_init(loop, &hub->idle);
    hub->idle.data = hub;
    news_points_init(&hub->points, loop, store, tell_points, hub);
    hub->handles = 2;
    store_listen(store, &news);
    *ret_hub = hub;
    return 0;
}

static void let_go(struct event_hub *hub)
{
    if (--hub->handles == 0)
        free(hub);
}

static void on_idle_closed(uv_handle_t *handle)
{
    let_go(handle->data);
}

static void on_points_closed(void *data)
{
    let_go(data);
}

void event_hub_close(struct event_hub *hub)
{
    if (hub == NULL)
        return;
    store_listen(hub->store, NULL);
    uv_close((uv_handle_t *)&hub->idle, on_idle_closed);
    news_points_close(&hub->points, on_points_closed);
}

/* 0, or negative when the store cannot say where events stand. */
static int take_up(struct event_hub *hub, struct subscriber *subscriber, const struct event_wish *wish, struct hd_error *error)
{
    int64_t oldest, now;

    if (store_read_event_bounds(store_loop_reader(hub->store), &oldest, &now, error) != 0)
        return -(int)error->code;
    if (hub->subscribers == NULL)
        hub->head = now;
    *subscriber = (struct subscriber){
        .hub = hub,
        .sweep = wish->sweep,
        .cursor = wish->after,
        .until = wish->follow ? INT64_MAX : now,
        .lines = wish->lines,
    };
    return 0;
}

void event_hub_serve(struct event_hub *hub, struct http_request *request, const struct event_wish *wish)
{
    struct subscriber *subscriber = calloc(1, sizeof *subscriber);
    struct http_stream_settings settings = {
        .content_type = wish->lines ? "text/plain; charset=utf-8" : "text/event-stream",
        .heartbeat = wish->lines ? NULL : ":\n\n",
        .wanted = on_wanted,
        .closed = on_closed,
        .data = subscriber,
    };
    struct hd_error error = {0};
    int result = subscriber == NULL ? hd_error_set(&error, HD_UNAVAILABLE, "out of memory") : take_up(hub, subscriber, wish, &error);

    if (subscriber == NULL || result != 0) {
        http_reply_error(request, &error);
        free(subscriber);
        return;
    }
    subscriber->stream = http_stream_open(request, 200, &settings);
    if (subscriber->stream == NULL) {
        free(subscriber);
        return;
    }
    link_in(hub, subscriber);
    if (wish->preface != NULL)
        http_stream_append(subscriber->stream, wish->preface, strlen(wish->preface));
    make_hungry(subscriber);
}
