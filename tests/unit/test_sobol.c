/* The Sobol sequence: its table, its points, and the configurations that come of them. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/sampling.h"
#include "core/sobol.h"
#include "core/sobol_table.h"
#include "rounds.h"

/* --- The table ----------------------------------------------------------------------------------------------------------------------- */

static int degree_of(uint32_t polynomial)
{
    return 31 - __builtin_clz(polynomial);
}

/* The order of x modulo the polynomial; it is primitive if that is 2^degree - 1. */
static uint32_t order_of_x(uint32_t polynomial)
{
    uint32_t top = UINT32_C(1) << degree_of(polynomial), power = 2, order = 1;
    if ((polynomial & 1) == 0)
        return 0;
    for (; order < top; order++) {
        if ((power & top) != 0)
            power ^= polynomial;
        if (power == 1)
            return order;
        power <<= 1;
    }
    return 0;
}

START_TEST(polynomials_are_all_the_primitive_ones)
{
    int row = 0;
    for (uint32_t polynomial = 3; polynomial < UINT32_C(2) << SOBOL_DEGREE; polynomial++) {
        if (order_of_x(polynomial) != (UINT32_C(1) << degree_of(polynomial)) - 1)
            continue;
        ck_assert_int_lt(row, SOBOL_ROWS);
        ck_assert_uint_eq(SOBOL_TABLE[row++].polynomial, polynomial);
    }
    ck_assert_int_eq(row, SOBOL_ROWS);
}
END_TEST

START_TEST(initial_numbers_are_odd_and_below_their_power)
{
    for (int row = 0; row < SOBOL_ROWS; row++) {
        int degree = degree_of(SOBOL_TABLE[row].polynomial);
        for (int i = 0; i < SOBOL_DEGREE; i++) {
            uint32_t number = SOBOL_TABLE[row].initial[i];
            ck_assert_uint_eq(number & 1, i < degree);
            ck_assert_uint_lt(number, UINT32_C(2) << i);
        }
    }
}
END_TEST

/* Sobol's property A: the first 2^d points of d dimensions lie one in each of the 2^d boxes that halving every axis makes. That is so for
 * every d if the matrix of the direction numbers' first digits can be brought to triangular form without changing rows. */
START_TEST(property_a)
{
    static bool digits[HD_SOBOL_DIMENSIONS][HD_SOBOL_DIMENSIONS];
    digits[0][0] = true;
    for (int row = 1; row < HD_SOBOL_DIMENSIONS; row++) {
        const struct sobol_row *numbers = &SOBOL_TABLE[row - 1];
        int degree = degree_of(numbers->polynomial);
        for (int i = 0; i < HD_SOBOL_DIMENSIONS; i++) {
            digits[row][i] = i < degree && (numbers->initial[i] >> i & 1) != 0;
            for (int k = 1; i >= degree && k <= degree; k++)
                digits[row][i] ^= (numbers->polynomial >> (degree - k) & 1) != 0 && digits[row][i - k];
        }
        for (int pivot = 0; pivot < row; pivot++) {
            if (!digits[row][pivot])
                continue;
            for (int i = pivot; i < HD_SOBOL_DIMENSIONS; i++)
                digits[row][i] ^= digits[pivot][i];
        }
        ck_assert_msg(digits[row][row], "dimension %d", row + 1);
    }
}
END_TEST

/* --- The sequence -------------------------------------------------------------------------------------------------------------------- */

/* As Joe and Kuo's own program gives them for three dimensions. */
START_TEST(known_first_points)
{
    static const double POINTS[10][3] = {{0, 0, 0},
                                         {0.5, 0.5, 0.5},
                                         {0.75, 0.25, 0.25},
                                         {0.25, 0.75, 0.75},
                                         {0.375, 0.375, 0.625},
                                         {0.875, 0.875, 0.125},
                                         {0.625, 0.125, 0.875},
                                         {0.125, 0.625, 0.375},
                                         {0.1875, 0.3125, 0.9375},
                                         {0.6875, 0.8125, 0.4375}};
    for (uint32_t index = 0; index < 10; index++) {
        for (uint32_t dimension = 0; dimension < 3; dimension++)
            ck_assert_double_eq((double)hd_sobol_point(dimension, index) * 0x1p-32, POINTS[index][dimension]);
    }
}
END_TEST

