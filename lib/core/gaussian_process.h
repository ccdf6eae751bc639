/* Gaussian process regression with a Matern-5/2 kernel and a length scale for each feature (Rasmussen and Williams, "Gaussian Processes
 * for Machine Learning", 2006, chapters 2 and 5), of which a share is a sum of kernels of one feature each: what is a sum of functions of
 * one feature is learned from few points (Duvenaud, Nickisch, Rasmussen: "Additive Gaussian Processes", 2011). For lib/core only.
 *
 * Features are numbers in [0, 1], or the labels of categories, which are only equal or not. Values are expected to be of about zero mean
 * and unit variance. */
#ifndef HD_CORE_GAUSSIAN_PROCESS_H
#define HD_CORE_GAUSSIAN_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

struct gaussian_process {
    size_t features, capacity; /* capacity: of points */
    size_t count;              /* of points */
    const bool *unordered;     /* which features are labels; the caller's, and lives as long */
    double *columns;           /* features x capacity: all points' first feature, then their second */
    double *values;
    double *doubts;     /* variance of further noise of each point, in units of `variance` */
    double *precisions; /* 1 / length scale^2 of each feature */
    double noise;       /* variance of the noise, in units of `variance` */
    double share;       /* of the variance that is of the sum over the features */
    double mean, variance;
    double *factor, *inverse; /* L and L^-1 of the correlations; rows of `capacity` */
    double *weights;          /* correlations^-1 (values - mean) */
    double *square, *slopes;  /* room of the fit: correlations^-1, and the kernel's slopes */
    double *gaps;             /* room of the fit, too: how far the sum's correlations are above the others */
};

/* Room for `capacity` points. False when memory is short; then there is nothing to close. */
bool gaussian_process_open(struct gaussian_process *process, size_t features, const bool *unordered, size_t capacity);
void gaussian_process_close(struct gaussian_process *process);

/* Adds a point, of which `doubt` is the variance of noise of its own; the model knows it after gaussian_process_condition(). There must be
 * room. */
void gaussian_process_add(struct gaussian_process *process, const double *point, double value, double doubt);
/* Other values for the same points. */
void gaussian_process_set_values(struct gaussian_process *process, const double *values);

/* Parameters are the logarithms of the length scales, then that of the noise, then the logit of the share. */
size_t gaussian_process_parameters(const struct gaussian_process *process);
void gaussian_process_set_parameters(struct gaussian_process *process, const double *parameters);
/* Bounds of the parameters, and where their prior is largest. */
void gaussian_process_bounds(const struct gaussian_process *process, double *ret_lower, double *ret_upper, double *ret_typical);
/* - log (marginal likelihood x prior), but for a constant; +INFINITY where the correlations are not positive definite. `ret_gradient` may
 * be NULL. With `parameters` NULL the correlations are as they were at the last call, and the values new. */
double gaussian_process_misfit(struct gaussian_process *process, const double *parameters, double *ret_gradient);

/* Makes the model of all points with the parameters as they are, when the points before `first` are in it already. False when the
 * correlations are not positive definite. */
bool gaussian_process_condition(struct gaussian_process *process, size_t first);

/* What the model says about the point, without noise. `room` has 4 x count doubles; it then holds, first, the correlations with all
 * points. Gradients are with respect to the point's features, 0 for labels; both may be NULL. */
void gaussian_process_predict(const struct gaussian_process *process, const double *point, double *room, double *ret_mean,
                              double *ret_deviation, double *ret_mean_gradient, double *ret_deviation_gradient);

#endif
