/* The table of legal moves against a second listing, taken line by line from the reference, sections 3.1 and 3.2. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"

struct move {
    const char *from; /* "-": before the first status */
    const char *to;
};

static const struct move run_moves[] = {
    {"-", "Starting"},
    {"Starting", "Preparing"},
    {"Starting", "Queued"},
    {"Starting", "Running"},
    {"Preparing", "Queued"},
    {"Preparing", "Running"},
    {"Queued", "Running"},
    {"Starting", "Failed"},
    {"Preparing", "Failed"},
    {"Queued", "Failed"},
    {"Starting", "Canceled"},
    {"Preparing", "Canceled"},
    {"Queued", "Canceled"},
    {"Running", "Finalizing"},
    {"Running", "CancelRequested"},
    {"Finalizing", "Queued"},
    {"NotResponding", "Queued"},
    {"Finalizing", "Completed"},
    {"Finalizing", "Failed"},
    {"CancelRequested", "Canceled"},
    {"Running", "NotResponding"},
    {"Finalizing", "NotResponding"},
    {"CancelRequested", "NotResponding"},
    {"NotResponding", "Running"},
    {"NotResponding", "Finalizing"},
    {"NotResponding", "CancelRequested"},
    {"NotResponding", "Failed"},
    {"NotResponding", "Canceled"},
};

static const struct move sweep_moves[] = {
    {"-", "Starting"},
    {"Starting", "Running"},
    {"Starting", "Failed"},
    {"Starting", "Completed"},
    {"Starting", "CancelRequested"},
    {"Running", "CancelRequested"},
    {"Running", "Completed"},
    {"Running", "Failed"},
    {"Running", "Canceled"},
    {"CancelRequested", "Canceled"},
};

static const char *name_of(int status)
{
    const char *name = hd_status_name((enum hd_status)status);

    return name == NULL ? "-" : name;
}

/* Goes through all pairs of statuses; how many of them are legal. */
static int check_moves(bool (*may_move)(enum hd_status, enum hd_status), const struct move *moves, int count)
{
    int legal = 0;

    for (int from = 0; from < HD_STATUS_COUNT; from++) {
        for (int to = 0; to < HD_STATUS_COUNT; to++) {
            bool expected = false;
            for (int i = 0; i < count; i++) {
                expected |= strcmp(moves[i].from, name_of(from)) == 0 && strcmp(moves[i].to, name_of(to)) == 0;
            }
            ck_assert_msg(may_move((enum hd_status)from, (enum hd_status)to) == expected, "%s -> %s should be %s", name_of(from),
                          name_of(to), expected ? "legal" : "refused");
            legal += expected;
        }
    }
    return legal;
}

START_TEST(moves_of_a_run)
{
    ck_assert_int_eq(check_moves(hd_run_may_move, run_moves, sizeof run_moves / sizeof run_moves[0]), 28);
}
END_TEST

START_TEST(moves_of_a_sweep)
{
    ck_assert_int_eq(check_moves(hd_sweep_may_move, sweep_moves, sizeof sweep_moves / sizeof sweep_moves[0]), 10);
}
END_TEST

START_TEST(what_is_no_status_moves_nowhere)
{
    const int outside[] = {-1, HD_STATUS_COUNT, 31, 32, 64, 1 << 30};

    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        ck_assert_ptr_null(hd_status_name((enum hd_status)outside[i]));
        for (int status = 0; status < HD_STATUS_COUNT; status++) {
            ck_assert(!hd_run_may_move((enum hd_status)outside[i], (enum hd_status)status));
            ck_assert(!hd_run_may_move((enum hd_status)status, (enum hd_status)outside[i]));
            ck_assert(!hd_sweep_may_move((enum hd_status)outside[i], (enum hd_status)status));
            ck_assert(!hd_sweep_may_move((enum hd_status)status, (enum hd_status)outside[i]));
        }
    }
}
END_TEST

START_TEST(names_and_numbers)
{
    static const struct {
        int number; /* stored in databases: these never change */
        const char *name;
        bool ended;
    } statuses[] = {
        {1, "Starting", false},        {2, "Preparing", false}, {3, "Queued", false}, {4, "Running", false}, {5, "Finalizing", false},
        {6, "CancelRequested", false}, {7, "Completed", true},  {8, "Failed", true},  {9, "Canceled", true}, {10, "NotResponding", false},
    };

    ck_assert_int_eq(sizeof statuses / sizeof statuses[0], HD_STATUS_COUNT - 1);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        enum hd_status status = (enum hd_status)statuses[i].number;
        ck_assert_str_eq(hd_status_name(status), statuses[i].name);
        ck_assert_int_eq(hd_status_parse(statuses[i].name), status);
        ck_assert_int_eq(hd_status_ended(status), statuses[i].ended);
    }
    ck_assert_ptr_null(hd_status_name(HD_STATUS_NONE));
    ck_assert(!hd_status_ended(HD_STATUS_NONE));
    ck_assert_int_eq(hd_status_parse("running"), HD_STATUS_NONE);
    ck_assert_int_eq(hd_status_parse("Cancelled"), HD_STATUS_NONE);
    ck_assert_int_eq(hd_status_parse("NotStarted"), HD_STATUS_NONE);
    ck_assert_int_eq(hd_status_parse(""), HD_STATUS_NONE);
    ck_assert_int_eq(hd_status_parse(NULL), HD_STATUS_NONE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("status");
    TCase *cases = tcase_create("status");

    tcase_add_test(cases, moves_of_a_run);
    tcase_add_test(cases, moves_of_a_sweep);
    tcase_add_test(cases, what_is_no_status_moves_nowhere);
    tcase_add_test(cases, names_and_numbers);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