/* From an implementation written apart from this one, in Python, that goes from each point to the next. */
START_TEST(known_far_points)
{
    static const struct {
        uint32_t dimension, index, point;
    } POINTS[] = {
        {0, 5, 3758096384U},      {0, 1000, 943718400U},     {0, 65537, 2147581952U},   {1, 5, 3758096384U},      {1, 1000, 415236096U},
        {1, 65538, 1073709056U},  {2, 5, 536870912U},        {2, 1000, 2227175424U},    {2, 65539, 3100999680U},  {7, 5, 1610612736U},
        {7, 1000, 3862953984U},   {7, 65544, 1349353472U},   {39, 5, 1610612736U},      {39, 1000, 2059403264U},  {39, 65576, 1688305664U},
        {63, 5, 2684354560U},     {63, 1000, 1916796928U},   {63, 65600, 3439886336U},  {64, 5, 3758096384U},     {64, 1000, 557842432U},
        {64, 65601, 3017244672U}, {100, 5, 536870912U},      {100, 1000, 3300917248U},  {100, 65637, 465010688U}, {255, 5, 3758096384U},
        {255, 1000, 1069547520U}, {255, 65792, 1603371008U}, {336, 5, 3758096384U},     {336, 1000, 3519021056U}, {336, 65873, 1195671552U},
        {480, 5, 1610612736U},    {480, 1000, 3233808384U},  {480, 66017, 1137475584U},
    };
    for (size_t i = 0; i < sizeof POINTS / sizeof *POINTS; i++)
        ck_assert_uint_eq(hd_sobol_point(POINTS[i].dimension, POINTS[i].index), POINTS[i].point);
}
END_TEST

static uint32_t shifted(int64_t seed, uint32_t dimension, uint32_t index)
{
    return (uint32_t)(hd_sobol_unit(seed, index, dimension) * 0x1p32);
}

/* Every 2^m points from a multiple of 2^m on have one in each of the 2^m boxes, in every dimension. */
START_TEST(every_dimension_is_spread)
{
    enum { M = 8, COUNT = 1 << M };
    static const uint32_t STARTS[] = {0, COUNT, 77 * COUNT, UINT32_MAX - COUNT + 1};
    for (uint32_t dimension = 0; dimension < rounds(HD_SOBOL_DIMENSIONS); dimension++) {
        for (size_t start = 0; start < sizeof STARTS / sizeof *STARTS; start++) {
            for (int m = 1; m <= M; m++) {
                bool plain[COUNT] = {false}, moved[COUNT] = {false};
                for (uint32_t i = 0; i < UINT32_C(1) << m; i++) {
                    uint32_t box = hd_sobol_point(dimension, STARTS[start] + i) >> (32 - m);
                    ck_assert_msg(!plain[box], "dimension %u, box %u of 2^%d", dimension, box, m);
                    plain[box] = true;
                    box = shifted(42, dimension, STARTS[start] + i) >> (32 - m);
                    ck_assert_msg(!moved[box], "shifted: dimension %u, box %u of 2^%d", dimension, box, m);
                    moved[box] = true;
                }
            }
        }
    }
}
END_TEST

