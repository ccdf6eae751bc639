#include "report_body.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/instant.h"
#include "core/json.h"
#include "core/number.h"

enum { POINTS_MAX = 10000, NAME_MAX_BYTES = 256, STRING_MAX_BYTES = 64 * 1024, REPORTER_MAX_BYTES = 128 };

void report_body_clear(struct report_body *report)
{
    for (int64_t i = 0; i < report->text_count; i++)
        free(report->texts[i]);
    free(report->texts);
    free(report->points);
    hd_problems_clear(&report->problems);
    *report = (struct report_body){0};
}

static void wrong_type(struct report_body *report, const char *path, const char *type, const cJSON *got)
{
    char *excerpt = hd_json_excerpt(got);

    hd_problems_add(&report->problems, "WrongType", path, "'%s' must be %s, got %s", path, type, excerpt != NULL ? excerpt : "");
    free(excerpt);
}

/* --- Points ------------------------------------------------------------------------------------------------------------------------------
 */

/* What the members of one metric say besides its value. */
struct heading {
    const char *path; /* of the metric: "metrics[3]", or "" for the short form */
    const char *name;
    bool has_step;
    int64_t step;
    int64_t at_us;
};

static char *member_path(const struct heading *heading, const char *member)
{
    struct hd_text path = {0};

    hd_text_format(&path, "%s%s%s", heading->path, *heading->path != '\0' ? "." : "", member);
    return hd_text_take(&path);
}

static void add_point(struct report_body *report, const struct heading *heading, struct store_point point)
{
    if (report->count == report->capacity) {
        int64_t capacity = report->capacity == 0 ? 8 : report->capacity * 2;
        struct store_point *points = realloc(report->points, (size_t)capacity * sizeof *points);

        if (points == NULL) {
            report->problems.out_of_memory = true;
            return;
        }
        report->points = points;
        report->capacity = capacity;
    }
    point.name = heading->name;
    point.has_step = heading->has_step;
    point.step = heading->step;
    point.at_us = heading->at_us;
    report->points[report->count++] = point;
}

/* Makes a point of a scalar. False after adding a problem. */
static bool read_scalar(struct report_body *report, const char *path, const cJSON *value, struct store_point *ret_point)
{
    struct store_point point = {0};
    double number;

    if (cJSON_IsNumber(value) && hd_json_is_integer(value)) {
        if (!hd_json_integer(value, &point.integer)) {
            char *excerpt = hd_json_excerpt(value);

            hd_problems_add(&report->problems, "OutOfRange", path, "'%s' must be between %" PRId64 " and %" PRId64 ", got %s", path,
                            -HD_INTEGER_MAX, HD_INTEGER_MAX, excerpt != NULL ? excerpt : "");
            free(excerpt);
            return false;
        }
        point.kind = STORE_INTEGER;
    } else if (hd_json_metric_number(value, &number)) {
        point.kind = isnan(number) ? STORE_NAN : !isinf(number) ? STORE_FLOAT : number > 0 ? STORE_INFINITY : STORE_MINUS_INFINITY;
        point.number = number;
    } else if (cJSON_IsString(value)) {
        point.kind = STORE_STRING;
        point.text = value->valuestring;
        if (strlen(point.text) > STRING_MAX_BYTES) {
            hd_problems_add(&report->problems, "OutOfRange", path, "'%s' must be at most %d bytes long, got %zu", path, STRING_MAX_BYTES,
                            strlen(point.text));
            return false;
        }
    } else if (cJSON_IsBool(value)) {
        point.kind = STORE_BOOLEAN;
        point.integer = cJSON_IsTrue(value);
    } else if (cJSON_IsNull(value)) {
        point.kind = STORE_NULL;
    } else {
        wrong_type(report, path, "a number, a string, true, false or null", value);
        return false;
    }
    *ret_point = point;
    return true;
}

static void read_value(struct report_body *report, const struct heading *heading, const char *path, const cJSON *value)
{
    struct store_point point;

    if (read_scalar(report, path, value, &point))
        add_point(report, heading, point);
}

static void read_list(struct report_body *report, const struct heading *heading, const char *path, const cJSON *value)
{
    struct store_point point;

    if (!cJSON_IsArray(value)) {
        wrong_type(report, path, "an array", value);
        return;
    }
    for (const cJSON *element = value->child; element != NULL; element = element->next) {
        if (!read_scalar(report, path, element, &point))
            return;
        point.listed = true;
        add_point(report, heading, point);
    }
}

static void add_text_point(struct report_body *report, const struct heading *heading, enum store_point_kind kind, const cJSON *value)
{
    char **texts = realloc(report->texts, (size_t)(report->text_count + 1) * sizeof *texts);
    struct hd_text text = {0};

    if (texts == NULL) {
        report->problems.out_of_memory = true;
        return;
    }
    report->texts = texts;
    hd_json_print(&text, value, HD_JSON_COMPACT);
    texts[report->text_count] = hd_text_take(&text);
    if (texts[report->text_count] == NULL) {
        report->problems.out_of_memory = true;
        return;
    }
    add_point(report, heading, (struct store_point){.kind = kind, .text = texts[report->text_count++]});
}

