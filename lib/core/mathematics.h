/* exp, log, pow and the normal quantile in plain double operations.
 *
 * libm differs between machines in the last digit; draws must not. Errors are below 1 unit in the last place for exp, log and pow (pow
 * of the arguments that a search space can have), and 1e-15 relative for the quantile; tests compare with libm. */
#ifndef HD_CORE_MATHEMATICS_H
#define HD_CORE_MATHEMATICS_H

double hd_exp(double x);
double hd_log(double x);
/* base > 0. Exact where the result is an integer power of an exactly representable base and fits (2^3 is 8.0). */
double hd_pow(double base, double exponent);
/* Inverse of the standard normal distribution function, 0 < p < 1. */
double hd_normal_quantile(double p);

#endif
