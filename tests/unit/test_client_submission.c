/* How long the hyperdrive command tries to learn what became of a sweep that it has sent. The daemon and the clock are played here. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "client.h"

/* What each request comes to, one after the other; the last one again and again. */
struct turn {
    int64_t lasts_ms;
    bool answered, arrived; /* not answered: whether it may have arrived */
};

static const struct turn *turns;
static size_t turn_count, requests;
static int64_t now_ms;
static char first_key[64];

static const struct turn *last_turn(void)
{
    return &turns[requests <= turn_count ? requests - 1 : turn_count - 1];
}

int rest_call(struct rest *rest, const struct rest_request *request, struct rest_answer *ret_answer, struct hd_error *error)
{
    (void)rest, (void)ret_answer;
    if (requests++ == 0)
        snprintf(first_key, sizeof first_key, "%s", request->idempotency_key);
    ck_assert_str_eq(request->idempotency_key, first_key);
    now_ms += last_turn()->lasts_ms;
    return last_turn()->answered ? 0 : hd_error_set(error, HD_UNAVAILABLE, "the connection broke");
}

bool rest_may_pass(const struct rest *rest)
{
    (void)rest;
    return true;
}

bool rest_may_have_arrived(const struct rest *rest)
{
    (void)rest;
    return last_turn()->arrived;
}

int64_t client_now_ms(void)
{
    return now_ms;
}

void client_pause(long milliseconds)
{
    now_ms += milliseconds;
}

/* The message; "" when there was an answer. */
static const char *submit(const struct turn *list, size_t count)
{
    static struct hd_error error;
    struct client client = {0};
    struct rest_answer answer = {0};
    cJSON *specification = cJSON_CreateObject();
    error = (struct hd_error){0};
    turns = list;
    turn_count = count;
    requests = 0;
    now_ms = 1000000;
    int result = client_submit(&client, specification, &answer, &error);
    cJSON_Delete(specification);
    return result < 0 ? error.message : "";
}

START_TEST(test_nobody_there_is_told_at_once)
{
    static const struct turn list[] = {{0, false, false}};
    ck_assert_str_eq(submit(list, 1), "the connection broke");
    ck_assert_uint_eq(requests, 1);
}
END_TEST

START_TEST(test_lost_answer_is_asked_for_again)
{
    static const struct turn list[] = {{10, false, true}, {0, false, false}, {0, false, false}, {10, true, false}};
    ck_assert_str_eq(submit(list, 4), "");
    ck_assert_uint_eq(requests, 4);
}
END_TEST

/* A large source is copied before the answer. */
START_TEST(test_answer_that_is_lost_late_is_asked_for_again)
{
    static const struct turn list[] = {{200000, false, true}, {0, false, false}, {10, true, false}};
    ck_assert_str_eq(submit(list, 3), "");
    ck_assert_uint_eq(requests, 3);
}
END_TEST

START_TEST(test_it_is_given_up_some_time)
{
    static const struct turn list[] = {{0, false, true}, {0, false, false}};
    ck_assert_str_eq(submit(list, 2), "whether the sweep was created is not known ('hyperdrive list' tells): the connection broke");
    ck_assert_int_ge(now_ms, 1000000 + 30000);
    ck_assert_int_le(now_ms, 1000000 + 31000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_submission");
    TCase *tests = tcase_create("client_submission");
    SRunner *runner = srunner_create(suite);
    tcase_add_test(tests, test_nobody_there_is_told_at_once);
    tcase_add_test(tests, test_lost_answer_is_asked_for_again);
    tcase_add_test(tests, test_answer_that_is_lost_late_is_asked_for_again);
    tcase_add_test(tests, test_it_is_given_up_some_time);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
