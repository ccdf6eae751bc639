/* Every allocation of the HTTP server and of core fails once: the client hears something sensible or sees the connection end, and the
 * server goes on. */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_fixture.h"

#define HOST "Host: localhost\r\n"

static struct fixture fixture;
static atomic_int countdown = -1; /* allocations of the server's thread until one fails; negative: none will */
static atomic_bool has_failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *string);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *string);

static bool fails(void)
{
    if (atomic_load(&countdown) < 0 || !pthread_equal(pthread_self(), fixture.thread))
        return false;
    if (atomic_fetch_sub(&countdown, 1) > 0)
        return false;
    atomic_store(&has_failed, true);
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *string)
{
    return fails() ? NULL : __real_strdup(string);
}

/* True if an allocation failed on the way. */
static bool try(const char *request, int wanted, int nth)
{
    struct client client;
    struct answer answer = {0};
    atomic_store(&has_failed, false);
    atomic_store(&countdown, nth); /* before the connection: the server may accept it at once, and what that takes is counted too */
    client_open(&client, &fixture);
    client_send(&client, request);
    if (client_read_if_any(&client, &answer)) {
        bool good = answer.status == wanted || answer.status == 503 || answer.status == 413;
        ck_assert_msg(good, "%s\nallocation %d: %d %s", request, nth, answer.status, answer.body);
        if (answer.status != wanted)
            ck_assert_ptr_nonnull(strstr(answer.body, "{\"error\":{\"code\":\""));
    }
    atomic_store(&countdown, -1);
    answer_clear(&answer);
    client_close(&client);
    return atomic_load(&has_failed);
}

START_TEST(test_each_allocation_fails_once)
{
    static const struct {
        const char *request;
        int status;
    } CASES[] = {
        {"GET /echo/x HTTP/1.1\r\n" HOST "\r\n", 200},
        {"GET /deferred HTTP/1.1\r\n" HOST "\r\n", 200},
        {"GET /file HTTP/1.1\r\n" HOST "\r\n", 200},
        {"GET /brief HTTP/1.1\r\n" HOST "\r\n", 200},
        {"GET /thing/1?a=1&top&b=2 HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /thing/1?top=x HTTP/1.1\r\n" HOST "\r\n", 400},
        {"DELETE /healthz HTTP/1.1\r\n" HOST "\r\n", 405},
        {"GET /api/v1/owner HTTP/1.1\r\n" HOST "\r\n", 401},
        {"POST /json/x HTTP/1.1\r\n" HOST "Content-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"a\":[1,2,3]}", 201},
        {"POST /json/x HTTP/1.1\r\n" HOST "Content-Type: application/json\r\nContent-Length: 3\r\n\r\n[1]", 400},
        {"POST /json/x HTTP/1.1\r\n" HOST "Content-Type: application/json\r\nContent-Length: 999999\r\n\r\n", 413},
    };
    signal(SIGPIPE, SIG_IGN);
    fixture_prepare(&fixture);
    fixture_start(&fixture);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int nth = 0;
        while (try(CASES[i].request, CASES[i].status, nth))
            nth++;
        ck_assert_int_gt(nth, 1);
        /* And nothing is left behind that would hurt the next one. */
        struct answer answer;
        ask(&fixture, "GET /healthz HTTP/1.1\r\n" HOST "\r\n", &answer);
        ck_assert_int_eq(answer.status, 200);
        answer_clear(&answer);
    }
    fixture_stop(&fixture);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http memory");
    TCase *tests = tcase_create("failing allocations");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_each_allocation_fails_once);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
