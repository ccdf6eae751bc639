/* The HTTP server and clients of every kind: half-closed sockets, long pipelines, chunks in every form, expectations. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http_fixture.h"

#define HOST    "Host: localhost\r\n"
#define JSON    "Content-Type: application/json\r\n"
#define CHUNKED "POST /json/x HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\n\r\n"
#define PING    "GET /echo/x HTTP/1.1\r\n" HOST "\r\n"

static struct fixture fixture;

/* No deadline of the server's ends anything here. */
static void set_up(void)
{
    signal(SIGPIPE, SIG_IGN);
    fixture_prepare(&fixture);
    fixture.settings.header_timeout_us = fixture.settings.body_timeout_us = fixture.settings.idle_timeout_us = INT64_C(3600000000);
    fixture_start(&fixture);
}

static void tear_down(void)
{
    fixture_stop(&fixture);
}

/* What comes before the client closes its side: `answers` of them are answered, then the server closes too. */
static const struct {
    const char *bytes;
    int answers;
} halves[] = {
    {"", 0},
    {"G", 0},
    {"\r\n", 0},
    {"GET /echo/x HTTP/1.1\r\n", 0},
    {"GET /echo/x HTTP/1.1\r\nHost: local", 0},
    {"POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 10\r\n\r\n{", 0},
    {CHUNKED "2\r\n{}\r\n", 0},
    {PING, 1},
    {PING "G", 1},
    {PING "\r\n\r\n", 1},
    {PING "GET /echo/x HTTP/1.1\r\n", 1},
    {PING "POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 10\r\n\r\n{", 1},
    {PING PING PING, 3},
    {PING PING PING "stray", 3},
    {"POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\n\r\n{}stray", 1},
    {"GET /deferred HTTP/1.1\r\n" HOST "\r\nstray", 1},
    {"GET /deferred HTTP/1.1\r\n" HOST "\r\n" PING, 2},
};

static void expect_answers_and_end(struct client *client, int answers)
{
    for (int i = 0; i < answers; i++) {
        struct answer answer;
        client_read(client, &answer, false);
        ck_assert_int_lt(answer.status, 300);
        answer_clear(&answer);
    }
    ck_assert(client_at_end(client));
}

START_TEST(test_half_closed)
{
    struct client client;
    client_open(&client, &fixture);
    client_send(&client, halves[_i].bytes);
    ck_assert_int_eq(shutdown(client.fd, SHUT_WR), 0);
    expect_answers_and_end(&client, halves[_i].answers);
    client_close(&client);
}
END_TEST

/* The same when the end comes on its own, later than all answers. */
START_TEST(test_half_closed_later)
{
    struct client client;
    client_open(&client, &fixture);
    client_send(&client, halves[_i].bytes);
    for (int i = 0; i < halves[_i].answers; i++) {
        struct answer answer;
        client_read(&client, &answer, false);
        answer_clear(&answer);
    }
    ck_assert_int_eq(shutdown(client.fd, SHUT_WR), 0);
    ck_assert(client_at_end(&client));
    client_close(&client);
}
END_TEST

/* More than a connection's memory holds, in one go, then the end. */
START_TEST(test_long_pipeline)
{
    enum { REQUESTS = 3000 };
    const size_t length = strlen(PING);
    struct client client;
    char *all = malloc(REQUESTS * length);
    ck_assert_ptr_nonnull(all);
    for (size_t i = 0; i < REQUESTS; i++)
        memcpy(all + i * length, PING, length);
    client_open(&client, &fixture);
    client_send_bytes(&client, all, REQUESTS * length);
    ck_assert_int_eq(shutdown(client.fd, SHUT_WR), 0);
    expect_answers_and_end(&client, REQUESTS);
    client_close(&client);
    free(all);
}
END_TEST

START_TEST(test_pipelined_bodies)
{
    enum { REQUESTS = 200 };
    static const char request[] = "POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\n\r\n{}" CHUNKED "2\r\n{}\r\n0\r\n\r\n";
    struct client client;
    client_open(&client, &fixture);
    for (int i = 0; i < REQUESTS; i++)
        client_send(&client, request);
    for (int i = 0; i < 2 * REQUESTS; i++) {
        struct answer answer;
        client_read(&client, &answer, false);
        ck_assert_int_eq(answer.status, 201);
        answer_clear(&answer);
    }
    client_close(&client);
}
END_TEST

