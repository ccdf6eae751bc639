/* Answers without an end: many at once, slow readers, readers that go, the server's end. What a stream does is asked for over other
 * connections, so that all of it happens on the server's loop. */
#include <check.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http_fixture.h"

#define HOST "Host: localhost\r\n"

enum { MANY = 200, PIECE = 1000, LONG = 16 * 1024 * 1024 };

/* What the handlers know; theirs is the loop's thread. */
static struct {
    struct http_stream *streams[MANY + 8]; /* by the number in their path; NULL: not open */
    int64_t left[MANY + 8];                /* bytes that a stream is still to be fed */
    char next[MANY + 8];
} feed;
static atomic_int open_streams;
static atomic_size_t most_held;
static struct fixture fixture;
static bool beats;

static void said(struct http_request *request, long long number)
{
    struct hd_text text = {0};
    hd_text_format(&text, "%lld", number);
    http_reply_json(request, 200, &text);
}

static void feed_more(void *data)
{
    size_t number = (size_t)(uintptr_t)data;
    struct http_stream *stream = feed.streams[number];
    char piece[PIECE];
    while (feed.left[number] > 0 && !http_stream_full(stream)) {
        for (size_t i = 0; i < sizeof piece; i++)
            piece[i] = feed.next[number] = (char)(feed.next[number] == 'z' ? 'a' : feed.next[number] + 1);
        http_stream_append(stream, piece, sizeof piece);
        feed.left[number] -= PIECE;
        if (http_stream_held(stream) > atomic_load(&most_held))
            atomic_store(&most_held, http_stream_held(stream));
    }
}

static void closed(void *data)
{
    feed.streams[(size_t)(uintptr_t)data] = NULL;
    atomic_fetch_sub(&open_streams, 1);
}

static size_t number_of(const struct http_request *request)
{
    return strtoul(http_part(request, 0), NULL, 10);
}

static void open_stream(struct http_request *request, void *context)
{
    size_t number = number_of(request);
    const struct http_stream_settings settings = {
        .content_type = "text/event-stream",
        .heartbeat = beats ? ":\n\n" : NULL,
        .wanted = feed_more,
        .closed = closed,
        .data = (void *)(uintptr_t)number,
    };
    (void)context;
    struct http_stream *stream = http_stream_open(request, 200, &settings);
    if (stream == NULL)
        return;
    feed.streams[number] = stream;
    feed.left[number] = 0;
    feed.next[number] = 'z';
    atomic_fetch_add(&open_streams, 1);
}

static void feed_stream(struct http_request *request, void *context)
{
    size_t number = number_of(request);
    int64_t bytes;
    (void)context;
    if (!http_query_integer(request, "bytes", 0, LONG, 0, &bytes))
        return;
    feed.left[number] = bytes;
    feed_more((void *)(uintptr_t)number);
    said(request, feed.left[number]);
}

static void say_to_all(struct http_request *request, void *context)
{
    int said_to = 0;
    (void)context;
    for (size_t i = 0; i < sizeof feed.streams / sizeof feed.streams[0]; i++)
        if (feed.streams[i] != NULL) {
            http_stream_append(feed.streams[i], http_part(request, 0), strlen(http_part(request, 0)));
            said_to++;
        }
    said(request, said_to);
}

static void end_stream(struct http_request *request, void *context)
{
    (void)context;
    http_stream_end(feed.streams[number_of(request)]);
    said(request, 0);
}

static const char *const FEED_PARAMETERS[] = {"bytes", NULL};
static const struct http_route ROUTES[] = {
    {"GET", "/stream/{number}", HTTP_OPEN, 0, open_stream, NULL},
    {"GET", "/feed/{number}", HTTP_OPEN, 0, feed_stream, FEED_PARAMETERS},
    {"GET", "/say/{words}", HTTP_OPEN, 0, say_to_all, NULL},
    {"GET", "/end/{number}", HTTP_OPEN, 0, end_stream, NULL},
    {0},
};

static void set_up(void)
{
    signal(SIGPIPE, SIG_IGN);
    memset(&feed, 0, sizeof feed);
    atomic_store(&open_streams, 0);
    atomic_store(&most_held, 0);
    beats = false;
    fixture_prepare(&fixture);
    fixture.settings.routes = ROUTES;
}

static void tear_down(void)
{
    fixture_stop(&fixture);
    ck_assert_int_eq(atomic_load(&open_streams), 0);
}

static void request(struct client *client, const char *path)
{
    struct hd_text text = {0};
    hd_text_format(&text, "GET %s HTTP/1.1\r\n" HOST "\r\n", path);
    client_send(client, text.data);
    hd_text_clear(&text);
}

