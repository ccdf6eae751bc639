#include "json_tree.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "number.h"

void json_path_write(struct hd_text *out, const struct json_path *path)
{
    if (path == NULL)
        return;
    json_path_write(out, path->parent);
    if (path->key == NULL) {
        hd_text_format(out, "[%zu]", path->index);
        return;
    }
    if (out->length > 0)
        hd_text_add_char(out, '.');
    hd_text_add_string(out, path->key);
}

cJSON *json_new(int type)
{
    cJSON *item = cJSON_malloc(sizeof *item);
    if (item != NULL)
        *item = (cJSON){.type = type, .valueint = type == cJSON_True};
    return item;
}

void json_append(cJSON *container, cJSON *item)
{
    cJSON *first = container->child;
    if (first == NULL) {
        container->child = item;
        item->prev = item;
    } else { /* the first item's `prev` is the last item */
        item->prev = first->prev;
        first->prev->next = item;
        first->prev = item;
    }
    item->next = NULL;
}

static char *copy_string(const char *string)
{
    size_t size = strlen(string) + 1;
    char *copy = cJSON_malloc(size);
    if (copy != NULL)
        memcpy(copy, string, size);
    return copy;
}

static void prepend(cJSON *container, cJSON *item)
{
    cJSON *first = container->child;
    item->prev = item;
    item->next = first;
    if (first != NULL) {
        item->prev = first->prev;
        first->prev = item;
    }
    container->child = item;
}

/* False, with `item` freed, when memory is short or `item` is NULL. */
static bool set_key(cJSON *item, const char *key)
{
    if (item == NULL)
        return false;
    item->string = copy_string(key);
    if (item->string == NULL) {
        cJSON_Delete(item);
        return false;
    }
    return true;
}

bool json_append_member(cJSON *object, const char *key, cJSON *item)
{
    if (!set_key(item, key))
        return false;
    json_append(object, item);
    return true;
}

bool json_prepend_member(cJSON *object, const char *key, cJSON *item)
{
    if (!set_key(item, key))
        return false;
    prepend(object, item);
    return true;
}

void json_set_number(cJSON *item, double value)
{
    item->type = cJSON_Number;
    item->valuedouble = value;
    item->valueint = value >= INT_MAX ? INT_MAX : value <= INT_MIN ? INT_MIN : (int)value;
}

static cJSON *new_with_text(int type, const char *text)
{
    cJSON *item = json_new(type);
    if (item == NULL)
        return NULL;
    item->valuestring = copy_string(text);
    if (item->valuestring == NULL) {
        cJSON_Delete(item);
        return NULL;
    }
    return item;
}

cJSON *json_new_string(const char *string)
{
    return new_with_text(cJSON_String, string);
}

cJSON *hd_json_new_integer(int64_t value)
{
    char token[32];
    snprintf(token, sizeof token, "%" PRId64, value);
    cJSON *item = new_with_text(cJSON_Number, token);
    if (item != NULL)
        json_set_number(item, (double)value);
    return item;
}

