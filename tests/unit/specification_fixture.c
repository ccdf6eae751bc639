#include "specification_fixture.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"

static const char body_text[] =
    "{\"hyperparameter_sampling\": {\"type\": \"random\", \"parameter_space\": {"
    "\"lr\": {\"type\": \"uniform\", \"min_value\": 0, \"max_value\": 1}, \"--layers\": [\"choice\", [[1, 2, 3]]]}},"
    "\"primary_metric_name\": \"Accuracy\", \"primary_metric_goal\": \"maximize\", \"max_total_runs\": 20,"
    "\"run_config\": {\"source_directory\": \"/src\", \"script\": \"train.py\"}}";

static bool is_directory(void *context, const char *path)
{
    (void)context;
    return strcmp(path, "/src") == 0;
}

static bool exists(void *context, const char *path)
{
    return strcmp(path, "/data/iris.csv") == 0 || is_directory(context, path);
}

const struct hd_specification_options fixture_options = {.seed = 4242, .is_directory = is_directory, .exists = exists};

cJSON *fixture_json(const char *text)
{
    struct hd_problems problems = {0};
    cJSON *json = hd_json_parse(text, strlen(text), &problems);

    ck_assert_msg(json != NULL, "%s in %s", problems.count > 0 ? problems.list[0].message : "?", text);
    hd_problems_clear(&problems);
    return json;
}

cJSON *fixture_body(void)
{
    return fixture_json(body_text);
}

void fixture_change(cJSON *body, const char *path, const char *value)
{
    const char *name = path;
    cJSON *object = body;

    for (const char *dot = strchr(name, '.'); dot != NULL; dot = strchr(name, '.')) {
        char *part = strndup(name, (size_t)(dot - name));
        object = cJSON_GetObjectItemCaseSensitive(object, part);
        ck_assert_msg(object != NULL, "no %s in %s", part, path);
        free(part);
        name = dot + 1;
    }
    if (value == NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(object, name);
    } else if (cJSON_GetObjectItemCaseSensitive(object, name) != NULL) {
        ck_assert(cJSON_ReplaceItemInObjectCaseSensitive(object, name, fixture_json(value)));
    } else {
        ck_assert(cJSON_AddItemToObject(object, name, fixture_json(value)));
    }
}

cJSON *fixture_changed_body(const struct change *changes, int count)
{
    cJSON *body = fixture_body();

    for (int i = 0; i < count && changes[i].path != NULL; i++) {
        fixture_change(body, changes[i].path, changes[i].value);
    }
    return body;
}

char *fixture_print(const cJSON *json)
{
    struct hd_text text = {0};

    hd_json_print(&text, json, HD_JSON_SPACED);
    char *result = hd_text_take(&text);
    ck_assert_ptr_nonnull(result);
    return result;
}

void fixture_specification(const cJSON *body, struct hd_problems *warnings, struct hd_specification *ret)
{
    struct hd_problems errors = {0};
    struct hd_problems own = {0};
    int result = hd_specification_parse(body, &fixture_options, &errors, warnings == NULL ? &own : warnings, ret);

    ck_assert_msg(result == 0, "%s", errors.count > 0 ? errors.list[0].message : "no reason");
    ck_assert_msg(own.count == 0, "%s", own.count > 0 ? own.list[0].message : "");
    ck_assert(hd_problems_none(&errors));
    hd_problems_clear(&own);
}

void fixture_check_findings(const struct hd_problems *problems, const struct finding *findings, size_t most)
{
    size_t count = 0;

    while (count < most && findings[count].code != NULL) {
        count++;
    }
    for (size_t i = 0; i < problems->count && i < count; i++) {
        ck_assert_str_eq(problems->list[i].message, findings[i].message);
        ck_assert_str_eq(problems->list[i].code, findings[i].code);
        ck_assert_pstr_eq(problems->list[i].target, findings[i].target);
    }
    ck_assert_msg(problems->count == count, "%zu findings instead of %zu for '%s'; the last is: %s", problems->count, count,
                  findings[0].message, problems->count > 0 ? problems->list[problems->count - 1].message : "-");
}

/* Equal in everything but the addresses. */
static void check_equal(const struct hd_specification *a, const struct hd_specification *b)
{
    char *first = fixture_print(a->config);
    char *second = fixture_print(b->config);

    ck_assert_str_eq(first, second);
    ck_assert_int_eq(a->max_duration_us, b->max_duration_us);
    ck_assert_int_eq(a->trial_timeout_us, b->trial_timeout_us);
    ck_assert_int_eq(a->sampling.type, b->sampling.type);
    ck_assert_int_eq(a->sampling.seed, b->sampling.seed);
    ck_assert_int_eq(a->goal, b->goal);
    ck_assert_pstr_eq(a->metric, b->metric);
    ck_assert_int_eq(a->max_total_runs, b->max_total_runs);
    ck_assert_int_eq(a->max_concurrent_runs, b->max_concurrent_runs);
    ck_assert_int_eq(a->initial_failure_limit, b->initial_failure_limit);
    ck_assert_int_eq(a->nested_flat, b->nested_flat);
    ck_assert_int_eq(hd_space_size(a->space), hd_space_size(b->space));
    free(first);
    free(second);
}

void fixture_check_fixed_point(const struct hd_specification *specification)
{
    struct hd_specification_options options = fixture_options;
    struct hd_specification again;
    struct hd_problems errors = {0};
    struct hd_problems warnings = {0};
    char *text = fixture_print(specification->config);
    cJSON *body = fixture_json(text);

    options.seed = 1;
    int result = hd_specification_parse(body, &options, &errors, &warnings, &again);
    ck_assert_msg(result == 0, "%s: %s", errors.count > 0 ? errors.list[0].message : "?", text);
    check_equal(specification, &again);
    hd_specification_clear(&again);
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    cJSON_Delete(body);
    free(text);
}

uint32_t fixture_random(uint32_t *state)
{
    *state = *state * UINT32_C(1664525) + UINT32_C(1013904223);
    return *state >> 8;
}
