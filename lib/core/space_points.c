#include "space_points.h"

#include <math.h>
#include <stdlib.h>

#include "mathematics.h"

static const double CENTRE = 0.5;

/* --- Dimensions --------------------------------------------------------------------------------------------------------------------------
 */

static int compare_numbers(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

/* Of a choice among three or more numbers: where each stands among them. False when memory is short. */
static bool rank_options(struct points_dimension *dimension)
{
    size_t count = dimension->node->child_count;
    for (size_t i = 0; i < count; i++) {
        const struct node *option = dimension->node->children[i];
        if (option->kind != NODE_CONSTANT || !cJSON_IsNumber(option->json))
            return true;
    }
    if (count < 3)
        return true;
    double *sorted = calloc(count, sizeof *sorted), *ranks = calloc(count, sizeof *ranks);
    for (size_t i = 0; sorted != NULL && i < count; i++)
        sorted[i] = dimension->node->children[i]->json->valuedouble;
    if (sorted != NULL && ranks != NULL) {
        qsort(sorted, count, sizeof *sorted, compare_numbers);
        for (size_t i = 0; i < count; i++) {
            const double *place =
                bsearch(&dimension->node->children[i]->json->valuedouble, sorted, count, sizeof *sorted, compare_numbers);
            ranks[i] = (double)(place - sorted) / (double)(count - 1);
        }
        dimension->ranks = ranks;
        ranks = NULL;
    }
    free(sorted);
    free(ranks);
    return dimension->ranks != NULL;
}

static bool describe_choice(struct points_dimension *dimension)
{
    dimension->count = dimension->node->child_count;
    dimension->kind = dimension->count == 1 ? POINTS_SINGLE : POINTS_UNORDERED;
    return rank_options(dimension);
}

static void describe_numeric(struct points_dimension *dimension)
{
    uint64_t count = expression_count(&dimension->node->expression);
    dimension->count = count == EXPRESSION_COUNT_HUGE ? 0 : count;
    dimension->kind = count == 1 ? POINTS_SINGLE : dimension->count == 0 ? POINTS_SMOOTH : POINTS_STEPS;
}

/* Depth is that of the space. */
static bool describe(struct points *points, const struct node *node, int64_t parent, size_t branch)
{
    struct points_dimension *dimension = &points->dimensions[node->dimension];
    if (node->kind == NODE_CHOICE || node->kind == NODE_NUMERIC)
        *dimension = (struct points_dimension){.node = node, .parent = parent, .branch = branch};
    if (node->kind == NODE_NUMERIC)
        describe_numeric(dimension);
    if (node->kind == NODE_CHOICE && !describe_choice(dimension))
        return false;
    for (size_t i = 0; i < node->child_count; i++) {
        bool below = node->kind == NODE_CHOICE ? describe(points, node->children[i], node->dimension, i)
                                               : describe(points, node->children[i], parent, branch);
        if (!below)
            return false;
    }
    return true;
}

bool points_open(struct points *points, const struct hd_space *space)
{
    *points = (struct points){.space = space, .count = space->dimensions};
    points->dimensions = calloc(points->count + 1, sizeof *points->dimensions);
    if (points->dimensions == NULL)
        return false;
    if (describe(points, space->root, -1, 0))
        return true;
    points_close(points);
    return false;
}

void points_close(struct points *points)
{
    for (size_t i = 0; points->dimensions != NULL && i < points->count; i++)
        free(points->dimensions[i].ranks);
    free(points->dimensions);
    points->dimensions = NULL;
}

/* --- Points ------------------------------------------------------------------------------------------------------------------------------
 */

bool points_is_drawn(const struct points *points, const double *point, size_t dimension)
{
    const struct points_dimension *found = &points->dimensions[dimension];
    while (found->parent >= 0) {
        const struct points_dimension *parent = &points->dimensions[found->parent];
        if (points_index(parent, point[found->parent]) != found->branch)
            return false;
        found = parent;
    }
    return true;
}

/* Where a number lies among those that the expression draws. */
static double coordinate_of(const struct expression *expression, double value)
{
    const double *arguments = expression->arguments;
    if (expression->form->family == FAMILY_INTEGER)
        return (value + CENTRE) / arguments[0];
    double draw = expression->form->logarithmic ? hd_log(fmax(value, 0x1p-1022)) / hd_log(expression->log_base) : value;
    if (expression->form->family == FAMILY_UNIFORM) {
        double width = arguments[1] / 2 - arguments[0] / 2; /* halves, since the whole may be infinite */
        return width > 0 ? fmin(fmax((draw / 2 - arguments[0] / 2) / width, 0), 1) : CENTRE;
    }
    return arguments[1] > 0 ? fmin(fmax(erfc((arguments[0] - draw) / arguments[1] * M_SQRT1_2) / 2, 0), 1) : CENTRE;
}

uint64_t points_index(const struct points_dimension *dimension, double coordinate)
{
    const struct expression *expression = &dimension->node->expression;
    if (dimension->node->kind == NODE_CHOICE || expression->form->family == FAMILY_INTEGER) {
        uint64_t index = (uint64_t)(fmax(coordinate, 0) * (double)dimension->count);
        return index < dimension->count ? index : dimension->count - 1;
    }
    double value = expression_value(expression, expression_draw(expression, coordinate));
    double index = rint((value - expression_at(expression, 0)) / expression->arguments[2]);
    return (uint64_t)fmin(fmax(index, 0), (double)(dimension->count - 1));
}

double points_coordinate(const struct points_dimension *dimension, uint64_t index)
{
    const struct expression *expression = &dimension->node->expression;
    if (dimension->node->kind == NODE_CHOICE || expression->form->family == FAMILY_INTEGER)
        return ((double)index + CENTRE) / (double)dimension->count;
    return coordinate_of(expression, expression_at(expression, index));
}

static double snap_coordinate(const struct points_dimension *dimension, double coordinate)
{
    static const double EDGE = 0x1p-33; /* as close to the ends as the Sobol sequence comes: a normal type is infinite at the end */
    double inside = fmin(fmax(coordinate, EDGE), 1 - EDGE);
    switch (dimension->kind) {
    case POINTS_SINGLE:
        return CENTRE;
    case POINTS_SMOOTH:
        if (dimension->node->expression.form->quantised) {
            const struct expression *expression = &dimension->node->expression;
            return fmin(fmax(coordinate_of(expression, expression_value(expression, expression_draw(expression, inside))), EDGE), 1 - EDGE);
        }
        return inside;
    default:
        return points_coordinate(dimension, points_index(dimension, inside));
    }
}

void points_snap(const struct points *points, double *point)
{
    for (size_t i = 0; i < points->count; i++)
        point[i] = points_is_drawn(points, point, i) ? snap_coordinate(&points->dimensions[i], point[i]) : CENTRE;
}

/* Only for configurations that the space contains: so every value has its place. */
static void find_coordinates(const struct points *points, const struct node *node, const cJSON *item, double *point)
{
    switch (node->kind) {
    case NODE_BRANCH:
        for (size_t i = 0; i < node->child_count; i++)
            find_coordinates(points, node->children[i], cJSON_GetObjectItemCaseSensitive(item, node->children[i]->name), point);
        return;
    case NODE_CHOICE:
        for (size_t i = 0; i < node->child_count; i++) {
            if (!node_contains(node->children[i], item))
                continue;
            point[node->dimension] = points_coordinate(&points->dimensions[node->dimension], i);
            find_coordinates(points, node->children[i], item, point);
            return;
        }
        return;
    case NODE_NUMERIC:
        point[node->dimension] = coordinate_of(&node->expression, item->valuedouble);
        return;
    case NODE_CONSTANT:
        return;
    }
}

bool points_find(const struct points *points, const cJSON *configuration, double *ret_point)
{
    if (!node_contains(points->space->root, configuration))
        return false;
    for (size_t i = 0; i < points->count; i++)
        ret_point[i] = CENTRE;
    find_coordinates(points, points->space->root, configuration, ret_point);
    points_snap(points, ret_point);
    return true;
}

cJSON *points_configuration(const struct points *points, const double *point)
{
    return space_draw_point(points->space, point);
}
