#include "gaussian_process.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cholesky.h"
#include "vector.h"

/* Priors. Length scales: log-normal, longer in more dimensions (Hvarfner, Hellsten, Nardi: "Vanilla Bayesian Optimization Performs Great in
 * High Dimensions", 2024), but shorter than theirs: functions with several valleys are missed by longer ones. Noise: log-normal, wide.
 * Signal variance: inverse gamma, integrated out in the misfit and set to its mode. Mean: normal, of the precision below in units of the
 * signal variance. */
static const double LENGTH_CENTRE = -0.5, LENGTH_WIDTH = 1.0;
static const double NOISE_CENTRE = -7, NOISE_WIDTH = 3;
static const double VARIANCE_SHAPE = 2, VARIANCE_SCALE = 2;
static const double MEAN_PRECISION = 0.1;
/* Share of the sum: logit-normal, and small, so that only metrics of which it explains far more make much of it. */
static const double SHARE_CENTRE = -4.5, SHARE_WIDTH = 1.5, SHARE_BOUND = 7;
/* Shorter length scales would make a narrow hollow of its own of each good point: then nothing else is worth a look. */
static const double LENGTH_LEAST = 0.05, LENGTH_MOST = 1000, NOISE_LEAST = 1e-7, NOISE_MOST = 10;

static const double SQRT_5 = 2.2360679774997898;

bool gaussian_process_open(struct gaussian_process *process, size_t features, const bool *unordered, size_t capacity)
{
    size_t matrix = capacity * capacity, doubles = features * capacity + 3 * capacity + features + 5 * matrix;
    double *room = calloc(doubles, sizeof *room);
    if (room == NULL)
        return false;
    *process = (struct gaussian_process){.features = features, .unordered = unordered, .capacity = capacity, .columns = room};
    process->values = process->columns + features * capacity;
    process->weights = process->values + capacity;
    process->doubts = process->weights + capacity;
    process->precisions = process->doubts + capacity;
    process->factor = process->precisions + features;
    process->inverse = process->factor + matrix;
    process->square = process->inverse + matrix;
    process->slopes = process->square + matrix;
    process->gaps = process->slopes + matrix;
    return true;
}

void gaussian_process_close(struct gaussian_process *process)
{
    free(process->columns);
    process->columns = NULL;
}

void gaussian_process_add(struct gaussian_process *process, const double *point, double value, double doubt)
{
    for (size_t f = 0; f < process->features; f++)
        process->columns[f * process->capacity + process->count] = point[f];
    process->doubts[process->count] = doubt;
    process->values[process->count++] = value;
}

void gaussian_process_set_values(struct gaussian_process *process, const double *values)
{
    memcpy(process->values, values, process->count * sizeof *values);
}

size_t gaussian_process_parameters(const struct gaussian_process *process)
{
    return process->features + 2;
}

void gaussian_process_set_parameters(struct gaussian_process *process, const double *parameters)
{
    for (size_t f = 0; f < process->features; f++)
        process->precisions[f] = exp(-2 * parameters[f]);
    process->noise = exp(parameters[process->features]);
    process->share = process->features > 1 ? 1 / (1 + exp(-parameters[process->features + 1])) : 0;
}

static double length_centre(const struct gaussian_process *process)
{
    return LENGTH_CENTRE + 0.5 * log((double)process->features);
}

void gaussian_process_bounds(const struct gaussian_process *process, double *ret_lower, double *ret_upper, double *ret_typical)
{
    size_t features = process->features;
    for (size_t f = 0; f < features; f++) {
        ret_lower[f] = log(LENGTH_LEAST);
        ret_upper[f] = log(LENGTH_MOST);
        ret_typical[f] = length_centre(process);
    }
    ret_lower[features] = log(NOISE_LEAST);
    ret_upper[features] = log(NOISE_MOST);
    ret_typical[features] = NOISE_CENTRE;
    ret_lower[features + 1] = -SHARE_BOUND;
    ret_upper[features + 1] = SHARE_BOUND;
    ret_typical[features + 1] = SHARE_CENTRE;
}

