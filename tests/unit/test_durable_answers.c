/* The whole way of a report, from the socket to the disk and back: no 2xx leaves before its sync has returned, and a sync that fails gives
 * 5xx to the whole group. The API, the server and the store are the real ones; the file system layer under SQLite is the test's. */
#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api.h"
#include "store_fixture.h"
#include "sweep/live.h"
#include "sync_vfs.h"

enum { CLIENTS = 8, ANSWER_MS = 20000, SILENCE_MS = 200 };

static struct store_fixture fixture;
static struct hd_specification specification;
static struct api api;
static struct sweeps sweeps; /* none is live */
static struct http_server *server;
static uv_async_t stop;
static pthread_t loop_thread;

static bool authenticate(void *context, const struct http_request *request, const char *token, struct http_principal *ret_principal,
                         struct hd_error *error)
{
    (void)error;
    (void)request;
    (void)context;
    ret_principal->role = HTTP_OWNER;
    return strcmp(token, "owner") == 0;
}

static void on_http_closed(void *data)
{
    (void)data;
    uv_close((uv_handle_t *)&stop, NULL);
    uv_stop(&fixture.loop);
}

static void on_stop(uv_async_t *handle)
{
    (void)handle;
    http_close(server, on_http_closed, NULL);
}

static void *run_loop(void *data)
{
    (void)data;
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    return NULL;
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
    struct store_generate generated;
    struct hd_error error = {0};
    int64_t key;

    sync_vfs_register();
    fixture_open(&fixture, SYNC_VFS_NAME);
    fixture_specification(&specification, "maximize", 1, 3);
    key = fixture_sweep(&fixture, "S", &specification);
    fixture_generate(&fixture, &specification, key, "S", 1, 1, &generated);
    store_generate_clear(&generated);
    /* Reports go straight to the store; the room of live sweeps is only asked whether one has a policy. */
    api = (struct api){.loop = &fixture.loop, .store = fixture.store, .sweeps = &sweeps, .state_dir = fixture.folder};
    lane_open(&api.lane, &fixture.loop, LANE_REQUESTS);
    ck_assert_msg(http_open(&server, &fixture.loop, &settings, &error) == 0, "%s", error.message);
    ck_assert_int_eq(uv_async_init(&fixture.loop, &stop, on_stop), 0);
    ck_assert_int_eq(pthread_create(&loop_thread, NULL, run_loop, NULL), 0);
}

static void tear_down(void)
{
    uv_async_send(&stop);
    pthread_join(loop_thread, NULL);
    fixture_close(&fixture);
    fixture_remove(&fixture);
    hd_specification_clear(&specification);
}

static int connect_to_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(server))};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(client, 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    return client;
}

static void send_report(int client)
{
    static const char BODY[] = "{\"name\": \"acc\", \"value\": 0.5}";
    char request[512];
    int length = snprintf(request, sizeof request,
                          "POST /api/v1/runs/S_0/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer owner\r\n"
                          "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                          sizeof BODY - 1, BODY);

    ck_assert_int_eq(send(client, request, (size_t)length, MSG_NOSIGNAL), length);
}

/* Whether the server has said anything within the time. */
static bool has_answer(int client, int wait_ms)
{
    struct pollfd waiting = {.fd = client, .events = POLLIN};

    return poll(&waiting, 1, wait_ms) > 0;
}

static int read_status(int client)
{
    char answer[4096];
    ssize_t length;
    int status = 0;

    ck_assert_msg(has_answer(client, ANSWER_MS), "no answer within %d ms", ANSWER_MS);
    length = recv(client, answer, sizeof answer - 1, 0);
    ck_assert_int_gt(length, 0);
    answer[length] = '\0';
    ck_assert_int_eq(sscanf(answer, "HTTP/1.1 %d", &status), 1);
    return status;
}

START_TEST(no_2xx_leaves_before_the_sync)
{
    int client = connect_to_server();

    sync_vfs_hold();
    send_report(client);
    sync_vfs_wait_held();
    ck_assert_msg(!has_answer(client, SILENCE_MS), "an answer came while its sync was being held");
    sync_vfs_release();
    ck_assert_int_eq(read_status(client), 200);
    close(client);
}
END_TEST

START_TEST(a_failed_sync_gives_5xx_to_all)
{
    int clients[CLIENTS];

    sync_vfs_hold();
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = connect_to_server();
        send_report(clients[i]);
    }
    sync_vfs_wait_held();
    sync_vfs_fail(true);
    sync_vfs_release();
    for (int i = 0; i < CLIENTS; i++)
        ck_assert_int_eq(read_status(clients[i]), 503);
    sync_vfs_fail(false);
    for (int i = 0; i < CLIENTS; i++) {
        send_report(clients[i]); /* the same connections, when the fault is gone */
        ck_assert_int_eq(read_status(clients[i]), 200);
        close(clients[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("durable answers");
    TCase *answers = tcase_create("answers");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(answers, set_up, tear_down);
    tcase_set_timeout(answers, 120);
    tcase_add_test(answers, no_2xx_leaves_before_the_sync);
    tcase_add_test(answers, a_failed_sync_gives_5xx_to_all);
    suite_add_tcase(suite, answers);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
