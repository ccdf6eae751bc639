/* The HTTP server over real sockets: answers, refusals, suspended requests, limits, deadlines, closing. */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_fixture.h"

#define HOST  "Host: localhost\r\n"
#define JSON  "Content-Type: application/json\r\n"
#define OWNER "Authorization: Bearer owner\r\n"

static struct fixture fixture;

static void set_up(void)
{
    signal(SIGPIPE, SIG_IGN);
    fixture_prepare(&fixture);
    fixture_start(&fixture);
}

static void tear_down(void)
{
    fixture_stop(&fixture);
}

static void expect(const char *request, int status, const char *body)
{
    struct answer answer;
    ask(&fixture, request, &answer);
    ck_assert_msg(answer.status == status, "%s\ngot %d %s", request, answer.status, answer.body);
    ck_assert_str_eq(answer.body, body);
    answer_clear(&answer);
}

/* The error object of an answer without details. */
static void expect_error(const char *request, int status, const char *code, const char *message)
{
    char body[1024];
    snprintf(body, sizeof body, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\",\"target\":null,\"details\":[]}}", code, message);
    expect(request, status, body);
}

/* The error object of an answer with one finding. */
static void expect_finding(const char *request, const char *code, const char *message, const char *target)
{
    char body[2048];
    snprintf(body, sizeof body,
             "{\"error\":{\"code\":\"ValidationError\",\"message\":\"%s\",\"target\":\"%s\","
             "\"details\":[{\"code\":\"%s\",\"message\":\"%s\",\"target\":\"%s\"}]}}",
             message, target, code, message, target);
    expect(request, 400, body);
}

/* --- Answers --- */

START_TEST(test_answer_carries_the_usual_fields)
{
    struct answer answer;
    ask(&fixture, "GET /healthz HTTP/1.1\r\n" HOST "\r\n", &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer.body, "{\"said\":\"pong\"}");
    ck_assert_str_eq(answer_field(&answer, "Content-Type"), "application/json");
    ck_assert_str_eq(answer_field(&answer, "Cache-Control"), "no-store");
    ck_assert_str_eq(answer_field(&answer, "X-Content-Type-Options"), "nosniff");
    ck_assert_ptr_nonnull(answer_field(&answer, "Date"));
    ck_assert_ptr_null(answer_field(&answer, "Connection"));
    answer_clear(&answer);
}
END_TEST

START_TEST(test_pipelined_requests_are_answered_in_order)
{
    struct client client;
    client_open(&client, &fixture);
    client_send(&client, "GET /echo/1 HTTP/1.1\r\n" HOST "\r\nGET /echo/2 HTTP/1.1\r\n" HOST "\r\n"
                         "POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\n\r\n{}"
                         "GET /missing HTTP/1.1\r\n" HOST "\r\nGET /echo/5 HTTP/1.1\r\n" HOST "\r\n");
    static const struct {
        int status;
        const char *body;
    } WANTED[] = {{200, "{\"said\":\"1\"}"},
                  {200, "{\"said\":\"2\"}"},
                  {201, "{\"members\":0,\"length\":2}"},
                  {404, NULL},
                  {200, "{\"said\":\"5\"}"}};
    for (size_t i = 0; i < sizeof WANTED / sizeof WANTED[0]; i++) {
        struct answer answer;
        client_read(&client, &answer, false);
        ck_assert_int_eq(answer.status, WANTED[i].status);
        if (WANTED[i].body != NULL)
            ck_assert_str_eq(answer.body, WANTED[i].body);
        answer_clear(&answer);
    }
    client_close(&client);
}
END_TEST

