/* Metrics as a regression likes them: smaller is better, about zero mean and unit variance, no value so far off that it hides the others.
 * For lib/core only.
 *
 * Values are measured from the best in units of the distance between the best and the median. Far beyond the median only their logarithm
 * counts, so that a loss of 1e6 among losses of 0.1 is no more than bad. Before the values are standardised they may be bent: the larger
 * the bend, the more the differences among good values count. Or they are levelled: then a level is measured from that only values much
 * better than the best quarter are beyond, and of these only the logarithm counts, so that one deep hollow does not make all else equal. */
#ifndef HD_CORE_METRIC_SCALE_H
#define HD_CORE_METRIC_SCALE_H

#include <stdbool.h>
#include <stddef.h>

#include "goal.h"

enum { METRIC_STRAIGHT = 1, METRIC_BENDS = 5 };

struct metric_scale {
    enum hd_goal goal;
    double origin, unit; /* of rank keys: the best or the level, and how far the median is from it */
    double least, most;  /* finite rank keys: infinite values become these */
    double bend;         /* 0: none */
    bool levelled;       /* the origin is a level */
    double mean, deviation;
    double log_slopes; /* sum over the values of the logarithm of the scale's slope: what a likelihood gains by it */
};

/* Learns the scale of `count` values (one at least, none NaN); `bend` < METRIC_BENDS: below METRIC_STRAIGHT there is none, and the first
 * from there on levels. `room` has `count` doubles. */
void metric_scale_learn(struct metric_scale *scale, enum hd_goal goal, int bend, const double *values, size_t count, double *room);
double metric_scale_apply(const struct metric_scale *scale, double value);

#endif
