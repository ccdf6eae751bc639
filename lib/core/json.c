#include "json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json_tree.h"
#include "number.h"

bool hd_json_is_integer(const cJSON *item)
{
    if (!cJSON_IsNumber(item))
        return false;
    if (item->valuestring == NULL) /* not made by this module, so it never had a token */
        return isfinite(item->valuedouble) && item->valuedouble == floor(item->valuedouble);
    return strpbrk(item->valuestring, ".eE") == NULL;
}

bool hd_json_integer(const cJSON *item, int64_t *ret_value)
{
    if (!cJSON_IsNumber(item))
        return false;
    double value = item->valuedouble;
    if (!(fabs(value) <= (double)HD_INTEGER_MAX) || value != floor(value))
        return false;
    *ret_value = (int64_t)value;
    return true;
}

bool hd_json_metric_number(const cJSON *item, double *ret_value)
{
    static const struct {
        const char *name;
        double value;
    } NOT_FINITE[] = {{"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};
    if (cJSON_IsNumber(item)) {
        *ret_value = item->valuedouble;
        return true;
    }
    if (!cJSON_IsString(item))
        return false;
    for (size_t i = 0; i < sizeof NOT_FINITE / sizeof *NOT_FINITE; i++) {
        if (strcmp(item->valuestring, NOT_FINITE[i].name) == 0) {
            *ret_value = NOT_FINITE[i].value;
            return true;
        }
    }
    return false;
}

static bool equal_arrays(const cJSON *a, const cJSON *b)
{
    const cJSON *x = a->child, *y = b->child;
    for (; x != NULL && y != NULL; x = x->next, y = y->next) {
        if (!hd_json_equal(x, y))
            return false;
    }
    return x == NULL && y == NULL;
}

static bool equal_sorted(const cJSON *const *a, const cJSON *const *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(a[i]->string, b[i]->string) != 0 || !hd_json_equal(a[i], b[i]))
            return false;
    }
    return true;
}

/* Slow for big objects, but needs no memory. */
static bool equal_members_by_search(const cJSON *a, const cJSON *b)
{
    for (const cJSON *member = a->child; member != NULL; member = member->next) {
        const cJSON *other = cJSON_GetObjectItemCaseSensitive(b, member->string);
        if (other == NULL || !hd_json_equal(member, other))
            return false;
    }
    return cJSON_GetArraySize(a) == cJSON_GetArraySize(b);
}

static bool equal_objects(const cJSON *a, const cJSON *b)
{
    const cJSON **x = NULL, **y = NULL;
    size_t count = 0, other_count = 0;
    bool sorted = json_sorted_members(a, &x, &count) && json_sorted_members(b, &y, &other_count);
    bool equal = sorted ? count == other_count && equal_sorted(x, y, count) : equal_members_by_search(a, b);
    free(x);
    free(y);
    return equal;
}

bool hd_json_equal(const cJSON *a, const cJSON *b)
{
    int type = a->type & 0xff;
    if (type != (b->type & 0xff))
        return false;
    switch (type) {
    case cJSON_Object:
        return equal_objects(a, b);
    case cJSON_Array:
        return equal_arrays(a, b);
    case cJSON_String:
        return strcmp(a->valuestring, b->valuestring) == 0;
    case cJSON_Number:
        return a->valuedouble == b->valuedouble;
    default:
        return true;
    }
}
