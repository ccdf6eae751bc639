/* A search space as a unit cube: the configuration behind a point, by the inverse distributions that the Sobol sequence takes too, and the
 * point of a configuration. For lib/core only.
 *
 * A point has a coordinate in (0, 1) for each expression, in document order. The coordinate of a choice or an integer is the centre of the
 * value's share; that of an expression which is not drawn, since another branch is, is one half. */
#ifndef HD_CORE_SPACE_POINTS_H
#define HD_CORE_SPACE_POINTS_H

#include "space_tree.h"

enum points_kind {
    POINTS_SINGLE,    /* one value only */
    POINTS_SMOOTH,    /* not counted */
    POINTS_STEPS,     /* counted, in order */
    POINTS_UNORDERED, /* a choice */
};

struct points_dimension {
    enum points_kind kind;
    const struct node *node;
    uint64_t count; /* of steps or options; 0: not counted */
    int64_t parent; /* the choice that has it in a branch; -1: none */
    size_t branch;  /* the option of that choice */
    double *ranks;  /* of a choice of numbers only: the coordinate of each option in their order; NULL: it has none; owned */
};

struct points {
    const struct hd_space *space;
    size_t count; /* of dimensions */
    struct points_dimension *dimensions;
};

/* The space must live as long. False when memory is short; then there is nothing to close. */
bool points_open(struct points *points, const struct hd_space *space);
void points_close(struct points *points);

/* Is the expression drawn at this point? */
bool points_is_drawn(const struct points *points, const double *point, size_t dimension);
/* Which option of a choice, or which step. */
uint64_t points_index(const struct points_dimension *dimension, double coordinate);
double points_coordinate(const struct points_dimension *dimension, uint64_t index);
/* Moves the point to the one that the configuration behind it has. */
void points_snap(const struct points *points, double *point);
/* False: the space could not have drawn the configuration. */
bool points_find(const struct points *points, const cJSON *configuration, double *ret_point);
/* NULL when memory is short. */
cJSON *points_configuration(const struct points *points, const double *point);

#endif
