/* The logarithm of the expected improvement, which has a slope even where the improvement itself is too small for a double (Ament et al.,
 * "Unexpected Improvements to Expected Improvement for Bayesian Optimization", 2023). For lib/core only. */
#ifndef HD_CORE_EXPECTED_IMPROVEMENT_H
#define HD_CORE_EXPECTED_IMPROVEMENT_H

/* Of a value with this normal distribution below `best`. The slopes are by mean and deviation; deviation > 0. */
double expected_improvement_log(double best, double mean, double deviation, double *ret_mean_slope, double *ret_deviation_slope);

#endif
