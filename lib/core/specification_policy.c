#include <math.h>
#include <string.h>

#include "json.h"
#include "json_tree.h"
#include "number.h"
#include "policy.h"
#include "specification_parts.h"

/* 0 and null mean not set, and come out as null. */
static void read_slack(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *item = hd_field_check(fields, field);

    hd_fields_put(fields, field->name, item == NULL || item->valuedouble == 0 ? json_new(cJSON_NULL) : json_copy(item));
}

static bool is_set(const struct hd_fields *fields, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(fields->input, name);

    return item != NULL && !cJSON_IsNull(item) && !(cJSON_IsNumber(item) && item->valuedouble == 0);
}

/* Before the two slacks are looked at one by one: exactly one of them is to be set. */
static void read_slack_factor(const struct hd_fields *fields, const struct hd_field *field)
{
    bool factor = is_set(fields, "slack_factor");
    bool amount = is_set(fields, "slack_amount");

    if (factor && amount) {
        hd_problems_add(fields->errors, "Conflict", fields->path, "give either 'policy.slack_factor' or 'policy.slack_amount', not both");
    } else if (!factor && !amount) {
        hd_problems_add(fields->errors, "Required", fields->path, "one of 'policy.slack_factor', 'policy.slack_amount' is required");
    }
    read_slack(fields, field);
}

static void read_interval(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *interval = hd_field_read(fields, field);

    if (interval != NULL && interval->valuedouble == 0) {
        hd_fields_problem(fields, fields->warnings, "IntervalZero", field->name, " is 0 and is treated as 1");
    }
}

#define OR_MORE .range = "0 or more", .least = 0
#define TYPE                                                                                                                               \
    {                                                                                                                                      \
        .name = "type", .type = HD_FIELD_STRING, .required = true, .choices = "none, bandit, median_stopping, truncation_selection"        \
    }
#define SLACK(slack, function)                                                                                                             \
    {                                                                                                                                      \
        .name = slack, .type = HD_FIELD_NUMBER, .nullable = true, .absent = "null", OR_MORE, .most = INFINITY, .read = function            \
    }
#define COUNT(count, default_value, function)                                                                                              \
    {                                                                                                                                      \
        .name = count, .type = HD_FIELD_INTEGER, .absent = default_value, OR_MORE, .most = (double)HD_INTEGER_MAX, .read = function        \
    }
#define SCHEDULE COUNT("evaluation_interval", "1", read_interval), COUNT("delay_evaluation", "0", NULL)
#define TRUNCATION                                                                                                                         \
    {.name = "truncation_percentage", .type = HD_FIELD_INTEGER, .required = true, .range = "between 1 and 99", .least = 1, .most = 99},    \
    {                                                                                                                                      \
        .name = "exclude_finished_jobs", .type = HD_FIELD_BOOLEAN, .absent = "false"                                                       \
    }

static const struct hd_field none_fields[] = {TYPE};
static const struct hd_field bandit_fields[] = {TYPE, SLACK("slack_factor", read_slack_factor), SLACK("slack_amount", read_slack),
                                                SCHEDULE};
static const struct hd_field median_fields[] = {TYPE, SCHEDULE};
static const struct hd_field truncation_fields[] = {TYPE, SCHEDULE, TRUNCATION};

#define TABLE(fields) fields, sizeof fields / sizeof fields[0]

static const struct {
    const char *type;
    const struct hd_field *fields;
    size_t count;
    enum hd_policy_type rule;
} policies[] = {
    {"none", TABLE(none_fields), HD_POLICY_NONE},
    {"bandit", TABLE(bandit_fields), HD_BANDIT},
    {"median_stopping", TABLE(median_fields), HD_MEDIAN_STOPPING},
    {"truncation_selection", TABLE(truncation_fields), HD_TRUNCATION_SELECTION},
};

/* Index in the table above; -1 if the type is missing or wrong. */
static int policy_index(const cJSON *policy)
{
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(policy, "type");
    char name[64];

    for (size_t i = 0; cJSON_IsString(type) && i < sizeof policies / sizeof policies[0]; i++) {
        if (hd_field_choice(policies[i].type, type->valuestring, name, sizeof name)) {
            return (int)i;
        }
    }
    return -1;
}

bool hd_policy_given(const cJSON *policy)
{
    return policy != NULL && !cJSON_IsNull(policy) && policy_index(policy) != 0;
}

/* {"type": "none"} is the same as null. */
static void read_none(const struct hd_fields *fields, const struct hd_field *field, const cJSON *item)
{
    if (item != NULL) {
        struct hd_fields none = hd_fields_inside(fields, field->name, item);
        hd_fields_read(&none, none_fields, sizeof none_fields / sizeof none_fields[0]);
        hd_fields_leave(&none);
    }
    hd_fields_put(fields, field->name, json_new(cJSON_NULL));
}

void hd_read_policy(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *item = hd_field_check(fields, field);
    int index = item == NULL ? 0 : policy_index(item);

    if (index == 0) {
        read_none(fields, field, item);
        return;
    }
    struct hd_fields policy = hd_fields_enter(fields, field->name, item);
    if (index < 0) {
        hd_field_read(&policy, &none_fields[0]); /* what the other fields should be depends on the type */
    } else {
        hd_fields_read(&policy, policies[index].fields, policies[index].count);
    }
    hd_fields_leave(&policy);
}

static double number_of(const cJSON *policy, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(policy, name);

    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

void hd_policy_rule_read(const cJSON *policy, enum hd_goal goal, struct hd_policy_rule *ret_rule)
{
    int index = cJSON_IsObject(policy) ? policy_index(policy) : 0;
    double factor = number_of(policy, "slack_factor");

    *ret_rule = (struct hd_policy_rule){
        .type = index > 0 ? policies[index].rule : HD_POLICY_NONE,
        .goal = goal,
        .interval = (int64_t)fmax(number_of(policy, "evaluation_interval"), 1),
        .delay = (int64_t)number_of(policy, "delay_evaluation"),
        .by_factor = factor > 0,
        .slack = factor > 0 ? factor : number_of(policy, "slack_amount"),
        .percentage = (int64_t)number_of(policy, "truncation_percentage"),
        .exclude_finished = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(policy, "exclude_finished_jobs")),
    };
}

int hd_policy_rule_parse(const cJSON *policy, enum hd_goal goal, struct hd_problems *errors, struct hd_problems *warnings,
                         struct hd_policy_rule *ret_rule)
{
    static const struct hd_field ROW = {.name = "policy", .type = HD_FIELD_OBJECT, .required = true, .read = hd_read_policy};
    char no_path[] = "";
    struct hd_fields fields = {json_new(cJSON_Object), json_new(cJSON_Object), no_path, errors, warnings, NULL};
    int result = -1;

    if (fields.input == NULL || fields.output == NULL || !json_append_member((cJSON *)fields.input, "policy", json_copy(policy)))
        errors->out_of_memory = true;
    else
        hd_fields_read(&fields, &ROW, 1);
    if (hd_problems_none(errors)) {
        hd_policy_rule_read(cJSON_GetObjectItemCaseSensitive(fields.output, "policy"), goal, ret_rule);
        result = 0;
    }
    cJSON_Delete((cJSON *)fields.input);
    cJSON_Delete(fields.output);
    return result;
}
