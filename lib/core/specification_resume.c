#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "json_tree.h"
#include "specification_parts.h"

/* Earlier sweeps and children that a sweep builds on (reference 8.5, 8.6). */

enum { EARLIER_SWEEPS_MAX = 5 };

/* The ids that a field gives, in order. */
struct given {
    const cJSON *array; /* in the output */
    const char **ids;   /* owned */
    bool *again;        /* owned: this id was given before */
    size_t count;
};

static void given_clear(struct given *given)
{
    free(given->ids);
    free(given->again);
    *given = (struct given){0};
}

struct place {
    const char *id;
    size_t index;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *one = a, *other = b;
    int order = strcmp(one->id, other->id);

    return order != 0 ? order : one->index < other->index ? -1 : 1;
}

/* Sorted, for there may be hundreds of thousands. */
static bool mark_repeated(struct given *given)
{
    struct place *places = calloc(given->count + 1, sizeof *places);

    if (places == NULL) {
        return false;
    }
    for (size_t i = 0; i < given->count; i++) {
        places[i] = (struct place){given->ids[i], i};
    }
    qsort(places, given->count, sizeof *places, compare_places);
    for (size_t i = 1; i < given->count; i++) {
        given->again[places[i].index] = strcmp(places[i - 1].id, places[i].id) == 0;
    }
    free(places);
    return true;
}

/* False when memory is short. */
static bool collect(struct given *given)
{
    const cJSON *item;

    given->count = (size_t)cJSON_GetArraySize(given->array);
    given->ids = calloc(given->count + 1, sizeof *given->ids);
    given->again = calloc(given->count + 1, sizeof *given->again);
    if (given->ids == NULL || given->again == NULL) {
        return false;
    }
    size_t next = 0;
    cJSON_ArrayForEach(item, given->array)
    {
        given->ids[next++] = item->valuestring;
    }
    return mark_repeated(given);
}

static bool all_strings(const struct hd_fields *fields, const struct hd_field *field, const cJSON *array)
{
    bool all = true;
    int index = 0;

    for (const cJSON *item = array->child; item != NULL; item = item->next, index++) {
        if (!cJSON_IsString(item)) {
            struct hd_text name = {0};

            hd_text_format(&name, "%s[%d]", field->name, index);
            fields->errors->out_of_memory |= name.failed;
            hd_fields_wrong_type(fields, name.failed ? field->name : name.data, "a string", item);
            hd_text_clear(&name);
            all = false;
        }
    }
    return all;
}

/* The list as the output has it: one id is a list of one. NULL when memory is short. */
static cJSON *as_array(const cJSON *item)
{
    if (cJSON_IsArray(item)) {
        return json_copy(item);
    }
    cJSON *array = json_new(cJSON_Array);
    cJSON *id = array == NULL ? NULL : json_new_string(item->valuestring);
    if (id == NULL) {
        cJSON_Delete(array);
        return NULL;
    }
    json_append(array, id);
    return array;
}

/* Fills `ret_given` when the field is given and well formed. */
static bool read_ids(const struct hd_fields *fields, const struct hd_field *field, struct given *ret_given)
{
    const cJSON *item = hd_field_given(fields, field);

    if (item == NULL) {
        hd_fields_put(fields, field->name, json_new(cJSON_NULL));
        return false;
    }
    if (!cJSON_IsString(item) && !cJSON_IsArray(item)) {
        hd_fields_wrong_type(fields, field->name, "a string or an array of strings", item);
        return false;
    }
    if (cJSON_IsArray(item) && !all_strings(fields, field, item)) {
        return false;
    }
    hd_fields_put(fields, field->name, as_array(item));
    *ret_given = (struct given){.array = cJSON_GetObjectItemCaseSensitive(fields->output, field->name)};
    if (ret_given->array == NULL || !collect(ret_given)) {
        fields->errors->out_of_memory = true;
        return false;
    }
    return true;
}

