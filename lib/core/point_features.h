/* What a regression sees of a point: its coordinates, of choices only whether they are equal, and of a choice of numbers their order
 * besides. For lib/core only. */
#ifndef HD_CORE_POINT_FEATURES_H
#define HD_CORE_POINT_FEATURES_H

#include "space_points.h"

struct point_features {
    size_t count;
    size_t *dimensions;   /* of each feature */
    const double **ranks; /* of each feature: the dimension's ranks, if these are the feature; else NULL */
    bool *unordered;      /* of each feature: it is a label */
};

/* `points` must live as long. False when memory is short; then there is nothing to close. */
bool point_features_open(struct point_features *features, const struct points *points);
void point_features_close(struct point_features *features);
void point_features_find(const struct point_features *features, const struct points *points, const double *point, double *ret_features);

#endif
