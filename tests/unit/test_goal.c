/* Goals and the comparator that follows from them. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "core/goal.h"

START_TEST(names)
{
    ck_assert_str_eq(hd_goal_name(HD_MAXIMIZE), "maximize");
    ck_assert_str_eq(hd_goal_name(HD_MINIMIZE), "minimize");
    ck_assert_ptr_null(hd_goal_name(HD_GOAL_NONE));
    ck_assert_ptr_null(hd_goal_name((enum hd_goal)3));
    ck_assert_int_eq(hd_goal_parse("MaxImize"), HD_MAXIMIZE);
    ck_assert_int_eq(hd_goal_parse("MINIMIZE"), HD_MINIMIZE);
    ck_assert_int_eq(hd_goal_parse("minimise"), HD_GOAL_NONE);
    ck_assert_int_eq(hd_goal_parse(""), HD_GOAL_NONE);
    ck_assert_int_eq(hd_goal_parse(NULL), HD_GOAL_NONE);
}
END_TEST

/* From the worst to the best when maximizing. */
static const double ascending[] = {-INFINITY, -1e308, -1.0, -5e-324, 0.0, 5e-324, 0.5, 1.0, 1e308, INFINITY};
enum { ASCENDING = sizeof ascending / sizeof ascending[0] };

START_TEST(the_comparator_is_strict_and_follows_the_goal)
{
    for (int i = 0; i < ASCENDING; i++) {
        for (int j = 0; j < ASCENDING; j++) {
            ck_assert_int_eq(hd_goal_better(HD_MAXIMIZE, ascending[i], ascending[j]), i > j);
            ck_assert_int_eq(hd_goal_better(HD_MINIMIZE, ascending[i], ascending[j]), i < j);
        }
        ck_assert(hd_goal_better(HD_MAXIMIZE, ascending[i], NAN));
        ck_assert(hd_goal_better(HD_MINIMIZE, ascending[i], NAN));
        ck_assert(!hd_goal_better(HD_MAXIMIZE, NAN, ascending[i]));
        ck_assert(!hd_goal_better(HD_MINIMIZE, NAN, ascending[i]));
    }
    ck_assert(!hd_goal_better(HD_MAXIMIZE, NAN, NAN));
    ck_assert(!hd_goal_better(HD_MAXIMIZE, 0.0, -0.0));
    ck_assert(!hd_goal_better(HD_MINIMIZE, -0.0, 0.0));
}
END_TEST

START_TEST(the_rank_is_its_own_inverse)
{
    for (int i = 0; i < ASCENDING; i++) {
        for (int goal = HD_MAXIMIZE; goal <= HD_MINIMIZE; goal++) {
            double back = hd_goal_rank((enum hd_goal)goal, hd_goal_rank((enum hd_goal)goal, ascending[i]));
            ck_assert(back == ascending[i]);
            ck_assert(!signbit(back) || ascending[i] < 0); /* a best of 0.0 is never shown as -0.0 */
        }
        ck_assert(i == 0 || hd_goal_rank(HD_MAXIMIZE, ascending[i]) < hd_goal_rank(HD_MAXIMIZE, ascending[i - 1]));
        ck_assert(i == 0 || hd_goal_rank(HD_MINIMIZE, ascending[i]) > hd_goal_rank(HD_MINIMIZE, ascending[i - 1]));
    }
    ck_assert(!signbit(hd_goal_rank(HD_MAXIMIZE, 0.0)) && !signbit(hd_goal_rank(HD_MINIMIZE, -0.0)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("goal");
    TCase *cases = tcase_create("goal");

    tcase_add_test(cases, names);
    tcase_add_test(cases, the_comparator_is_strict_and_follows_the_goal);
    tcase_add_test(cases, the_rank_is_its_own_inverse);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
