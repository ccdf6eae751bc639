#include "replay_curves.h"

#include <stdlib.h>
#include <string.h>

#include "core/instant.h"
#include "core/json.h"
#include "elements.h"
#include "replay_moves.h"

struct reading {
    struct replay_curves *curves;
    struct client *client;
    const char *metric;
    struct replay_moves moves; /* of the sweep's own runs */
    bool inherited;            /* the runs that come now */
};

static int short_of_memory(struct hd_error *error)
{
    return hd_error_set(error, HD_UNAVAILABLE, "memory is short");
}

/* The time of a member; 0 when it has none. */
static int64_t instant(const cJSON *object, const char *name)
{
    int64_t at_us = 0;

    return hd_instant_parse(member_text(object, name, ""), &at_us) ? at_us : 0;
}

/* A curve while its points arrive, in parts. */
struct arriving {
    struct hd_curve *curve;
    struct hd_curve_point *points; /* the curve's */
    int64_t capacity;
    const char *metric;
    const struct replay_move *move; /* of the run: the next one, of so many */
    size_t moves;
    bool running;
    struct hd_error *error;
};

static bool fail(struct arriving *arriving)
{
    short_of_memory(arriving->error);
    return false;
}

/* A run's points come in the order of their ordinals, as its moves do. */
static bool was_running(struct arriving *arriving, int64_t ordinal)
{
    for (; arriving->moves > 0 && arriving->move->ordinal < ordinal; arriving->moves--) {
        arriving->running = arriving->move->status == HD_RUNNING;
        arriving->move++;
    }
    return arriving->running;
}

static bool take_point(struct arriving *arriving, const cJSON *point)
{
    struct hd_curve *curve = arriving->curve;
    struct hd_curve_point next = {.at_us = instant(point, "time")};

    if (!hd_json_metric_number(member(point, "value"), &next.value)) {
        return true; /* no report */
    }
    if (!hd_json_integer(member(point, "ordinal"), &next.ordinal)) {
        hd_error_set(arriving->error, HD_UNAVAILABLE, "the daemon is older than this program: its points have no ordinal");
        return false;
    }
    next.unjudged = !was_running(arriving, next.ordinal);
    if (curve->count == arriving->capacity) {
        int64_t capacity = arriving->capacity > 0 ? arriving->capacity * 2 : 16;
        struct hd_curve_point *points = reallocarray(arriving->points, (size_t)capacity, sizeof(*points));

        if (points == NULL) {
            return fail(arriving);
        }
        curve->points = arriving->points = points;
        arriving->capacity = capacity;
    }
    arriving->points[curve->count++] = next;
    return true;
}

static bool take_part(void *data, const cJSON *part)
{
    struct arriving *arriving = data;
    const cJSON *point;

    if (part->string == NULL || strcmp(part->string, arriving->metric) != 0) {
        return true;
    }
    cJSON_ArrayForEach(point, part)
    {
        if (!take_point(arriving, point)) {
            return false;
        }
    }
    return true;
}

static int read_points(struct reading *reading, const char *run_id, struct hd_curve *curve, struct hd_error *error)
{
    struct hd_text path = client_path("runs", run_id, "/metrics?form=points");
    struct hd_error own = {0};
    struct arriving arriving = {.curve = curve, .metric = reading->metric, .error = &own};
    struct elements elements;
    struct rest_request request = {.path = path.data, .sink = elements_feed, .data = &elements};
    int result;

    arriving.move = replay_moves_of(&reading->moves, run_id, &arriving.moves);
    elements_open(&elements, "points", take_part, &arriving);
    elements.split = "[";
    result = path.failed ? short_of_memory(error) : rest_call(reading->client->rest, &request, NULL, error);
    elements_close(&elements);
    hd_text_clear(&path);
    if (own.code != HD_NO_ERROR) {
        *error = own; /* why the request was ended */
        result = -(int)own.code;
    }
    return result;
}

static bool make_room(struct replay_curves *curves)
{
    int64_t capacity = curves->capacity > 0 ? curves->capacity * 2 : 64;
    struct hd_curve *list;
    char **ids;

    if (curves->count < curves->capacity) {
        return true;
    }
    list = reallocarray(curves->list, (size_t)capacity, sizeof(*list));
    if (list != NULL) {
        curves->list = list;
    }
    ids = reallocarray(curves->ids, (size_t)capacity, sizeof(*ids));
    if (ids != NULL) {
        curves->ids = ids;
    }
    if (list == NULL || ids == NULL) {
        return false;
    }
    curves->capacity = capacity;
    return true;
}

/* 0: nobody knows. */
static int64_t end_of(const struct replay_moves *moves, const char *run_id)
{
    size_t count;
    const struct replay_move *move = replay_moves_of(moves, run_id, &count);

    return count > 0 && hd_status_ended(move[count - 1].status) ? move[count - 1].ordinal : 0;
}

static int take_run(void *data, const cJSON *run, struct hd_error *error)
{
    struct reading *reading = data;
    struct replay_curves *curves = reading->curves;
    struct hd_curve *curve;

    if (!make_room(curves)) {
        return short_of_memory(error);
    }
    curve = &curves->list[curves->count];
    *curve = (struct hd_curve){.run = curves->count,
                               .started_us = instant(run, "start_utc"),
                               .ended_us = instant(run, "end_utc"),
                               .end_ordinal = end_of(&reading->moves, member_text(run, "run_id", "")),
                               .stopped = (int64_t)member_count(member(run, "stop_reason"), "interval"),
                               .inherited = reading->inherited};
    curves->ids[curves->count] = strdup(member_text(run, "run_id", ""));
    if (curves->ids[curves->count++] == NULL) {
        return short_of_memory(error);
    }
    if (!reading->inherited) {
        curves->children++;
        curves->cut_short += cJSON_IsObject(member(run, "stop_reason"));
    }
    return member_count(run, "reports") > 0 ? read_points(reading, curves->ids[curves->count - 1], curve, error) : 0;
}

/* What a sweep has built on may be deleted once it has ended. */
static int read_earlier(struct reading *reading, const char *sweep, struct hd_error *error)
{
    struct hd_error own = {0};
    int result = client_children(reading->client, sweep, take_run, reading, &own);

    if (own.code == HD_NOT_FOUND) {
        reading->curves->gone++;
        return 0;
    }
    if (result < 0) {
        *error = own;
    }
    return result;
}

int replay_curves_read(struct replay_curves *curves, struct client *client, const cJSON *sweep, struct hd_error *error)
{
    const cJSON *config = member(sweep, "config"), *earlier;
    struct reading reading = {
        .curves = curves, .client = client, .metric = member_text(config, "primary_metric_name", ""), .inherited = true};
    int result;

    cJSON_ArrayForEach(earlier, member(config, "resume_from"))
    {
        result = read_earlier(&reading, earlier->valuestring, error);
        if (result < 0) {
            return result;
        }
    }
    reading.inherited = false;
    result = replay_moves_read(&reading.moves, client, member_text(sweep, "run_id", ""), error);
    if (result == 0) {
        result = client_children(client, member_text(sweep, "run_id", ""), take_run, &reading, error);
    }
    replay_moves_clear(&reading.moves);
    return result;
}

void replay_curves_clear(struct replay_curves *curves)
{
    for (int64_t i = 0; i < curves->count; i++) {
        free((void *)(uintptr_t)curves->list[i].points); /* only read from there on, but ours */
        free(curves->ids[i]);
    }
    free(curves->list);
    free(curves->ids);
    *curves = (struct replay_curves){0};
}
