/* Draws: the same for ever, the same in any order, and distributed as the expression says. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/sampling.h"
#include "core/space.h"

static struct hd_space *compile(const char *text, double log_base)
{
    struct hd_problems errors = {0}, warnings = {0};
    cJSON *object = hd_json_parse_own(text);
    ck_assert_msg(object != NULL, "%s is not JSON", text);
    struct hd_space_options options = {"ps", log_base, false};
    struct hd_space *space = hd_space_compile(object, &options, &errors, &warnings);
    ck_assert_msg(space != NULL, "%s: %s", text, errors.count > 0 ? errors.list[0].message : "");
    hd_problems_clear(&warnings);
    cJSON_Delete(object);
    return space;
}

static char *draw_text(const struct hd_space *space, int64_t seed, uint64_t draw)
{
    struct hd_sampling sampling = {HD_RANDOM, seed};
    cJSON *configuration = NULL;
    ck_assert_int_eq(hd_sampling_draw(&sampling, space, draw, &configuration), 0);
    struct hd_text text = {0};
    hd_json_print(&text, configuration, HD_JSON_COMPACT);
    cJSON_Delete(configuration);
    return hd_text_take(&text);
}

static const char ALL_TYPES[] =
    "{\"choice\":[\"choice\",[[\"a\",1,2.5,null,true]]],\"randint\":[\"randint\",[1000]],\"uniform\":[\"uniform\",[-1,1.5]],"
    "\"quniform\":[\"quniform\",[10,250,0.4]],\"loguniform\":[\"loguniform\",[-6,-1]],\"qloguniform\":[\"qloguniform\",[0,5,3]],"
    "\"normal\":[\"normal\",[1,2]],\"qnormal\":[\"qnormal\",[0,10,0.5]],\"lognormal\":[\"lognormal\",[0,1]],"
    "\"qlognormal\":[\"qlognormal\",[3,1,2]]}";

/* These never change. They agree with an implementation written apart from this one, in Python with 50 digits, up to the last digit of
 * what goes through the normal quantile. */
static const struct {
    int64_t seed;
    uint64_t draw;
    const char *configuration;
} GOLDEN[] = {
    {0, 0,
     "{\"choice\":true,\"randint\":913,\"uniform\":0.7823182564606719,\"quniform\":26.400000000000002,\"loguniform\":0.040557557374075036,"
     "\"qloguniform\":27.0,\"normal\":1.3925791078565926,\"qnormal\":2.0,\"lognormal\":3.4530019033813435,\"qlognormal\":30.0}"},
    {42, 0,
     "{\"choice\":true,\"randint\":929,\"uniform\":0.3005960583677598,\"quniform\":116.80000000000001,\"loguniform\":0.10133245789369644,"
     "\"qloguniform\":9.0,\"normal\":1.8020736362559542,\"qnormal\":12.5,\"lognormal\":0.23911088941390163,\"qlognormal\":30.0}"},
    {42, 1,
     "{\"choice\":null,\"randint\":649,\"uniform\":1.2087354280299647,\"quniform\":37.6,\"loguniform\":0.0037039952759123,\"qloguniform\":"
     "48.0,\"normal\":0.9753071370935278,\"qnormal\":-3.0,\"lognormal\":0.21912079775082324,\"qlognormal\":42.0}"},
    {42, 999999,
     "{\"choice\":null,\"randint\":237,\"uniform\":0.30471527764536765,\"quniform\":101.2,\"loguniform\":0.0029697460363270548,"
     "\"qloguniform\":6.0,\"normal\":-1.7259034034683172,\"qnormal\":-4.5,\"lognormal\":0.36912227128881714,\"qlognormal\":176.0}"},
    {INT64_C(-9007199254740991), UINT64_C(1) << 40,
     "{\"choice\":1,\"randint\":31,\"uniform\":1.1927321521270886,\"quniform\":228.8,\"loguniform\":0.023743089327137507,\"qloguniform\":3."
     "0,\"normal\":0.2313869932268252,\"qnormal\":2.5,\"lognormal\":0.1485407762729111,\"qlognormal\":106.0}"}};

