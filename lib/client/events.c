/* `hyperdrive events`: what happened to sweeps and runs, event by event; from the last one on after a break, so that none is lost. */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "core/json.h"
#include "core/status.h"
#include "event_stream.h"

enum {
    AGAIN_MS = 500,
    PATIENCE_MS = 120000, /* how long a daemon may be away, as for its restart */
};

struct events {
    struct client *client;
    struct event_stream stream;
    struct hd_text path;
    bool of_sweep;         /* following ends with the sweep */
    bool ended;            /* it has ended */
    bool heard;            /* something came since the connection was opened */
    int64_t away_since_ms; /* 0: the daemon answers */
};

static bool is_json(const struct events *events)
{
    return events->client->arguments.value[OPTION_JSON] != NULL;
}

static bool print_line(const struct events *events, const cJSON *data)
{
    struct hd_text line = {0}, clean = {0};
    bool made;

    text_instant(&line, member(data, "time"));
    hd_text_format(&line, "  %-7s  %s", member_text(data, "level", ""), member_text(data, "message", ""));
    table_add_clean(&clean, line.data != NULL ? line.data : "", 0);
    made = !line.failed && !clean.failed;
    if (made) {
        output_raw(&events->client->output, &clean);
    }
    hd_text_clear(&line);
    hd_text_clear(&clean);
    return made;
}

static bool print_json(const struct events *events, const char *kind, const char *data)
{
    const struct hd_text *id = &events->stream.id;
    struct hd_text line = {0};
    bool made;

    hd_text_add_string(&line, "{\"id\":");
    hd_text_add_string(&line, id->length > 0 && strspn(id->data, "0123456789") == id->length ? id->data : "null");
    hd_text_add_string(&line, ",\"event\":");
    hd_json_print_string(&line, kind);
    hd_text_format(&line, ",\"data\":%s}", data);
    made = !line.failed;
    if (made) {
        output_raw(&events->client->output, &line);
    }
    hd_text_clear(&line);
    return made;
}

/* Metrics come several times a second: on a terminal they would hide what happens. */
static bool print_event(const struct events *events, const char *kind, const char *text, const cJSON *data)
{
    if (is_json(events)) {
        return print_json(events, kind, text);
    }
    if (strcmp(kind, "reset") == 0) {
        say("events were lost: %s", member_text(data, "message", ""));
        return true;
    }
    return strcmp(kind, "metrics") == 0 || print_line(events, data);
}

static bool take_event(void *context, const char *kind, const char *text)
{
    struct events *events = context;
    cJSON *data = hd_json_parse_own(text);
    bool made;

    events->heard = true;
    if (data == NULL) {
        return true; /* a kind that a later daemon may have */
    }
    made = print_event(events, kind, text, data);
    if (events->of_sweep && strcmp(kind, "sweep") == 0 && hd_status_ended(hd_status_parse(member_text(data, "status", "")))) {
        events->ended = true;
    }
    cJSON_Delete(data);
    fflush(events->client->output.file);
    return made;
}

/* One connection, until it ends. The daemon closes it when the sweep has ended, and has nothing to say (204) when that was before. */
static int listen_once(struct events *events, struct hd_error *error)
{
    enum { NO_CONTENT = 204 };
    struct rest_request request = {.path = events->path.data, .sink = event_stream_feed, .data = &events->stream, .endless = true};
    struct rest_answer answer = {0};
    int result;

    request.last_event_id = events->stream.last_id[0] != '\0' ? events->stream.last_id : NULL;
    events->heard = false;
    event_stream_restart(&events->stream);
    result = rest_call(events->client->rest, &request, &answer, error);
    if (result == 0 && answer.status == NO_CONTENT) {
        events->ended = true;
    }
    rest_answer_clear(&answer);
    return events->ended ? 0 : result;
}

/* After a connection that ended: 0 to listen again, negative to give up. */
static int bear(struct events *events, int result, struct hd_error *error)
{
    int64_t now_ms = client_now_ms();

    if (result != 0 && result != -HD_UNAVAILABLE && result != -HD_TIMEOUT) {
        return result;
    }
    if (result == 0 || events->heard) {
        events->away_since_ms = 0;
    }
    if (result != 0 && events->away_since_ms == 0) {
        events->away_since_ms = now_ms;
        say("%s", error->message);
        say("trying again for up to %d s", PATIENCE_MS / 1000);
    }
    return result == 0 || now_ms - events->away_since_ms < PATIENCE_MS ? 0 : result;
}

static int receive(struct events *events, bool follow, struct hd_error *error)
{
    for (;;) {
        int result = listen_once(events, error);

        if (events->ended || !follow) {
            return result;
        }
        result = bear(events, result, error);
        if (result < 0) {
            return result;
        }
        client_pause(AGAIN_MS);
    }
}

/* All that is kept; when all sweeps are followed only what comes, for that may be a long history. */
static void choose_begin(struct events *events, bool follow)
{
    if (!follow || events->of_sweep) {
        rest_path_query(&events->path, "from", "start");
    }
    if (!follow) {
        rest_path_query(&events->path, "follow", "false");
    }
}

int command_events(struct client *client, struct hd_error *error)
{
    bool follow = client->arguments.value[OPTION_FOLLOW] != NULL;
    struct events events = {.client = client, .of_sweep = client->arguments.operand_count > 0};
    char *id = NULL;
    int result = events.of_sweep ? client_id(client, 0, &id, error) : client_connect(client, error);

    if (result < 0) {
        return result;
    }
    if (events.of_sweep) {
        events.path = client_path("sweeps", id, "/events");
    } else {
        hd_text_add_string(&events.path, "/events");
    }
    choose_begin(&events, follow);
    event_stream_open(&events.stream, take_event, &events);
    result = events.path.failed ? hd_error_set(error, HD_UNAVAILABLE, "memory is short") : receive(&events, follow, error);
    event_stream_close(&events.stream);
    hd_text_clear(&events.path);
    free(id);
    return result;
}
