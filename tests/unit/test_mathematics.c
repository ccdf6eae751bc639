/* Random numbers and elementary functions: known answers, and errors measured against libm in long double. */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "core/mathematics.h"
#include "core/random.h"

enum { POINTS = 200000 };

START_TEST(philox_known_answers)
{
    /* Published with the generator (Random123, kat_vectors). */
    static const struct {
        uint32_t key[2], counter[4], output[4];
    } CASES[] = {
        {{0, 0}, {0, 0, 0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0xa4093822, 0x299f31d0}, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    uint32_t output[4];
    hd_philox(CASES[_i].key, CASES[_i].counter, output);
    for (int k = 0; k < 4; k++)
        ck_assert_uint_eq(output[k], CASES[_i].output[k]);
}
END_TEST

START_TEST(every_part_of_the_address_counts)
{
    uint64_t base = hd_random_bits(1, 2, 3, 4);
    ck_assert_uint_eq(base, hd_random_bits(1, 2, 3, 4));
    ck_assert_uint_ne(base, hd_random_bits(1 + (INT64_C(1) << 40), 2, 3, 4));
    ck_assert_uint_ne(base, hd_random_bits(-1, 2, 3, 4));
    ck_assert_uint_ne(base, hd_random_bits(1, 2 + (UINT64_C(1) << 40), 3, 4));
    ck_assert_uint_ne(base, hd_random_bits(1, 2, 4, 4));
    ck_assert_uint_ne(base, hd_random_bits(1, 2, 3, 5));
    ck_assert_uint_eq(hd_random_bits(0, 0, 0, 0), UINT64_C(0xe169c58d6627e8d5));
}
END_TEST

START_TEST(units_are_open)
{
    double sum = 0;
    for (uint64_t i = 0; i < POINTS; i++) {
        double unit = hd_random_unit(1, i, 0, 0);
        ck_assert(unit > 0 && unit < 1);
        ck_assert(unit == ((double)(hd_random_bits(1, i, 0, 0) >> 12) + 0.5) * 0x1p-52);
        sum += unit;
    }
    ck_assert_double_eq_tol(sum / POINTS, 0.5, 5 / sqrt(12.0 * POINTS));
    ck_assert(((double)(UINT64_MAX >> 12) + 0.5) * 0x1p-52 < 1);
}
END_TEST

/* In units of the last place of the true value. */
static double error_of(double got, long double truth)
{
    int exponent;
    frexpl(truth, &exponent);
    if (exponent < DBL_MIN_EXP)
        exponent = DBL_MIN_EXP;
    return (double)(fabsl((long double)got - truth) / ldexpl(1, exponent - DBL_MANT_DIG));
}

static double between(uint64_t point, uint32_t dimension, double low, double high)
{
    return low + hd_random_unit(11, point, dimension, 0) * (high - low);
}

START_TEST(exp_is_exact)
{
    double worst = 0, worst_subnormal = 0;
    for (uint64_t i = 0; i < POINTS; i++) {
        double x = i % 2 == 0 ? between(i, 0, -708, 709.7) : between(i, 0, -3, 3);
        worst = fmax(worst, error_of(hd_exp(x), expl(x)));
        x = between(i, 1, -745, -708.5);
        worst_subnormal = fmax(worst_subnormal, error_of(hd_exp(x), expl(x)));
    }
    printf("exp: error at most %.4f units in the last place, %.4f below the normal numbers\n", worst, worst_subnormal);
    ck_assert_double_lt(worst, 0.51);
    ck_assert_double_lt(worst_subnormal, 1);
    ck_assert(hd_exp(0) == 1 && hd_exp(-0.0) == 1 && hd_exp(710) == INFINITY && hd_exp(-746) == 0);
    ck_assert(hd_exp(INFINITY) == INFINITY && hd_exp(-INFINITY) == 0 && isnan(hd_exp(NAN)));
    ck_assert(hd_exp(709.782712893384) == exp(709.782712893384));
}
END_TEST

START_TEST(log_is_exact)
{
    double worst = 0;
    for (uint64_t i = 0; i < POINTS; i++) {
        double x = i % 2 == 0 ? ldexp(between(i, 0, 0.5, 1), (int)between(i, 1, -1073, 1024)) : between(i, 0, 0.9, 1.1);
        worst = fmax(worst, error_of(hd_log(x), logl(x)));
    }
    printf("log: error at most %.4f units in the last place\n", worst);
    ck_assert_double_lt(worst, 0.51);
    ck_assert(hd_log(1) == 0 && hd_log(0) == -INFINITY && hd_log(INFINITY) == INFINITY);
    ck_assert(isnan(hd_log(-1)) && isnan(hd_log(NAN)));
    ck_assert(hd_log(0x1p-1074) == log(0x1p-1074));
}
END_TEST

START_TEST(pow_is_exact)
{
    double worst = 0;
    for (uint64_t i = 0; i < POINTS / 2; i++) {
        double base = exp(between(i, 0, -12, 12));
        double exponent = between(i, 1, -700, 700) / log(base);
        worst = fmax(worst, error_of(hd_pow(base, exponent), powl(base, exponent)));
    }
    printf("pow: error at most %.4f units in the last place\n", worst);
    ck_assert_double_lt(worst, 0.51);
}
END_TEST

START_TEST(integer_powers_are_exact)
{
    for (int base = 2; base <= 1000; base++) {
        double power = 1;
        for (int exponent = 0; power <= 0x1p53; exponent++, power *= base)
            ck_assert_msg(hd_pow(base, exponent) == power, "%d to the power of %d", base, exponent);
    }
    for (int exponent = -1074; exponent < 1024; exponent++) {
        ck_assert(hd_pow(2, exponent) == ldexp(1, exponent));
        ck_assert(hd_pow(0.5, -exponent) == ldexp(1, exponent));
    }
    ck_assert(hd_pow(10, -3) == 0.001 && hd_pow(10, 22) == 1e22 && hd_pow(2.5, 2) == 6.25);
}
END_TEST

START_TEST(pow_at_the_ends)
{
    ck_assert(hd_pow(M_E, 1.5) == hd_exp(1.5));
    ck_assert(hd_pow(10, 309) == INFINITY && hd_pow(10, -400) == 0 && hd_pow(0.1, 400) == 0 && hd_pow(0.1, -400) == INFINITY);
    ck_assert(hd_pow(10, 1e308) == INFINITY && hd_pow(10, -1e308) == 0 && hd_pow(10, INFINITY) == INFINITY);
    ck_assert(hd_pow(10, -INFINITY) == 0 && hd_pow(1, 1e308) == 1 && hd_pow(7, 0) == 1 && hd_pow(10, 1e-320) == 1);
    ck_assert(isnan(hd_pow(NAN, 1)) && isnan(hd_pow(2, NAN)));
}
END_TEST

START_TEST(quantile_inverts_the_distribution)
{
    /* From 40-digit arithmetic: Newton's method on the distribution function. */
    static const struct {
        double p, quantile;
    } CASES[] = {{1e-300, -37.047096299361199237},  {1e-20, -9.2623400897984075796},    {1.1102230246251565e-16, -8.2095361516013868556},
                 {1e-10, -6.3613409024040561991},   {1e-05, -4.2648907939228246102},    {0.001, -3.0902323061678135354},
                 {0.01, -2.3263478740408410931},    {0.02425, -1.9729610513118848376},  {0.0749, -1.4402382675279636631},
                 {0.0751, -1.4388253927525399824},  {0.2, -0.84162123357291416552},     {0.3, -0.52440051270804081597},
                 {0.4375, -0.15731068461017069552}, {0.499, -0.0025066308995717662317}, {0.4999999, -2.5066282747031065135e-7},
                 {0.6, 0.25334710313579974132},     {0.75, 0.6744897501960817432},      {0.925001, 1.4395385353452303942},
                 {0.99, 2.3263478740408407676},     {0.999999, 4.7534243088170877657},  {0.9999999999999999, 8.2095361516013868556}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        double quantile = hd_normal_quantile(CASES[i].p);
        ck_assert_double_le(fabs(quantile - CASES[i].quantile), 1e-15 * fabs(CASES[i].quantile));
        if (1 - (1 - CASES[i].p) == CASES[i].p) /* symmetric where 1 - p is exact */
            ck_assert(hd_normal_quantile(1 - CASES[i].p) == -quantile);
    }
    ck_assert(hd_normal_quantile(0.5) == 0);
}
END_TEST

START_TEST(quantile_agrees_with_libm)
{
    double worst = 0;
    for (uint64_t i = 0; i < POINTS; i++) {
        double p = i % 2 == 0 ? between(i, 0, 0, 1) : exp(between(i, 0, -36, -0.7));
        long double q = hd_normal_quantile(p);
        /* The condition of the inverse: an error of the quantile by a relative e changes p by q * density * e. */
        long double density = expl(-q * q / 2) / sqrtl(2 * (long double)M_PIl);
        long double distance = p < 0.5 ? erfcl(-q * sqrtl(0.5L)) / 2 - p : (1 - (long double)p) - erfcl(q * sqrtl(0.5L)) / 2;
        if (q != 0)
            worst = fmax(worst, (double)fabsl(distance / (density * q)));
    }
    printf("normal quantile: relative error at most %.2g\n", worst);
    ck_assert_double_lt(worst, 1e-15);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mathematics");
    TCase *random = tcase_create("random");
    tcase_add_loop_test(random, philox_known_answers, 0, 3);
    tcase_add_test(random, every_part_of_the_address_counts);
    tcase_add_test(random, units_are_open);
    suite_add_tcase(suite, random);
    TCase *functions = tcase_create("functions");
    tcase_set_timeout(functions, 120);
    tcase_add_test(functions, exp_is_exact);
    tcase_add_test(functions, log_is_exact);
    tcase_add_test(functions, pow_is_exact);
    tcase_add_test(functions, integer_powers_are_exact);
    tcase_add_test(functions, pow_at_the_ends);
    tcase_add_test(functions, quantile_inverts_the_distribution);
    tcase_add_test(functions, quantile_agrees_with_libm);
    suite_add_tcase(suite, functions);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