static void read_row(struct report_body *report, const struct heading *heading, const char *path, const cJSON *value)
{
    struct store_point ignored;

    if (!cJSON_IsObject(value)) {
        wrong_type(report, path, "an object", value);
        return;
    }
    for (const cJSON *cell = value->child; cell != NULL; cell = cell->next)
        if (!read_scalar(report, path, cell, &ignored))
            return;
    if (value->child != NULL)
        add_text_point(report, heading, STORE_ROW, value);
}

static void read_table(struct report_body *report, const struct heading *heading, const char *path, const cJSON *value)
{
    struct store_point ignored;
    int height = -1;

    if (!cJSON_IsObject(value)) {
        wrong_type(report, path, "an object", value);
        return;
    }
    for (const cJSON *column = value->child; column != NULL; column = column->next) {
        if (!cJSON_IsArray(column)) {
            wrong_type(report, path, "an object of arrays", value);
            return;
        }
        if (height >= 0 && cJSON_GetArraySize(column) != height) {
            hd_problems_add(&report->problems, "Conflict", path,
                            "'%s': the columns of a table must be of one length; column '%s' has %d values, not %d", path, column->string,
                            cJSON_GetArraySize(column), height);
            return;
        }
        height = cJSON_GetArraySize(column);
        for (const cJSON *cell = column->child; cell != NULL; cell = cell->next)
            if (!read_scalar(report, path, cell, &ignored))
                return;
    }
    if (height > 0)
        add_text_point(report, heading, STORE_TABLE, value);
}

/* A path below the run folder. */
static void read_image(struct report_body *report, const struct heading *heading, const char *path, const cJSON *value)
{
    const char *location = cJSON_GetStringValue(value);

    if (location == NULL) {
        wrong_type(report, path, "a string", value);
        return;
    }
    if (*location == '\0' || *location == '/' || strlen(location) > STRING_MAX_BYTES || strcmp(location, "..") == 0 ||
        strncmp(location, "../", 3) == 0 || strstr(location, "/../") != NULL) {
        hd_problems_add(&report->problems, "OutOfRange", path, "'%s' must be a path below the run's folder, got '%.80s'", path, location);
        return;
    }
    add_point(report, heading, (struct store_point){.kind = STORE_IMAGE, .text = location});
}

static const struct kind {
    const char *name;
    void (*read)(struct report_body *, const struct heading *, const char *path, const cJSON *value);
} KINDS[] = {{"value", read_value}, {"list", read_list}, {"row", read_row}, {"table", read_table}, {"image", read_image}};

enum { KIND_COUNT = sizeof KINDS / sizeof KINDS[0] };

static const struct kind *find_kind(struct report_body *report, const char *path, const cJSON *kind, const cJSON *value)
{
    char *excerpt;

    if (kind == NULL || cJSON_IsNull(kind))
        return cJSON_IsArray(value) ? &KINDS[1] : cJSON_IsObject(value) ? &KINDS[2] : &KINDS[0];
    for (int i = 0; i < KIND_COUNT; i++)
        if (cJSON_IsString(kind) && strcmp(kind->valuestring, KINDS[i].name) == 0)
            return &KINDS[i];
    excerpt = hd_json_excerpt(kind);
    hd_problems_add(&report->problems, "NotAllowed", path, "'%s' must be one of value, list, row, table, image, got %s", path,
                    excerpt != NULL ? excerpt : "");
    free(excerpt);
    return NULL;
}

/* --- Members -----------------------------------------------------------------------------------------------------------------------------
 */

static void refuse_unknown(struct report_body *report, const struct heading *heading, const cJSON *object, const char *const *known)
{
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        const char *const *name = known;
        char *path;

        while (*name != NULL && strcmp(*name, member->string) != 0)
            name++;
        if (*name != NULL)
            continue;
        path = member_path(heading, member->string);
        hd_problems_add(&report->problems, "UnknownField", path, "'%s' is not a known field", path != NULL ? path : member->string);
        free(path);
    }
}

static bool read_name(struct report_body *report, struct heading *heading, const cJSON *name)
{
    char *path = member_path(heading, "name");
    bool good = false;

    if (path == NULL)
        report->problems.out_of_memory = true;
    else if (name == NULL)
        hd_problems_add(&report->problems, "Required", path, "'%s' is required", path);
    else if (!cJSON_IsString(name))
        wrong_type(report, path, "a string", name);
    else if (*name->valuestring == '\0' || strlen(name->valuestring) > NAME_MAX_BYTES)
        hd_problems_add(&report->problems, "OutOfRange", path, "'%s' must be between 1 and %d bytes long, got %zu", path, NAME_MAX_BYTES,
                        strlen(name->valuestring));
    else
        good = true;
    if (good)
        heading->name = name->valuestring;
    free(path);
    return good;
}

