/* The HTTP server over time: many connections, suspended requests, deadlines, limits, addresses to listen on, closing. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "http_fixture.h"

#define HOST "Host: localhost\r\n"
#define JSON "Content-Type: application/json\r\n"

enum { MANY = 512 };

static struct fixture fixture;

static void set_up(void)
{
    signal(SIGPIPE, SIG_IGN);
    fixture_prepare(&fixture);
}

static void tear_down(void)
{
    fixture_stop(&fixture);
}

static void expect(struct client *client, int status, const char *part_of_body)
{
    struct answer answer;
    client_read(client, &answer, false);
    ck_assert_msg(answer.status == status, "got %d %s", answer.status, answer.body);
    ck_assert_msg(strstr(answer.body, part_of_body) != NULL, "got %s", answer.body);
    answer_clear(&answer);
}

START_TEST(test_connection_is_used_again)
{
    struct client client;
    fixture_start(&fixture);
    client_open(&client, &fixture);
    for (int i = 0; i < 50; i++) {
        client_send(&client, "GET /echo/again HTTP/1.1\r\n" HOST "\r\n");
        expect(&client, 200, "again");
    }
    client_close(&client);
}
END_TEST

START_TEST(test_many_connections_at_once)
{
    static struct client clients[MANY];
    fixture.settings.connections = MANY;
    fixture_start(&fixture);
    for (int i = 0; i < MANY; i++)
        client_open(&clients[i], &fixture);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++)
            client_send(&clients[i], "GET /echo/x HTTP/1.1\r\n" HOST "\r\n");
        for (int i = 0; i < MANY; i++)
            expect(&clients[i], 200, "\"x\"");
    }
    for (int i = 0; i < MANY; i++)
        client_close(&clients[i]);
}
END_TEST

START_TEST(test_suspended_requests_are_resumed_together)
{
    static struct client clients[MANY];
    fixture.settings.connections = MANY;
    fixture.held_wanted = MANY;
    fixture_start(&fixture);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            if (round == 0)
                client_open(&clients[i], &fixture);
            client_send(&clients[i], "GET /hold HTTP/1.1\r\n" HOST "\r\n");
        }
        uv_sem_wait(&fixture.held_enough);
        fixture_release(&fixture);
        for (int i = 0; i < MANY; i++)
            expect(&clients[i], 200, "released");
    }
    for (int i = 0; i < MANY; i++)
        client_close(&clients[i]);
}
END_TEST

/* A handler that leaves its work to a check handle is not forgotten while the loop waits. */
START_TEST(test_deferred_answers)
{
    struct client client;
    fixture_start(&fixture);
    client_open(&client, &fixture);
    for (int i = 0; i < 100; i++) {
        client_send(&client, "GET /deferred HTTP/1.1\r\n" HOST "\r\n");
        expect(&client, 200, "deferred");
    }
    client_close(&client);
}
END_TEST