/* --- Correlations ------------------------------------------------------------------------------------------------------------------------
 */

/* Scaled squared distances of a point to the first `count` points. */
static void find_distances(const struct gaussian_process *process, const double *point, size_t stride, size_t count, double *ret_squares)
{
    memset(ret_squares, 0, count * sizeof *ret_squares);
    for (size_t f = 0; f < process->features; f++) {
        const double *column = process->columns + f * process->capacity;
        if (process->unordered[f])
            vector_add_unequal(ret_squares, process->precisions[f], column, point[f * stride], count);
        else
            vector_add_squares(ret_squares, process->precisions[f], column, point[f * stride], count);
    }
}

/* Squared distances become correlations; `ret_slopes` (which may be NULL) the kernel's derivatives by the squared distance. */
static void correlate(double *squares, size_t count, double *ret_slopes)
{
    for (size_t i = 0; i < count; i++) {
        double root = SQRT_5 * sqrt(squares[i]), decay = exp(-root);
        if (ret_slopes != NULL)
            ret_slopes[i] = -5.0 / 6.0 * (1 + root) * decay;
        squares[i] = (1 + root + root * root / 3) * decay;
    }
}

/* The part that is a sum over the features, of a rational quadratic kernel each: of the same slope at the origin as the other would have in
 * as many features that are all changed. */
static double hill_factor(const struct gaussian_process *process, size_t f)
{
    return 5.0 / 6.0 * (double)process->features * process->precisions[f];
}

static double hill_height(const struct gaussian_process *process)
{
    return process->share / (double)process->features;
}

static void add_sum(const struct gaussian_process *process, const double *point, size_t stride, size_t count, double *correlations)
{
    double height = hill_height(process);
    for (size_t f = 0; f < process->features; f++) {
        const double *column = process->columns + f * process->capacity;
        double factor = hill_factor(process, f), x = point[f * stride];
        if (!process->unordered[f]) {
            vector_add_hills(correlations, height, factor, column, x, count);
            continue;
        }
        for (size_t i = 0; i < count; i++)
            correlations[i] += column[i] == x ? height : height / (1 + factor);
    }
}

/* Makes the correlations of the whole of those of the product; `ret_gaps` may be NULL. */
static void mix_sum(const struct gaussian_process *process, const double *point, size_t stride, size_t count, double *correlations,
                    double *ret_gaps)
{
    if (process->share == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        if (ret_gaps != NULL)
            ret_gaps[i] = correlations[i];
        correlations[i] *= 1 - process->share;
    }
    add_sum(process, point, stride, count, correlations);
    for (size_t i = 0; ret_gaps != NULL && i < count; i++) /* k = (1 - share) product + share sum */
        ret_gaps[i] = (correlations[i] - ret_gaps[i]) / process->share;
}

/* Rows of the correlations from `first` on, into the matrix that is then factored. */
static void fill_rows(struct gaussian_process *process, size_t first, bool slopes)
{
    for (size_t i = first; i < process->count; i++) {
        double *row = process->factor + i * process->capacity;
        find_distances(process, process->columns + i, process->capacity, i, row);
        correlate(row, i, slopes ? process->slopes + i * process->capacity : NULL);
        mix_sum(process, process->columns + i, process->capacity, i, row, slopes ? process->gaps + i * process->capacity : NULL);
        row[i] = 1 + process->noise + process->doubts[i];
    }
}

/* --- Mean, variance, weights -------------------------------------------------------------------------------------------------------------
 */

