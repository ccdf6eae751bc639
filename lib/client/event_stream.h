/* Splits a stream of Server-Sent Events while it arrives. */
#ifndef HD_CLIENT_EVENT_STREAM_H
#define HD_CLIENT_EVENT_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

/* One event: its kind (`message` when it has none) and its data. False ends the reading. */
typedef bool event_take(void *context, const char *kind, const char *data);

struct event_stream {
    event_take *take;
    void *context;
    struct hd_text line; /* so far */
    struct hd_text kind;
    struct hd_text data;
    struct hd_text id; /* given since the last event */
    char last_id[24];  /* of the last event that was taken and had one; "" at first */
    bool failed;       /* an event is too long, or memory is short */
};

void event_stream_open(struct event_stream *stream, event_take *take, void *context);
/* A rest_sink: `data` is the struct event_stream. */
bool event_stream_feed(void *data, const char *bytes, size_t length);
/* A new connection: what was begun is dropped, the last id stays. */
void event_stream_restart(struct event_stream *stream);
void event_stream_close(struct event_stream *stream);

#endif
