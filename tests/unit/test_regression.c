/* What bayesian sampling is made of: linear algebra, descent, the Gaussian process and its slopes, the scale of metrics, the expected
 * improvement. Each is held against the plain formula. */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "core/cholesky.h"
#include "core/descent.h"
#include "core/expected_improvement.h"
#include "core/gaussian_process.h"
#include "core/metric_model.h"
#include "core/metric_scale.h"
#include "core/random.h"
#include "core/vector.h"

static double unit(uint64_t draw, uint32_t dimension)
{
    return hd_random_unit(11, draw, dimension, 0);
}

static void expect_near(double got, double wanted, double tolerance)
{
    ck_assert_msg(fabs(got - wanted) <= tolerance * fmax(1, fabs(wanted)), "%.17g instead of %.17g", got, wanted);
}

/* --- Vectors and matrices ----------------------------------------------------------------------------------------------------------------
 */

enum { LONGEST = 37 };

static double hill(double x)
{
    return 1 / (1 + 7 * (x - 0.25) * (x - 0.25));
}

/* Every length has another number of elements left over behind the lanes. */
START_TEST(sums_are_those_of_plain_loops)
{
    size_t count = (size_t)_i;
    double a[LONGEST], rows[4][LONGEST], y[LONGEST], sums[4], wanted = 0, squares = 0, unequal = 0, widths = 0, slopes = 0;
    const double *const others[4] = {rows[0], rows[1], rows[2], rows[3]};
    for (size_t i = 0; i < count; i++) {
        a[i] = unit(i, 0) - 0.5;
        for (uint32_t k = 0; k < 4; k++)
            rows[k][i] = unit(i, 1 + k);
        y[i] = i % 3 == 0 ? 0.25 : rows[1][i];
        wanted += a[i] * rows[0][i];
        squares += a[i] * (y[i] - 0.25) * (y[i] - 0.25);
        unequal += i % 3 == 0 ? 0 : a[i];
        widths += a[i] * (y[i] - 0.25) * (y[i] - 0.25) * hill(y[i]) * hill(y[i]);
        slopes += a[i] * (y[i] - 0.25) * hill(y[i]) * hill(y[i]);
    }
    expect_near(vector_dot(a, rows[0], count), wanted, 1e-14);
    vector_dot_four(a, others, count, sums);
    for (size_t k = 0; k < 4; k++)
        expect_near(sums[k], vector_dot(a, rows[k], count), 1e-14);
    expect_near(vector_sum_squares(a, y, 0.25, count), squares, 1e-14);
    expect_near(vector_sum_unequal(a, y, 0.25, count), unequal, 1e-14);
    expect_near(vector_sum_hill_widths(a, 7, y, 0.25, count), widths, 1e-14);
    expect_near(vector_sum_hill_slopes(a, 7, y, 0.25, count), slopes, 1e-14);
    for (size_t i = 0; i < count; i++)
        rows[2][i] = y[i];
    vector_add(rows[2], 2, a, count);
    vector_add_squares(rows[2], 3, y, 0.25, count);
    vector_add_unequal(rows[2], 5, y, 0.25, count);
    vector_add_hills(rows[2], 4, 7, y, 0.25, count);
    for (size_t i = 0; i < count; i++)
        expect_near(rows[2][i], y[i] + 2 * a[i] + 3 * (y[i] - 0.25) * (y[i] - 0.25) + (y[i] != 0.25 ? 5 : 0) + 4 * hill(y[i]), 1e-14);
}
END_TEST

static void fill_definite(double *matrix, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j <= i; j++)
            matrix[i * count + j] = exp(-2 * fabs(unit(i, 7) - unit(j, 7))) + (i == j ? 0.01 : 0);
}

