#include "mathematics.h"

#include <math.h>
#include <stdbool.h>

/* A number as the unevaluated sum of two doubles, |low| at most half a unit in the last place of high: about 106 bits (Dekker, "A
 * floating-point technique for extending the available precision", 1971). All of exp, log and pow is done in such pairs and rounded once at
 * the end: slower than libm by far, but still one or two microseconds, which is nothing next to what a draw leads to. */
struct pair {
    double high;
    double low;
};

static const struct pair LOG_2 = {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};

/* |a| >= |b| */
static struct pair ordered_sum(double a, double b)
{
    double sum = a + b;
    return (struct pair){sum, b - (sum - a)};
}

static struct pair exact_sum(double a, double b)
{
    double sum = a + b;
    double part = sum - a;
    return (struct pair){sum, (a - (sum - part)) + (b - part)};
}

/* Two halves of 26 bits. Overflows above 2^996, which no number here reaches. */
static struct pair split(double a)
{
    double scaled = a * 134217729.0; /* 2^27 + 1 */
    double high = scaled - (scaled - a);
    return (struct pair){high, a - high};
}

static struct pair exact_product(double a, double b)
{
    double product = a * b;
    struct pair x = split(a), y = split(b);
    return (struct pair){product, ((x.high * y.high - product) + x.high * y.low + x.low * y.high) + x.low * y.low};
}

static struct pair add(struct pair a, struct pair b)
{
    struct pair high = exact_sum(a.high, b.high), low = exact_sum(a.low, b.low);
    high = ordered_sum(high.high, high.low + low.high);
    return ordered_sum(high.high, high.low + low.low);
}

static struct pair multiply(struct pair a, struct pair b)
{
    struct pair product = exact_product(a.high, b.high);
    return ordered_sum(product.high, product.low + (a.high * b.low + a.low * b.high));
}

static struct pair scale(struct pair a, double factor)
{
    return multiply(a, (struct pair){factor, 0});
}

static struct pair divide(struct pair a, struct pair b)
{
    double first = a.high / b.high;
    struct pair rest = add(a, scale(b, -first));
    double second = rest.high / b.high;
    rest = add(rest, scale(b, -second));
    struct pair quotient = ordered_sum(first, second);
    return add(quotient, (struct pair){rest.high / b.high, 0});
}

/* exp(x) = 2^k exp(r) with |r| <= log(2)/2, and the series of exp(r) as 1 + r(1 + r/2(1 + r/3(...))). */
static double exponential(struct pair x)
{
    enum { TERMS = 22 }; /* the next would be below 2^-109 */
    if (x.high > 709.8)
        return INFINITY;
    if (x.high < -745.2)
        return 0;
    double k = rint(x.high / LOG_2.high);
    struct pair r = add(x, scale(LOG_2, -k));
    struct pair sum = {1, 0};
    for (int n = TERMS; n > 0; n--)
        sum = add((struct pair){1, 0}, divide(multiply(r, sum), (struct pair){n, 0}));
    return ldexp(sum.high, (int)k);
}

/* log(x) = k log(2) + log(m) with m between sqrt(1/2) and sqrt(2), and log(m) = 2(s + s^3/3 + s^5/5 + ...), s = (m - 1) / (m + 1). */
static struct pair logarithm(double x)
{
    enum { TERMS = 20 }; /* s is at most 0.1716: the next would be below 2^-112 */
    int k;
    double m = frexp(x, &k);
    if (m < M_SQRT1_2) {
        m *= 2;
        k--;
    }
    struct pair s = divide((struct pair){m - 1, 0}, exact_sum(m, 1));
    struct pair square = multiply(s, s);
    struct pair sum = {0, 0};
    for (int n = TERMS; n >= 0; n--)
        sum = add(divide((struct pair){1, 0}, (struct pair){2 * n + 1, 0}), multiply(square, sum));
    return add(scale(LOG_2, k), scale(multiply(s, sum), 2));
}

double hd_exp(double x)
{
    if (isnan(x))
        return x;
    return exponential((struct pair){x, 0});
}

double hd_log(double x)
{
    if (isnan(x) || x == INFINITY)
        return x;
    if (x < 0)
        return NAN;
    if (x == 0)
        return -INFINITY;
    return logarithm(x).high;
}

double hd_pow(double base, double exponent)
{
    if (base == M_E) /* stands for e itself, not for the double next to it */
        return hd_exp(exponent);
    if (base == 1 || exponent == 0)
        return 1;
    if (isnan(base) || isnan(exponent))
        return NAN;
    struct pair log_base = isfinite(base) ? logarithm(base) : (struct pair){INFINITY, 0};
    double estimate = log_base.high * exponent;
    if (!(fabs(estimate) < 1000)) /* beyond every double, where the pairs' arithmetic would overflow */
        return estimate > 0 ? INFINITY : 0;
    return exponential(multiply(log_base, (struct pair){exponent, 0}));
}

enum { COEFFICIENTS = 8 };

static double polynomial(const double coefficients[COEFFICIENTS], double x)
{
    double sum = 0;
    for (int i = COEFFICIENTS - 1; i >= 0; i--)
        sum = sum * x + coefficients[i];
    return sum;
}

struct rational {
    double numerator[COEFFICIENTS];
    double denominator[COEFFICIENTS];
};

/* Michael J. Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied Statistics 37 (1988), PPND16. */
static const struct rational CENTRE = {
    {3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4, 4.5921953931549871457e+4,
     6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3},
    {1.0, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3, 2.1213794301586595867e+4, 3.9307895800092710610e+4,
     2.8729085735721942674e+4, 5.2264952788528545610e+3},
};
static const struct rational MIDDLE = {
    {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0, 1.27045825245236838258e0,
     2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4},
    {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
     1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9},
};
static const struct rational TAIL = {
    {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1, 2.65321895265761230930e-2,
     1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7},
    {1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2, 7.86869131145613259100e-4,
     1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15},
};

static double ratio(const struct rational *rational, double x)
{
    return polynomial(rational->numerator, x) / polynomial(rational->denominator, x);
}

double hd_normal_quantile(double p)
{
    double distance = p - 0.5;
    if (fabs(distance) <= 0.425)
        return distance * ratio(&CENTRE, 0.180625 - distance * distance);
    bool below = distance < 0;
    double r = sqrt(-hd_log(below ? p : 1 - p));
    double quantile = r <= 5 ? ratio(&MIDDLE, r - 1.6) : ratio(&TAIL, r - 5);
    return below ? -quantile : quantile;
}