static const struct {
    const char *chunks;
    int status;
    const char *body; /* NULL: any */
} chunked[] = {
    {"7\r\n{\"a\":1}\r\n0\r\n\r\n", 201, "{\"members\":1,\"length\":7}"},
    {"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 201, "{\"members\":0,\"length\":2}"},
    {"2;name=value\r\n{}\r\n0\r\n\r\n", 201, "{\"members\":0,\"length\":2}"},
    {"00002\r\n{}\r\n0\r\n\r\n", 201, "{\"members\":0,\"length\":2}"},
    {"2\r\n{}\r\n0\r\nX-Trailer: 1\r\n\r\n", 201, "{\"members\":0,\"length\":2}"},
    {"0\r\n\r\n", 400, NULL}, /* no JSON */
    {"zz\r\n{}\r\n0\r\n\r\n", 400, NULL},
    {"-2\r\n{}\r\n0\r\n\r\n", 400, NULL},
    {"0x2\r\n{}\r\n0\r\n\r\n", 400, NULL},
    {"\r\n{}", 400, NULL},
    {"2\r\n{}0\r\n\r\n", 400, NULL},
    {"fffffffffffffffff\r\n{}\r\n0\r\n\r\n", 413, NULL},
};

/* Each in one piece, and byte by byte. */
START_TEST(test_chunks)
{
    for (int slow = 0; slow < 2; slow++) {
        struct client client;
        struct answer answer;
        client_open(&client, &fixture);
        client_send(&client, CHUNKED);
        if (slow) {
            for (const char *at = chunked[_i].chunks; *at != '\0'; at++)
                if (send(client.fd, at, 1, MSG_NOSIGNAL) != 1)
                    break; /* refused already */
        } else {
            client_send(&client, chunked[_i].chunks);
        }
        client_read(&client, &answer, false);
        ck_assert_int_eq(answer.status, chunked[_i].status);
        if (chunked[_i].body != NULL)
            ck_assert_str_eq(answer.body, chunked[_i].body);
        answer_clear(&answer);
        client_close(&client);
    }
}
END_TEST

/* A client that expects "100 Continue" and is refused sends no body, and hears why at once. */
static const struct {
    const char *head;
    int status;
} expectations[] = {
    {"POST /nowhere HTTP/1.1\r\n" HOST JSON "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n", 404},
    {"POST /api/v1/owner HTTP/1.1\r\n" HOST JSON "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n", 401},
    {"POST /json/x HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n", 415},
    {"POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 5000000\r\nExpect: 100-continue\r\n\r\n", 413},
    {"POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\nExpect: the-unexpected\r\n\r\n{}", 201},
    {"POST /json/x HTTP/1.0\r\n" HOST JSON "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}", 201},
};

START_TEST(test_expectations)
{
    struct client client;
    struct answer answer;
    client_open(&client, &fixture);
    client_send(&client, expectations[_i].head);
    client_read(&client, &answer, false);
    ck_assert_int_eq(answer.status, expectations[_i].status);
    answer_clear(&answer);
    client_close(&client);
}
END_TEST

/* The head is what GET would have, for answers, files, refusals; and the next request is understood. */
static const char *const heads[] = {"/echo/x", "/file?from=0", "/nowhere", "/healthz", "/deferred"};

START_TEST(test_head_is_that_of_get)
{
    char request[256];
    const char *path = heads[_i];
    struct client client;
    struct answer get, head;
    client_open(&client, &fixture);
    snprintf(request, sizeof request, "HEAD %s HTTP/1.1\r\n" HOST "\r\nGET %s HTTP/1.1\r\n" HOST "\r\n", path, path);
    client_send(&client, request);
    client_read(&client, &head, true);
    client_read(&client, &get, false);
    ck_assert_int_eq(head.status, get.status);
    char length[64];
    snprintf(length, sizeof length, "%s", answer_field(&get, "Content-Length"));
    ck_assert_str_eq(answer_field(&head, "Content-Length"), length);
    answer_clear(&get);
    answer_clear(&head);
    client_close(&client);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http clients");
    TCase *tests = tcase_create("clients");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_half_closed, 0, sizeof halves / sizeof halves[0]);
    tcase_add_loop_test(tests, test_half_closed_later, 0, sizeof halves / sizeof halves[0]);
    tcase_add_test(tests, test_long_pipeline);
    tcase_add_test(tests, test_pipelined_bodies);
    tcase_add_loop_test(tests, test_chunks, 0, sizeof chunked / sizeof chunked[0]);
    tcase_add_loop_test(tests, test_expectations, 0, sizeof expectations / sizeof expectations[0]);
    tcase_add_loop_test(tests, test_head_is_that_of_get, 0, sizeof heads / sizeof heads[0]);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
