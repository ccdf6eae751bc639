#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/json.h"
#include "internal.h"

static bool is_known(const struct http_route *route, const char *name)
{
    for (const char *const *known = route->parameters; known != NULL && *known != NULL; known++)
        if (strcmp(*known, name) == 0)
            return true;
    return false;
}

static void add_unknown(struct hd_problems *problems, const struct http_route *route, const char *name)
{
    struct hd_text known = {0};
    for (const char *const *parameter = route->parameters; parameter != NULL && *parameter != NULL; parameter++)
        hd_text_format(&known, "%s%s", known.length > 0 ? ", " : "", *parameter);
    if (known.length > 0)
        hd_problems_add(problems, "UnknownField", name, "'%s' is not a known query parameter; known are: %s", name, known.data);
    else
        hd_problems_add(problems, "UnknownField", name, "'%s' is not a known query parameter; this address takes none", name);
    problems->out_of_memory = problems->out_of_memory || known.failed;
    hd_text_clear(&known);
}

static bool is_repeated(const struct http_target *target, int index)
{
    for (int i = 0; i < index; i++)
        if (strcmp(target->parameters[i].name, target->parameters[index].name) == 0)
            return true;
    return false;
}

/* Answers with the findings, if there are any. */
static bool settle(struct http_request *request, struct hd_problems *problems)
{
    bool none = hd_problems_none(problems);
    if (!none)
        http_reply_problems(request, problems);
    hd_problems_clear(problems);
    return none;
}

bool http_query_check(struct http_request *request)
{
    const struct http_target *target = &request->target;
    struct hd_problems problems = {0};
    for (int i = 0; i < target->parameter_count; i++) {
        const struct http_parameter *parameter = &target->parameters[i];
        if (!is_known(request->route, parameter->name))
            add_unknown(&problems, request->route, parameter->name);
        else if (is_repeated(target, i))
            hd_problems_add(&problems, "Duplicate", parameter->name, "'%s' is given twice", parameter->name);
        else if (parameter->value == NULL)
            hd_problems_add(&problems, "Required", parameter->name, "'%s' needs a value: write %s=VALUE", parameter->name, parameter->name);
    }
    return settle(request, &problems);
}

const char *http_query(const struct http_request *request, const char *name)
{
    for (int i = 0; i < request->target.parameter_count; i++)
        if (strcmp(request->target.parameters[i].name, name) == 0)
            return request->target.parameters[i].value;
    return NULL;
}

/* Answers 400: the value of `name` must be `what`. */
static bool refuse_value(struct http_request *request, const char *code, const char *name, const char *what, const char *value)
{
    struct hd_problems problems = {0};
    cJSON *string = cJSON_CreateString(value);
    char *got = string != NULL ? hd_json_excerpt(string) : NULL;
    if (got != NULL)
        hd_problems_add(&problems, code, name, "'%s' must be %s, got %s", name, what, got);
    else
        problems.out_of_memory = true;
    free(got);
    cJSON_Delete(string);
    return settle(request, &problems);
}

void http_query_refuse(struct http_request *request, const char *name, const char *what)
{
    (void)refuse_value(request, "NotAllowed", name, what, http_query(request, name));
}

bool http_query_boolean(struct http_request *request, const char *name, bool default_value, bool *ret_value)
{
    static const struct {
        const char *text;
        bool value;
    } WORDS[] = {{"true", true}, {"false", false}, {"1", true}, {"0", false}};
    const char *value = http_query(request, name);
    if (value == NULL) {
        *ret_value = default_value;
        return true;
    }
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (strcasecmp(value, WORDS[i].text) == 0) {
            *ret_value = WORDS[i].value;
            return true;
        }
    }
    return refuse_value(request, "WrongType", name, "true or false", value);
}

/* Digits with an optional '-'. Returns 1: an integer, 0: none, -1: one that no int64_t can hold. */
static int read_integer(const char *text, int64_t *ret_value)
{
    bool negative = *text == '-';
    const char *digits = text + negative;
    if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0')
        return 0;
    int64_t value = 0;
    for (; *digits != '\0'; digits++) {
        int digit = *digits - '0';
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, digit, &value))
            return -1;
    }
    /* Kept negative so far, because that range is the larger one. */
    if (!negative && __builtin_mul_overflow(value, -1, &value))
        return -1;
    *ret_value = value;
    return 1;
}

bool http_query_integer(struct http_request *request, const char *name, int64_t minimum, int64_t maximum, int64_t default_value,
                        int64_t *ret_value)
{
    const char *text = http_query(request, name);
    if (text == NULL) {
        *ret_value = default_value;
        return true;
    }
    int64_t value = 0;
    int kind = read_integer(text, &value);
    if (kind == 0)
        return refuse_value(request, "WrongType", name, "an integer", text);
    if (kind == 1 && value >= minimum && value <= maximum) {
        *ret_value = value;
        return true;
    }
    struct hd_problems problems = {0};
    int shown = (int)strnlen(text, 80);
    if (maximum == INT64_MAX)
        hd_problems_add(&problems, "OutOfRange", name, "'%s' must be %" PRId64 " or more, got %.*s", name, minimum, shown, text);
    else
        hd_problems_add(&problems, "OutOfRange", name, "'%s' must be between %" PRId64 " and %" PRId64 ", got %.*s", name, minimum, maximum,
                        shown, text);
    return settle(request, &problems);
}
