/* Many deadlines, one timer: each is told once, the earliest first, unless it was cleared; moved ones count where they are now. */
#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "set_clock.h"
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

static int64_t wall_clock_us(void)
{
    struct timespec now;

    ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &now), 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
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

static void count(struct deadline *deadline)
{
    ((struct waiter *)deadline)->told++;
}

START_TEST(test_a_wall_clock_that_is_set_ends_nothing)
{
    static const int64_t hour_us = INT64_C(3600) * 1000000, year_seconds = 365 * 86400;
    struct waiter distant = {.deadline.reached = count}, soon = {.deadline.reached = count};
    struct hd_error error = {0};
    bool closed = false;

    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(deadlines_open(&deadlines, &loop, &error), 0);
    deadline_set(&deadlines, &distant.deadline, deadline_behind_us(wall_clock_us(), hour_us));
    set_forward_seconds = 10 * year_seconds;
    deadline_set(&deadlines, &soon.deadline, deadline_now_us() + 1000);
    while (soon.told == 0)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_int_eq(distant.told, 0);
    deadlines_close(&deadlines, on_closed, &closed);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    set_forward_seconds = 0;
}
END_TEST

START_TEST(test_behind_a_moment_of_the_wall_clock)
{
    static const int64_t limit_us = 1000000, margin_us = INT64_C(60) * 1000000, long_us = INT64_C(3600) * 1000000;
    int64_t now_us = deadline_now_us(), wall_us = wall_clock_us();

    ck_assert_int_ge(deadline_behind_us(wall_us - long_us / 2, long_us), now_us + long_us / 2 - margin_us);
    ck_assert_int_le(deadline_behind_us(wall_us - long_us / 2, long_us), now_us + long_us / 2 + margin_us);
    ck_assert_int_le(deadline_behind_us(wall_us - long_us, limit_us), now_us + margin_us);                   /* it is over */
    ck_assert_int_le(deadline_behind_us(wall_us + 1000 * long_us, limit_us), now_us + limit_us + margin_us); /* it was set back */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("deadlines");
    TCase *tests = tcase_create("order");

    tcase_add_test(tests, test_each_is_told_once_the_earliest_first);
    tcase_add_test(tests, test_a_wall_clock_that_is_set_ends_nothing);
    tcase_add_test(tests, test_behind_a_moment_of_the_wall_clock);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