START_TEST(test_client_leaves_while_suspended)
{
    struct client client;
    const struct linger reset = {.l_onoff = 1};
    fixture_start(&fixture);
    for (int i = 0; i < 2; i++) {
        client_open(&client, &fixture);
        client_send(&client, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
        uv_sem_wait(&fixture.held_enough);
        if (i == 1)
            ck_assert_int_eq(setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
        client_close(&client);
        fixture_release(&fixture);
    }
    client_open(&client, &fixture);
    client_send(&client, "GET /echo/alive HTTP/1.1\r\n" HOST "\r\n");
    expect(&client, 200, "alive");
    client_close(&client);
}
END_TEST

START_TEST(test_old_protocol_without_host)
{
    struct client client;
    fixture_start(&fixture);
    client_open(&client, &fixture);
    client_send(&client, "GET /echo/old HTTP/1.0\r\n\r\n");
    expect(&client, 200, "old");
    ck_assert(client_at_end(&client));
    client_close(&client);
}
END_TEST

START_TEST(test_slow_header_is_ended)
{
    struct client silent, started;
    fixture.settings.header_timeout_us = 200000;
    fixture_start(&fixture);
    client_open(&silent, &fixture);
    client_open(&started, &fixture);
    client_send(&started, "GET /echo/x HTTP/1.1\r\nHost: loc");
    expect(&started, 408, "\"code\":\"Timeout\",\"message\":\"the request's header did not come in time\"");
    ck_assert(client_at_end(&started));
    expect(&silent, 408, "Timeout");
    ck_assert(client_at_end(&silent));
    client_close(&silent);
    client_close(&started);
}
END_TEST

/* Who sends a byte now and then is never idle, but has no more time than others. */
START_TEST(test_trickling_header_is_ended)
{
    struct client client;
    struct pollfd readable;
    fixture.settings.header_timeout_us = 300000;
    fixture.settings.idle_timeout_us = 60000000;
    fixture_start(&fixture);
    client_open(&client, &fixture);
    client_send(&client, "GET /echo/x HTTP/1.1\r\n" HOST "X-Slow: ");
    readable = (struct pollfd){.fd = client.fd, .events = POLLIN};
    for (int sent = 0; poll(&readable, 1, 10) == 0; sent++) {
        ck_assert_int_lt(sent, 2000);
        client_send(&client, "z");
    }
    expect(&client, 408, "the request's header did not come in time");
    ck_assert(client_at_end(&client));
    client_close(&client);
}
END_TEST

START_TEST(test_slow_body_is_ended)
{
    struct client client;
    fixture.settings.body_timeout_us = 200000;
    fixture_start(&fixture);
    client_open(&client, &fixture);
    client_send(&client, "POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 20\r\n\r\n{\"a\":");
    expect(&client, 408, "the request's body did not come in time");
    ck_assert(client_at_end(&client));
    client_close(&client);
}
END_TEST

/* The deadline of a header is for the header: a handler may take longer, and so may a connection between two requests. */
START_TEST(test_deadlines_do_not_touch_handlers)
{
    struct client client, late;
    fixture.settings.header_timeout_us = fixture.settings.body_timeout_us = 200000;
    fixture_start(&fixture);
    client_open(&client, &fixture);
    client_send(&client, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    uv_sem_wait(&fixture.held_enough);
    client_open(&late, &fixture);
    expect(&late, 408, "Timeout"); /* so the deadline is over */
    fixture_release(&fixture);
    expect(&client, 200, "released");
    client_close(&late);
    client_open(&late, &fixture);
    expect(&late, 408, "Timeout");
    client_send(&client, "GET /echo/again HTTP/1.1\r\n" HOST "\r\n");
    expect(&client, 200, "again");
    client_close(&late);
    client_close(&client);
}
END_TEST

START_TEST(test_too_many_connections)
{
    enum { LIMIT = 4, ABOVE = 100 }; /* more than libmicrohttpd's own limit, 64 above ours, lets in */
    struct client inside[LIMIT], above[ABOVE];
    struct answer answer;
    fixture.settings.connections = LIMIT;
    fixture_start(&fixture);
    for (int i = 0; i < LIMIT; i++) {
        client_open(&inside[i], &fixture);
        client_send(&inside[i], "GET /echo/in HTTP/1.1\r\n" HOST "\r\n");
        expect(&inside[i], 200, "in");
    }
    for (int i = 0; i < ABOVE; i++) {
        client_open(&above[i], &fixture);
        client_send(&above[i], "GET /echo/out HTTP/1.1\r\n" HOST "\r\n");
    }
    for (int i = 0; i < ABOVE; i++) {
        client_read(&above[i], &answer, false);
        ck_assert_int_eq(answer.status, 503);
        ck_assert_str_eq(answer_field(&answer, "Retry-After"), "1");
        ck_assert_ptr_nonnull(strstr(answer.body, "\"code\":\"Unavailable\",\"message\":\"there are too many connections"));
        answer_clear(&answer);
        client_close(&above[i]);
    }
    for (int i = 0; i < LIMIT; i++)
        client_close(&inside[i]);
    client_open(&inside[0], &fixture);
    client_send(&inside[0], "GET /echo/again HTTP/1.1\r\n" HOST "\r\n");
    client_read(&inside[0], &answer, false);
    /* The server may not have seen all the others leave yet: then this one is told to come again, else it is served. */
    ck_assert(answer.status == 200 || answer.status == 503);
    answer_clear(&answer);
    client_close(&inside[0]);
}
END_TEST

/* An IPv4 address of this machine that is not the loopback; false: it has none, and the test says that it was skipped. */
static bool own_address(struct in_addr *ret_address)
{
    struct ifaddrs *list = NULL;
    bool found = false;
    ck_assert_int_eq(getifaddrs(&list), 0);
    for (const struct ifaddrs *entry = list; entry != NULL && !found; entry = entry->ifa_next) {
        found = entry->ifa_addr != NULL && entry->ifa_addr->sa_family == AF_INET && (entry->ifa_flags & IFF_UP) != 0 &&
                (entry->ifa_flags & IFF_LOOPBACK) == 0;
        if (found)
            *ret_address = ((const struct sockaddr_in *)entry->ifa_addr)->sin_addr;
    }
    freeifaddrs(list);
    if (!found)
        puts("skipped: this machine has no IPv4 address but the loopback");
    return found;
}

static void open_from_network(struct client *client, struct in_addr address)
{
    const struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(fixture.server)), .sin_addr = address};
    const struct timeval limit = {.tv_sec = 20};
    *client = (struct client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    ck_assert_int_eq(setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    ck_assert_msg(connect(client->fd, (const struct sockaddr *)&name, sizeof name) == 0, "connect: %s", strerror(errno));
}

START_TEST(test_one_address_cannot_take_all_connections)
{
    enum { LIMIT = 4, ANSWERED = 8, CLOSED = 40 };
    struct client inside[LIMIT], above[ANSWERED], closed[CLOSED], near;
    struct in_addr address;
    fixture.settings.connections = 32; /* fewer than come from the one address */
    fixture.settings.connections_per_address = LIMIT;
    fixture.settings.address = "0.0.0.0:0";
    fixture.settings.allow_plaintext = true;
    fixture_start(&fixture);
    if (!own_address(&address))
        return;
    for (int i = 0; i < LIMIT; i++) {
        open_from_network(&inside[i], address);
        client_send(&inside[i], "GET /echo/in HTTP/1.1\r\n" HOST "\r\n");
        expect(&inside[i], 200, "in");
    }
    for (int i = 0; i < ANSWERED; i++) {
        open_from_network(&above[i], address);
        client_send(&above[i], "GET /echo/x HTTP/1.1\r\n" HOST "X-");
    }
    for (int i = 0; i < CLOSED; i++)
        open_from_network(&closed[i], address);
    for (int i = 0; i < CLOSED; i++) {
        ck_assert(client_at_end(&closed[i])); /* although it has sent nothing yet: waiting costs a place */
        client_close(&closed[i]);
    }
    client_open(&near, &fixture);
    client_send(&near, "GET /echo/near HTTP/1.1\r\n" HOST "\r\n");
    expect(&near, 200, "near");
    client_close(&near);
    for (int i = 0; i < ANSWERED; i++) {
        client_send(&above[i], "Y: z\r\n\r\n");
        expect(&above[i], 503, "there are too many connections from this address");
        client_close(&above[i]);
    }
    for (int i = 0; i < LIMIT; i++) {
        client_send(&inside[i], "GET /echo/still HTTP/1.1\r\n" HOST "\r\n");
        expect(&inside[i], 200, "still");
        client_close(&inside[i]);
    }
}
END_TEST

START_TEST(test_own_programs_are_not_counted)
{
    enum { SOME = 20 };
    struct client clients[SOME];
    fixture.settings.connections_per_address = 1;
    fixture_start(&fixture);
    for (int i = 0; i < SOME; i++) {
        client_open(&clients[i], &fixture);
        client_send(&clients[i], "GET /echo/near HTTP/1.1\r\n" HOST "\r\n");
        expect(&clients[i], 200, "near");
    }
    for (int i = 0; i < SOME; i++)
        client_close(&clients[i]);
}
END_TEST

static int status_for_host(const char *host)
{
    struct answer answer;
    char request[512];
    snprintf(request, sizeof request, "GET /echo/x HTTP/1.1\r\nHost: %s\r\n\r\n", host);
    ask(&fixture, request, &answer);
    int status = answer.status;
    answer_clear(&answer);
    return status;
}

static char *allowed_hosts[] = {(char[]){"gpu1.lab.example"}, (char[]){"sweeps"}, NULL};

START_TEST(test_names_of_a_server_on_its_own_machine)
{
    fixture.settings.allowed_hosts = allowed_hosts;
    fixture_start(&fixture);
    ck_assert_int_eq(status_for_host("GPU1.lab.example:8700"), 200);
    ck_assert_int_eq(status_for_host("sweeps"), 200);
    ck_assert_int_eq(status_for_host("lab.example"), 403);
    ck_assert_int_eq(status_for_host("192.0.2.77"), 403);
}
END_TEST

START_TEST(test_names_of_a_server_on_the_network)
{
    char machine[256] = "";
    fixture.settings.allowed_hosts = allowed_hosts;
    fixture.settings.address = "0.0.0.0:0";
    fixture.settings.allow_plaintext = true;
    fixture_start(&fixture);
    ck_assert_int_eq(gethostname(machine, sizeof machine - 1), 0);
    ck_assert_int_eq(status_for_host("sweeps:1"), 200);
    ck_assert_int_eq(status_for_host("localhost"), 200);
    ck_assert_int_eq(status_for_host("192.0.2.77"), 200); /* no name, so nobody has pointed it here */
    ck_assert_int_eq(status_for_host("[2001:db8::7]:8700"), 200);
    ck_assert_int_eq(status_for_host(machine), 200);
    ck_assert_int_eq(status_for_host("evil.example"), 403);
    ck_assert_int_eq(status_for_host("sweeps.evil.example"), 403);
    ck_assert_int_eq(status_for_host("192.0.2.77.evil.example"), 403);
}
END_TEST

/* With a full house libmicrohttpd stops listening; the next free place must be given away without anything else happening. */
START_TEST(test_waiting_connection_gets_the_next_free_place)
{
    enum { LIMIT = 4, HOUSE = LIMIT + 64 };
    struct client silent[HOUSE], waiting;
    fixture.settings.connections = LIMIT;
    fixture.settings.header_timeout_us = 60000000;
    fixture_start(&fixture);
    for (int i = 0; i < HOUSE; i++)
        client_open(&silent[i], &fixture);
    client_open(&waiting, &fixture);
    client_send(&waiting, "GET /echo/x HTTP/1.1\r\n" HOST "\r\n");
    client_close(&silent[HOUSE - 1]);
    expect(&waiting, 503, "there are too many connections");
    client_close(&waiting);
    for (int i = 0; i < HOUSE - 1; i++)
        client_close(&silent[i]);
}
END_TEST

/* Waits until at least `wanted` of these have something to read. */
static void wait_for_readable(const struct client *clients, int count, int wanted)
{
    struct pollfd polls[32];
    int readable = 0;
    ck_assert_int_le(count, 32);
    for (int i = 0; i < count; i++)
        polls[i] = (struct pollfd){.fd = clients[i].fd, .events = POLLIN};
    while (readable < wanted) {
        ck_assert_msg(poll(polls, (nfds_t)count, 20000) > 0, "only %d of %d came", readable, wanted);
        for (int i = 0; i < count; i++) {
            if (polls[i].revents == 0)
                continue;
            polls[i].fd = -1; /* poll leaves it out from now on */
            readable++;
        }
    }
}

START_TEST(test_all_bodies_together_are_limited)
{
    enum { BODIES = 20, FIT = 16 }; /* HTTP_BODIES_AT_ONCE */
    struct client clients[BODIES];
    static char body[99999];
    int refused = 0;
    memset(body, ' ', sizeof body);
    fixture_start(&fixture);
    for (int i = 0; i < BODIES; i++) {
        client_open(&clients[i], &fixture);
        client_send(&clients[i], "POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 100000\r\n\r\n");
        client_send_bytes(&clients[i], body, sizeof body);
    }
    /* None of them is whole, so an answer is a refusal. */
    wait_for_readable(clients, BODIES, BODIES - FIT);
    for (int i = 0; i < BODIES; i++) {
        struct answer answer;
        (void)!send(clients[i].fd, "x", 1, MSG_NOSIGNAL);
        client_read(&clients[i], &answer, false);
        ck_assert(answer.status == 400 || answer.status == 503);
        refused += answer.status == 503;
        answer_clear(&answer);
        client_close(&clients[i]);
    }
    ck_assert_int_ge(refused, BODIES - FIT);
    ck_assert_int_lt(refused, BODIES);
    /* What they held is free again. */
    client_open(&clients[0], &fixture);
    client_send(&clients[0], "POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 100000\r\n\r\n{}");
    client_send_bytes(&clients[0], body, sizeof body - 1);
    expect(&clients[0], 201, "\"length\":100000");
    client_close(&clients[0]);
}
END_TEST

/* --- Closing --- */

START_TEST(test_close_waits_for_the_handler)
{
    struct client held, idle, partial, late;
    fixture.settings.close_timeout_us = 20000000;
    fixture_start(&fixture);
    client_open(&idle, &fixture);
    client_send(&idle, "GET /echo/x HTTP/1.1\r\n" HOST "\r\n");
    expect(&idle, 200, "x");
    client_open(&partial, &fixture);
    client_send(&partial, "POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 20\r\n\r\n{\"a\":");
    client_open(&held, &fixture);
    client_send(&held, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    uv_sem_wait(&fixture.held_enough);
    int port = http_port(fixture.server);

    fixture_begin_close(&fixture);
    ck_assert(client_at_end(&idle));
    expect(&partial, 503, "the daemon is stopping");
    ck_assert(client_at_end(&partial));
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    late.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ne(connect(late.fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(errno, ECONNREFUSED);
    close(late.fd);

    fixture_release(&fixture);
    struct answer answer;
    client_read(&held, &answer, false);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer_field(&answer, "Connection"), "close");
    answer_clear(&answer);
    uv_sem_wait(&fixture.closed);
    client_close(&held);
    client_close(&idle);
    client_close(&partial);
}
END_TEST

/* Who got through before the socket was handed on is served. */
START_TEST(test_close_serves_what_is_coming)
{
    struct client silent, partial, last;
    struct answer answer;
    fixture_start(&fixture);
    client_open(&silent, &fixture);
    client_open(&partial, &fixture);
    client_send(&partial, "POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 8\r\n\r\n{\"a\":");
    client_open(&last, &fixture);
    client_send(&last, "GET /echo/x HTTP/1.1\r\n" HOST "\r\n");
    expect(&last, 200, "x"); /* connections are taken in their order: the server has all three */

    fixture_begin_close(&fixture);
    ck_assert(client_at_end(&last));
    client_send(&silent, "GET /echo/y HTTP/1.1\r\n" HOST "\r\n");
    client_read(&silent, &answer, false);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer_field(&answer, "Connection"), "close");
    answer_clear(&answer);
    client_send(&partial, " 1}");
    expect(&partial, 201, "\"length\":8");
    ck_assert(client_at_end(&silent));
    ck_assert(client_at_end(&partial));
    uv_sem_wait(&fixture.closed);
    client_close(&silent);
    client_close(&partial);
    client_close(&last);
}
END_TEST

/* The handlers answer after the server is gone: in fixture_stop. */
START_TEST(test_close_does_not_wait_for_ever)
{
    struct client clients[3];
    fixture.held_wanted = 3;
    fixture_start(&fixture);
    for (int i = 0; i < 3; i++) {
        client_open(&clients[i], &fixture);
        client_send(&clients[i], "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    }
    uv_sem_wait(&fixture.held_enough);
    fixture_begin_close(&fixture);
    for (int i = 0; i < 3; i++)
        expect(&clients[i], 503, "the daemon is stopping");
    uv_sem_wait(&fixture.closed);
    ck_assert_int_eq(fixture.held_count, 3);
    for (int i = 0; i < 3; i++)
        client_close(&clients[i]);
}
END_TEST

START_TEST(test_close_ends_lingering_sockets)
{
    struct client client;
    fixture_start(&fixture);
    client_open(&client, &fixture);
    client_send(&client, "POST /json/x HTTP/1.1\r\n" HOST JSON "Content-Length: 9999999\r\n\r\n{");
    expect(&client, 413, "TooLarge");
    fixture_begin_close(&fixture);
    uv_sem_wait(&fixture.closed);
    client_close(&client);
}
END_TEST

/* --- Where to listen --- */

/* Opens a second server with this address; returns its error's message, or "" after closing it again. */
static const char *listen_on(const char *address)
{
    static struct hd_error error;
    struct http_settings settings = fixture.settings;
    struct http_server *server;
    uv_loop_t loop;
    settings.address = address;
    error = (struct hd_error){0};
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    if (http_open(&server, &loop, &settings, &error) == 0) {
        http_close(server, NULL, NULL);
        uv_run(&loop, UV_RUN_DEFAULT);
    }
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    return error.message;
}

#define PLAINTEXT                                                                                                                          \
    "the daemon is to listen where others can reach it, and read tokens on the way: give 'tls_certificate' and 'tls_key', or listen on "   \
    "127.0.0.1, or say 'allow_plaintext = yes' if that way is safe"

START_TEST(test_addresses)
{
    char address[64], message[256];
    fixture_start(&fixture);
    ck_assert_str_eq(http_url(fixture.server) + strlen("http://127.0.0.1:"), strrchr(http_url(fixture.server), ':') + 1);
    ck_assert_int_gt(http_port(fixture.server), 0);
    snprintf(address, sizeof address, "127.0.0.1:%d", http_port(fixture.server));
    snprintf(message, sizeof message, "cannot listen on %s: the port is in use by another program", address);
    ck_assert_str_eq(listen_on(address), message);
    ck_assert_str_eq(listen_on("192.0.2.1:0"), "cannot listen on 192.0.2.1:0: this machine has no such address");
    ck_assert_str_eq(listen_on("127.0.0.1"),
                     "'127.0.0.1' is not an address to listen on; write HOST:PORT or [IPV6]:PORT, as in 127.0.0.1:8700");
    ck_assert_str_eq(listen_on("::1:8700"),
                     "'::1:8700' is not an address to listen on; write HOST:PORT or [IPV6]:PORT, as in 127.0.0.1:8700");
    ck_assert_str_eq(listen_on("127.0.0.1:70000"), "'127.0.0.1:70000' needs a port from 0 (any free one) to 65535 behind its last ':'");
    ck_assert_str_eq(listen_on("127.0.0.1:"), "'127.0.0.1:' needs a port from 0 (any free one) to 65535 behind its last ':'");
    ck_assert_str_eq(listen_on(":8700"), "':8700' has no host; write HOST:PORT, as in 127.0.0.1:8700");
    ck_assert_str_eq(listen_on("0.0.0.0:0"), PLAINTEXT);
    ck_assert_str_eq(listen_on("[::]:0"), PLAINTEXT);
    ck_assert_str_eq(listen_on("127.4.5.6:0"), "");
    fixture.settings.allow_plaintext = true;
    ck_assert_str_eq(listen_on("0.0.0.0:0"), "");
    ck_assert_str_eq(listen_on("localhost:0"), "");
}
END_TEST

static bool has_ipv6(void)
{
    const struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

START_TEST(test_ipv6)
{
    if (!has_ipv6()) {
        puts("skipped: this machine has no IPv6 loopback address");
        fixture_start(&fixture);
        return;
    }
    fixture.settings.address = "[::1]:0";
    fixture_start(&fixture);
    ck_assert_int_eq(strncmp(http_url(fixture.server), "http://[::1]:", strlen("http://[::1]:")), 0);
}
END_TEST

START_TEST(test_socket_handed_over)
{
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    fixture.settings.listen_fd = fd;
    fixture.settings.address = NULL;
    fixture_start(&fixture);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    struct client client;
    client_open(&client, &fixture);
    client_send(&client, "GET /echo/x HTTP/1.1\r\n" HOST "\r\n");
    expect(&client, 200, "x");
    client_close(&client);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http life");
    TCase *tests = tcase_create("over time");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_connection_is_used_again);
    tcase_add_test(tests, test_many_connections_at_once);
    tcase_add_test(tests, test_suspended_requests_are_resumed_together);
    tcase_add_test(tests, test_deferred_answers);
    tcase_add_test(tests, test_client_leaves_while_suspended);
    tcase_add_test(tests, test_old_protocol_without_host);
    tcase_add_test(tests, test_slow_header_is_ended);
    tcase_add_test(tests, test_trickling_header_is_ended);
    tcase_add_test(tests, test_slow_body_is_ended);
    tcase_add_test(tests, test_deadlines_do_not_touch_handlers);
    tcase_add_test(tests, test_too_many_connections);
    tcase_add_test(tests, test_one_address_cannot_take_all_connections);
    tcase_add_test(tests, test_own_programs_are_not_counted);
    tcase_add_test(tests, test_names_of_a_server_on_its_own_machine);
    tcase_add_test(tests, test_names_of_a_server_on_the_network);
    tcase_add_test(tests, test_waiting_connection_gets_the_next_free_place);
    tcase_add_test(tests, test_all_bodies_together_are_limited);
    tcase_add_test(tests, test_close_waits_for_the_handler);
    tcase_add_test(tests, test_close_serves_what_is_coming);
    tcase_add_test(tests, test_close_does_not_wait_for_ever);
    tcase_add_test(tests, test_close_ends_lingering_sockets);
    tcase_add_test(tests, test_addresses);
    tcase_add_test(tests, test_ipv6);
    tcase_add_test(tests, test_socket_handed_over);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