START_TEST(factor_and_inverse_give_the_matrix_back)
{
    size_t count = (size_t)_i;
    double *matrix = calloc(4 * count * count, sizeof *matrix), *factor = matrix + count * count, *inverse = factor + count * count,
           *square = inverse + count * count;
    fill_definite(matrix, count);
    fill_definite(factor, count);
    ck_assert(cholesky_factor(factor, count, 0, count / 2) && cholesky_factor(factor, count, count / 2, count)); /* in two goes */
    cholesky_invert(factor, inverse, count, 0, count / 2);
    cholesky_invert(factor, inverse, count, count / 2, count);
    cholesky_square(inverse, square, count, count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j <= i; j++) {
            double product = 0, identity = 0;
            for (size_t k = 0; k <= j; k++)
                product += factor[i * count + k] * factor[j * count + k];
            for (size_t k = 0; k < count; k++)
                identity += matrix[(i > k ? i : k) * count + (i > k ? k : i)] * square[(j > k ? j : k) * count + (j > k ? k : j)];
            expect_near(product, matrix[i * count + j], 1e-12);
            expect_near(identity, i == j, 1e-9);
        }
    free(matrix);
}
END_TEST

START_TEST(a_matrix_that_is_not_definite_is_told)
{
    double matrix[4] = {1, 0, 2, 1}, infinite[1] = {INFINITY}, nan[1] = {NAN};
    ck_assert(!cholesky_factor(matrix, 2, 0, 2));
    ck_assert(!cholesky_factor(infinite, 1, 0, 1));
    ck_assert(!cholesky_factor(nan, 1, 0, 1));
}
END_TEST

/* --- Descent -----------------------------------------------------------------------------------------------------------------------------
 */

static double rosenbrock(void *context, const double *x, double *ret_gradient)
{
    double a = 1 - x[0], b = x[1] - x[0] * x[0];
    ++*(int *)context;
    ret_gradient[0] = -2 * a - 400 * x[0] * b;
    ret_gradient[1] = 200 * b;
    return a * a + 100 * b * b;
}

START_TEST(descent_finds_the_valleys_end_and_keeps_to_bounds)
{
    static const struct {
        double lower[2], upper[2], at[2];
    } CASES[] = {
        {{-2, -2}, {2, 2}, {1, 1}},
        {{-2, -2}, {0.5, 2}, {0.5, 0.25}},
        {{-2, -2}, {2, 0.25}, {0.5048, 0.25}},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        double x[2] = {-1.2, -1}, room[64];
        int evaluations = 0;
        const struct descent descent = {
            .count = 2, .lower = CASES[i].lower, .upper = CASES[i].upper, .evaluations = 200, .value = rosenbrock, .context = &evaluations};
        ck_assert_uint_le(descent_room(2), 64);
        descent_run(&descent, x, room);
        ck_assert_int_le(evaluations, 200);
        expect_near(x[0], CASES[i].at[0], 1e-2);
        expect_near(x[1], CASES[i].at[1], 1e-2);
    }
}
END_TEST

/* --- The Gaussian process ----------------------------------------------------------------------------------------------------------------
 */

enum { FEATURES = 3, POINTS = 24 };
static const bool UNORDERED[FEATURES] = {false, false, true};

static double surface(const double *x)
{
    return sin(4 * x[0]) + x[1] * x[1] + (x[2] > 0.5 ? 0.7 : 0);
}

static void draw_point(uint64_t draw, double *ret_x)
{
    for (uint32_t f = 0; f < FEATURES; f++)
        ret_x[f] = unit(draw, 20 + f);
    ret_x[2] = ret_x[2] > 0.5 ? 0.75 : 0.25;
}

static void open_process(struct gaussian_process *process)
{
    ck_assert(gaussian_process_open(process, FEATURES, UNORDERED, POINTS + 4));
    for (uint64_t i = 0; i < POINTS; i++) {
        double x[FEATURES];
        draw_point(i, x);
        gaussian_process_add(process, x, surface(x), i % 5 == 0 ? 0.05 : 0);
    }
}

/* The kernel by its formula: a Matern-5/2 of all features, and a sum of rational quadratic ones. */
static double correlation(const struct gaussian_process *process, const double *a, const double *b)
{
    double square = 0, sum = 0;
    for (size_t f = 0; f < FEATURES; f++) {
        double scaled = process->precisions[f] * (UNORDERED[f] ? a[f] != b[f] : (a[f] - b[f]) * (a[f] - b[f]));
        square += scaled;
        sum += 1 / (1 + 5.0 / 6 * FEATURES * scaled) / FEATURES;
    }
    double distance = sqrt(square);
    return (1 - process->share) * (1 + sqrt(5) * distance + 5.0 / 3 * square) * exp(-sqrt(5) * distance) + process->share * sum;
}

