#include "point_features.h"

#include <stdlib.h>

static void add(struct point_features *features, size_t dimension, const double *ranks, bool unordered)
{
    features->dimensions[features->count] = dimension;
    features->ranks[features->count] = ranks;
    features->unordered[features->count++] = unordered;
}

bool point_features_open(struct point_features *features, const struct points *points)
{
    size_t most = 2 * points->count + 1;
    *features = (struct point_features){
        .dimensions = calloc(most, sizeof *features->dimensions),
        .ranks = calloc(most, sizeof *features->ranks),
        .unordered = calloc(most, sizeof *features->unordered),
    };
    if (features->dimensions == NULL || features->ranks == NULL || features->unordered == NULL) {
        point_features_close(features);
        return false;
    }
    for (size_t i = 0; i < points->count; i++) {
        const struct points_dimension *dimension = &points->dimensions[i];
        if (dimension->kind != POINTS_SINGLE)
            add(features, i, NULL, dimension->kind == POINTS_UNORDERED);
        if (dimension->ranks != NULL)
            add(features, i, dimension->ranks, false);
    }
    return true;
}

void point_features_close(struct point_features *features)
{
    free(features->dimensions);
    free(features->ranks);
    free(features->unordered);
    *features = (struct point_features){0};
}

void point_features_find(const struct point_features *features, const struct points *points, const double *point, double *ret_features)
{
    for (size_t f = 0; f < features->count; f++) {
        size_t dimension = features->dimensions[f];
        const double *ranks = features->ranks[f];
        ret_features[f] = point[dimension];
        if (ranks != NULL && points_is_drawn(points, point, dimension))
            ret_features[f] = ranks[points_index(&points->dimensions[dimension], point[dimension])];
    }
}
