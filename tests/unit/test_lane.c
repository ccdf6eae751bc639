/* Jobs that hang in a lane leave the pool to others; each is performed once, in order, or told that it will not be. */
#include <check.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "lane.h"

enum { JOBS = 40, WIDTH = 3 };

static uv_loop_t loop;
static struct lane lane;
static struct lane_job jobs[JOBS];
static uv_sem_t gate;
static atomic_int performed, at_once, most_at_once;
static int told, cancelled;

static void perform(uv_work_t *work)
{
    int now = atomic_fetch_add(&at_once, 1) + 1;

    (void)work;
    if (now > atomic_load(&most_at_once))
        atomic_store(&most_at_once, now);
    uv_sem_wait(&gate);
    atomic_fetch_sub(&at_once, 1);
    atomic_fetch_add(&performed, 1);
}

static void after(uv_work_t *work, int status)
{
    ck_assert_ptr_eq(work->data, work);
    told++;
    cancelled += status == UV_ECANCELED;
}

static void nothing(uv_work_t *work)
{
    (void)work;
}

static void on_other(uv_work_t *work, int status)
{
    ck_assert_int_eq(status, 0);
    *(bool *)work->data = true;
}

/* Something of the pool that is in no lane. */
static void perform_other(void)
{
    bool done = false;
    uv_work_t other = {.data = &done};

    ck_assert_int_eq(uv_queue_work(&loop, &other, nothing, on_other), 0);
    while (!done)
        uv_run(&loop, UV_RUN_ONCE);
}

static void set_up(void)
{
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(uv_sem_init(&gate, 0), 0);
    told = cancelled = 0;
    lane_open(&lane, &loop, WIDTH);
    for (int i = 0; i < JOBS; i++) {
        jobs[i].work.data = &jobs[i].work;
        ck_assert_int_eq(lane_queue(&lane, &jobs[i], perform, after), 0);
    }
}

static void tear_down(void)
{
    uv_sem_destroy(&gate);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

START_TEST(test_others_go_on)
{
    perform_other();
    ck_assert_int_eq(told, 0);
    for (int i = 0; i < JOBS; i++)
        uv_sem_post(&gate);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(told, JOBS);
    ck_assert_int_eq(cancelled, 0);
    ck_assert_int_eq(atomic_load(&performed), JOBS);
    ck_assert_int_le(atomic_load(&most_at_once), WIDTH);
}
END_TEST

START_TEST(test_those_that_wait_are_told_of_a_stop)
{
    struct lane_job late = {.work.data = NULL};

    lane_stop(&lane);
    ck_assert_int_eq(told, JOBS - WIDTH);
    ck_assert_int_eq(cancelled, JOBS - WIDTH);
    ck_assert_int_eq(lane_queue(&lane, &late, perform, after), UV_ECANCELED);
    for (int i = 0; i < WIDTH; i++)
        uv_sem_post(&gate);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(told, JOBS);
    ck_assert_int_eq(atomic_load(&performed), WIDTH);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lane");
    TCase *tests = tcase_create("lane");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_others_go_on);
    tcase_add_test(tests, test_those_that_wait_are_told_of_a_stop);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