/* Solves correlations * x = b by Gauss's elimination. */
static void solve(const struct gaussian_process *process, const double *b, double *ret_x)
{
    size_t count = process->count;
    double *rows = calloc(count * (count + 1), sizeof *rows), *x[POINTS];
    for (size_t i = 0; i < count; i++) {
        double a[FEATURES];
        x[i] = rows + i * (count + 1);
        draw_point(i, a);
        for (size_t j = 0; j < count; j++) {
            double c[FEATURES];
            draw_point(j, c);
            x[i][j] = correlation(process, a, c) + (i == j ? process->noise + process->doubts[i] : 0);
        }
        x[i][count] = b[i];
    }
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++) {
            double factor = k == i ? 0 : x[k][i] / x[i][i];
            for (size_t j = 0; j <= count; j++)
                x[k][j] -= factor * x[i][j];
        }
    for (size_t i = 0; i < count; i++)
        ret_x[i] = x[i][count] / x[i][i];
    free(rows);
}

START_TEST(prediction_is_that_of_the_formula)
{
    static const double PARAMETERS[FEATURES + 2] = {-0.5, 0.3, 0.1, -5, -0.4};
    struct gaussian_process process;
    double room[4 * (POINTS + 4)], x[FEATURES], to_points[POINTS], solved[POINTS], values[POINTS], mean, deviation, reduced = 0, wanted = 0;
    open_process(&process);
    gaussian_process_set_parameters(&process, PARAMETERS);
    ck_assert(gaussian_process_condition(&process, 0));
    draw_point(1000, x);
    for (size_t i = 0; i < POINTS; i++) {
        double other[FEATURES];
        draw_point(i, other);
        to_points[i] = correlation(&process, x, other);
        values[i] = process.values[i] - process.mean;
    }
    solve(&process, to_points, solved);
    for (size_t i = 0; i < POINTS; i++) {
        reduced += to_points[i] * solved[i];
        wanted += solved[i] * values[i];
    }
    gaussian_process_predict(&process, x, room, &mean, &deviation, NULL, NULL);
    expect_near(mean, process.mean + wanted, 1e-9);
    expect_near(deviation, sqrt(process.variance * (1 - reduced)), 1e-7);
    gaussian_process_close(&process);
}
END_TEST

START_TEST(slopes_are_those_of_small_steps)
{
    static const double PARAMETERS[FEATURES + 2] = {-0.7, 0.2, 0.4, -4, 0.3}, STEP = 1e-6;
    struct gaussian_process process;
    double gradient[FEATURES + 2], other[FEATURES + 2], room[4 * (POINTS + 4)], mean_slopes[FEATURES], deviation_slopes[FEATURES];
    double x[FEATURES], mean, deviation;
    open_process(&process);
    gaussian_process_misfit(&process, PARAMETERS, gradient);
    for (size_t i = 0; i < FEATURES + 2; i++) {
        double ends[2];
        for (int side = 0; side < 2; side++) {
            double parameters[FEATURES + 2];
            for (size_t k = 0; k < FEATURES + 2; k++)
                parameters[k] = PARAMETERS[k] + (k == i ? (side == 0 ? -STEP : STEP) : 0);
            ends[side] = gaussian_process_misfit(&process, parameters, other);
        }
        expect_near(gradient[i], (ends[1] - ends[0]) / (2 * STEP), 1e-5);
    }
    gaussian_process_set_parameters(&process, PARAMETERS);
    ck_assert(gaussian_process_condition(&process, 0));
    draw_point(1001, x);
    gaussian_process_predict(&process, x, room, &mean, &deviation, mean_slopes, deviation_slopes);
    for (size_t f = 0; f < 2; f++) {
        double means[2], deviations[2], moved[FEATURES] = {x[0], x[1], x[2]};
        for (int side = 0; side < 2; side++) {
            moved[f] = x[f] + (side == 0 ? -STEP : STEP);
            gaussian_process_predict(&process, moved, room, &means[side], &deviations[side], NULL, NULL);
        }
        expect_near(mean_slopes[f], (means[1] - means[0]) / (2 * STEP), 1e-5);
        expect_near(deviation_slopes[f], (deviations[1] - deviations[0]) / (2 * STEP), 1e-5);
    }
    ck_assert_double_eq(mean_slopes[2], 0);
    gaussian_process_close(&process);
}
END_TEST

