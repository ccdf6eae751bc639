/* The inner loops of linear algebra: sums over stretches of doubles, in a fixed order on a given kind of processor. For lib/core only.
 *
 * A sum is split over the lanes of a vector, so its last digits are not those of a plain loop, but the same on every call. */
#ifndef HD_CORE_VECTOR_H
#define HD_CORE_VECTOR_H

#include <stddef.h>

/* Sum of a[i] * b[i]. */
double vector_dot(const double *a, const double *b, size_t count);
/* The same of `a` with four others at once, which reads `a` once. */
void vector_dot_four(const double *a, const double *const b[4], size_t count, double ret_sums[4]);
/* y[i] += factor * x[i]. */
void vector_add(double *y, double factor, const double *x, size_t count);
/* y[i] += factor * (x[i] - origin)^2. */
void vector_add_squares(double *y, double factor, const double *x, double origin, size_t count);
/* y[i] += factor where x[i] is not `value`. */
void vector_add_unequal(double *y, double factor, const double *x, double value, size_t count);
/* Sum of weights[i] * (x[i] - origin)^2. */
double vector_sum_squares(const double *weights, const double *x, double origin, size_t count);
/* Sum of the weights where x[i] is not `value`. */
double vector_sum_unequal(const double *weights, const double *x, double value, size_t count);

/* Hills are 1 / (1 + factor * (x[i] - origin)^2). y[i] += height * hill. */
void vector_add_hills(double *y, double height, double factor, const double *x, double origin, size_t count);
/* Sum of weights[i] * (x[i] - origin)^2 * hill^2. */
double vector_sum_hill_widths(const double *weights, double factor, const double *x, double origin, size_t count);
/* Sum of weights[i] * (x[i] - origin) * hill^2. */
double vector_sum_hill_slopes(const double *weights, double factor, const double *x, double origin, size_t count);

#endif
