/* A clock that is set forward makes nothing old. */
#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "set_clock.h"
#include "wall_clock.h"

static const int64_t DAY_SECONDS = 86400, YEAR_SECONDS = 365 * 86400;

/* Seconds between what it shows now and what it would without being set. */
static int64_t shown_forward(int64_t set_seconds, bool *ret_believed)
{
    struct wall_clock clock;
    int64_t began_us;
    bool believed;

    set_forward_seconds = 0;
    wall_clock_open(&clock);
    began_us = wall_clock_us(&clock, &believed);
    ck_assert(believed);
    set_forward_seconds = set_seconds;
    return (wall_clock_us(&clock, ret_believed) - began_us) / 1000000;
}

START_TEST(test_set_forward)
{
    bool believed;

    ck_assert_int_lt(shown_forward(10 * YEAR_SECONDS, &believed), DAY_SECONDS / 2);
    ck_assert(!believed);
    ck_assert_int_ge(shown_forward(DAY_SECONDS / 2, &believed), DAY_SECONDS / 2);
    ck_assert(believed);
}
END_TEST

START_TEST(test_set_back)
{
    bool believed;

    ck_assert_int_lt(shown_forward(-YEAR_SECONDS, &believed), -YEAR_SECONDS / 2);
    ck_assert(believed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wall clock");
    TCase *tests = tcase_create("clock");

    tcase_add_test(tests, test_set_forward);
    tcase_add_test(tests, test_set_back);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