/* Sets mean and weights; returns the squared length of the values under the inverse correlations, the mean's own prior included. */
static double explain_values(struct gaussian_process *process)
{
    size_t count = process->count, stride = process->capacity;
    double *ones = process->weights, *room = process->square; /* its first rows are free here */
    double *whitened_ones = room, *whitened = room + count;
    double product = 0, length = 0, rest = 0;
    for (size_t i = 0; i < count; i++)
        ones[i] = 1;
    cholesky_forward(process->inverse, stride, count, ones, whitened_ones);
    cholesky_forward(process->inverse, stride, count, process->values, whitened);
    product = vector_dot(whitened_ones, whitened, count);
    length = vector_dot(whitened_ones, whitened_ones, count);
    process->mean = product / (length + MEAN_PRECISION);
    vector_add(whitened, -process->mean, whitened_ones, count);
    rest = vector_dot(whitened, whitened, count) + MEAN_PRECISION * process->mean * process->mean;
    cholesky_backward(process->inverse, stride, count, whitened, process->weights);
    process->variance = (VARIANCE_SCALE + rest / 2) / (VARIANCE_SHAPE + (double)count / 2);
    return rest;
}

bool gaussian_process_condition(struct gaussian_process *process, size_t first)
{
    fill_rows(process, first, false);
    if (!cholesky_factor(process->factor, process->capacity, first, process->count))
        return false;
    cholesky_invert(process->factor, process->inverse, process->capacity, first, process->count);
    double variance = process->variance;
    explain_values(process);
    if (first > 0)
        process->variance = variance; /* what is added later is no evidence of it */
    return true;
}

/* --- Misfit ------------------------------------------------------------------------------------------------------------------------------
 */

static double prior_misfit(const struct gaussian_process *process, const double *parameters, double *ret_gradient)
{
    double misfit = 0;
    for (size_t i = 0; i <= process->features; i++) {
        bool is_noise = i == process->features;
        double width = is_noise ? NOISE_WIDTH : LENGTH_WIDTH;
        double distance = (parameters[i] - (is_noise ? NOISE_CENTRE : length_centre(process))) / width;
        misfit += distance * distance / 2;
        if (ret_gradient != NULL)
            ret_gradient[i] = distance / width;
    }
    double distance = (parameters[process->features + 1] - SHARE_CENTRE) / SHARE_WIDTH;
    if (ret_gradient != NULL)
        ret_gradient[process->features + 1] = distance / SHARE_WIDTH;
    return misfit + distance * distance / 2;
}

/* What a row of it has by the sum: its length scales, and its share. */
static void add_sum_gradient(const struct gaussian_process *process, size_t i, const double *row, double *gradient)
{
    for (size_t f = 0; f < process->features; f++) {
        const double *column = process->columns + f * process->capacity;
        double factor = hill_factor(process, f), scale = 2 * hill_height(process) * factor;
        gradient[f] += process->unordered[f] ? scale / ((1 + factor) * (1 + factor)) * vector_sum_unequal(row, column, column[i], i)
                                             : scale * vector_sum_hill_widths(row, factor, column, column[i], i);
    }
    double by_share = process->share * (1 - process->share);
    gradient[process->features + 1] += by_share * vector_dot(row, process->gaps + i * process->capacity, i);
}

/* Adds the likelihood's part: half the sum of (C^-1 - weights weights^T / variance) x dC. */
static void add_gradient(struct gaussian_process *process, double *gradient)
{
    size_t count = process->count, stride = process->capacity;
    double diagonal = 0;
    cholesky_square(process->inverse, process->square, stride, count);
    for (size_t i = 0; i < count; i++) {
        double *row = process->square + i * stride;
        const double *slopes = process->slopes + i * stride;
        vector_add(row, -process->weights[i] / process->variance, process->weights, i + 1);
        diagonal += row[i];
        if (process->share > 0)
            add_sum_gradient(process, i, row, gradient);
        for (size_t j = 0; j < i; j++)
            row[j] *= (1 - process->share) * slopes[j];
        for (size_t f = 0; f < process->features; f++) {
            const double *column = process->columns + f * stride;
            double sum =
                process->unordered[f] ? vector_sum_unequal(row, column, column[i], i) : vector_sum_squares(row, column, column[i], i);
            gradient[f] -= 2 * process->precisions[f] * sum;
        }
    }
    gradient[process->features] += process->noise * diagonal / 2;
}

