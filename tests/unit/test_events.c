/* Streams of events with the real store and server, all on this thread: what a reader that does not read costs, what it gets in the end,
 * and that the server can stop in the middle. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api.h"
#include "api/event_hub.h"
#include "core/json.h"
#include "http/internal.h"
#include "store_fixture.h"

enum {
    CHILDREN = 34000, /* each has three events: Starting, Queued, Canceled */
    AT_ONCE = 1000,
    SIDE = 200,
    EVENTS_MAX = 3 * CHILDREN + 1000,
    EVENT_BYTES = 16 * 1024, /* no event here is longer: the list of the children that were sampled together */
};

static struct store_fixture fixture;
static struct hd_specification specification;
static struct api api;
static struct http_server *server;
static uv_timer_t deadline;
static int64_t sweep;
static size_t most_held;

static bool authenticate(void *context, const struct http_request *request, const char *token, struct http_principal *ret_principal,
                         struct hd_error *error)
{
    (void)error;
    (void)request;
    (void)context;
    ret_principal->role = HTTP_OWNER;
    return strcmp(token, "owner") == 0;
}

/* A grid of short sides, whose points are found quickly. */
static void make_specification(void)
{
    const struct hd_specification_options options = {.seed = 1};
    struct hd_problems errors = {0}, warnings = {0};
    struct hd_text side = {0}, text = {0};
    cJSON *body;

    for (int i = 0; i < SIDE; i++)
        hd_text_format(&side, "%s%d", i > 0 ? "," : "", i);
    hd_text_format(
        &text,
        "{\"hyperparameter_sampling\":{\"type\":\"grid\",\"parameter_space\":{\"x\":[\"choice\",[[%s]]],\"y\":[\"choice\",[[%s]]]}},"
        "\"primary_metric_name\":\"acc\",\"primary_metric_goal\":\"maximize\",\"run_config\":{\"command\":\"true\"}}",
        side.data, side.data);
    body = hd_json_parse_own(text.data);
    ck_assert_ptr_nonnull(body);
    ck_assert_msg(hd_specification_parse(body, &options, &errors, &warnings, &specification) == 0, "%s",
                  errors.count > 0 ? errors.list[0].message : "?");
    cJSON_Delete(body);
    hd_text_clear(&side);
    hd_text_clear(&text);
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
}

static void set_up(void)
{
    struct http_settings settings = {
        .address = "127.0.0.1:0",
        .listen_fd = -1,
        .body_limit = 1 << 20,
        .connections = 64,
        .header_timeout_us = 60000000,
        .body_timeout_us = 60000000,
        .idle_timeout_us = 60000000,
        .authenticate = authenticate,
        .routes = api_routes,
        .context = &api,
    };
    struct hd_error error = {0};

    signal(SIGPIPE, SIG_IGN);
    most_held = 0;
    fixture_open(&fixture, NULL);
    make_specification();
    sweep = fixture_sweep(&fixture, "S", &specification);
    api = (struct api){.loop = &fixture.loop, .store = fixture.store, .sweeps = (struct sweeps *)&api, .state_dir = fixture.folder};
    lane_open(&api.lane, &fixture.loop, LANE_REQUESTS);
    ck_assert_int_eq(event_hub_open(&api.events, &fixture.loop, fixture.store, &error), 0);
    ck_assert_msg(http_open(&server, &fixture.loop, &settings, &error) == 0, "%s", error.message);
    uv_timer_init(&fixture.loop, &deadline);
}

static void note_closed(void *data)
{
    *(bool *)data = true;
}

static void on_deadline(uv_timer_t *timer)
{
    (void)timer;
    ck_abort_msg("it takes too long");
}

static void stop_server(void)
{
    bool closed = false;

    if (server == NULL)
        return;
    uv_timer_start(&deadline, on_deadline, 20000, 0);
    http_close(server, note_closed, &closed);
    while (!closed)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    server = NULL;
}

static void tear_down(void)
{
    stop_server();
    event_hub_close(api.events);
    uv_close((uv_handle_t *)&deadline, NULL);
    fixture_close(&fixture);
    fixture_remove(&fixture);
    hd_specification_clear(&specification);
}

/* Lets the loop do what it can, and looks at what streams hold. */
static void turn(void)
{
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    for (const struct http_stream *stream = server->streams; stream != NULL; stream = stream->next)
        if (http_stream_held(stream) > most_held)
            most_held = http_stream_held(stream);
}

/* --- Readers ----------------------------------------------------------------------------------------------------------------------------
 */

struct reader {
    int socket;
    struct hd_text line;
    int64_t *ids;
    int count;
};

static bool read_some(struct reader *reader)
{
    char bytes[65536];
    ssize_t got = recv(reader->socket, bytes, sizeof bytes, MSG_DONTWAIT);

    ck_assert_msg(got != 0, "the stream ended");
    for (ssize_t i = 0; i < got; i++) {
        if (bytes[i] != '\n') {
            hd_text_add_char(&reader->line, bytes[i]);
            continue;
        }
        if (reader->line.length > 4 && memcmp(reader->line.data, "id: ", 4) == 0 && reader->count < EVENTS_MAX)
            reader->ids[reader->count++] = strtoll(reader->line.data + 4, NULL, 10);
        reader->line.length = 0;
    }
    return got > 0;
}

