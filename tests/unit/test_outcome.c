/* How sweeps end: the table of the reference, section 3.2, and the failure limit. */
#include <check.h>
#include <stdlib.h>

#include "core/outcome.h"

static const struct {
    const char *what;
    struct hd_tally tally; /* status, generation, children, ended, completed, failed, canceled_well, canceled_user */
    struct hd_outcome expected;
} cases[] = {
    {"still generating", {HD_RUNNING, HD_GENERATING, 5, 5, 5, 0, 0, 0}, {false, 0, NULL}},
    {"a child still runs", {HD_RUNNING, HD_GENERATED_BUDGET, 5, 4, 4, 0, 0, 0}, {false, 0, NULL}},
    {"all completed, budget", {HD_RUNNING, HD_GENERATED_BUDGET, 5, 5, 5, 0, 0, 0}, {true, HD_COMPLETED, "max_total_runs"}},
    {"all completed, space", {HD_RUNNING, HD_GENERATED_SPACE, 5, 5, 5, 0, 0, 0}, {true, HD_COMPLETED, "search_space_exhausted"}},
    {"one completed, others failed", {HD_RUNNING, HD_GENERATED_BUDGET, 5, 5, 1, 4, 0, 0}, {true, HD_COMPLETED, "max_total_runs"}},
    {"one completed, others canceled", {HD_RUNNING, HD_GENERATED_SPACE, 5, 5, 1, 0, 0, 4}, {true, HD_COMPLETED, "search_space_exhausted"}},
    {"a policy's cancel is a result", {HD_RUNNING, HD_GENERATED_BUDGET, 3, 3, 0, 2, 1, 0}, {true, HD_COMPLETED, "max_total_runs"}},
    {"and with a user's cancel", {HD_RUNNING, HD_GENERATED_BUDGET, 3, 3, 0, 0, 1, 2}, {true, HD_COMPLETED, "max_total_runs"}},
    {"all failed", {HD_RUNNING, HD_GENERATED_BUDGET, 4, 4, 0, 4, 0, 0}, {true, HD_FAILED, "all_children_failed"}},
    {"all failed, space", {HD_RUNNING, HD_GENERATED_SPACE, 1, 1, 0, 1, 0, 0}, {true, HD_FAILED, "all_children_failed"}},
    {"all canceled by the user", {HD_RUNNING, HD_GENERATED_BUDGET, 4, 4, 0, 0, 0, 4}, {true, HD_CANCELED, "children_canceled"}},
    {"failed, and one canceled by the user", {HD_RUNNING, HD_GENERATED_BUDGET, 4, 4, 0, 3, 0, 1}, {true, HD_CANCELED, "children_canceled"}},
    {"failure limit", {HD_RUNNING, HD_GENERATED_FAILURES, 4, 4, 0, 3, 0, 0}, {true, HD_FAILED, "initial_failures"}},
    {"failure limit, whatever the others are",
     {HD_RUNNING, HD_GENERATED_FAILURES, 9, 9, 4, 3, 1, 1},
     {true, HD_FAILED, "initial_failures"}},
    {"failure limit, one still runs", {HD_RUNNING, HD_GENERATED_FAILURES, 4, 3, 0, 3, 0, 0}, {false, 0, NULL}},
    {"cancel wins over completed", {HD_CANCEL_REQUESTED, HD_GENERATED_BUDGET, 2, 2, 2, 0, 0, 0}, {true, HD_CANCELED, NULL}},
    {"cancel wins over the failure limit", {HD_CANCEL_REQUESTED, HD_GENERATED_FAILURES, 3, 3, 0, 3, 0, 0}, {true, HD_CANCELED, NULL}},
    {"cancel while generating", {HD_CANCEL_REQUESTED, HD_GENERATING, 2, 2, 1, 1, 0, 0}, {true, HD_CANCELED, NULL}},
    {"cancel waits for the children", {HD_CANCEL_REQUESTED, HD_GENERATED_CANCEL, 2, 1, 1, 0, 0, 0}, {false, 0, NULL}},
    {"cancel before any child", {HD_CANCEL_REQUESTED, HD_GENERATED_CANCEL, 0, 0, 0, 0, 0, 0}, {true, HD_CANCELED, NULL}},
    {"nothing to generate", {HD_STARTING, HD_GENERATED_SPACE, 0, 0, 0, 0, 0, 0}, {true, HD_COMPLETED, "search_space_exhausted"}},
    {"not begun", {HD_STARTING, HD_GENERATING, 0, 0, 0, 0, 0, 0}, {false, 0, NULL}},
    {"ended before", {HD_COMPLETED, HD_GENERATED_BUDGET, 2, 2, 2, 0, 0, 0}, {false, 0, NULL}},
    {"failed before", {HD_FAILED, HD_GENERATED_SPACE, 0, 0, 0, 0, 0, 0}, {false, 0, NULL}},
};

