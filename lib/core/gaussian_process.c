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
/* Shorter length scales would make a narrow hollow of its own of each good point: then nothing else is worth a look. */
static const double LENGTH_LEAST = 0.05, LENGTH_MOST = 1000, NOISE_LEAST = 1e-7, NOISE_MOST = 10;

static const double SQRT_5 = 2.2360679774997898;

bool gaussian_process_open(struct gaussian_process *process, size_t features, const bool *unordered, size_t capacity)
{
    size_t matrix = capacity * capacity, doubles = features * capacity + 3 * capacity + features + 4 * matrix;
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
    return process->features + 1;
}

void gaussian_process_set_parameters(struct gaussian_process *process, const double *parameters)
{
    for (size_t f = 0; f < process->features; f++)
        process->precisions[f] = exp(-2 * parameters[f]);
    process->noise = exp(parameters[process->features]);
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

/* Rows of the correlations from `first` on, into the matrix that is then factored. */
static void fill_rows(struct gaussian_process *process, size_t first, bool slopes)
{
    for (size_t i = first; i < process->count; i++) {
        double *row = process->factor + i * process->capacity;
        find_distances(process, process->columns + i, process->capacity, i, row);
        correlate(row, i, slopes ? process->slopes + i * process->capacity : NULL);
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
    return misfit;
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
        for (size_t j = 0; j < i; j++)
            row[j] *= slopes[j];
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
    return 2 * process->precisions[f] * (x * factor_sum - vector_dot(factors, column, process->count));
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
    cholesky_forward(process->inverse, process->capacity, count, correlations, whitened);
    double rest = 1 - vector_dot(whitened, whitened, count), deviation = sqrt(process->variance * fmax(rest, LEAST));
    *ret_mean = process->mean + vector_dot(correlations, process->weights, count);
    *ret_deviation = deviation;
    if (!gradients)
        return;
    cholesky_backward(process->inverse, process->capacity, count, whitened, factors);
    double mean_sum = 0, deviation_sum = 0;
    for (size_t i = 0; i < count; i++) {
        factors[i] *= slopes[i];
        slopes[i] *= process->weights[i];
        mean_sum += slopes[i];
        deviation_sum += factors[i];
    }
    for (size_t f = 0; f < process->features; f++) {
        bool label = process->unordered[f];
        ret_mean_gradient[f] = label ? 0 : slope_along(process, f, point[f], slopes, mean_sum);
        ret_deviation_gradient[f] =
            label || rest < LEAST ? 0 : -process->variance / deviation * slope_along(process, f, point[f], factors, deviation_sum);
    }
}
