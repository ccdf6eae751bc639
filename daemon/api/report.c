/* A child's report: JSON in one of two shapes -> points -> the store (decisions, "Exactly once" 4). */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "core/instant.h"
#include "core/json.h"
#include "core/number.h"
#include "handlers.h"
#include "resource.h"

enum { POINTS_MAX = 10000, NAME_MAX_BYTES = 256, STRING_MAX_BYTES = 64 * 1024, REPORTER_MAX_BYTES = 128 };

struct reporting {
    struct store_report request; /* first: the write comes back as this */
    uv_work_t work;
    struct http_request *http;
    struct api *api;
    cJSON *body; /* names and strings of the points live in it */
    struct store_point *points;
    int64_t count, capacity;
    char **texts; /* printed rows and tables */
    int64_t text_count;
    struct hd_problems problems;
};

static void free_reporting(struct reporting *reporting)
{
    for (int64_t i = 0; i < reporting->text_count; i++)
        free(reporting->texts[i]);
    free(reporting->texts);
    free(reporting->points);
    free(reporting->request.ret_stop_reason);
    hd_problems_clear(&reporting->problems);
    cJSON_Delete(reporting->body);
    free(reporting);
}

static void wrong_type(struct reporting *reporting, const char *path, const char *type, const cJSON *got)
{
    char *excerpt = hd_json_excerpt(got);

    hd_problems_add(&reporting->problems, "WrongType", path, "'%s' must be %s, got %s", path, type, excerpt != NULL ? excerpt : "");
    free(excerpt);
}

/* --- Points ------------------------------------------------------------------------------------------------------------------------------ */

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

static void add_point(struct reporting *reporting, const struct heading *heading, struct store_point point)
{
    if (reporting->count == reporting->capacity) {
        int64_t capacity = reporting->capacity == 0 ? 8 : reporting->capacity * 2;
        struct store_point *points = realloc(reporting->points, (size_t)capacity * sizeof *points);

        if (points == NULL) {
            reporting->problems.out_of_memory = true;
            return;
        }
        reporting->points = points;
        reporting->capacity = capacity;
    }
    point.name = heading->name;
    point.has_step = heading->has_step;
    point.step = heading->step;
    point.at_us = heading->at_us;
    reporting->points[reporting->count++] = point;
}