cJSON *hd_json_new_float(double value)
{
    if (!isfinite(value))
        return json_new_string(isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
    char token[HD_NUMBER_TEXT_SIZE];
    hd_number_json(value, token);
    cJSON *item = new_with_text(cJSON_Number, token);
    if (item != NULL)
        json_set_number(item, value);
    return item;
}

static bool copy_children(cJSON *copy, const cJSON *item)
{
    for (const cJSON *child = item->child; child != NULL; child = child->next) {
        cJSON *child_copy = json_copy(child);
        if (child_copy == NULL)
            return false;
        json_append(copy, child_copy);
        if (child->string != NULL && (child_copy->string = copy_string(child->string)) == NULL)
            return false;
    }
    return true;
}

cJSON *json_copy(const cJSON *item)
{
    int type = item->type & 0xff; /* without cJSON's flags about who owns what */
    cJSON *copy = item->valuestring != NULL ? new_with_text(type, item->valuestring) : json_new(type);
    if (copy == NULL)
        return NULL;
    copy->valuedouble = item->valuedouble;
    copy->valueint = item->valueint;
    if (!copy_children(copy, item)) {
        cJSON_Delete(copy);
        return NULL;
    }
    return copy;
}

enum { EXACT_DIGITS = 15, EXACT_POWER = 22 };

static const double POWERS_OF_TEN[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Digits and the power of ten behind the last of them. `digits` holds the token without its point. */
static bool slow_value(const char *digits, size_t length, long power, double *ret_value)
{
    char small[64];
    size_t size = length + 32;
    char *text = size <= sizeof small ? small : malloc(size);
    if (text == NULL)
        return false;
    memcpy(text, digits, length);
    snprintf(text + length, size - length, "e%ld", power);
    *ret_value = strtod(text, NULL);
    if (text != small)
        free(text);
    return true;
}

static long exponent_value(const char *text)
{
    enum { BEYOND_EVERY_DOUBLE = 1000000000 };
    bool negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    long value = 0;
    for (; *text != '\0' && value < BEYOND_EVERY_DOUBLE; text++)
        value = value * 10 + (*text - '0');
    return negative ? -value : value;
}

bool json_token_value(const char *token, size_t length, double *ret_value)
{
    char small[64];
    char *digits = length <= sizeof small ? small : malloc(length);
    if (digits == NULL)
        return false;
    size_t count = 0;
    long power = 0;
    int64_t mantissa = 0;
    bool negative = *token == '-', fraction = false;
    const char *at = negative ? token + 1 : token;
    for (; *at != '\0' && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            fraction = true;
            continue;
        }
        if (count < EXACT_DIGITS)
            mantissa = mantissa * 10 + (*at - '0');
        digits[count++] = *at;
        power -= fraction;
    }
    if (*at != '\0')
        power += exponent_value(at + 1);
    bool done = true;
    double value;
    /* Both numbers are exact, so the one operation is the one rounding. */
    if (count <= EXACT_DIGITS && power >= -EXACT_POWER && power <= EXACT_POWER)
        value = power < 0 ? (double)mantissa / POWERS_OF_TEN[-power] : (double)mantissa * POWERS_OF_TEN[power];
    else
        done = slow_value(digits, count, power, &value);
    if (digits != small)
        free(digits);
    if (done)
        *ret_value = negative ? -value : value;
    return done;
}

struct keyed {
    const cJSON *member;
    size_t position;
};

static int compare_keyed(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int order = strcmp(x->member->string, y->member->string);
    if (order != 0)
        return order;
    return x->position < y->position ? -1 : 1;
}

static size_t count_members(const cJSON *container)
{
    size_t count = 0;
    for (const cJSON *member = container->child; member != NULL; member = member->next)
        count++;
    return count;
}

/* NULL when memory is short. */
static struct keyed *sort_members(const cJSON *object, size_t count)
{
    struct keyed *list = malloc((count + 1) * sizeof *list);
    if (list == NULL)
        return NULL;
    size_t position = 0;
    for (const cJSON *member = object->child; member != NULL; member = member->next, position++)
        list[position] = (struct keyed){member, position};
    qsort(list, count, sizeof *list, compare_keyed);
    return list;
}

bool json_sorted_members(const cJSON *object, const cJSON ***ret_list, size_t *ret_count)
{
    size_t count = count_members(object);
    struct keyed *keyed = sort_members(object, count);
    const cJSON **list = malloc((count + 1) * sizeof *list);
    if (keyed == NULL || list == NULL) {
        free(keyed);
        free(list);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        list[i] = keyed[i].member;
    free(keyed);
    *ret_list = list;
    *ret_count = count;
    return true;
}

static void report_duplicate(const char *key, const struct json_path *parent, struct hd_problems *problems)
{
    /* Beyond the limit only the number counts; writing a million paths would not be linear any more. */
    if (problems->count >= HD_PROBLEMS_MAX) {
        hd_problems_add(problems, "Duplicate", NULL, "another");
        return;
    }
    struct json_path path = {parent, key, 0};
    struct hd_text text = {0};
    json_path_write(&text, &path);
    if (text.failed)
        problems->out_of_memory = true;
    else
        hd_problems_add(problems, "Duplicate", text.data, "'%s' is given twice", text.data);
    hd_text_clear(&text);
}

static int compare_position(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    return (x->position > y->position) - (x->position < y->position);
}

/* A key is reported once, however often it comes again, and in the order in which the keys come again. */
static void check_object(const cJSON *object, const struct json_path *path, struct hd_problems *problems)
{
    size_t count = count_members(object);
    if (count < 2)
        return;
    struct keyed *list = sort_members(object, count);
    if (list == NULL) {
        problems->out_of_memory = true;
        return;
    }
    size_t found = 0;
    bool again = false;
    for (size_t i = 1; i < count; i++) {
        bool equal = strcmp(list[i].member->string, list[i - 1].member->string) == 0;
        if (equal && !again)
            list[found++] = list[i];
        again = equal;
    }
    qsort(list, found, sizeof *list, compare_position);
    for (size_t i = 0; i < found; i++)
        report_duplicate(list[i].member->string, path, problems);
    free(list);
}

static void check_tree(const cJSON *item, const struct json_path *path, struct hd_problems *problems)
{
    if (cJSON_IsObject(item))
        check_object(item, path, problems);
    size_t index = 0;
    for (const cJSON *child = item->child; child != NULL; child = child->next, index++) {
        if (child->child == NULL)
            continue;
        struct json_path child_path = {path, child->string, index};
        check_tree(child, &child_path, problems);
    }
}

bool json_check_duplicates(const cJSON *root, struct hd_problems *problems)
{
    size_t count = problems->count, dropped = problems->dropped;
    check_tree(root, NULL, problems);
    return problems->count == count && problems->dropped == dropped && !problems->out_of_memory;
}