/* A point that joins the model later gives the same model as one that was there from the start. */
START_TEST(points_may_join_later)
{
    static const double PARAMETERS[FEATURES + 2] = {-0.5, 0.3, 0.1, -5, -0.4};
    struct gaussian_process early, late;
    double x[FEATURES], room[4 * (POINTS + 4)], means[2], deviations[2];
    open_process(&early);
    open_process(&late);
    gaussian_process_set_parameters(&early, PARAMETERS);
    gaussian_process_set_parameters(&late, PARAMETERS);
    ck_assert(gaussian_process_condition(&late, 0));
    for (uint64_t i = 0; i < 3; i++) {
        draw_point(500 + i, x);
        gaussian_process_add(&early, x, surface(x), 0);
        gaussian_process_add(&late, x, surface(x), 0);
    }
    ck_assert(gaussian_process_condition(&early, 0));
    ck_assert(gaussian_process_condition(&late, POINTS));
    draw_point(1002, x);
    gaussian_process_predict(&early, x, room, &means[0], &deviations[0], NULL, NULL);
    gaussian_process_predict(&late, x, room, &means[1], &deviations[1], NULL, NULL);
    expect_near(means[1], means[0], 1e-9);
    expect_near(deviations[1] / sqrt(late.variance), deviations[0] / sqrt(early.variance), 1e-9);
    gaussian_process_close(&early);
    gaussian_process_close(&late);
}
END_TEST

/* --- Fits --------------------------------------------------------------------------------------------------------------------------------
 */

/* The largest error of a model of `count` points at others. */
static double error_of_fit(size_t count)
{
    struct gaussian_process process;
    struct metric_scale scale;
    double *metrics = calloc(count, sizeof *metrics), *room = calloc(4 * count, sizeof *room), worst = 0;
    ck_assert(gaussian_process_open(&process, FEATURES, UNORDERED, count));
    for (uint64_t i = 0; i < count; i++) {
        double x[FEATURES];
        draw_point(i, x);
        metrics[i] = surface(x);
        gaussian_process_add(&process, x, 0, 0);
    }
    ck_assert_int_eq(metric_model_fit(&process, HD_MINIMIZE, metrics, false, &scale), 0);
    for (uint64_t i = 0; i < 50; i++) {
        double x[FEATURES], mean, deviation;
        draw_point(2000 + i, x);
        gaussian_process_predict(&process, x, room, &mean, &deviation, NULL, NULL);
        worst = fmax(worst, fabs(mean - metric_scale_apply(&scale, surface(x))));
    }
    gaussian_process_close(&process);
    free(metrics);
    free(room);
    return worst;
}

START_TEST(fit_learns_the_surface)
{
    ck_assert_double_lt(error_of_fit(60), 0.1);
    ck_assert_double_lt(error_of_fit(200), 0.1); /* parameters of some of the points */
}
END_TEST

/* The values of others are still told apart when one is 1e6. */
START_TEST(a_huge_loss_does_not_hide_the_others)
{
    struct metric_scale scale;
    double values[] = {0.5, 0.6, 0.7, 0.8, 0.9, 1e6, INFINITY, -INFINITY, 0.65}, room[9], all = 0;
    metric_scale_learn(&scale, HD_MINIMIZE, 0, values, 9, room);
    for (size_t i = 0; i < 9; i++)
        all += metric_scale_apply(&scale, values[i]);
    expect_near(all, 0, 1e-9);
    ck_assert_double_gt(metric_scale_apply(&scale, 0.8) - metric_scale_apply(&scale, 0.5), 0.15);
    ck_assert_double_eq(metric_scale_apply(&scale, INFINITY), metric_scale_apply(&scale, 1e6));
    ck_assert_double_eq(metric_scale_apply(&scale, -INFINITY), metric_scale_apply(&scale, 0.5));
}
END_TEST