/* Makes a point of a scalar. False after adding a problem. */
static bool read_scalar(struct reporting *reporting, const char *path, const cJSON *value, struct store_point *ret_point)
{
    struct store_point point = {0};
    double number;

    if (cJSON_IsNumber(value) && hd_json_is_integer(value)) {
        if (!hd_json_integer(value, &point.integer)) {
            char *excerpt = hd_json_excerpt(value);

            hd_problems_add(&reporting->problems, "OutOfRange", path, "'%s' must be between %" PRId64 " and %" PRId64 ", got %s", path,
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
            hd_problems_add(&reporting->problems, "OutOfRange", path, "'%s' must be at most %d bytes long, got %zu", path, STRING_MAX_BYTES,
                            strlen(point.text));
            return false;
        }
    } else if (cJSON_IsBool(value)) {
        point.kind = STORE_BOOLEAN;
        point.integer = cJSON_IsTrue(value);
    } else if (cJSON_IsNull(value)) {
        point.kind = STORE_NULL;
    } else {
        wrong_type(reporting, path, "a number, a string, true, false or null", value);
        return false;
    }
    *ret_point = point;
    return true;
}

static void read_value(struct reporting *reporting, const struct heading *heading, const char *path, const cJSON *value)
{
    struct store_point point;

    if (read_scalar(reporting, path, value, &point))
        add_point(reporting, heading, point);
}

static void read_list(struct reporting *reporting, const struct heading *heading, const char *path, const cJSON *value)
{
    struct store_point point;

    if (!cJSON_IsArray(value)) {
        wrong_type(reporting, path, "an array", value);
        return;
    }
    for (const cJSON *element = value->child; element != NULL; element = element->next) {
        if (!read_scalar(reporting, path, element, &point))
            return;
        point.listed = true;
        add_point(reporting, heading, point);
    }
}

static void add_text_point(struct reporting *reporting, const struct heading *heading, enum store_point_kind kind, const cJSON *value)
{
    char **texts = realloc(reporting->texts, (size_t)(reporting->text_count + 1) * sizeof *texts);
    struct hd_text text = {0};

    if (texts == NULL) {
        reporting->problems.out_of_memory = true;
        return;
    }
    reporting->texts = texts;
    hd_json_print(&text, value, HD_JSON_COMPACT);
    texts[reporting->text_count] = hd_text_take(&text);
    if (texts[reporting->text_count] == NULL) {
        reporting->problems.out_of_memory = true;
        return;
    }
    add_point(reporting, heading, (struct store_point){.kind = kind, .text = texts[reporting->text_count++]});
}

static void read_row(struct reporting *reporting, const struct heading *heading, const char *path, const cJSON *value)
{
    struct store_point ignored;

    if (!cJSON_IsObject(value)) {
        wrong_type(reporting, path, "an object", value);
        return;
    }
    for (const cJSON *cell = value->child; cell != NULL; cell = cell->next)
        if (!read_scalar(reporting, path, cell, &ignored))
            return;
    if (value->child != NULL)
        add_text_point(reporting, heading, STORE_ROW, value);
}

static void read_table(struct reporting *reporting, const struct heading *heading, const char *path, const cJSON *value)
{
    struct store_point ignored;
    int height = -1;

    if (!cJSON_IsObject(value)) {
        wrong_type(reporting, path, "an object", value);
        return;
    }
    for (const cJSON *column = value->child; column != NULL; column = column->next) {
        if (!cJSON_IsArray(column)) {
            wrong_type(reporting, path, "an object of arrays", value);
            return;
        }
        if (height >= 0 && cJSON_GetArraySize(column) != height) {
            hd_problems_add(&reporting->problems, "Conflict", path,
                            "'%s': the columns of a table must be of one length; column '%s' has %d values, not %d", path, column->string,
                            cJSON_GetArraySize(column), height);
            return;
        }
        height = cJSON_GetArraySize(column);
        for (const cJSON *cell = column->child; cell != NULL; cell = cell->next)
            if (!read_scalar(reporting, path, cell, &ignored))
                return;
    }
    if (height > 0)
        add_text_point(reporting, heading, STORE_TABLE, value);
}

/* A path below the run folder. */
static void read_image(struct reporting *reporting, const struct heading *heading, const char *path, const cJSON *value)
{
    const char *location = cJSON_GetStringValue(value);

    if (location == NULL) {
        wrong_type(reporting, path, "a string", value);
        return;
    }
    if (*location == '\0' || *location == '/' || strlen(location) > STRING_MAX_BYTES || strcmp(location, "..") == 0 ||
        strncmp(location, "../", 3) == 0 || strstr(location, "/../") != NULL) {
        hd_problems_add(&reporting->problems, "OutOfRange", path, "'%s' must be a path below the run's folder, got '%.80s'", path,
                        location);
        return;
    }
    add_point(reporting, heading, (struct store_point){.kind = STORE_IMAGE, .text = location});
}

static const struct kind {
    const char *name;
    void (*read)(struct reporting *, const struct heading *, const char *path, const cJSON *value);
} KINDS[] = {{"value", read_value}, {"list", read_list}, {"row", read_row}, {"table", read_table}, {"image", read_image}};

enum { KIND_COUNT = sizeof KINDS / sizeof KINDS[0] };

static const struct kind *find_kind(struct reporting *reporting, const char *path, const cJSON *kind, const cJSON *value)
{
    char *excerpt;

    if (kind == NULL || cJSON_IsNull(kind))
        return cJSON_IsArray(value) ? &KINDS[1] : cJSON_IsObject(value) ? &KINDS[2] : &KINDS[0];
    for (int i = 0; i < KIND_COUNT; i++)
        if (cJSON_IsString(kind) && strcmp(kind->valuestring, KINDS[i].name) == 0)
            return &KINDS[i];
    excerpt = hd_json_excerpt(kind);
    hd_problems_add(&reporting->problems, "NotAllowed", path, "'%s' must be one of value, list, row, table, image, got %s", path,
                    excerpt != NULL ? excerpt : "");
    free(excerpt);
    return NULL;
}

/* --- Members ----------------------------------------------------------------------------------------------------------------------------- */

static void refuse_unknown(struct reporting *reporting, const struct heading *heading, const cJSON *object, const char *const *known)
{
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        const char *const *name = known;
        char *path;

        while (*name != NULL && strcmp(*name, member->string) != 0)
            name++;
        if (*name != NULL)
            continue;
        path = member_path(heading, member->string);
        hd_problems_add(&reporting->problems, "UnknownField", path, "'%s' is not a known field", path != NULL ? path : member->string);
        free(path);
    }
}