/* How many of 2^m points fall into each box of 2^a by 2^b: all the same number, 2^(m - a - b). */
static void check_boxes(uint32_t x, uint32_t y, int m, int a, int b, bool shift)
{
    enum { LARGEST = 1 << 10 };
    int counts[LARGEST] = {0};
    for (uint32_t index = 0; index < UINT32_C(1) << m; index++) {
        uint64_t u = shift ? shifted(-3, x, index) : hd_sobol_point(x, index), v = shift ? shifted(-3, y, index) : hd_sobol_point(y, index);
        counts[u >> (32 - a) << b | v >> (32 - b)]++;
    }
    for (int box = 0; box < 1 << (a + b); box++)
        ck_assert_msg(counts[box] == 1 << (m - a - b), "dimensions %u and %u: %d points in box %d of 2^%d by 2^%d", x, y, counts[box], box,
                      a, b);
}

/* Two dimensions make a (t, m, 2)-net with t at most the degrees of their polynomials less one each (Niederreiter 1992, theorem 4.49 with
 * the first dimension's degree counted as one): for the first two dimensions t is 0. */
START_TEST(pairs_of_dimensions_are_nets)
{
    enum { M = 10, DIMENSIONS = 8 };
    for (uint32_t x = 0; x < DIMENSIONS; x++) {
        for (uint32_t y = x + 1; y < DIMENSIONS; y++) {
            int t = (x == 0 ? 1 : degree_of(SOBOL_TABLE[x - 1].polynomial)) + degree_of(SOBOL_TABLE[y - 1].polynomial) - 2;
            for (int a = 0; a <= M - t; a++) {
                check_boxes(x, y, M, a, M - t - a, false);
                check_boxes(x, y, M, a, M - t - a, true);
            }
        }
    }
}
END_TEST

START_TEST(shift_follows_the_seed)
{
    for (uint32_t dimension = 0; dimension < HD_SOBOL_DIMENSIONS; dimension++) {
        uint32_t shift = shifted(7, dimension, 0);
        ck_assert_uint_ne(shift, shifted(8, dimension, 0));
        ck_assert_uint_ne(shift, dimension == 0 ? 0 : shifted(7, dimension - 1, 0));
        for (uint32_t index = 0; index < 5; index++)
            ck_assert_uint_eq(shifted(7, dimension, index) ^ shift, hd_sobol_point(dimension, index));
    }
    ck_assert(hd_sobol_unit(7, UINT64_C(1) << 32, 0) != hd_sobol_unit(7, 0, 0)); /* another round, another shift */
}
END_TEST

/* --- Configurations ------------------------------------------------------------------------------------------------------------------ */

static struct hd_space *compile(const char *text)
{
    struct hd_space_options options = {"p", M_E, false};
    struct hd_problems errors = {0}, warnings = {0};
    cJSON *json = hd_json_parse_own(text);
    struct hd_space *space = hd_space_compile(json, &options, &errors, &warnings);
    ck_assert_msg(space != NULL, "%s", errors.count > 0 ? errors.list[0].message : "no memory");
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    cJSON_Delete(json);
    return space;
}

static cJSON *draw(const struct hd_space *space, int64_t seed, uint64_t draw)
{
    struct hd_sampling sampling = {HD_SOBOL, seed};
    cJSON *configuration = NULL;
    ck_assert_int_eq(hd_sampling_draw(&sampling, space, draw, &configuration), 0);
    return configuration;
}

static double normal_cdf(double x)
{
    return erfc(-x * M_SQRT1_2) / 2;
}

static double box_of(const char *name, double value)
{
    if (strcmp(name, "choice") == 0 || strcmp(name, "randint") == 0)
        return value;
    if (strcmp(name, "uniform") == 0)
        return floor((value - 2) / 4 * 16);
    if (strcmp(name, "loguniform") == 0)
        return floor((log(value) + 6) / 4 * 16);
    return floor(16 * normal_cdf(((strcmp(name, "lognormal") == 0 ? log(value) : value) - 1) / 3));
}