/* Nor does a value that is far better than all others; what is not beyond the level keeps its distances. */
START_TEST(a_deep_value_does_not_hide_the_others)
{
    struct metric_scale plain, levelled;
    double values[] = {0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9, -1000}, room[8];
    metric_scale_learn(&plain, HD_MINIMIZE, 0, values, 8, room);
    metric_scale_learn(&levelled, HD_MINIMIZE, 1, values, 8, room);
    double step = metric_scale_apply(&levelled, 0.6) - metric_scale_apply(&levelled, 0.55);
    ck_assert_double_lt(metric_scale_apply(&plain, 0.6) - metric_scale_apply(&plain, 0.55), 0.001);
    ck_assert_double_gt(step, 0.05);
    expect_near(metric_scale_apply(&levelled, 0.65) - metric_scale_apply(&levelled, 0.6), step, 1e-9);
    ck_assert_double_gt(levelled.log_slopes, plain.log_slopes); /* so that a likelihood prefers it */
}
END_TEST

/* The likelihoods of bends are compared: what they gain must be the logarithm of the slope, as small steps have it. */
START_TEST(the_scale_knows_its_slopes)
{
    static const double VALUES[] = {-9, 0, 0.1, 0.25, 0.3, 0.45, 0.5, 0.7, 0.8, 1.1, 1.5, 30};
    enum { COUNT = sizeof VALUES / sizeof *VALUES };
    double plain = 0, step = 1e-7;
    for (int bend = 0; bend < METRIC_BENDS; bend++) {
        struct metric_scale scale;
        double room[COUNT], sum = 0;
        metric_scale_learn(&scale, HD_MINIMIZE, bend, VALUES, COUNT, room);
        for (size_t i = 1; i < COUNT - 1; i++)
            sum += log((metric_scale_apply(&scale, VALUES[i] + step) - metric_scale_apply(&scale, VALUES[i] - step)) / (2 * step));
        sum += log((metric_scale_apply(&scale, VALUES[0] + step) - metric_scale_apply(&scale, VALUES[0])) / step);
        sum += log((metric_scale_apply(&scale, VALUES[COUNT - 1]) - metric_scale_apply(&scale, VALUES[COUNT - 1] - step)) / step);
        plain = bend == 0 ? sum - scale.log_slopes : plain; /* the unit: the same for all */
        expect_near(sum - scale.log_slopes, plain, 1e-4);
    }
}
END_TEST

START_TEST(the_scale_keeps_the_order_whatever_the_goal)
{
    static const enum hd_goal GOALS[] = {HD_MINIMIZE, HD_MAXIMIZE};
    static const double VALUES[] = {-3, -2, -1.5, 0, 0.25, 7, 1000, 1e6};
    enum { COUNT = sizeof VALUES / sizeof *VALUES };
    for (int goal = 0; goal < 2; goal++)
        for (int bend = 0; bend < METRIC_BENDS; bend++) {
            struct metric_scale scale;
            double room[COUNT];
            metric_scale_learn(&scale, GOALS[goal], bend, VALUES, COUNT, room);
            for (size_t i = 1; i < COUNT; i++) {
                double step = metric_scale_apply(&scale, VALUES[i]) - metric_scale_apply(&scale, VALUES[i - 1]);
                ck_assert_msg(isfinite(step) && (goal == 0 ? step > 0 : step < 0), "goal %d, bend %d, value %zu: %g", goal, bend, i, step);
            }
        }
}
END_TEST

START_TEST(equal_metrics_have_a_scale)
{
    struct metric_scale scale;
    double values[] = {2, 2, 2}, infinite[] = {INFINITY, -INFINITY}, wide[] = {-1.7e308, 1.7e308}, room[3];
    metric_scale_learn(&scale, HD_MAXIMIZE, 3, values, 3, room);
    ck_assert_double_eq(metric_scale_apply(&scale, 2), 0);
    metric_scale_learn(&scale, HD_MAXIMIZE, 0, infinite, 2, room);
    ck_assert(isfinite(metric_scale_apply(&scale, INFINITY)));
    metric_scale_learn(&scale, HD_MAXIMIZE, 1, wide, 2, room);
    ck_assert(isfinite(metric_scale_apply(&scale, -1.7e308)));
}
END_TEST

