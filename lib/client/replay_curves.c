#include "replay_curves.h"

#include <stdlib.h>
#include <string.h>

#include "core/instant.h"
#include "core/json.h"

struct reading {
    struct replay_curves *curves;
    struct client *client;
    const char *metric;
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

/* The reports among the points: numbers, finite or not. */
static int take_points(struct hd_curve *curve, const cJSON *points, struct hd_error *error)
{
    struct hd_curve_point *list = calloc((size_t)cJSON_GetArraySize(points) + 1, sizeof(*list));
    const cJSON *point;

    if (list == NULL) {
        return short_of_memory(error);
    }
    curve->points = list;
    cJSON_ArrayForEach(point, points)
    {
        struct hd_curve_point *next = &list[curve->count];

        next->at_us = instant(point, "time");
        if (!hd_json_metric_number(member(point, "value"), &next->value)) {
            continue;
        }
        if (!hd_json_integer(member(point, "ordinal"), &next->ordinal)) {
            return hd_error_set(error, HD_UNAVAILABLE, "the daemon is older than this program: its points have no ordinal");
        }
        curve->count++;
    }
    return 0;
}

static int read_points(struct reading *reading, const char *run_id, struct hd_curve *curve, struct hd_error *error)
{
    struct hd_text path = client_path("runs", run_id, "/metrics?form=points");
    struct rest_answer answer = {0};
    int result = path.failed ? short_of_memory(error) : rest_get(reading->client->rest, path.data, &answer, error);

    if (result == 0) {
        result = take_points(curve, member(member(answer.json, "points"), reading->metric), error);
    }
    rest_answer_clear(&answer);
    hd_text_clear(&path);
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

static int take_run(void *data, const cJSON *run, struct hd_error *error)
{
    struct reading *reading = data;
    struct replay_curves *curves = reading->curves;
    struct hd_curve *curve;

    if (!make_room(curves)) {
        return short_of_memory(error);
    }
    curve = &curves->list[curves->count];
    *curve = (struct hd_curve){.run = curves->count, .started_us = instant(run, "start_utc"), .ended_us = instant(run, "end_utc")};
    curves->ids[curves->count] = strdup(member_text(run, "run_id", ""));
    if (curves->ids[curves->count++] == NULL) {
        return short_of_memory(error);
    }
    curves->cut_short += cJSON_IsObject(member(run, "stop_reason"));
    return member_count(run, "reports") > 0 ? read_points(reading, curves->ids[curves->count - 1], curve, error) : 0;
}

int replay_curves_read(struct replay_curves *curves, struct client *client, const char *sweep, const char *metric, struct hd_error *error)
{
    struct reading reading = {curves, client, metric};

    return client_children(client, sweep, take_run, &reading, error);
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