static bool read_name(struct reporting *reporting, struct heading *heading, const cJSON *name)
{
    char *path = member_path(heading, "name");
    bool good = false;

    if (path == NULL)
        reporting->problems.out_of_memory = true;
    else if (name == NULL)
        hd_problems_add(&reporting->problems, "Required", path, "'%s' is required", path);
    else if (!cJSON_IsString(name))
        wrong_type(reporting, path, "a string", name);
    else if (*name->valuestring == '\0' || strlen(name->valuestring) > NAME_MAX_BYTES)
        hd_problems_add(&reporting->problems, "OutOfRange", path, "'%s' must be between 1 and %d bytes long, got %zu", path, NAME_MAX_BYTES,
                        strlen(name->valuestring));
    else
        good = true;
    if (good)
        heading->name = name->valuestring;
    free(path);
    return good;
}

static void read_step_and_time(struct reporting *reporting, struct heading *heading, const cJSON *metric)
{
    const cJSON *step = cJSON_GetObjectItemCaseSensitive(metric, "step"), *time = cJSON_GetObjectItemCaseSensitive(metric, "time");
    char *step_path = member_path(heading, "step"), *time_path = member_path(heading, "time");

    if (step_path == NULL || time_path == NULL) {
        reporting->problems.out_of_memory = true;
    } else {
        if (step != NULL && !cJSON_IsNull(step)) {
            heading->has_step = hd_json_integer(step, &heading->step);
            if (!heading->has_step)
                wrong_type(reporting, step_path, "an integer", step);
        }
        if (time != NULL && !cJSON_IsNull(time) && (!cJSON_IsString(time) || !hd_instant_parse(time->valuestring, &heading->at_us)))
            wrong_type(reporting, time_path, "a time like 2026-02-07T06:39:33Z", time);
    }
    free(step_path);
    free(time_path);
}

static void read_metric(struct reporting *reporting, const char *path, const cJSON *metric, const char *const *known)
{
    struct heading heading = {.path = path};
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(metric, "value");
    const struct kind *kind;
    char *value_path, *kind_path;

    refuse_unknown(reporting, &heading, metric, known);
    if (!read_name(reporting, &heading, cJSON_GetObjectItemCaseSensitive(metric, "name")))
        return;
    read_step_and_time(reporting, &heading, metric);
    value_path = member_path(&heading, "value");
    kind_path = member_path(&heading, "kind");
    if (value_path == NULL || kind_path == NULL) {
        reporting->problems.out_of_memory = true;
    } else if (value == NULL) {
        hd_problems_add(&reporting->problems, "Required", value_path, "'%s' is required", value_path);
    } else {
        kind = find_kind(reporting, kind_path, cJSON_GetObjectItemCaseSensitive(metric, "kind"), value);
        if (kind != NULL)
            kind->read(reporting, &heading, value_path, value);
    }
    free(value_path);
    free(kind_path);
}

static void read_metrics(struct reporting *reporting, const cJSON *metrics)
{
    static const char *const KNOWN[] = {"name", "value", "kind", "step", "time", NULL};
    char path[32];
    int index = 0;

    if (!cJSON_IsArray(metrics)) {
        wrong_type(reporting, "metrics", "an array", metrics);
        return;
    }
    for (const cJSON *metric = metrics->child; metric != NULL; metric = metric->next) {
        snprintf(path, sizeof path, "metrics[%d]", index++);
        if (cJSON_IsObject(metric))
            read_metric(reporting, path, metric, KNOWN);
        else
            wrong_type(reporting, path, "an object", metric);
    }
}

