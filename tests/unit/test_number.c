/* Numbers as text: exact, shortest, in the form of Python's repr. */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"
#include "core/random.h"
#include "rounds.h"

static const struct {
    double value;
    const char *json;
    const char *command_line;
} TABLE[] = {
    {0.0, "0.0", "0"},
    {-0.0, "0.0", "0"},
    {1, "1.0", "1"},
    {-1, "-1.0", "-1"},
    {9007199254740991, "9007199254740991.0", "9007199254740991"},
    {9007199254740992, "9007199254740992.0", "9007199254740992"},
    {9999999999999998, "9999999999999998.0", "9999999999999998"},
    {1e16, "1e+16", "1e+16"},
    {12345678901234567168.0, "1.2345678901234567e+19", "1.2345678901234567e+19"},
    {0.0001, "0.0001", "0.0001"},
    {0.00012345, "0.00012345", "0.00012345"},
    {0.00009999, "9.999e-05", "9.999e-05"},
    {1e22, "1e+22", "1e+22"},
    {1e23, "1e+23", "1e+23"},
    {9.5e-7, "9.5e-07", "9.5e-07"},
    {0x1p-1074, "5e-324", "5e-324"},
    {0x1p-1022, "2.2250738585072014e-308", "2.2250738585072014e-308"},
    {DBL_MAX, "1.7976931348623157e+308", "1.7976931348623157e+308"},
    {0x1p-44, "5.684341886080802e-14", "5.684341886080802e-14"},
    {0x1p-24, "5.960464477539063e-08", "5.960464477539063e-08"},
    {9.409e22, "9.409e+22", "9.409e+22"},
    {2.5, "2.5", "2.5"},
    {-0.00025, "-0.00025", "-0.00025"},
    {-1e-05, "-1e-05", "-0.00001"},
    {-1.5e20, "-1.5e+20", "-150000000000000000000"},
};

START_TEST(table)
{
    char text[HD_NUMBER_TEXT_SIZE];
    ck_assert_uint_eq(hd_number_json(TABLE[_i].value, text), strlen(TABLE[_i].json));
    ck_assert_str_eq(text, TABLE[_i].json);
    ck_assert_uint_eq(hd_number_command_line(TABLE[_i].value, text), strlen(TABLE[_i].command_line));
    ck_assert_str_eq(text, TABLE[_i].command_line);
}
END_TEST

START_TEST(not_finite)
{
    char text[HD_NUMBER_TEXT_SIZE];
    ck_assert_uint_eq(hd_number_json(NAN, text), 5);
    ck_assert_str_eq(text, "\"NaN\"");
    hd_number_json(INFINITY, text);
    ck_assert_str_eq(text, "\"Infinity\"");
    hd_number_json(-INFINITY, text);
    ck_assert_str_eq(text, "\"-Infinity\"");
}
END_TEST

/* Significant digits, without the zeros at either end. */
static int count_digits(const char *text)
{
    int count = 0, zeros = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (count == 0 && *text == '0'))
            continue;
        count++;
        zeros = *text == '0' ? zeros + 1 : 0;
    }
    return count - zeros;
}

static void check_exact(double value)
{
    char text[HD_NUMBER_TEXT_SIZE], longest[64];
    size_t length = hd_number_json(value, text);
    ck_assert_uint_eq(length, strlen(text));
    ck_assert_msg(strtod(text, NULL) == value, "%a became %s", value, text);
    ck_assert_msg(strpbrk(text, ".e") != NULL, "%s looks like an integer", text);
    snprintf(longest, sizeof longest, "%.17g", value);
    ck_assert_msg(count_digits(text) <= count_digits(longest), "%s is longer than %s", text, longest);
}

static void check_command_line(double value)
{
    char text[HD_NUMBER_TEXT_SIZE];
    size_t length = hd_number_command_line(value, text);
    ck_assert_uint_lt(length, HD_NUMBER_TEXT_SIZE);
    ck_assert_msg(strtod(text, NULL) == value, "%a became %s", value, text);
    ck_assert_msg(value > 0 || strchr(text, 'e') == NULL, "%s would be taken for an option", text);
}