static void read_step_and_time(struct report_body *report, struct heading *heading, const cJSON *metric)
{
    const cJSON *step = cJSON_GetObjectItemCaseSensitive(metric, "step"), *time = cJSON_GetObjectItemCaseSensitive(metric, "time");
    char *step_path = member_path(heading, "step"), *time_path = member_path(heading, "time");

    if (step_path == NULL || time_path == NULL) {
        report->problems.out_of_memory = true;
    } else {
        if (step != NULL && !cJSON_IsNull(step)) {
            heading->has_step = hd_json_integer(step, &heading->step);
            if (!heading->has_step)
                wrong_type(report, step_path, "an integer", step);
        }
        if (time != NULL && !cJSON_IsNull(time) && (!cJSON_IsString(time) || !hd_instant_parse(time->valuestring, &heading->at_us)))
            wrong_type(report, time_path, "a time like 2026-02-07T06:39:33Z", time);
    }
    free(step_path);
    free(time_path);
}

static void read_metric(struct report_body *report, const char *path, const cJSON *metric, const char *const *known)
{
    struct heading heading = {.path = path};
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(metric, "value");
    const struct kind *kind;
    char *value_path, *kind_path;

    refuse_unknown(report, &heading, metric, known);
    if (!read_name(report, &heading, cJSON_GetObjectItemCaseSensitive(metric, "name")))
        return;
    read_step_and_time(report, &heading, metric);
    value_path = member_path(&heading, "value");
    kind_path = member_path(&heading, "kind");
    if (value_path == NULL || kind_path == NULL) {
        report->problems.out_of_memory = true;
    } else if (value == NULL) {
        hd_problems_add(&report->problems, "Required", value_path, "'%s' is required", value_path);
    } else {
        kind = find_kind(report, kind_path, cJSON_GetObjectItemCaseSensitive(metric, "kind"), value);
        if (kind != NULL)
            kind->read(report, &heading, value_path, value);
    }
    free(value_path);
    free(kind_path);
}

static void read_metrics(struct report_body *report, const cJSON *metrics)
{
    static const char *const KNOWN[] = {"name", "value", "kind", "step", "time", NULL};
    char path[32];
    int index = 0;

    if (!cJSON_IsArray(metrics)) {
        wrong_type(report, "metrics", "an array", metrics);
        return;
    }
    for (const cJSON *metric = metrics->child; metric != NULL; metric = metric->next) {
        snprintf(path, sizeof path, "metrics[%d]", index++);
        if (cJSON_IsObject(metric))
            read_metric(report, path, metric, KNOWN);
        else
            wrong_type(report, path, "an object", metric);
    }
}

static void read_reporter(struct report_body *report, const cJSON *body)
{
    const cJSON *reporter = cJSON_GetObjectItemCaseSensitive(body, "reporter");
    const cJSON *sequence = cJSON_GetObjectItemCaseSensitive(body, "sequence");

    if (reporter == NULL && sequence == NULL)
        return;
    if (reporter == NULL)
        hd_problems_add(&report->problems, "Required", "reporter", "'reporter' is required");
    else if (!cJSON_IsString(reporter))
        wrong_type(report, "reporter", "a string", reporter);
    else if (*reporter->valuestring == '\0' || strlen(reporter->valuestring) > REPORTER_MAX_BYTES)
        hd_problems_add(&report->problems, "OutOfRange", "reporter", "'reporter' must be between 1 and %d bytes long, got %zu",
                        REPORTER_MAX_BYTES, strlen(reporter->valuestring));
    else
        report->reporter = reporter->valuestring;
    if (sequence == NULL)
        hd_problems_add(&report->problems, "Required", "sequence", "'sequence' is required");
    else if (!hd_json_integer(sequence, &report->sequence))
        wrong_type(report, "sequence", "an integer", sequence);
    else if (report->sequence < 0)
        hd_problems_add(&report->problems, "OutOfRange", "sequence", "'sequence' must be 0 or more, got %" PRId64, report->sequence);
}

void report_body_read(struct report_body *report, const cJSON *body)
{
    static const char *const SHORT[] = {"name", "value", "kind", "step", "time", "reporter", "sequence", NULL};
    static const char *const LONG[] = {"metrics", "reporter", "sequence", NULL};
    static const struct heading TOP = {.path = ""};
    const cJSON *metrics = cJSON_GetObjectItemCaseSensitive(body, "metrics");

    if (metrics != NULL) {
        refuse_unknown(report, &TOP, body, LONG);
        read_metrics(report, metrics);
    } else {
        read_metric(report, "", body, SHORT);
    }
    read_reporter(report, body);
    if (report->count > POINTS_MAX)
        hd_problems_add(&report->problems, "OutOfRange", "metrics", "'metrics' must have at most %d points, got %" PRId64, POINTS_MAX,
                        report->count);
}