/* Has the earlier sweep another primary metric than this one? A metric of this one that is wrong was told of already. */
static void check_metric(const struct hd_fields *fields, const struct hd_field *field, const struct hd_earlier *earlier)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(fields->output, "primary_metric_name");
    const cJSON *goal = cJSON_GetObjectItemCaseSensitive(fields->output, "primary_metric_goal");
    const char *metric = cJSON_GetStringValue(name);

    if (name == NULL || goal == NULL) {
        return;
    }
    if (earlier->metric == NULL && metric != NULL) {
        hd_fields_problem(fields, fields->errors, "Conflict", field->name, ": sweep '%s' has no primary metric", earlier->sweep_id);
    } else if (earlier->metric != NULL &&
               (metric == NULL || strcmp(metric, earlier->metric) != 0 || hd_goal_parse(cJSON_GetStringValue(goal)) != earlier->goal)) {
        hd_fields_problem(fields, fields->errors, "Conflict", field->name, ": sweep '%s' has primary metric %s (%s)", earlier->sweep_id,
                          earlier->metric, hd_goal_name(earlier->goal));
    }
}

/* --- resume_from --------------------------------------------------------------------------------------------------------------------- */

static void check_sweep(const struct hd_fields *fields, const struct hd_field *field, const char *id, const struct hd_earlier *earlier)
{
    if (earlier->kind != HD_EARLIER_SWEEP) {
        hd_fields_problem(fields, fields->errors, "NotFound", field->name, ": no sweep with id '%s'", id);
    } else if (!hd_status_ended(earlier->status)) {
        hd_fields_problem(fields, fields->errors, "Conflict", field->name, ": sweep '%s' has not ended (%s)", id,
                          hd_status_name(earlier->status));
    } else {
        check_metric(fields, field, earlier);
    }
}

void hd_read_resume_from(const struct hd_fields *fields, const struct hd_field *field)
{
    const struct hd_specification_options *options = ((const struct hd_reading *)fields->context)->options;
    struct given given = {0};

    if (!read_ids(fields, field, &given)) {
        given_clear(&given);
        return;
    }
    if (given.count > EARLIER_SWEEPS_MAX) {
        hd_fields_problem(fields, fields->errors, "OutOfRange", field->name, " must have at most %d sweeps, got %zu", EARLIER_SWEEPS_MAX,
                          given.count);
    }
    for (size_t i = 0; i < given.count; i++) {
        struct hd_earlier earlier = {.kind = HD_EARLIER_NOTHING};

        if (given.again[i]) {
            hd_fields_problem(fields, fields->errors, "Duplicate", field->name, ": '%s' is given twice", given.ids[i]);
        } else if (options->find_earlier != NULL && given.count <= EARLIER_SWEEPS_MAX) {
            if (!options->find_earlier(options->context, given.ids[i], &earlier)) {
                break;
            }
            check_sweep(fields, field, given.ids[i], &earlier);
        }
    }
    given_clear(&given);
}

/* --- resume_child_runs --------------------------------------------------------------------------------------------------------------- */

/* The sweeps that the listed children are of. */
struct sweeps_seen {
    int64_t *keys; /* owned: one for each child that is right */
    size_t count;
    int64_t first[EARLIER_SWEEPS_MAX]; /* the first different ones, whose metrics were checked */
    size_t different;
};

static int compare_keys(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

    return (one > other) - (one < other);
}

static size_t count_different(struct sweeps_seen *seen)
{
    size_t different = seen->count > 0 ? 1 : 0;

    if (seen->count > 1) {
        qsort(seen->keys, seen->count, sizeof *seen->keys, compare_keys);
    }
    for (size_t i = 1; i < seen->count; i++) {
        different += seen->keys[i] != seen->keys[i - 1];
    }
    return different;
}

static void note_sweep(const struct hd_fields *fields, const struct hd_field *field, const struct hd_earlier *earlier,
                       struct sweeps_seen *seen)
{
    seen->keys[seen->count++] = earlier->sweep;
    for (size_t i = 0; i < seen->different; i++) {
        if (seen->first[i] == earlier->sweep) {
            return;
        }
    }
    if (seen->different < EARLIER_SWEEPS_MAX) {
        seen->first[seen->different++] = earlier->sweep;
        check_metric(fields, field, earlier);
    }
}