static void read_reporter(struct reporting *reporting)
{
    const cJSON *reporter = cJSON_GetObjectItemCaseSensitive(reporting->body, "reporter");
    const cJSON *sequence = cJSON_GetObjectItemCaseSensitive(reporting->body, "sequence");

    if (reporter == NULL && sequence == NULL)
        return;
    if (reporter == NULL)
        hd_problems_add(&reporting->problems, "Required", "reporter", "'reporter' is required");
    else if (!cJSON_IsString(reporter))
        wrong_type(reporting, "reporter", "a string", reporter);
    else if (*reporter->valuestring == '\0' || strlen(reporter->valuestring) > REPORTER_MAX_BYTES)
        hd_problems_add(&reporting->problems, "OutOfRange", "reporter", "'reporter' must be between 1 and %d bytes long, got %zu",
                        REPORTER_MAX_BYTES, strlen(reporter->valuestring));
    else
        reporting->request.reporter = reporter->valuestring;
    if (sequence == NULL)
        hd_problems_add(&reporting->problems, "Required", "sequence", "'sequence' is required");
    else if (!hd_json_integer(sequence, &reporting->request.sequence))
        wrong_type(reporting, "sequence", "an integer", sequence);
}

static void read_body(struct reporting *reporting)
{
    static const char *const SHORT[] = {"name", "value", "kind", "step", "time", "reporter", "sequence", NULL};
    static const char *const LONG[] = {"metrics", "reporter", "sequence", NULL};
    static const struct heading TOP = {.path = ""};
    const cJSON *metrics = cJSON_GetObjectItemCaseSensitive(reporting->body, "metrics");

    if (metrics != NULL) {
        refuse_unknown(reporting, &TOP, reporting->body, LONG);
        read_metrics(reporting, metrics);
    } else {
        read_metric(reporting, "", reporting->body, SHORT);
    }
    read_reporter(reporting);
    if (reporting->count > POINTS_MAX)
        hd_problems_add(&reporting->problems, "OutOfRange", "metrics", "'metrics' must have at most %d points, got %" PRId64, POINTS_MAX,
                        reporting->count);
}

/* --- The answer -------------------------------------------------------------------------------------------------------------------------- */

static void on_stored(struct store_write *write)
{
    struct reporting *reporting = (struct reporting *)write;
    const struct store_report *report = &reporting->request;
    struct hd_text text = {0};

    if (write->result != 0) {
        http_reply_error(reporting->http, &write->error);
    } else {
        bool stop = report->ret_stop_reason != NULL;

        hd_text_format(&text, "{\"accepted\":%" PRId64 ",\"duplicate\":%s,\"reports\":%" PRId64 ",\"status\":\"%s\",\"stop\":%s",
                       report->ret_accepted, report->ret_duplicate ? "true" : "false", report->ret_reports,
                       hd_status_name(report->ret_status), stop ? "true" : "false");
        resource_json(&text, "stop_reason", report->ret_stop_reason);
        hd_text_add_char(&text, '}');
        http_reply_json(reporting->http, 200, &text);
        hd_text_clear(&text);
    }
    free_reporting(reporting);
}

static void submit(struct reporting *reporting)
{
    struct hd_error error = {0};

    reporting->request.run_id = http_part(reporting->http, 0);
    reporting->request.points = reporting->points;
    reporting->request.count = reporting->count;
    reporting->request.write.done = on_stored;
    if (store_report(reporting->api->store, &reporting->request, &error) == 0)
        return;
    http_reply_error(reporting->http, &error);
    free_reporting(reporting);
}

static void parse(uv_work_t *work)
{
    struct reporting *reporting = work->data;

    reporting->body = http_body_parse(reporting->http, false, &reporting->problems);
    if (reporting->body == NULL)
        return;
    read_body(reporting);
    if (hd_problems_none(&reporting->problems))
        return;
    /* Nobody needs it any more, and to free millions of values here keeps nobody waiting. */
    cJSON_Delete(reporting->body);
    reporting->body = NULL;
}

static void after_parsing(uv_work_t *work, int status)
{
    struct reporting *reporting = work->data;

    if (status != 0)
        reporting->problems.out_of_memory = true;
    if (hd_problems_none(&reporting->problems)) {
        submit(reporting);
        return;
    }
    http_reply_problems(reporting->http, &reporting->problems);
    free_reporting(reporting);
}

void api_report(struct http_request *request, void *context)
{
    struct api *api = context;
    struct reporting *reporting;
    struct store_found found;
    struct hd_error error = {0};

    if (!resource_find_run(request, api, &found))
        return;
    reporting = calloc(1, sizeof *reporting);
    if (reporting == NULL) {
        hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
        http_reply_error(request, &error);
        return;
    }
    reporting->http = request;
    reporting->api = api;
    reporting->work.data = reporting;
    body_start(request, api->loop, &reporting->work, parse, after_parsing);
}