START_TEST(the_table)
{
    struct hd_outcome outcome = hd_sweep_outcome(&cases[_i].tally);

    ck_assert_msg(outcome.ended == cases[_i].expected.ended, "%s", cases[_i].what);
    if (!outcome.ended) {
        return;
    }
    ck_assert_msg(outcome.status == cases[_i].expected.status, "%s", cases[_i].what);
    if (cases[_i].expected.reason_code == NULL) {
        ck_assert_ptr_null(outcome.reason_code);
    } else {
        ck_assert_str_eq(outcome.reason_code, cases[_i].expected.reason_code);
    }
}
END_TEST

/* Whatever the counts are: the end that is told is one that the table of moves allows. */
START_TEST(every_outcome_is_a_legal_move)
{
    int ended = 0;

    for (int code = 0; code < 3 * 5 * 4 * 4 * 4 * 4; code++) {
        const enum hd_status statuses[] = {HD_STARTING, HD_RUNNING, HD_CANCEL_REQUESTED};
        int rest = code / 15;
        struct hd_tally tally = {.status = statuses[code % 3], .generation = (enum hd_generation)(code / 3 % 5)};
        tally.completed = rest % 4;
        tally.failed = rest / 4 % 4;
        tally.canceled_well = rest / 16 % 4;
        tally.canceled_user = rest / 64 % 4;
        tally.children = tally.ended = tally.completed + tally.failed + tally.canceled_well + tally.canceled_user;
        if (tally.status == HD_STARTING && (tally.children > 0 || tally.generation != HD_GENERATED_SPACE)) {
            continue; /* the first child makes a sweep Running */
        }
        if (tally.generation == HD_GENERATED_CANCEL && tally.status != HD_CANCEL_REQUESTED) {
            continue;
        }
        struct hd_outcome outcome = hd_sweep_outcome(&tally);
        if (outcome.ended) {
            ended++;
            ck_assert(hd_status_ended(outcome.status));
            ck_assert(hd_sweep_may_move(tally.status, outcome.status));
            ck_assert((outcome.reason_code == NULL) == (tally.status == HD_CANCEL_REQUESTED));
        }
    }
    ck_assert_int_eq(ended, 1 + 256 * 3 + 256 * 5);
}
END_TEST

START_TEST(the_failure_limit)
{
    struct hd_failure_watch watch = {.limit = 3};

    ck_assert(!hd_failure_watch_end(&watch, HD_FAILED, false));
    ck_assert(!hd_failure_watch_end(&watch, HD_FAILED, true)); /* Lost does not count */
    ck_assert(!hd_failure_watch_end(&watch, HD_FAILED, false));
    ck_assert(!hd_failure_watch_end(&watch, HD_CANCELED, true)); /* neither way */
    ck_assert(hd_failure_watch_end(&watch, HD_FAILED, false));
    ck_assert(!hd_failure_watch_end(&watch, HD_FAILED, false)); /* reached once */
}
END_TEST

START_TEST(any_other_end_turns_the_limit_off)
{
    const enum hd_status others[] = {HD_COMPLETED, HD_CANCELED};

    for (int i = 0; i < 2; i++) {
        struct hd_failure_watch watch = {.limit = 2};
        ck_assert(!hd_failure_watch_end(&watch, HD_FAILED, false));
        ck_assert(!hd_failure_watch_end(&watch, others[i], false));
        for (int j = 0; j < 10; j++) {
            ck_assert(!hd_failure_watch_end(&watch, HD_FAILED, false));
        }
    }
}
END_TEST

START_TEST(zero_is_no_limit)
{
    struct hd_failure_watch watch = {.limit = 0};
    struct hd_failure_watch one = {.limit = 1};

    for (int i = 0; i < 10; i++) {
        ck_assert(!hd_failure_watch_end(&watch, HD_FAILED, false));
    }
    ck_assert(hd_failure_watch_end(&one, HD_FAILED, false));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outcome");
    TCase *table = tcase_create("outcome");

    tcase_add_loop_test(table, the_table, 0, sizeof cases / sizeof cases[0]);
    tcase_add_test(table, every_outcome_is_a_legal_move);
    tcase_add_test(table, the_failure_limit);
    tcase_add_test(table, any_other_end_turns_the_limit_off);
    tcase_add_test(table, zero_is_no_limit);
    suite_add_tcase(suite, table);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