START_TEST(test_head_is_get_without_a_body)
{
    struct client client;
    struct answer answer;
    client_open(&client, &fixture);
    client_send(&client, "HEAD /healthz HTTP/1.1\r\n" HOST "\r\n");
    client_read(&client, &answer, true);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer_field(&answer, "Content-Length"), "15");
    answer_clear(&answer);
    client_send(&client, "GET /echo/after HTTP/1.1\r\n" HOST "\r\n");
    client_read(&client, &answer, false);
    ck_assert_str_eq(answer.body, "{\"said\":\"after\"}");
    answer_clear(&answer);
    client_close(&client);
}
END_TEST

START_TEST(test_half_closed_socket_gets_its_answer)
{
    struct client client;
    struct answer answer;
    client_open(&client, &fixture);
    client_send(&client, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_int_eq(shutdown(client.fd, SHUT_WR), 0);
    uv_sem_wait(&fixture.held_enough);
    fixture_release(&fixture);
    client_read(&client, &answer, false);
    ck_assert_str_eq(answer.body, "{\"said\":\"released\"}");
    answer_clear(&answer);
    ck_assert(client_at_end(&client));
    client_close(&client);
}
END_TEST

START_TEST(test_file)
{
    struct answer answer;
    ask(&fixture, "GET /file HTTP/1.1\r\n" HOST "\r\n", &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_uint_eq(answer.length, 10000);
    ck_assert_int_eq(answer.body[9999], 'a' + 9999 % 26);
    ck_assert_str_eq(answer_field(&answer, "Content-Type"), "text/plain");
    ck_assert_ptr_null(answer_field(&answer, "Accept-Ranges")); /* only the handler knows whether it serves ranges */
    ck_assert_ptr_null(answer_field(&answer, "Content-Range"));
    answer_clear(&answer);

    ask(&fixture, "GET /file?from=25&length=3 HTTP/1.1\r\n" HOST "\r\n", &answer);
    ck_assert_int_eq(answer.status, 206);
    ck_assert_str_eq(answer.body, "zab");
    ck_assert_str_eq(answer_field(&answer, "Content-Range"), "bytes 25-27/10000");
    answer_clear(&answer);

    ask(&fixture, "GET /file?length=0 HTTP/1.1\r\n" HOST "\r\n", &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer_field(&answer, "Content-Length"), "0");
    answer_clear(&answer);

    ask(&fixture, "HEAD /file HTTP/1.1\r\n" HOST "\r\n", &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer_field(&answer, "Content-Length"), "10000");
    answer_clear(&answer);
}
END_TEST

/* --- Addresses --- */

START_TEST(test_path_is_cut_before_it_is_decoded)
{
    expect("GET /echo/a%2Fb%C3%A9+c HTTP/1.1\r\n" HOST "\r\n", 200, "{\"said\":\"a/b\xc3\xa9+c\"}");
    expect("GET /rest/a/b%20c//d HTTP/1.1\r\n" HOST "\r\n", 200, "{\"said\":\"a/b c//d\"}");
    expect("GET http://localhost/echo/x HTTP/1.1\r\n" HOST "\r\n", 200, "{\"said\":\"x\"}");
    expect_error("GET /a%2Fb HTTP/1.1\r\n" HOST "\r\n", 404, "NotFound", "there is nothing at this address");
    expect_error("GET /echo/ HTTP/1.1\r\n" HOST "\r\n", 404, "NotFound", "there is nothing at this address");
    expect_error("GET /echo/a/ HTTP/1.1\r\n" HOST "\r\n", 404, "NotFound", "there is nothing at this address");
    expect_error("GET /echo/a%00b HTTP/1.1\r\n" HOST "\r\n", 400, "ValidationError", "the address must not contain '%00'");
    expect_error("GET /healthz?a%00=1 HTTP/1.1\r\n" HOST "\r\n", 400, "ValidationError", "the address must not contain '%00'");
    expect_error("GET /echo/%zz HTTP/1.1\r\n" HOST "\r\n", 400, "ValidationError",
                 "the address has a '%' that is not followed by two hexadecimal digits; write '%25' for the character itself");
    expect_error("GET /echo/%C3 HTTP/1.1\r\n" HOST "\r\n", 400, "ValidationError", "the address is not valid UTF-8 after percent-decoding");
}
END_TEST

START_TEST(test_query)
{
    expect("GET /thing/1 HTTP/1.1\r\n" HOST "\r\n", 200, "{\"said\":\"1 top=7 reverse=1 name=(none)\"}");
    expect("GET /thing/1?top=0&reverse=FALSE&name=a%26b+c HTTP/1.1\r\n" HOST "\r\n", 200, "{\"said\":\"1 top=0 reverse=0 name=a&b c\"}");
    expect("GET /thing/1?name= HTTP/1.1\r\n" HOST "\r\n", 200, "{\"said\":\"1 top=7 reverse=1 name=\"}");
    expect_finding("GET /thing/1?colour=red HTTP/1.1\r\n" HOST "\r\n", "UnknownField",
                   "'colour' is not a known query parameter; known are: top, reverse, name", "colour");
    expect_finding("GET /healthz?x=1 HTTP/1.1\r\n" HOST "\r\n", "UnknownField",
                   "'x' is not a known query parameter; this address takes none", "x");
    expect_finding("GET /thing/1?top=1&top=1 HTTP/1.1\r\n" HOST "\r\n", "Duplicate", "'top' is given twice", "top");
    expect_finding("GET /thing/1?top HTTP/1.1\r\n" HOST "\r\n", "Required", "'top' needs a value: write top=VALUE", "top");
    expect_finding("GET /thing/1?reverse= HTTP/1.1\r\n" HOST "\r\n", "WrongType", "'reverse' must be true or false, got \\\"\\\"",
                   "reverse");
    expect_finding("GET /thing/1?reverse=yes HTTP/1.1\r\n" HOST "\r\n", "WrongType", "'reverse' must be true or false, got \\\"yes\\\"",
                   "reverse");
    expect_finding("GET /thing/1?top=1.5 HTTP/1.1\r\n" HOST "\r\n", "WrongType", "'top' must be an integer, got \\\"1.5\\\"", "top");
    expect_finding("GET /thing/1?top=-1 HTTP/1.1\r\n" HOST "\r\n", "OutOfRange", "'top' must be between 0 and 1000, got -1", "top");
    expect_finding("GET /thing/1?top=99999999999999999999 HTTP/1.1\r\n" HOST "\r\n", "OutOfRange",
                   "'top' must be between 0 and 1000, got 99999999999999999999", "top");
    expect("GET /thing/1?a=1&top HTTP/1.1\r\n" HOST "\r\n", 400,
           "{\"error\":{\"code\":\"ValidationError\",\"message\":\"'a' is not a known query parameter; known are: top, reverse, name\","
           "\"target\":\"a\",\"details\":[{\"code\":\"UnknownField\",\"message\":\"'a' is not a known query parameter; known are: top, "
           "reverse, name\",\"target\":\"a\"},{\"code\":\"Required\",\"message\":\"'top' needs a value: write top=VALUE\","
           "\"target\":\"top\"}]}}");
}
END_TEST

START_TEST(test_wrong_method_names_the_right_ones)
{
    struct answer answer;
    ask(&fixture, "DELETE /api/v1/owner HTTP/1.1\r\n" HOST OWNER "\r\n", &answer);
    ck_assert_int_eq(answer.status, 405);
    ck_assert_str_eq(answer_field(&answer, "Allow"), "GET, HEAD, POST, OPTIONS");
    ck_assert_str_eq(answer.body,
                     "{\"error\":{\"code\":\"MethodNotAllowed\",\"message\":\"DELETE is not possible at this address; possible: "
                     "GET, HEAD, POST, OPTIONS\",\"target\":null,\"details\":[]}}");
    answer_clear(&answer);
    ask(&fixture, "OPTIONS /healthz HTTP/1.1\r\n" HOST "\r\n", &answer);
    ck_assert_int_eq(answer.status, 204);
    ck_assert_str_eq(answer_field(&answer, "Allow"), "GET, HEAD, OPTIONS");
    answer_clear(&answer);
    /* Of the server as a whole (RFC 9110, 9.3.7). */
    ask(&fixture, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", &answer);
    ck_assert_int_eq(answer.status, 204);
    ck_assert_str_eq(answer_field(&answer, "Allow"), "GET, HEAD, POST, PATCH, DELETE, OPTIONS");
    answer_clear(&answer);
    ask(&fixture, "GET * HTTP/1.1\r\n" HOST "\r\n", &answer);
    ck_assert_int_eq(answer.status, 400);
    answer_clear(&answer);
}
END_TEST

/* --- Who asks --- */

START_TEST(test_tokens)
{
    struct answer answer;
    ask(&fixture, "GET /api/v1/owner HTTP/1.1\r\n" HOST "\r\n", &answer);
    ck_assert_int_eq(answer.status, 401);
    ck_assert_str_eq(answer_field(&answer, "WWW-Authenticate"), "Bearer");
    ck_assert_ptr_nonnull(strstr(answer.body, "\"code\":\"Unauthorized\""));
    answer_clear(&answer);
    expect_error("GET /api/v1/owner HTTP/1.1\r\n" HOST "Authorization: Bearer x\r\n\r\n", 401, "Unauthorized",
                 "the token is not valid, or no longer");
    expect_error("GET /api/v1/owner HTTP/1.1\r\n" HOST "Authorization: Basic x\r\n\r\n", 401, "Unauthorized",
                 "'Authorization' must be 'Bearer TOKEN'");
    expect("GET /api/v1/owner HTTP/1.1\r\n" HOST "authorization: bearer owner\r\n\r\n", 200, "{\"said\":\"pong\"}");
    expect_error("GET /api/v1/owner HTTP/1.1\r\n" HOST "Authorization: Bearer run-7\r\n\r\n", 403, "Forbidden",
                 "a run's token is not enough here: one with the role admin, or the owner's, is needed");
    expect("GET /api/v1/runs/7 HTTP/1.1\r\n" HOST "Authorization: Bearer run-7\r\n\r\n", 200, "{\"said\":\"7\"}");
    expect("GET /api/v1/runs/7 HTTP/1.1\r\n" HOST OWNER "\r\n", 200, "{\"said\":\"7\"}");
    expect_error("GET /api/v1/runs/8 HTTP/1.1\r\n" HOST "Authorization: Bearer run-7\r\n\r\n", 403, "Forbidden",
                 "a run's token is good for its own run only");
}
END_TEST

START_TEST(test_nothing_below_api_shows_itself_without_a_token)
{
    static const char *const REQUESTS[] = {"GET /api/v1/missing HTTP/1.1\r\n" HOST "\r\n", "PUT /api/v1/owner HTTP/1.1\r\n" HOST "\r\n",
                                           "GET /api/v1/owner?x=1 HTTP/1.1\r\n" HOST "\r\n",
                                           "POST /api/v1/owner HTTP/1.1\r\n" HOST "Content-Length: 999999\r\n\r\n"};
    for (size_t i = 0; i < sizeof REQUESTS / sizeof REQUESTS[0]; i++) {
        struct answer answer;
        ask(&fixture, REQUESTS[i], &answer);
        ck_assert_msg(answer.status == 401, "%s\n%d", REQUESTS[i], answer.status);
        answer_clear(&answer);
    }
    expect_error("GET /api/v1/missing HTTP/1.1\r\n" HOST OWNER "\r\n", 404, "NotFound", "there is nothing at this address");
}
END_TEST

START_TEST(test_names_and_sites_of_others_are_refused)
{
    struct answer answer;
    ask(&fixture, "GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", &answer);
    ck_assert_int_eq(answer.status, 403);
    ck_assert_ptr_nonnull(strstr(answer.body, http_url(fixture.server)));
    answer_clear(&answer);
    expect("GET /healthz HTTP/1.1\r\nHost: 127.3.2.1:9000\r\n\r\n", 200, "{\"said\":\"pong\"}");
    expect("GET /healthz HTTP/1.1\r\nHost: [::1]:8700\r\n\r\n", 200, "{\"said\":\"pong\"}");
    ask(&fixture, "GET http://evil.example/healthz HTTP/1.1\r\n" HOST "\r\n", &answer);
    ck_assert_int_eq(answer.status, 403);
    answer_clear(&answer);
    expect_error("POST /json/empty HTTP/1.1\r\n" HOST "Origin: http://evil.example\r\nContent-Length: 0\r\n\r\n", 403, "Forbidden",
                 "a page of another site ('Origin') must not change anything here");
    expect_error("POST /json/empty HTTP/1.1\r\n" HOST "Origin: null\r\nContent-Length: 0\r\n\r\n", 403, "Forbidden",
                 "a page of another site ('Origin') must not change anything here");
    expect("POST /json/empty HTTP/1.1\r\n" HOST "Origin: http://localhost\r\nContent-Length: 0\r\n\r\n", 201,
           "{\"members\":0,\"length\":0}");
}
END_TEST

START_TEST(test_browser_tells_the_site)
{
    static const char *const SITES[] = {"cross-site", "same-site", "nonsense"};
    char request[256];
    for (size_t i = 0; i < sizeof SITES / sizeof SITES[0]; i++) {
        snprintf(request, sizeof request, "POST /json/empty HTTP/1.1\r\n" HOST "Sec-Fetch-Site: %s\r\nContent-Length: 0\r\n\r\n", SITES[i]);
        expect_error(request, 403, "Forbidden", "a page of another site ('Sec-Fetch-Site') must not change anything here");
    }
    expect_error("OPTIONS /json/empty HTTP/1.1\r\n" HOST "Sec-Fetch-Site: cross-site\r\nOrigin: http://evil.example\r\n"
                 "Access-Control-Request-Method: POST\r\n\r\n",
                 403, "Forbidden", "a page of another site ('Sec-Fetch-Site') must not change anything here");
    expect("POST /json/empty HTTP/1.1\r\n" HOST "Sec-Fetch-Site: same-origin\r\nOrigin: http://localhost\r\nContent-Length: 0\r\n\r\n", 201,
           "{\"members\":0,\"length\":0}");
    expect("POST /json/empty HTTP/1.1\r\n" HOST "Sec-Fetch-Site: none\r\nContent-Length: 0\r\n\r\n", 201, "{\"members\":0,\"length\":0}");
    expect("GET /healthz HTTP/1.1\r\n" HOST "Sec-Fetch-Site: cross-site\r\n\r\n", 200, "{\"said\":\"pong\"}");
}
END_TEST

/* Everything that is in the way of somebody who points a name of his own at a loopback address. */
START_TEST(test_names_that_look_like_ours)
{
    static const char *const HOSTS[] = {
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1.",
        "2130706433",
        "0x7f.1",
        "127.1",
        "0.0.0.0",
        "192.0.2.1",
        "[::ffff:192.0.2.1]",
        "[fe80::1]",
        "evil.example:8700",
        "localhost.",
        "user@localhost",
    };
    struct answer answer;
    char request[256];
    for (size_t i = 0; i < sizeof HOSTS / sizeof HOSTS[0]; i++) {
        snprintf(request, sizeof request, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", HOSTS[i]);
        ask(&fixture, request, &answer);
        ck_assert_msg(answer.status == 403, "%s: %d", HOSTS[i], answer.status);
        answer_clear(&answer);
    }
    expect_error("GET /healthz HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, "ValidationError", "'Host' must be HOST or HOST:PORT");
}
END_TEST

/* --- Malformed requests --- */

START_TEST(test_requests_that_two_readers_could_read_differently)
{
    expect_error("POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
                 "ValidationError", "give either 'Content-Length' or 'Transfer-Encoding', not both");
    expect_error("POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400, "ValidationError",
                 "the header field 'Content-Length' is given twice");
    expect_error("GET /healthz HTTP/1.1\r\n" HOST HOST "\r\n", 400, "ValidationError", "the header field 'Host' is given twice");
    expect_error("POST /json/x HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, "ValidationError",
                 "'Transfer-Encoding' must be 'chunked', with HTTP/1.1");
    expect_error("GET /healthz HTTP/1.1\r\n" HOST "X-Folded: a\r\n b\r\n\r\n", 400, "ValidationError",
                 "a header field must stand on one line (RFC 9112, 5.2)");
    expect_error("POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\n \r\n\r\n{}", 400, "ValidationError",
                 "a header field must stand on one line (RFC 9112, 5.2)");
    expect_error("GET /healthz HTTP/1.1\r\n" HOST "X y: a\r\n\r\n", 400, "ValidationError",
                 "a header field has a character that is not allowed there");
}
END_TEST

/* libmicrohttpd has no memory for them, and says nothing until the header is late. */
START_TEST(test_more_parameters_than_there_is_memory_for)
{
    enum { MANY = 2000 };
    char request[MANY * 4 + 128];
    size_t length = (size_t)sprintf(request, "GET /thing/1?");
    for (int i = 0; i < MANY; i++)
        length += (size_t)sprintf(request + length, "a=b&");
    strcpy(request + length, " HTTP/1.1\r\n" HOST "\r\n");
    expect_error(request, 400, "ValidationError", "the query has too many parameters");
}
END_TEST

START_TEST(test_smuggled_request_is_not_served)
{
    struct client client;
    struct answer answer;
    client_open(&client, &fixture);
    client_send(&client, "POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "0\r\n\r\nGET /echo/smuggled HTTP/1.1\r\n" HOST "\r\n");
    client_read(&client, &answer, false);
    ck_assert_int_eq(answer.status, 400);
    ck_assert_str_eq(answer_field(&answer, "Connection"), "close");
    answer_clear(&answer);
    ck_assert(client_at_end(&client));
    client_close(&client);
}
END_TEST

/* What libmicrohttpd answers itself: the status counts, the body is its own. */
START_TEST(test_answers_of_the_library)
{
    char *request = malloc(200000);
    ck_assert_ptr_nonnull(request);
    static const struct {
        const char *begin;
        size_t filler;
        const char *end;
        int status;
    } CASES[] = {{"GET /healthz HTTP/1.1\r\n", 0, "\r\n", 400},
                 {"GET /echo/", 100000, " HTTP/1.1\r\n" HOST "\r\n", 414},
                 {"GET /healthz HTTP/1.1\r\n" HOST "X: ", 100000, "\r\n\r\n", 431},
                 {"POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 1x\r\n", 0, "\r\n{", 400}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct client client;
        struct answer answer;
        size_t length = strlen(CASES[i].begin);
        memcpy(request, CASES[i].begin, length);
        memset(request + length, 'x', CASES[i].filler);
        strcpy(request + length + CASES[i].filler, CASES[i].end);
        client_open(&client, &fixture);
        /* It may hang up before all is sent. */
        (void)!send(client.fd, request, strlen(request), MSG_NOSIGNAL);
        client_read(&client, &answer, true);
        ck_assert_msg(answer.status == CASES[i].status, "case %zu: %s", i, answer.head);
        answer_clear(&answer);
        client_close(&client);
    }
    free(request);
}
END_TEST

/* --- Bodies --- */

START_TEST(test_bodies)
{
    expect("POST /json/x HTTP/1.1\r\n" HOST "Content-Type: Application/JSON; charset=utf-8\r\nContent-Length: 7\r\n\r\n{\"a\":1}", 201,
           "{\"members\":1,\"length\":7}");
    expect("POST /json/x HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n", 201,
           "{\"members\":1,\"length\":7}");
    expect("POST /json/empty HTTP/1.1\r\n" HOST "\r\n", 201, "{\"members\":0,\"length\":0}");
    expect_error("POST /json/x HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}", 415, "UnsupportedMediaType",
                 "a body must be sent with 'Content-Type: application/json'");
    expect_error("POST /json/x HTTP/1.1\r\n" HOST "Content-Type: application/jsonx\r\nContent-Length: 2\r\n\r\n{}", 415,
                 "UnsupportedMediaType", "a body must be sent with 'Content-Type: application/json'");
    expect_error("POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 415, "UnsupportedMediaType",
                 "a body must be sent as it is, without 'Content-Encoding'");
    expect("POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 3\r\n\r\n[1]", 400,
           "{\"error\":{\"code\":\"ValidationError\",\"message\":\"'body' must be an object, got [1]\",\"target\":null,\"details\":["
           "{\"code\":\"WrongType\",\"message\":\"'body' must be an object, got [1]\",\"target\":null}]}}");
    struct answer answer;
    ask(&fixture, "POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 7\r\n\r\n{\"a\":1]", &answer);
    ck_assert_int_eq(answer.status, 400);
    ck_assert_ptr_nonnull(strstr(answer.body, "the body is not valid JSON: "));
    ck_assert_ptr_nonnull(strstr(answer.body, "\"code\":\"InvalidJson\""));
    answer_clear(&answer);
}
END_TEST

/* Posts a body of `length` bytes, an object and spaces. The caller clears the answer. */
static void post_spaces(const char *path, size_t length, struct answer *answer)
{
    char *body = malloc(length);
    ck_assert_ptr_nonnull(body);
    memset(body, ' ', length);
    body[0] = '{';
    body[length - 1] = '}';
    char head[256];
    snprintf(head, sizeof head, "POST %s HTTP/1.1\r\n" HOST JSON "Content-Length: %zu\r\n\r\n", path, length);
    struct client client;
    client_open(&client, &fixture);
    client_send(&client, head);
    client_send_bytes(&client, body, length);
    client_read(&client, answer, false);
    client_close(&client);
    free(body);
}

START_TEST(test_body_of_the_largest_length)
{
    struct answer answer;
    post_spaces("/json/x", fixture.settings.body_limit, &answer);
    ck_assert_str_eq(answer.body, "{\"members\":0,\"length\":100000}");
    answer_clear(&answer);
}
END_TEST

START_TEST(test_small_body_of_the_largest_length)
{
    struct answer answer;
    post_spaces("/small", HTTP_SMALL_BODY, &answer);
    ck_assert_str_eq(answer.body, "{\"members\":0,\"length\":32768}");
    answer_clear(&answer);
    post_spaces("/small", HTTP_SMALL_BODY + 1, &answer);
    ck_assert_int_eq(answer.status, 413);
    ck_assert_ptr_nonnull(strstr(answer.body, "the body has 32769 bytes; for this request at most 32768 are taken"));
    answer_clear(&answer);
}
END_TEST

START_TEST(test_refused_body_keeps_the_connection_if_it_is_small)
{
    struct client client;
    struct answer answer;
    client_open(&client, &fixture);
    client_send(&client, "POST /nowhere HTTP/1.1\r\n" HOST JSON "Content-Length: 5\r\n\r\n12345GET /echo/x HTTP/1.1\r\n" HOST "\r\n");
    client_read(&client, &answer, false);
    ck_assert_int_eq(answer.status, 404);
    answer_clear(&answer);
    client_read(&client, &answer, false);
    ck_assert_str_eq(answer.body, "{\"said\":\"x\"}");
    answer_clear(&answer);
    client_close(&client);
}
END_TEST

START_TEST(test_too_large_by_length)
{
    expect_error("POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 100001\r\nExpect: 100-continue\r\n\r\n", 413, "TooLarge",
                 "the body has 100001 bytes; at most 100000 are taken");
    /* A client that sends it all the same, and only then reads, still finds the answer. */
    enum { LENGTH = 8 * 1024 * 1024 };
    struct client client;
    struct answer answer;
    char *body = calloc(1, LENGTH);
    ck_assert_ptr_nonnull(body);
    char head[256];
    snprintf(head, sizeof head, "POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: %d\r\n\r\n", LENGTH);
    client_open(&client, &fixture);
    client_send(&client, head);
    client_send_bytes(&client, body, LENGTH);
    client_read(&client, &answer, false);
    ck_assert_int_eq(answer.status, 413);
    answer_clear(&answer);
    ck_assert(client_at_end(&client));
    client_close(&client);
    free(body);
}
END_TEST

START_TEST(test_too_large_in_chunks)
{
    struct client client;
    struct answer answer;
    static char chunk[0x10000 + 1];
    memset(chunk, 'x', 0x10000);
    client_open(&client, &fixture);
    client_send(&client, "POST /json/x HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 16; i++) {
        client_send(&client, "10000\r\n");
        client_send(&client, chunk);
        client_send(&client, "\r\n");
    }
    client_read(&client, &answer, false);
    ck_assert_int_eq(answer.status, 413);
    ck_assert_str_eq(answer.body, "{\"error\":{\"code\":\"TooLarge\",\"message\":\"the body is longer than 100000 bytes\",\"target\":null,"
                                  "\"details\":[]}}");
    answer_clear(&answer);
    ck_assert(client_at_end(&client));
    client_close(&client);
}
END_TEST

START_TEST(test_expected_continue_is_sent)
{
    struct client client;
    struct answer answer;
    client_open(&client, &fixture);
    client_send(&client, "POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    client_read(&client, &answer, true);
    ck_assert_int_eq(answer.status, 100);
    answer_clear(&answer);
    client_send(&client, "{}");
    client_read(&client, &answer, false);
    ck_assert_int_eq(answer.status, 201);
    ck_assert_str_eq(answer_field(&answer, "Location"), "/somewhere");
    answer_clear(&answer);
    client_close(&client);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http");
    TCase *tests = tcase_create("one connection");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_answer_carries_the_usual_fields);
    tcase_add_test(tests, test_pipelined_requests_are_answered_in_order);
    tcase_add_test(tests, test_head_is_get_without_a_body);
    tcase_add_test(tests, test_half_closed_socket_gets_its_answer);
    tcase_add_test(tests, test_file);
    tcase_add_test(tests, test_path_is_cut_before_it_is_decoded);
    tcase_add_test(tests, test_query);
    tcase_add_test(tests, test_wrong_method_names_the_right_ones);
    tcase_add_test(tests, test_tokens);
    tcase_add_test(tests, test_nothing_below_api_shows_itself_without_a_token);
    tcase_add_test(tests, test_names_and_sites_of_others_are_refused);
    tcase_add_test(tests, test_browser_tells_the_site);
    tcase_add_test(tests, test_names_that_look_like_ours);
    tcase_add_test(tests, test_requests_that_two_readers_could_read_differently);
    tcase_add_test(tests, test_more_parameters_than_there_is_memory_for);
    tcase_add_test(tests, test_smuggled_request_is_not_served);
    tcase_add_test(tests, test_answers_of_the_library);
    tcase_add_test(tests, test_bodies);
    tcase_add_test(tests, test_body_of_the_largest_length);
    tcase_add_test(tests, test_small_body_of_the_largest_length);
    tcase_add_test(tests, test_refused_body_keeps_the_connection_if_it_is_small);
    tcase_add_test(tests, test_too_large_by_length);
    tcase_add_test(tests, test_too_large_in_chunks);
    tcase_add_test(tests, test_expected_continue_is_sent);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