static void check_child(const struct hd_fields *fields, const struct hd_field *field, const char *id, const struct hd_earlier *earlier,
                        struct sweeps_seen *seen)
{
    if (earlier->kind == HD_EARLIER_NOTHING) {
        hd_fields_problem(fields, fields->errors, "NotFound", field->name, ": '%s' does not exist", id);
    } else if (earlier->kind == HD_EARLIER_SWEEP) {
        hd_fields_problem(fields, fields->errors, "Conflict", field->name, ": '%s' is a sweep", id);
    } else if (!hd_status_ended(earlier->status)) {
        hd_fields_problem(fields, fields->errors, "Conflict", field->name, ": '%s' has not ended (%s)", id,
                          hd_status_name(earlier->status));
    } else {
        note_sweep(fields, field, earlier, seen);
    }
}

static void check_children(const struct hd_fields *fields, const struct hd_field *field, const struct given *given)
{
    const struct hd_specification_options *options = ((const struct hd_reading *)fields->context)->options;
    struct sweeps_seen seen = {.keys = calloc(given->count + 1, sizeof *seen.keys)};

    if (seen.keys == NULL) {
        fields->errors->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < given->count; i++) {
        struct hd_earlier earlier = {.kind = HD_EARLIER_NOTHING};

        if (given->again[i]) {
            hd_fields_problem(fields, fields->errors, "Duplicate", field->name, ": '%s' is given twice", given->ids[i]);
        } else if (options->find_earlier != NULL) {
            if (!options->find_earlier(options->context, given->ids[i], &earlier)) {
                break;
            }
            check_child(fields, field, given->ids[i], &earlier, &seen);
        }
    }
    size_t different = count_different(&seen);
    if (different > EARLIER_SWEEPS_MAX) {
        hd_fields_problem(fields, fields->errors, "OutOfRange", field->name, " must be of at most %d sweeps, got %zu", EARLIER_SWEEPS_MAX,
                          different);
    }
    free(seen.keys);
}

/* A grid without a limit is run whole, whatever runs again beside it: what lies outside of the grid is not to take its place. */
static void widen_whole_grid(const struct hd_fields *fields, size_t count)
{
    const struct hd_reading *reading = fields->context;
    const cJSON *total = cJSON_GetObjectItemCaseSensitive(fields->output, "max_total_runs");

    if (total == NULL || !reading->whole_grid || total->valuedouble + (double)count > HD_RUNS_MAX) {
        return;
    }
    cJSON *wider = hd_json_new_integer((int64_t)total->valuedouble + (int64_t)count);
    bool replaced = wider != NULL && cJSON_ReplaceItemInObjectCaseSensitive(fields->output, "max_total_runs", wider);
    if (!replaced)
        cJSON_Delete(wider);
    if (!replaced || wider->string == NULL) /* its copied name, which cJSON does not look at */
        fields->errors->out_of_memory = true;
}

void hd_read_resume_child_runs(const struct hd_fields *fields, const struct hd_field *field)
{
    struct given given = {0};

    if (!read_ids(fields, field, &given)) {
        given_clear(&given);
        return;
    }
    widen_whole_grid(fields, given.count);
    const cJSON *total = cJSON_GetObjectItemCaseSensitive(fields->output, "max_total_runs");
    if (total != NULL && (double)given.count > total->valuedouble) {
        hd_fields_problem(fields, fields->errors, "OutOfRange", field->name, " must have at most %.0f runs, got %zu", total->valuedouble,
                          given.count);
    } else {
        check_children(fields, field, &given);
    }
    given_clear(&given);
}

bool hd_fill_resumed(const cJSON *config, struct hd_specification *ret)
{
    struct given given = {.array = cJSON_GetObjectItemCaseSensitive(config, "resume_child_runs")};

    ret->resume_from = cJSON_GetObjectItemCaseSensitive(config, "resume_from");
    if (!cJSON_IsArray(given.array)) {
        return true;
    }
    if (!collect(&given)) {
        given_clear(&given);
        return false;
    }
    ret->resume_child_runs = given.ids;
    ret->resumed_count = (int64_t)given.count;
    given.ids = NULL;
    given_clear(&given);
    return true;
}
