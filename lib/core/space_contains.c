#include <math.h>

#include "json.h"
#include "mathematics.h"
#include "space_tree.h"

/* Could this space have drawn that configuration? Bounds are met within a part in 10^9: a configuration may come from another space, whose
 * bounds were written another way (reference 8.5). */
#define TOLERANCE 1e-9

static bool close_to(double value, double target)
{
    return fabs(value - target) <= TOLERANCE * fmax(fabs(value), fabs(target));
}

static bool between(double value, double least, double most)
{
    return (value >= least && value <= most) || close_to(value, least) || close_to(value, most);
}

/* The bounds of a bounded type as values, without quantising; with a log base below 1 they change their places. */
static void bounds(const struct expression *expression, double *ret_least, double *ret_most)
{
    double ends[2];

    for (int i = 0; i < 2; i++) {
        double bound = expression->arguments[i];
        ends[i] = expression->form->logarithmic ? hd_pow(expression->log_base, bound) : bound;
    }
    *ret_least = fmin(ends[0], ends[1]);
    *ret_most = fmax(ends[0], ends[1]);
}

/* A multiple of q between the rounded bounds. */
static bool is_multiple(const struct expression *expression, double value)
{
    double q = expression->arguments[2], multiple = rint(value / q);
    double least, most;

    bounds(expression, &least, &most);
    return close_to(multiple * q, value) && multiple >= rint(least / q) && multiple <= rint(most / q);
}

/* Any number can come of a normal distribution; the power of one is above 0, and may be rounded to it. */
static bool is_normal(const struct expression *expression, double value)
{
    return !expression->form->logarithmic || value > 0 || (value == 0 && expression->form->quantised);
}

static bool has_number(const struct expression *expression, const cJSON *item)
{
    const struct expression_form *form = expression->form;
    int64_t integer;

    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble)) {
        return false;
    }
    if (form->family == FAMILY_INTEGER) {
        return hd_json_integer(item, &integer) && integer >= 0 && (double)integer < expression->arguments[0];
    }
    if (form->family == FAMILY_NORMAL) {
        return is_normal(expression, item->valuedouble);
    }
    if (form->quantised) {
        return is_multiple(expression, item->valuedouble);
    }
    double least, most;
    bounds(expression, &least, &most);
    return between(item->valuedouble, least, most);
}

/* Exactly the members of the branch, in any order. */
static bool has_members(const struct node *branch, const cJSON *item)
{
    if (!cJSON_IsObject(item) || (size_t)cJSON_GetArraySize(item) != branch->child_count) {
        return false;
    }
    for (size_t i = 0; i < branch->child_count; i++) {
        const cJSON *member = cJSON_GetObjectItemCaseSensitive(item, branch->children[i]->name);
        if (member == NULL || !node_contains(branch->children[i], member)) {
            return false;
        }
    }
    return true;
}

/* No deeper than the space is. */
bool node_contains(const struct node *node, const cJSON *item)
{
    switch (node->kind) {
    case NODE_BRANCH:
        return has_members(node, item);
    case NODE_CHOICE:
        for (size_t i = 0; i < node->child_count; i++) {
            if (node_contains(node->children[i], item)) {
                return true;
            }
        }
        return false;
    case NODE_NUMERIC:
        return has_number(&node->expression, item);
    case NODE_CONSTANT:
        break;
    }
    return hd_json_equal(node->json, item);
}

bool hd_space_contains(const struct hd_space *space, const cJSON *configuration)
{
    return node_contains(space->root, configuration);
}