/* What is spread before the inverse distribution is spread evenly over its quantiles after it. */
START_TEST(every_distribution_is_spread)
{
    struct hd_space *space =
        compile("{\"choice\":[\"choice\",[[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]]],\"randint\":[\"randint\",[16]],"
                "\"uniform\":[\"uniform\",[2,6]],\"loguniform\":[\"loguniform\",[-6,-2]],\"normal\":[\"normal\",[1,3]],"
                "\"lognormal\":[\"lognormal\",[1,3]]}");
    int counts[6][16] = {{0}};
    for (uint64_t i = 0; i < 256; i++) {
        cJSON *configuration = draw(space, 99, i);
        int parameter = 0;
        for (const cJSON *value = configuration->child; value != NULL; value = value->next, parameter++) {
            double box = box_of(value->string, value->valuedouble);
            ck_assert(box >= 0 && box < 16);
            counts[parameter][(int)box]++;
        }
        cJSON_Delete(configuration);
    }
    for (int parameter = 0; parameter < 6; parameter++) {
        for (int box = 0; box < 16; box++)
            ck_assert_msg(counts[parameter][box] == 16, "%s: %d in box %d", hd_space_name(space, parameter), counts[parameter][box], box);
    }
    hd_space_free(space);
}
END_TEST

static const char *const ALL_TYPES =
    "{\"choice\":[\"choice\",[[1,\"two\",3.5,true,null]]],\"randint\":[\"randint\",[1000]],\"uniform\":[\"uniform\",[-1,2]],"
    "\"quniform\":[\"quniform\",[1,256,0.4]],\"loguniform\":[\"loguniform\",[-6,-1]],\"qloguniform\":[\"qloguniform\",[0,5,3]],"
    "\"normal\":[\"normal\",[1,2]],\"qnormal\":[\"qnormal\",[0,10,0.5]],\"lognormal\":[\"lognormal\",[0,1]],"
    "\"qlognormal\":[\"qlognormal\",[3,1,2]]}";

/* These never change. They agree with an implementation written apart from this one, in Python, up to the
 * last digit of what goes through the normal quantile. */
static const struct {
    int64_t seed;
    uint64_t draw;
    const char *configuration;
} GOLDEN[] = {
    {0, 0,
     "{\"choice\":true,\"randint\":8,\"uniform\":0.606243361835368,\"quniform\":103.2,\"loguniform\":0.023534540836799643,\"qloguniform\":"
     "3.0,\"normal\":0.24769687917099226,\"qnormal\":0.0,\"lognormal\":1.5876907949352888,\"qlognormal\":6.0}"},
    {42, 0,
     "{\"choice\":true,\"randint\":24,\"uniform\":0.6725553331198171,\"quniform\":127.2,\"loguniform\":0.1413470113348173,\"qloguniform\":"
     "45.0,\"normal\":-0.04437180905850058,\"qnormal\":-18.0,\"lognormal\":4.958537118351786,\"qlognormal\":4.0}"},
    {42, 1,
     "{\"choice\":1,\"randint\":524,\"uniform\":-0.8274446668801829,\"quniform\":254.8,\"loguniform\":0.011602469230910685,\"qloguniform\":"
     "3.0,\"normal\":2.688752817643093,\"qnormal\":1.0,\"lognormal\":0.8715476022557329,\"qlognormal\":22.0}"},
    {42, 999999,
     "{\"choice\":true,\"randint\":890,\"uniform\":1.47623098467011,\"quniform\":120.4,\"loguniform\":0.003802803169222369,\"qloguniform\":"
     "6.0,\"normal\":1.2058012308006871,\"qnormal\":-11.5,\"lognormal\":2.6138049629150912,\"qlognormal\":40.0}"},
    {INT64_C(-9007199254740991), UINT64_C(1099511640121),
     "{\"choice\":null,\"randint\":895,\"uniform\":-0.5163625123677775,\"quniform\":106.4,\"loguniform\":0.0064338876386384695,"
     "\"qloguniform\":3.0,\"normal\":0.48235804936125026,\"qnormal\":4.0,\"lognormal\":5.41588754291038,\"qlognormal\":16.0}"},
};