/* HTTP/1.0: so that no chunk stands between the lines. */
static void open_reader(struct reader *reader, const char *query)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(server))};
    static const int SMALL = 16 * 1024;
    char request[256];
    int length = snprintf(request, sizeof request, "GET /api/v1/events%s HTTP/1.0\r\nAuthorization: Bearer owner\r\n\r\n", query);

    *reader = (struct reader){.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .ids = calloc(EVENTS_MAX, sizeof(int64_t))};
    ck_assert_ptr_nonnull(reader->ids);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(setsockopt(reader->socket, SOL_SOCKET, SO_RCVBUF, &SMALL, sizeof SMALL), 0);
    ck_assert_int_eq(connect(reader->socket, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(send(reader->socket, request, (size_t)length, MSG_NOSIGNAL), length);
    while (!read_some(reader))
        turn();
}

static void close_reader(struct reader *reader)
{
    close(reader->socket);
    hd_text_clear(&reader->line);
    free(reader->ids);
}

/* --- What happens -----------------------------------------------------------------------------------------------------------------------
 */

static void wait_for(struct store_write *write, struct reader *fast)
{
    while (write->store != NULL) {
        turn();
        if (fast != NULL)
            (void)read_some(fast);
    }
    ck_assert_msg(write->result == 0, "%s", write->error.message);
}

/* Children that are made and cancelled; those who read are served meanwhile. */
static void make_events(int children, struct reader *fast)
{
    struct hd_error error = {0};

    for (int made = 0; made < children; made += AT_ONCE) {
        struct store_generate request = {
            .sweep = sweep, .sweep_id = "S", .specification = &specification, .count = AT_ONCE, .write = {.done = fixture_done}};

        ck_assert_int_eq(store_generate(fixture.store, &request, &error), 0);
        wait_for(&request.write, fast);
        ck_assert_int_eq(request.ret_count, AT_ONCE);
        store_generate_clear(&request);
    }
    struct store_cancel_sweep cancel = {.sweep = sweep, .code = "user", .write = {.done = fixture_done}};

    ck_assert_int_eq(store_cancel_sweep(fixture.store, &cancel, &error), 0);
    wait_for(&cancel.write, fast);
}

struct stored {
    int64_t *ids;
    int count;
};

static int note_id(void *context, const struct store_event *event)
{
    struct stored *stored = context;

    if (stored->count == EVENTS_MAX)
        return -1;
    stored->ids[stored->count++] = event->ordinal;
    return 0;
}

/* Reads on until the reader has what the store has: each event once, in order. `preface`: ids that are not of events. */
static void expect_all(struct reader *reader, int preface)
{
    const struct store_event_range all = {.until = INT64_MAX};
    struct stored stored = {.ids = calloc(EVENTS_MAX, sizeof(int64_t))};
    struct hd_error error = {0};

    ck_assert_ptr_nonnull(stored.ids);
    ck_assert_int_eq(store_read_events(store_loop_reader(fixture.store), &all, note_id, &stored, NULL, &error), 0);
    ck_assert_int_gt(stored.count, 100000);
    while (reader->count < stored.count + preface) {
        turn();
        (void)read_some(reader);
    }
    for (int i = 0; i < 100; i++) {
        turn();
        (void)read_some(reader);
    }
    ck_assert_int_eq(reader->count, stored.count + preface);
    ck_assert_int_eq(memcmp(reader->ids + preface, stored.ids, (size_t)stored.count * sizeof(int64_t)), 0);
    free(stored.ids);
}

START_TEST(test_a_reader_that_does_not_read_costs_no_memory)
{
    struct reader slow, fast, late;

    open_reader(&slow, "?from=start");
    open_reader(&fast, "?from=start");
    make_events(CHILDREN, &fast);
    ck_assert_uint_gt(most_held, 0);
    ck_assert_uint_le(most_held, HTTP_STREAM_BYTES + EVENT_BYTES);
    open_reader(&late, "?last_event_id=0&from=now");
    expect_all(&fast, 0);
    expect_all(&slow, 0);
    expect_all(&late, 0);
    ck_assert_uint_le(most_held, HTTP_STREAM_BYTES + EVENT_BYTES);
    close_reader(&slow);
    close_reader(&fast);
    close_reader(&late);
}
END_TEST

START_TEST(test_stop_in_the_middle)
{
    struct reader stuck, behind;

    open_reader(&stuck, "");
    open_reader(&behind, "?from=start");
    make_events(8000, NULL);
    for (int i = 0; i < 10; i++) {
        (void)read_some(&behind);
        turn();
    }
    ck_assert_int_gt(behind.count, 10);
    ck_assert_uint_eq(server->stream_count, 2);
    stop_server();
    close_reader(&behind);
    close_reader(&stuck);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("events");
    TCase *tests = tcase_create("streams of events");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 110);
    tcase_add_test(tests, test_a_reader_that_does_not_read_costs_no_memory);
    tcase_add_test(tests, test_stop_in_the_middle);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