START_TEST(golden_draws)
{
    struct hd_space *space = compile(ALL_TYPES, M_E);
    char *text = draw_text(space, GOLDEN[_i].seed, GOLDEN[_i].draw);
    ck_assert_str_eq(text, GOLDEN[_i].configuration);
    free(text);
    hd_space_free(space);
}
END_TEST

/* Dimensions are counted in document order over all branches, so what is drawn in one place does not move the others. */
START_TEST(dimensions_do_not_depend_on_the_branch)
{
    struct hd_space *nested =
        compile("{\"a\":[\"choice\",[[{\"x\":[\"uniform\",[0,1]],\"y\":[\"uniform\",[0,1]]},\"none\"]]],\"z\":[\"uniform\",[0,1]]}", M_E);
    struct hd_space *flat =
        compile("{\"a\":[\"choice\",[[0,1]]],\"x\":[\"uniform\",[0,1]],\"y\":[\"uniform\",[0,1]],\"z\":[\"uniform\",[0,1]]}", M_E);
    int branches = 0;
    for (uint64_t draw = 0; draw < 200; draw++) {
        cJSON *a = hd_space_draw(nested, 3, draw), *b = hd_space_draw(flat, 3, draw);
        const cJSON *option = cJSON_GetObjectItem(a, "a");
        ck_assert(hd_json_equal(cJSON_GetObjectItem(a, "z"), cJSON_GetObjectItem(b, "z")));
        ck_assert_int_eq(cJSON_IsObject(option), cJSON_GetObjectItem(b, "a")->valueint == 0);
        if (cJSON_IsObject(option)) {
            branches++;
            ck_assert(hd_json_equal(cJSON_GetObjectItem(option, "x"), cJSON_GetObjectItem(b, "x")));
            ck_assert(hd_json_equal(cJSON_GetObjectItem(option, "y"), cJSON_GetObjectItem(b, "y")));
        }
        cJSON_Delete(a);
        cJSON_Delete(b);
    }
    ck_assert_int_gt(branches, 50);
    ck_assert_int_lt(branches, 150);
    hd_space_free(nested);
    hd_space_free(flat);
}
END_TEST

START_TEST(order_does_not_matter)
{
    enum { COUNT = 100 };
    struct hd_space *space = compile(ALL_TYPES, M_E), *again = compile(ALL_TYPES, M_E);
    char *forward[COUNT];
    for (uint64_t i = 0; i < COUNT; i++)
        forward[i] = draw_text(space, -5, i);
    for (uint64_t i = COUNT; i-- > 0;) {
        char *backward = draw_text(again, -5, i), *other_seed = draw_text(again, -6, i);
        ck_assert_str_eq(forward[i], backward);
        ck_assert_str_ne(forward[i], other_seed);
        free(backward);
        free(other_seed);
        free(forward[i]);
    }
    hd_space_free(space);
    hd_space_free(again);
}
END_TEST

START_TEST(not_finite_is_drawn_again)
{
    struct hd_space *space = compile("{\"a\":[\"lognormal\",[700,100]],\"b\":[\"qlognormal\",[709,1000,2]],\"c\":[\"lognormal\",[800,50]],"
                                     "\"d\":[\"normal\",[0,1e308]]}",
                                     M_E);
    for (uint64_t draw = 0; draw < 2000; draw++) {
        cJSON *configuration = hd_space_draw(space, 1, draw);
        for (const cJSON *value = configuration->child; value != NULL; value = value->next)
            ck_assert_msg(cJSON_IsNumber(value) && isfinite(value->valuedouble), "%s is not finite", value->string);
        cJSON_Delete(configuration);
    }
    hd_space_free(space);
}
END_TEST