/* What a handler answers. */
static int64_t ask_number(const char *path)
{
    struct client client;
    struct answer answer;
    client_open(&client, &fixture);
    request(&client, path);
    client_read(&client, &answer, false);
    ck_assert_msg(answer.status == 200, "%s", answer.body);
    int64_t number = strtoll(answer.body, NULL, 10);
    answer_clear(&answer);
    client_close(&client);
    return number;
}

/* Opens a stream and reads its header. */
static void open_reader(struct client *client, int number)
{
    struct answer answer;
    char path[32];
    client_open(client, &fixture);
    snprintf(path, sizeof path, "/stream/%d", number);
    request(client, path);
    client_read(client, &answer, true);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer_field(&answer, "Content-Type"), "text/event-stream");
    ck_assert_str_eq(answer_field(&answer, "Transfer-Encoding"), "chunked");
    answer_clear(&answer);
}

static void fill(struct client *client)
{
    char bytes[65536];
    ssize_t got = recv(client->fd, bytes, sizeof bytes, 0);
    ck_assert_msg(got > 0, "the stream breaks off");
    client->data = realloc(client->data, client->length + (size_t)got);
    ck_assert_ptr_nonnull(client->data);
    memcpy(client->data + client->length, bytes, (size_t)got);
    client->length += (size_t)got;
    client->capacity = client->length;
}

static void drop(struct client *client, size_t length)
{
    client->length -= length;
    memmove(client->data, client->data + length, client->length);
}

/* Reads one chunk; the caller frees it. Of length 0: the end. */
static char *read_chunk(struct client *client, size_t *ret_length)
{
    char *line_end, *chunk;
    while (client->length == 0 || (line_end = memmem(client->data, client->length, "\r\n", 2)) == NULL)
        fill(client);
    size_t length = strtoul(client->data, NULL, 16);
    drop(client, (size_t)(line_end - client->data) + 2);
    while (client->length < length + 2)
        fill(client);
    chunk = malloc(length + 1);
    ck_assert_ptr_nonnull(chunk);
    memcpy(chunk, client->data, length);
    chunk[length] = '\0';
    drop(client, length + 2);
    *ret_length = length;
    return chunk;
}

static void expect_chunk(struct client *client, const char *expected)
{
    size_t length;
    char *chunk = read_chunk(client, &length);
    ck_assert_str_eq(chunk, expected);
    free(chunk);
}

static void await_open(int count)
{
    for (int tries = 0; atomic_load(&open_streams) != count; tries++) {
        ck_assert_msg(tries < 20000, "%d streams are open, not %d", atomic_load(&open_streams), count);
        (void)poll(NULL, 0, 1);
    }
}

START_TEST(test_what_is_appended_arrives_and_the_end_too)
{
    struct client client;
    fixture_start(&fixture);
    open_reader(&client, 0);
    ck_assert_int_eq(ask_number("/say/first"), 1);
    expect_chunk(&client, "first");
    ck_assert_int_eq(ask_number("/say/second"), 1);
    expect_chunk(&client, "second");
    ask_number("/end/0");
    expect_chunk(&client, "");
    await_open(0);
    /* And the connection goes on. */
    request(&client, "/say/nobody");
    struct answer answer;
    client_read(&client, &answer, false);
    ck_assert_str_eq(answer.body, "0");
    answer_clear(&answer);
    client_close(&client);
}
END_TEST

START_TEST(test_many_at_once)
{
    static struct client clients[MANY];
    fixture_start(&fixture);
    for (int i = 0; i < MANY; i++)
        open_reader(&clients[i], i);
    ck_assert_int_eq(ask_number("/say/hello"), MANY);
    for (int i = 0; i < MANY; i++)
        expect_chunk(&clients[i], "hello");
    for (int i = 0; i < MANY; i++)
        client_close(&clients[i]);
}
END_TEST

START_TEST(test_slow_reader_costs_no_memory)
{
    struct client client;
    size_t got = 0, length;
    char expected = 'z';
    fixture_start(&fixture);
    open_reader(&client, 0);
    char path[48];
    snprintf(path, sizeof path, "/feed/0?bytes=%d", LONG / PIECE * PIECE);
    ck_assert_int_gt(ask_number(path), 0);
    /* It reads nothing; others are served. */
    for (int i = 0; i < 100; i++)
        (void)ask_number("/feed/7?bytes=0");
    while (got < LONG / PIECE * PIECE) {
        char *chunk = read_chunk(&client, &length);
        size_t i = 0;
        while (i < length && chunk[i] == (char)(expected == 'z' ? 'a' : expected + 1))
            expected = chunk[i++];
        ck_assert_msg(i == length, "byte %zu is '%c' behind '%c'", got + i, chunk[i], expected);
        got += length;
        free(chunk);
    }
    ck_assert_uint_le(atomic_load(&most_held), 32 * 1024 + PIECE);
    client_close(&client);
}
END_TEST

