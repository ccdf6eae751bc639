/* Where in the space a model expects the largest improvement: many points are looked at, and the best of them climbed from. For lib/core
 * only. */
#ifndef HD_CORE_PROPOSAL_SEARCH_H
#define HD_CORE_PROPOSAL_SEARCH_H

#include <stdint.h>

#include "gaussian_process.h"
#include "point_features.h"

enum { PROPOSAL_SEARCH_FINDS = 12 };

struct proposal_search {
    const struct points *points;
    const struct point_features *features;
    const struct gaussian_process *process;
    double best;            /* what is to be improved on, in the model's values */
    const double *centres;  /* good points, the best first, to look around of */
    size_t centre_count;
    int64_t seed;           /* with `number`: which random numbers are taken */
    uint64_t number;
};

/* The points found, the best first, each snapped and no two the same: ret_points has room for PROPOSAL_SEARCH_FINDS of them, one after the
 * other. Their number is returned; -1 when memory is short. */
int proposal_search_run(const struct proposal_search *search, double *ret_points);

#endif
