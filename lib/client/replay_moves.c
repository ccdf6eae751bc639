#include "replay_moves.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "event_stream.h"

struct receiving {
    struct replay_moves *moves;
    struct event_stream stream;
    bool short_of_memory;
};

static bool make_room(struct replay_moves *moves)
{
    size_t capacity = moves->capacity > 0 ? moves->capacity * 2 : 256;
    struct replay_move *list;

    if (moves->count < moves->capacity) {
        return true;
    }
    list = reallocarray(moves->list, capacity, sizeof(*list));
    if (list == NULL) {
        return false;
    }
    moves->list = list;
    moves->capacity = capacity;
    return true;
}

static bool add(struct replay_moves *moves, const char *run, int64_t ordinal, enum hd_status status)
{
    struct replay_move *move;

    if (!make_room(moves)) {
        return false;
    }
    move = &moves->list[moves->count];
    *move = (struct replay_move){strdup(run), ordinal, status};
    if (move->run == NULL) {
        return false;
    }
    moves->count++;
    return true;
}

static bool take_event(void *context, const char *kind, const char *text)
{
    struct receiving *receiving = context;
    const struct hd_text *id = &receiving->stream.id;
    cJSON *data = strcmp(kind, "run") == 0 && id->length > 0 ? hd_json_parse_own(text) : NULL;
    const char *run = member_text(data, "run_id", NULL);
    bool taken = run == NULL || add(receiving->moves, run, strtoll(id->data, NULL, 10), hd_status_parse(member_text(data, "status", "")));

    receiving->short_of_memory |= !taken;
    cJSON_Delete(data);
    return taken;
}

static int compare(const void *a, const void *b)
{
    const struct replay_move *x = a, *y = b;
    int order = strcmp(x->run, y->run);

    return order != 0 ? order : (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal);
}

int replay_moves_read(struct replay_moves *moves, struct client *client, const char *sweep, struct hd_error *error)
{
    struct hd_text path = client_path("sweeps", sweep, "/events");
    struct receiving receiving = {.moves = moves};
    int result;

    rest_path_query(&path, "from", "start");
    rest_path_query(&path, "follow", "false");
    event_stream_open(&receiving.stream, take_event, &receiving);
    struct rest_request request = {.path = path.data, .sink = event_stream_feed, .data = &receiving.stream, .endless = true};
    result = path.failed ? hd_error_set(error, HD_UNAVAILABLE, "memory is short") : rest_call(client->rest, &request, NULL, error);
    if (receiving.short_of_memory || (result == 0 && receiving.stream.failed)) {
        result = hd_error_set(error, HD_UNAVAILABLE, "memory is short");
    }
    event_stream_close(&receiving.stream);
    hd_text_clear(&path);
    if (moves->count > 0) {
        qsort(moves->list, moves->count, sizeof(*moves->list), compare);
    }
    return result;
}

const struct replay_move *replay_moves_of(const struct replay_moves *moves, const char *run, size_t *ret_count)
{
    size_t from = 0, to = moves->count, count = 0;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (strcmp(moves->list[middle].run, run) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    while (from + count < moves->count && strcmp(moves->list[from + count].run, run) == 0) {
        count++;
    }
    *ret_count = count;
    return moves->list + from;
}

void replay_moves_clear(struct replay_moves *moves)
{
    for (size_t i = 0; i < moves->count; i++) {
        free(moves->list[i].run);
    }
    free(moves->list);
    *moves = (struct replay_moves){0};
}