START_TEST(golden_draws)
{
    struct hd_space *space = compile(ALL_TYPES);
    cJSON *configuration = draw(space, GOLDEN[_i].seed, GOLDEN[_i].draw);
    struct hd_text text = {0};
    hd_json_print(&text, configuration, HD_JSON_COMPACT);
    ck_assert_str_eq(text.data, GOLDEN[_i].configuration);
    hd_text_clear(&text);
    cJSON_Delete(configuration);
    hd_space_free(space);
}
END_TEST

/* Nested expressions take their dimensions whether they are drawn or not. */
START_TEST(dimensions_do_not_depend_on_the_branch)
{
    struct hd_space *nested = compile(
        "{\"a\":[\"choice\",[[{\"x\":[\"uniform\",[0,1]],\"y\":{\"k\":[\"uniform\",[0,1]]}},\"none\"]]],\"z\":[\"uniform\",[0,1]]}");
    int branches = 0;
    ck_assert_uint_eq(hd_space_dimensions(nested), 4);
    for (uint64_t i = 0; i < 64; i++) {
        cJSON *configuration = draw(nested, 5, i);
        const cJSON *option = cJSON_GetObjectItem(configuration, "a");
        ck_assert_double_eq(cJSON_GetObjectItem(configuration, "z")->valuedouble, hd_sobol_unit(5, i, 3));
        ck_assert_int_eq(cJSON_IsObject(option), hd_sobol_unit(5, i, 0) < 0.5);
        if (cJSON_IsObject(option)) {
            branches++;
            ck_assert_double_eq(cJSON_GetObjectItem(option, "x")->valuedouble, hd_sobol_unit(5, i, 1));
            ck_assert_double_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(option, "y"), "k")->valuedouble, hd_sobol_unit(5, i, 2));
        }
        cJSON_Delete(configuration);
    }
    ck_assert_int_eq(branches, 32);
    hd_space_free(nested);
}
END_TEST

START_TEST(not_finite_is_drawn_again)
{
    struct hd_space *space = compile("{\"a\":[\"lognormal\",[700,100]],\"b\":[\"randint\",[9007199254740991]]}");
    int large = 0;
    for (uint64_t i = 0; i < 2000; i++) {
        cJSON *configuration = draw(space, 1, i), *again = draw(space, 1, i);
        const cJSON *integer = configuration->child->next;
        ck_assert(isfinite(configuration->child->valuedouble));
        ck_assert(integer->valuedouble >= 0 && integer->valuedouble < 9007199254740991);
        ck_assert(hd_json_equal(configuration, again));
        large += hd_sobol_unit(1, i, 0) > 0.54; /* above e^709.8 without the second draw */
        cJSON_Delete(configuration);
        cJSON_Delete(again);
    }
    ck_assert_int_gt(large, 800);
    hd_space_free(space);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sobol");
    TCase *sobol = tcase_create("sobol");
    tcase_set_timeout(sobol, 120);
    tcase_add_test(sobol, polynomials_are_all_the_primitive_ones);
    tcase_add_test(sobol, initial_numbers_are_odd_and_below_their_power);
    tcase_add_test(sobol, property_a);
    tcase_add_test(sobol, known_first_points);
    tcase_add_test(sobol, known_far_points);
    tcase_add_test(sobol, every_dimension_is_spread);
    tcase_add_test(sobol, pairs_of_dimensions_are_nets);
    tcase_add_test(sobol, shift_follows_the_seed);
    tcase_add_test(sobol, every_distribution_is_spread);
    tcase_add_loop_test(sobol, golden_draws, 0, sizeof GOLDEN / sizeof *GOLDEN);
    tcase_add_test(sobol, dimensions_do_not_depend_on_the_branch);
    tcase_add_test(sobol, not_finite_is_drawn_again);
    suite_add_tcase(suite, sobol);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