double gaussian_process_misfit(struct gaussian_process *process, const double *parameters, double *ret_gradient)
{
    size_t count = process->count, stride = process->capacity;
    double determinant = 0, misfit = 0;
    if (parameters != NULL) {
        gaussian_process_set_parameters(process, parameters);
        misfit = prior_misfit(process, parameters, ret_gradient);
        fill_rows(process, 0, ret_gradient != NULL);
        if (!cholesky_factor(process->factor, stride, 0, count))
            return INFINITY;
        cholesky_invert(process->factor, process->inverse, stride, 0, count);
    }
    double rest = explain_values(process);
    for (size_t i = 0; i < count; i++)
        determinant += log(process->factor[i * stride + i]);
    misfit += (VARIANCE_SHAPE + (double)count / 2) * log(VARIANCE_SCALE + rest / 2) + determinant;
    if (ret_gradient != NULL)
        add_gradient(process, ret_gradient);
    return misfit;
}

/* --- Prediction --------------------------------------------------------------------------------------------------------------------------
 */

/* Sum of factors[i] * d correlation[i] / d feature, for one feature. */
static double slope_along(const struct gaussian_process *process, size_t f, double x, const double *factors, double factor_sum)
{
    const double *column = process->columns + f * process->capacity;
    return (1 - process->share) * 2 * process->precisions[f] * (x * factor_sum - vector_dot(factors, column, process->count));
}

/* The same of the part that is a sum over the features; `weights` are by the correlations, not by the slopes of the other part. */
static double sum_slope_along(const struct gaussian_process *process, size_t f, double x, const double *weights)
{
    if (process->share == 0)
        return 0;
    double factor = hill_factor(process, f);
    return 2 * hill_height(process) * factor *
           vector_sum_hill_slopes(weights, factor, process->columns + f * process->capacity, x, process->count);
}

void gaussian_process_predict(const struct gaussian_process *process, const double *point, double *room, double *ret_mean,
                              double *ret_deviation, double *ret_mean_gradient, double *ret_deviation_gradient)
{
    static const double LEAST = 1e-10; /* of the variance: below that rounding rules */
    size_t count = process->count;
    double *correlations = room, *slopes = room + count, *whitened = room + 2 * count, *factors = room + 3 * count;
    bool gradients = ret_mean_gradient != NULL;
    find_distances(process, point, 1, count, correlations);
    correlate(correlations, count, gradients ? slopes : NULL);
    mix_sum(process, point, 1, count, correlations, NULL);
    cholesky_forward(process->inverse, process->capacity, count, correlations, whitened);
    double rest = 1 - vector_dot(whitened, whitened, count), deviation = sqrt(process->variance * fmax(rest, LEAST));
    *ret_mean = process->mean + vector_dot(correlations, process->weights, count);
    *ret_deviation = deviation;
    if (!gradients)
        return;
    cholesky_backward(process->inverse, process->capacity, count, whitened, factors);
    double mean_sum = 0, deviation_sum = 0;
    for (size_t f = 0; f < process->features; f++) {
        ret_mean_gradient[f] = sum_slope_along(process, f, point[f], process->weights);
        ret_deviation_gradient[f] = sum_slope_along(process, f, point[f], factors);
    }
    for (size_t i = 0; i < count; i++) {
        factors[i] *= slopes[i];
        slopes[i] *= process->weights[i];
        mean_sum += slopes[i];
        deviation_sum += factors[i];
    }
    for (size_t f = 0; f < process->features; f++) {
        bool label = process->unordered[f];
        ret_mean_gradient[f] = label ? 0 : ret_mean_gradient[f] + slope_along(process, f, point[f], slopes, mean_sum);
        ret_deviation_gradient[f] =
            label || rest < LEAST
                ? 0
                : -process->variance / deviation * (ret_deviation_gradient[f] + slope_along(process, f, point[f], factors, deviation_sum));
    }
}
