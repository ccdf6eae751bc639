/* A compiled search space: a tree of values, of which the space itself is the outermost branch. For lib/core only. */
#ifndef HD_CORE_SPACE_TREE_H
#define HD_CORE_SPACE_TREE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "expression.h"
#include "space.h"

enum node_kind {
    NODE_CONSTANT,
    NODE_BRANCH,  /* an object; its members are the children */
    NODE_CHOICE,  /* one of the children */
    NODE_NUMERIC, /* any other expression */
};

struct node {
    enum node_kind kind;
    uint32_t dimension;           /* of choice and numeric: its number in document order */
    uint64_t count;               /* distinct values; 0 when not finite, EXPRESSION_COUNT_HUGE when beyond counting */
    char *name;                   /* of a branch's child; NULL elsewhere; owned */
    cJSON *json;                  /* of a constant the value, of a numeric its object form; owned */
    struct expression expression; /* of a numeric */
    struct node **children;       /* owned */
    size_t child_count;
    size_t capacity;
};

struct hd_space {
    struct node *root; /* a branch */
    uint32_t dimensions;
};

struct node *node_new(enum node_kind kind);
/* Takes `child` over. False when memory is short. */
bool node_add(struct node *parent, struct node *child);
/* NULL is allowed. */
void node_free(struct node *node);
/* Numbers the expressions below from *dimension on and counts their values. */
void node_finish(struct node *node, uint32_t *dimension);
/* The value as it is written in a parameter space, expressions in object form; NULL when memory is short. */
cJSON *node_json(const struct node *node);
/* Could the node have given this value? */
bool node_contains(const struct node *node, const cJSON *item);
/* The configuration at a point with a coordinate in (0, 1) for each dimension, by the inverse distributions. NULL when memory is short. */
cJSON *space_draw_point(const struct hd_space *space, const double *point);

#endif