START_TEST(test_close_ends_streams)
{
    struct client idle, stuck;
    fixture.settings.close_timeout_us = 60000000; /* it is not that time that ends them */
    fixture_start(&fixture);
    open_reader(&idle, 0);
    open_reader(&stuck, 1);
    ask_number("/say/news");
    char path[48];
    snprintf(path, sizeof path, "/feed/1?bytes=%d", LONG / PIECE * PIECE);
    ask_number(path);
    uint64_t before = uv_hrtime();
    fixture_begin_close(&fixture);
    uv_sem_wait(&fixture.closed);
    ck_assert_uint_lt(uv_hrtime() - before, 20000000000);
    expect_chunk(&idle, "news");
    expect_chunk(&idle, "");
    client_close(&idle);
    client_close(&stuck);
}
END_TEST

START_TEST(test_reader_that_goes_is_noticed)
{
    struct client closed_reader, half_closed, stuck, living;
    fixture.settings.heartbeat_us = 20000;
    beats = true;
    fixture_start(&fixture);
    open_reader(&closed_reader, 0);
    open_reader(&half_closed, 1);
    open_reader(&stuck, 2);
    open_reader(&living, 3);
    await_open(4);
    char path[48];
    snprintf(path, sizeof path, "/feed/2?bytes=%d", LONG / PIECE * PIECE);
    ask_number(path);
    client_close(&closed_reader);
    await_open(3);
    ck_assert_int_eq(shutdown(half_closed.fd, SHUT_WR), 0);
    await_open(2);
    ck_assert_int_eq(shutdown(stuck.fd, SHUT_WR), 0);
    await_open(1);
    expect_chunk(&living, ":\n\n");
    expect_chunk(&living, ":\n\n");
    client_close(&living);
    await_open(0);
    client_close(&half_closed);
    client_close(&stuck);
}
END_TEST

START_TEST(test_who_takes_nothing_is_cut_off_and_who_has_nothing_to_take_is_not)
{
    struct client stuck, quiet;
    fixture.settings.idle_timeout_us = 1000000;
    fixture_start(&fixture);
    open_reader(&quiet, 0);
    open_reader(&stuck, 1);
    await_open(2);
    char path[48];
    snprintf(path, sizeof path, "/feed/1?bytes=%d", LONG / PIECE * PIECE);
    ask_number(path);
    await_open(1);
    ck_assert_int_eq(ask_number("/say/hello"), 1);
    expect_chunk(&quiet, "hello");
    client_close(&quiet);
    client_close(&stuck);
}
END_TEST

START_TEST(test_too_many)
{
    struct client clients[3];
    struct answer answer;
    fixture.settings.streams = 3;
    fixture_start(&fixture);
    for (int i = 0; i < 3; i++)
        open_reader(&clients[i], i);
    ask(&fixture, "GET /stream/3 HTTP/1.1\r\n" HOST "\r\n", &answer);
    ck_assert_int_eq(answer.status, 503);
    ck_assert_str_eq(answer_field(&answer, "Retry-After"), "1");
    ck_assert_ptr_nonnull(strstr(answer.body, "3 streams are open already"));
    answer_clear(&answer);
    /* One that has ended makes room. */
    ask_number("/end/1");
    await_open(2);
    client_close(&clients[1]);
    open_reader(&clients[1], 1);
    for (int i = 0; i < 3; i++)
        client_close(&clients[i]);
}
END_TEST

START_TEST(test_head_and_the_old_protocol)
{
    struct client client;
    struct answer answer;
    fixture_start(&fixture);
    ask(&fixture, "HEAD /stream/0 HTTP/1.1\r\n" HOST "\r\n", &answer);
    ck_assert_int_eq(answer.status, 200);
    answer_clear(&answer);
    await_open(0);
    client_open(&client, &fixture);
    client_send(&client, "GET /stream/0 HTTP/1.0\r\n\r\n");
    client_read(&client, &answer, true);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_null(answer_field(&answer, "Transfer-Encoding"));
    answer_clear(&answer);
    ask_number("/say/plainly");
    while (client.length < strlen("plainly"))
        fill(&client);
    ck_assert_int_eq(memcmp(client.data, "plainly", strlen("plainly")), 0);
    ask_number("/end/0");
    ck_assert(client_at_end(&client));
    client_close(&client);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http stream");
    TCase *tests = tcase_create("streams");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_what_is_appended_arrives_and_the_end_too);
    tcase_add_test(tests, test_many_at_once);
    tcase_add_test(tests, test_slow_reader_costs_no_memory);
    tcase_add_test(tests, test_close_ends_streams);
    tcase_add_test(tests, test_reader_that_goes_is_noticed);
    tcase_add_test(tests, test_who_takes_nothing_is_cut_off_and_who_has_nothing_to_take_is_not);
    tcase_add_test(tests, test_too_many);
    tcase_add_test(tests, test_head_and_the_old_protocol);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