START_TEST(uniform_stays_inside)
{
    struct hd_space *space =
        compile("{\"a\":[\"uniform\",[-1.7e308,1.7e308]],\"b\":[\"uniform\",[0.1,0.10000000000000002]],\"c\":[\"uniform\",[3,3]],"
                "\"d\":[\"uniform\",[-1e-320,1e-320]],\"e\":[\"uniform\",[0,5e-324]]}",
                M_E);
    static const double BOUNDS[][2] = {{-1.7e308, 1.7e308}, {0.1, 0.10000000000000002}, {3, 3}, {-1e-320, 1e-320}, {0, 5e-324}};
    int large = 0;
    for (uint64_t draw = 0; draw < 5000; draw++) {
        cJSON *configuration = hd_space_draw(space, 1, draw);
        const cJSON *value = configuration->child;
        for (int i = 0; i < 5; i++, value = value->next) {
            ck_assert(value->valuedouble >= BOUNDS[i][0] && value->valuedouble <= BOUNDS[i][1]);
            ck_assert(!hd_json_is_integer(value));
        }
        large += fabs(configuration->child->valuedouble) > 0.85e308;
        cJSON_Delete(configuration);
    }
    ck_assert_int_gt(large, 2250);
    ck_assert_int_lt(large, 2750);
    hd_space_free(space);
}
END_TEST

static double uniform_cdf(double x)
{
    return x;
}

static double normal_cdf(double x)
{
    return erfc(-x * M_SQRT1_2) / 2;
}

/* The distribution function of an unquantised expression at x is cdf((log_B(x) or x) - shift) / scale). */
struct distribution {
    const char *expression;
    double log_base;
    bool logarithmic;
    double (*cdf)(double x);
    double shift, scale;
    double q; /* 0: continuous */
};

static const struct distribution DISTRIBUTIONS[] = {
    {"[\"uniform\",[-2,6]]", M_E, false, uniform_cdf, -2, 8, 0},    {"[\"loguniform\",[-6,-1]]", M_E, true, uniform_cdf, -6, 5, 0},
    {"[\"loguniform\",[-6,-1]]", 10, true, uniform_cdf, -6, 5, 0},  {"[\"loguniform\",[-6,-1]]", 0.5, true, uniform_cdf, -6, 5, 0},
    {"[\"normal\",[1,3]]", M_E, false, normal_cdf, 1, 3, 0},        {"[\"lognormal\",[-1,2]]", M_E, true, normal_cdf, -1, 2, 0},
    {"[\"lognormal\",[-1,2]]", 2, true, normal_cdf, -1, 2, 0},      {"[\"quniform\",[0,10,1]]", M_E, false, uniform_cdf, 0, 10, 1},
    {"[\"quniform\",[1,20,5]]", M_E, false, uniform_cdf, 1, 19, 5}, {"[\"qloguniform\",[0,3,2]]", M_E, true, uniform_cdf, 0, 3, 2},
    {"[\"qnormal\",[0,3,1]]", M_E, false, normal_cdf, 0, 3, 1},     {"[\"qlognormal\",[1,0.5,1]]", M_E, true, normal_cdf, 1, 0.5, 1},
};

enum { SAMPLES = 20000 };

static double probability_below(const struct distribution *distribution, double x)
{
    if (distribution->logarithmic) {
        if (x <= 0)
            return 0;
        x = log(x) / log(distribution->log_base);
    }
    double p = distribution->cdf((x - distribution->shift) / distribution->scale);
    p = fmin(fmax(p, 0), 1);
    return distribution->logarithmic && distribution->log_base < 1 ? 1 - p : p;
}