/* A program that says the largest number there is for "this went wrong", or for the best of all. */
START_TEST(the_largest_number_has_a_place_on_the_scale)
{
    enum { COUNT = 9 };
    double values[COUNT] = {0.5, 0.6, 0.7, 0.8, 0.9, 0.55, 0.65, 0.75, _i % 2 == 0 ? DBL_MAX : -DBL_MAX}, room[COUNT];
    for (int bend = 0; bend < METRIC_BENDS; bend++) {
        struct metric_scale scale;
        metric_scale_learn(&scale, _i < 2 ? HD_MAXIMIZE : HD_MINIMIZE, bend, values, COUNT, room);
        ck_assert(isfinite(scale.log_slopes));
        for (int i = 0; i < COUNT; i++)
            ck_assert_msg(isfinite(metric_scale_apply(&scale, values[i])), "bend %d, value %g", bend, values[i]);
        double step = metric_scale_apply(&scale, 0.9) - metric_scale_apply(&scale, 0.5);
        if (_i == 1 || _i == 2 || scale.levelled) /* measured from the best, so far away, the others are all the same */
            ck_assert_msg(_i < 2 ? step < 0 : step > 0, "bend %d: %g", bend, step);
    }
}
END_TEST

/* --- Expected improvement ----------------------------------------------------------------------------------------------------------------
 */

START_TEST(improvement_is_that_of_the_integral)
{
    static const double BESTS[] = {-4, -1, 0, 0.5, 3};
    for (size_t i = 0; i < sizeof BESTS / sizeof *BESTS; i++) {
        double mean = 0.2, deviation = 0.7, sum = 0, step = 1e-4, by_mean, by_deviation;
        for (double z = -12; z < 12; z += step)
            sum += fmax(BESTS[i] - (mean + deviation * z), 0) * exp(-z * z / 2) / sqrt(2 * M_PI) * step;
        expect_near(exp(expected_improvement_log(BESTS[i], mean, deviation, &by_mean, &by_deviation)) / sum, 1, 1e-3);
    }
}
END_TEST

/* Far below any value that a double could hold, and across the place where the series takes over. */
START_TEST(improvement_has_a_slope_everywhere)
{
    double last = -INFINITY;
    for (double best = -80; best < 5; best += 0.25) {
        double by_mean, by_deviation, step = 1e-6, unused[2];
        double value = expected_improvement_log(best, 0.1, 0.8, &by_mean, &by_deviation);
        ck_assert(isfinite(value) && value > last);
        last = value;
        double wider = expected_improvement_log(best, 0.1, 0.8 + step, &unused[0], &unused[1]);
        double later = expected_improvement_log(best, 0.1 + step, 0.8, &unused[0], &unused[1]);
        expect_near(by_deviation, (wider - value) / step, 1e-3);
        expect_near(by_mean, (later - value) / step, 1e-3);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("regression");
    TCase *tests = tcase_create("regression");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, sums_are_those_of_plain_loops, 0, LONGEST);
    tcase_add_loop_test(tests, factor_and_inverse_give_the_matrix_back, 1, 30);
    tcase_add_test(tests, a_matrix_that_is_not_definite_is_told);
    tcase_add_test(tests, descent_finds_the_valleys_end_and_keeps_to_bounds);
    tcase_add_test(tests, prediction_is_that_of_the_formula);
    tcase_add_test(tests, slopes_are_those_of_small_steps);
    tcase_add_test(tests, points_may_join_later);
    tcase_add_test(tests, fit_learns_the_surface);
    tcase_add_test(tests, a_huge_loss_does_not_hide_the_others);
    tcase_add_test(tests, a_deep_value_does_not_hide_the_others);
    tcase_add_test(tests, the_scale_knows_its_slopes);
    tcase_add_test(tests, the_scale_keeps_the_order_whatever_the_goal);
    tcase_add_test(tests, equal_metrics_have_a_scale);
    tcase_add_loop_test(tests, the_largest_number_has_a_place_on_the_scale, 0, 4);
    tcase_add_test(tests, improvement_is_that_of_the_integral);
    tcase_add_test(tests, improvement_has_a_slope_everywhere);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