START_TEST(random_bit_patterns)
{
    uint64_t count = rounds(1000000), finite = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t bits = hd_random_bits(1, i, 0, 0);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        if (finite++ % 4 == 0)
            check_command_line(value);
        check_exact(value);
    }
    ck_assert_uint_gt(finite, count * 99 / 100);
}
END_TEST

START_TEST(random_short_decimals)
{
    for (uint64_t i = 0; i < rounds(100000); i++) {
        char text[64], number[HD_NUMBER_TEXT_SIZE];
        int digits = 1 + (int)(i % 15), exponent = (int)(hd_random_bits(2, i, 0, 0) % 500) - 250;
        uint64_t mantissa = hd_random_bits(2, i, 1, 0) % (uint64_t)pow(10, digits);
        snprintf(text, sizeof text, "%llue%d", (unsigned long long)mantissa, exponent);
        hd_number_json(strtod(text, NULL), number);
        ck_assert_msg(count_digits(number) <= digits, "%s became %s", text, number);
    }
}
END_TEST

/* Whether any decimal with `digits` digits gives the value: the nearest, or one of the two next to it. */
static bool any_decimal(double value, int digits)
{
    char text[64], *end;
    snprintf(text, sizeof text, "%.*e", digits - 1, value);
    long exponent = strtol(strchr(text, 'e') + 1, &end, 10) - (digits - 1);
    uint64_t mantissa = 0;
    for (const char *at = text; *at != 'e'; at++)
        mantissa = *at == '.' ? mantissa : mantissa * 10 + (uint64_t)(*at - '0');
    for (int step = -1; step <= 1; step++) {
        snprintf(text, sizeof text, "%llue%ld", (unsigned long long)(mantissa + (uint64_t)step), exponent);
        if (strtod(text, NULL) == value)
            return true;
    }
    return false;
}

START_TEST(powers_of_two_are_shortest)
{
    int neighbours = 0;
    for (int exponent = -1074; exponent < 1024; exponent++) {
        double value = ldexp(1, exponent);
        char text[HD_NUMBER_TEXT_SIZE], nearest[64];
        check_exact(value);
        hd_number_json(value, text);
        int digits = count_digits(text);
        ck_assert_msg(digits == 1 || !any_decimal(value, digits - 1), "2^%d is %s", exponent, text);
        snprintf(nearest, sizeof nearest, "%.*e", digits - 1, value);
        neighbours += strtod(nearest, NULL) != value;
    }
    ck_assert_int_gt(neighbours, 0); /* the trap was really met */
}
END_TEST

/* Of several shortest texts the one nearest to the value, as Python prints it. */
START_TEST(shortest_is_nearest)
{
    for (uint64_t i = 0; i < rounds(200000); i++) {
        double value = hd_random_unit(3, i, 0, 0);
        char text[HD_NUMBER_TEXT_SIZE], nearest[64];
        hd_number_json(value, text);
        int digits = count_digits(text);
        snprintf(nearest, sizeof nearest, "%.*e", digits - 1, value);
        ck_assert_msg(strtold(nearest, NULL) == strtold(text, NULL), "%s, nearest is %s", text, nearest);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("number");
    TCase *numbers = tcase_create("numbers");
    tcase_set_timeout(numbers, 120);
    tcase_add_loop_test(numbers, table, 0, sizeof TABLE / sizeof *TABLE);
    tcase_add_test(numbers, not_finite);
    tcase_add_test(numbers, random_bit_patterns);
    tcase_add_test(numbers, random_short_decimals);
    tcase_add_test(numbers, powers_of_two_are_shortest);
    tcase_add_test(numbers, shortest_is_nearest);
    suite_add_tcase(suite, numbers);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
