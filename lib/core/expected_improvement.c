#include "expected_improvement.h"

#include <math.h>

static const double LOG_SQRT_2_PI = 0.91893853320467274178;
static const double SERIES_FROM = -30; /* below that density(z) + z * distribution(z) loses more digits than its series */

/* log(density(z) + z * distribution(z)), and the logarithms of density and distribution, of the standard normal distribution. */
static double log_gain(double z, double *ret_log_density, double *ret_log_distribution)
{
    double log_density = -z * z / 2 - LOG_SQRT_2_PI;
    *ret_log_density = log_density;
    if (z > SERIES_FROM) {
        double distribution = erfc(-z * M_SQRT1_2) / 2;
        *ret_log_distribution = log(distribution);
        return log(exp(log_density) + z * distribution);
    }
    /* distribution(z) = density(z) / -z * (1 - 1/z^2 + 3/z^4 - 15/z^6 ...) */
    double square = 1 / (z * z);
    double series = 1 - square * (1 - square * (3 - square * (15 - square * 105)));
    double gain = square * (1 - square * (3 - square * (15 - square * 105)));
    *ret_log_distribution = log_density - log(-z) + log(series);
    return log_density + log(gain);
}

double expected_improvement_log(double best, double mean, double deviation, double *ret_mean_slope, double *ret_deviation_slope)
{
    double log_density, log_distribution, z = (best - mean) / deviation;
    double gain = log_gain(z, &log_density, &log_distribution);
    *ret_mean_slope = -exp(log_distribution - gain) / deviation;
    *ret_deviation_slope = exp(log_density - gain) / deviation;
    return log(deviation) + gain;
}
