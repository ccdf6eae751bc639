/* The least value of a smooth function within bounds: projected L-BFGS (Nocedal and Wright, "Numerical Optimization", 2006, algorithm 7.4;
 * variables at a bound that the step would leave are held there, as Bertsekas projects Newton steps, 1982). For lib/core only. */
#ifndef HD_CORE_DESCENT_H
#define HD_CORE_DESCENT_H

#include <stddef.h>

struct descent {
    size_t count;                    /* of variables */
    const double *lower, *upper;     /* bounds, count each */
    int evaluations;                 /* at most so many */
    double tolerance;                /* ends when a step gains less than this */
    /* The value at `x`, and its gradient. Infinite or NaN: there is none, the step was too long. */
    double (*value)(void *context, const double *x, double *ret_gradient);
    void *context;
};

/* Doubles that descent_run() works in. */
size_t descent_room(size_t count);
/* From `x` downhill; `x` becomes the best point that was met. Its value is returned. `room` has descent_room(count) doubles. */
double descent_run(const struct descent *descent, double *x, double *room);

#endif
