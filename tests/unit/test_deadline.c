/* Many deadlines, one timer: each is told once, the earliest first, unless it was cleared; moved ones count where they are now. */
#include <check.h>
#include <stdlib.h>

#include "sweep/deadline.h"

enum { COUNT = 2000, ROUNDS = 20 };

struct waiter {
    struct deadline deadline; /* first */
    bool expected;
    int told;
};

static struct waiter waiters[COUNT];
static struct deadlines deadlines;
static uv_loop_t loop;
static int64_t last_us;
static int left;

static void on_reached(struct deadline *deadline)
{
    struct waiter *waiter = (struct waiter *)deadline;

    ck_assert(!deadline_is_set(deadline));
    ck_assert(waiter->expected);
    ck_assert_int_ge(deadline->at_us, last_us);
    last_us = deadline->at_us;
    waiter->told++;
    left--;
}

static void on_closed(void *data)
{
    *(bool *)data = true;
}

/* All are due already, so that the timer tells them in one turn. */
static void play(int64_t now_us)
{
    last_us = left = 0;
    for (int i = 0; i < COUNT; i++) {
        waiters[i] = (struct waiter){.deadline.reached = on_reached, .expected = true};
        deadline_set(&deadlines, &waiters[i].deadline, now_us - rand() % 500);
    }
    for (int i = 0; i < COUNT; i++) {
        struct waiter *waiter = &waiters[rand() % COUNT];

        waiter->expected = rand() % 2 == 0;
        if (waiter->expected)
            deadline_set(&deadlines, &waiter->deadline, now_us - rand() % 500);
        else
            deadline_clear(&deadlines, &waiter->deadline);
    }
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(deadline_is_set(&waiters[i].deadline), waiters[i].expected);
        left += waiters[i].expected;
    }
    while (left > 0)
        uv_run(&loop, UV_RUN_ONCE);
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(waiters[i].told, waiters[i].expected);
}

START_TEST(test_each_is_told_once_the_earliest_first)
{
    struct hd_error error = {0};
    bool closed = false;

    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(deadlines_open(&deadlines, &loop, &error), 0);
    srand(1);
    for (int round = 0; round < ROUNDS; round++)
        play(deadline_now_us() - 1000);
    /* What is set when it is closed is not told, and may be cleared later. */
    deadline_set(&deadlines, &waiters[0].deadline, deadline_now_us() - 1);
    deadlines_close(&deadlines, on_closed, &closed);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert(closed);
    deadline_clear(&deadlines, &waiters[0].deadline);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("deadlines");
    TCase *tests = tcase_create("order");

    tcase_add_test(tests, test_each_is_told_once_the_earliest_first);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