static void sample(const char *expression, double log_base, double values[SAMPLES])
{
    char text[256];
    snprintf(text, sizeof text, "{\"x\":%s}", expression);
    struct hd_space *space = compile(text, log_base);
    for (uint64_t i = 0; i < SAMPLES; i++) {
        cJSON *configuration = hd_space_draw(space, 2025, i);
        values[i] = configuration->child->valuedouble;
        cJSON_Delete(configuration);
    }
    hd_space_free(space);
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Kolmogorov-Smirnov: the largest distance is above 1.95/sqrt(n) once in a thousand. */
static void check_continuous(const struct distribution *distribution, double values[SAMPLES])
{
    double distance = 0;
    qsort(values, SAMPLES, sizeof *values, by_value);
    for (int i = 0; i < SAMPLES; i++) {
        double p = probability_below(distribution, values[i]);
        distance = fmax(distance, fmax(p - (double)i / SAMPLES, (double)(i + 1) / SAMPLES - p));
    }
    ck_assert_msg(distance < 1.95 / sqrt(SAMPLES), "%s: distance %g", distribution->expression, distance);
}

/* Chi-square against a limit that is passed once in a thousand (Wilson and Hilferty). */
static void check_chi_square(const char *name, double chi_square, int degrees)
{
    double k = degrees, cube = 1 - 2 / (9 * k) + 3.09 * sqrt(2 / (9 * k));
    ck_assert_msg(chi_square < k * cube * cube * cube, "%s: chi-square %g with %d degrees of freedom", name, chi_square, degrees);
}

static void check_quantised(const struct distribution *distribution, double values[SAMPLES])
{
    double chi_square = 0, q = distribution->q;
    int classes = 0;
    qsort(values, SAMPLES, sizeof *values, by_value);
    for (int i = 0; i < SAMPLES;) {
        int end = i;
        while (end < SAMPLES && values[end] == values[i])
            end++;
        ck_assert(rint(values[i] / q) * q == values[i] && !(values[i] == 0 && signbit(values[i])));
        double p = probability_below(distribution, values[i] + q / 2) - probability_below(distribution, values[i] - q / 2);
        double expected = p * SAMPLES;
        if (expected >= 5) {
            chi_square += (end - i - expected) * (end - i - expected) / expected;
            classes++;
        }
        i = end;
    }
    ck_assert_int_gt(classes, 3);
    check_chi_square(distribution->expression, chi_square, classes - 1);
}

START_TEST(distributions)
{
    static double values[SAMPLES];
    const struct distribution *distribution = &DISTRIBUTIONS[_i];
    sample(distribution->expression, distribution->log_base, values);
    if (distribution->q == 0)
        check_continuous(distribution, values);
    else
        check_quantised(distribution, values);
}
END_TEST

START_TEST(equal_probabilities)
{
    static const struct {
        const char *expression;
        int count;
    } CASES[] = {{"[\"randint\",[7]]", 7}, {"[\"choice\",[[0,1,2,3,4]]]", 5}, {"[\"randint\",[1]]", 1}};
    static double values[SAMPLES];
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        int counts[7] = {0};
        double chi_square = 0, expected = (double)SAMPLES / CASES[i].count;
        sample(CASES[i].expression, M_E, values);
        for (int k = 0; k < SAMPLES; k++) {
            ck_assert(values[k] >= 0 && values[k] < CASES[i].count);
            counts[(int)values[k]]++;
        }
        for (int k = 0; k < CASES[i].count; k++)
            chi_square += (counts[k] - expected) * (counts[k] - expected) / expected;
        if (CASES[i].count > 1)
            check_chi_square(CASES[i].expression, chi_square, CASES[i].count - 1);
    }
}
END_TEST

START_TEST(large_integers)
{
    struct hd_space *space = compile("{\"x\":[\"randint\",[9007199254740991]]}", M_E);
    double sum = 0;
    for (uint64_t i = 0; i < SAMPLES; i++) {
        cJSON *configuration = hd_space_draw(space, 8, i);
        int64_t value = -1;
        ck_assert(hd_json_is_integer(configuration->child) && hd_json_integer(configuration->child, &value));
        ck_assert(value >= 0 && value < INT64_C(9007199254740991));
        sum += (double)value / 0x1p53;
        cJSON_Delete(configuration);
    }
    ck_assert_double_eq_tol(sum / SAMPLES, 0.5, 4 / sqrt(12.0 * SAMPLES));
    hd_space_free(space);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("draws");
    TCase *draws = tcase_create("draws");
    tcase_set_timeout(draws, 120);
    tcase_add_loop_test(draws, golden_draws, 0, sizeof GOLDEN / sizeof *GOLDEN);
    tcase_add_test(draws, dimensions_do_not_depend_on_the_branch);
    tcase_add_test(draws, order_does_not_matter);
    tcase_add_test(draws, not_finite_is_drawn_again);
    tcase_add_test(draws, uniform_stays_inside);
    tcase_add_loop_test(draws, distributions, 0, sizeof DISTRIBUTIONS / sizeof *DISTRIBUTIONS);
    tcase_add_test(draws, equal_probabilities);
    tcase_add_test(draws, large_integers);
    suite_add_tcase(suite, draws);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
