#include "event_stream.h"

#include <stdio.h>
#include <string.h>

enum { EVENT_LIMIT = 16 * 1024 * 1024 }; /* bytes of one event */

void event_stream_open(struct event_stream *stream, event_take *take, void *context)
{
    *stream = (struct event_stream){.take = take, .context = context};
}

void event_stream_restart(struct event_stream *stream)
{
    hd_text_clear(&stream->line);
    hd_text_clear(&stream->kind);
    hd_text_clear(&stream->data);
    hd_text_clear(&stream->id);
}

void event_stream_close(struct event_stream *stream)
{
    event_stream_restart(stream);
}

/* An empty line ends an event; one without data is none. */
static bool dispatch(struct event_stream *stream)
{
    bool taken = true;

    if (stream->data.length > 0) {
        taken = stream->take(stream->context, stream->kind.length > 0 ? stream->kind.data : "message", stream->data.data);
    }
    if (taken && stream->id.length > 0 && stream->id.length < sizeof(stream->last_id)) {
        snprintf(stream->last_id, sizeof(stream->last_id), "%s", stream->id.data);
    }
    event_stream_restart(stream);
    return taken;
}

static void set(struct hd_text *text, const char *value)
{
    hd_text_clear(text);
    hd_text_add_string(text, value);
}

/* `name: value`; one that begins with a colon is a comment, as heartbeats are. */
static void take_field(struct event_stream *stream, char *line)
{
    char *value = strchr(line, ':');

    if (value == NULL || value == line) {
        return;
    }
    *value++ = '\0';
    value += *value == ' ' ? 1 : 0;
    if (strcmp(line, "event") == 0) {
        set(&stream->kind, value);
    } else if (strcmp(line, "id") == 0) {
        set(&stream->id, value);
    } else if (strcmp(line, "data") == 0) {
        if (stream->data.length > 0) {
            hd_text_add_char(&stream->data, '\n');
        }
        hd_text_add_string(&stream->data, value);
    }
}

static bool take_line(struct event_stream *stream)
{
    struct hd_text *line = &stream->line;

    if (line->length > 0 && line->data[line->length - 1] == '\r') {
        line->data[--line->length] = '\0';
    }
    if (line->length == 0) {
        return dispatch(stream);
    }
    take_field(stream, line->data);
    hd_text_clear(line);
    return true;
}

bool event_stream_feed(void *data, const char *bytes, size_t length)
{
    struct event_stream *stream = data;

    while (length > 0) {
        const char *end = memchr(bytes, '\n', length);
        size_t part = end != NULL ? (size_t)(end - bytes) : length;

        hd_text_add(&stream->line, bytes, part);
        if (stream->line.length + stream->data.length > EVENT_LIMIT || stream->line.failed) {
            stream->failed = true;
            return false;
        }
        if (end == NULL) {
            return true;
        }
        if (!take_line(stream)) {
            return false;
        }
        if (stream->data.failed || stream->kind.failed || stream->id.failed) {
            stream->failed = true;
            return false;
        }
        bytes += part + 1;
        length -= part + 1;
    }
    return true;
}
