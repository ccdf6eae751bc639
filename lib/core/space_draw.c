#include <math.h>

#include "json_tree.h"
#include "random.h"
#include "sobol.h"
#include "space_tree.h"

/* Which numbers a draw takes: seed and draw from the sweep, the dimension from the expression. */
struct source {
    int64_t seed;
    uint64_t draw;
    bool sobol;          /* a point of the sequence; what has to be drawn again is drawn at random */
    const double *point; /* this point; NULL: none is given */
};

static double draw_unit(const struct source *source, uint32_t dimension, uint32_t retry)
{
    if (source->point != NULL && retry == 0)
        return source->point[dimension];
    if (source->sobol && retry == 0)
        return hd_sobol_unit(source->seed, source->draw, dimension);
    return hd_random_unit(source->seed, source->draw, dimension, retry);
}

/* Below `bound`, each with the same probability: numbers from the incomplete last round of 2^64 are drawn again. */
static uint64_t draw_index(const struct source *source, uint32_t dimension, uint64_t bound)
{
    if (source->sobol || source->point != NULL) {
        /* At most 1 - 2^-33, and bounds are below 2^53: the product is less than the bound, rounded too. */
        return (uint64_t)(draw_unit(source, dimension, 0) * (double)bound);
    }
    uint64_t incomplete = -bound % bound; /* 2^64 mod bound */
    for (uint32_t retry = 0;; retry++) {
        uint64_t bits = hd_random_bits(source->seed, source->draw, dimension, retry);
        if (bits >= incomplete)
            return bits % bound;
    }
}

/* A value that is not finite is drawn again. Compiling has made sure that at least one draw in a thousand is finite, so the limit is never
 * met; it is there so that the loop has an end that can be seen. */
static double draw_number(const struct source *source, const struct node *node)
{
    enum { RETRIES = 1000000 };
    double value = 0;
    for (uint32_t retry = 0; retry < RETRIES; retry++) {
        double unit = draw_unit(source, node->dimension, retry);
        value = expression_value(&node->expression, expression_draw(&node->expression, unit));
        if (isfinite(value))
            return value;
    }
    return expression_value(&node->expression, expression_safe_draw(&node->expression));
}

static cJSON *draw_node(const struct source *source, const struct node *node);

static cJSON *draw_branch(const struct source *source, const struct node *node)
{
    cJSON *object = json_new(cJSON_Object);
    for (size_t i = 0; object != NULL && i < node->child_count; i++) {
        const struct node *member = node->children[i];
        if (!json_append_member(object, member->name, draw_node(source, member))) {
            cJSON_Delete(object);
            return NULL;
        }
    }
    return object;
}

static cJSON *draw_numeric(const struct source *source, const struct node *node)
{
    if (node->expression.form->family == FAMILY_INTEGER)
        return expression_json(&node->expression, (double)draw_index(source, node->dimension, node->count));
    return expression_json(&node->expression, draw_number(source, node));
}

static cJSON *draw_node(const struct source *source, const struct node *node)
{
    switch (node->kind) {
    case NODE_BRANCH:
        return draw_branch(source, node);
    case NODE_CHOICE:
        return draw_node(source, node->children[draw_index(source, node->dimension, node->child_count)]);
    case NODE_NUMERIC:
        return draw_numeric(source, node);
    default:
        return json_copy(node->json);
    }
}

cJSON *hd_space_draw(const struct hd_space *space, int64_t seed, uint64_t draw)
{
    struct source source = {seed, draw, false, NULL};
    return draw_node(&source, space->root);
}

cJSON *hd_space_draw_sobol(const struct hd_space *space, int64_t seed, uint64_t draw)
{
    struct source source = {seed, draw, true, NULL};
    return draw_node(&source, space->root);
}

cJSON *space_draw_point(const struct hd_space *space, const double *point)
{
    struct source source = {0, 0, false, point};
    return draw_node(&source, space->root);
}
