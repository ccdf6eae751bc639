#include "http_fixture.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/json.h"

enum action { RELEASE = 1, CLOSE, END };

static bool authenticate(void *context, const struct http_request *request, const char *token, struct http_principal *ret_principal,
                         struct hd_error *error)
{
    (void)error;
    (void)request;
    (void)context;
    if (strcmp(token, "owner") == 0) {
        ret_principal->role = HTTP_OWNER;
        return true;
    }
    if (strncmp(token, "run-", 4) != 0)
        return false;
    ret_principal->role = HTTP_RUN;
    snprintf(ret_principal->run_id, sizeof ret_principal->run_id, "%.60s", token + 4);
    return true;
}

static void reply_string(struct http_request *request, const char *string)
{
    struct hd_text text = {0};
    hd_text_add_string(&text, "{\"said\":");
    hd_json_print_string(&text, string != NULL ? string : "(none)");
    hd_text_add_char(&text, '}');
    http_reply_json(request, 200, &text);
}

static void say_pong(struct http_request *request, void *context)
{
    (void)context;
    reply_string(request, "pong");
}

static void say_part(struct http_request *request, void *context)
{
    (void)context;
    reply_string(request, http_part(request, 0));
}

static void say_thing(struct http_request *request, void *context)
{
    bool reverse;
    int64_t top;
    struct hd_text text = {0};
    (void)context;
    if (!http_query_boolean(request, "reverse", true, &reverse) || !http_query_integer(request, "top", 0, 1000, 7, &top))
        return;
    const char *name = http_query(request, "name");
    hd_text_format(&text, "%s top=%lld reverse=%d name=%s", http_part(request, 0), (long long)top, reverse, name != NULL ? name : "(none)");
    reply_string(request, text.data);
    hd_text_clear(&text);
}

static void describe_body(struct http_request *request, cJSON *body)
{
    size_t length;
    http_body(request, &length);
    struct hd_text text = {0};
    hd_text_format(&text, "{\"members\":%d,\"length\":%zu}", cJSON_GetArraySize(body), length);
    cJSON_Delete(body);
    http_reply_header(request, "Location", "/somewhere");
    http_reply_json(request, 201, &text);
}

static void take_json(struct http_request *request, void *context)
{
    struct hd_problems problems = {0};
    (void)context;
    cJSON *body = http_body_parse(request, strcmp(http_part(request, 0), "empty") == 0, &problems);
    if (body != NULL)
        describe_body(request, body);
    else
        http_reply_problems(request, &problems);
    hd_problems_clear(&problems);
}

static void take_small_json(struct http_request *request, void *context)
{
    (void)context;
    cJSON *body = http_body_json(request, false);
    if (body != NULL)
        describe_body(request, body);
}

static void hold(struct http_request *request, void *context)
{
    struct fixture *fixture = context;
    fixture->held[fixture->held_count++] = request;
    if (fixture->held_count == fixture->held_wanted)
        uv_sem_post(&fixture->held_enough);
}

static void defer(struct http_request *request, void *context)
{
    struct fixture *fixture = context;
    fixture->deferred = request;
}

static void on_check(uv_check_t *check)
{
    struct fixture *fixture = check->data;
    if (fixture->deferred == NULL)
        return;
    struct http_request *request = fixture->deferred;
    fixture->deferred = NULL;
    reply_string(request, "deferred");
}

static void send_file(struct http_request *request, void *context)
{
    struct fixture *fixture = context;
    int64_t from, length;
    if (!http_query_integer(request, "from", 0, 9999, 0, &from) || !http_query_integer(request, "length", 0, 10000, 10000, &length))
        return;
    int fd = open(fixture->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        abort(); /* Check's assertions allocate memory, which test_http_memory lets fail on this thread */
    http_reply_file(request, "text/plain", fd, from, length, length != 10000, 10000);
}

static void stream_closed(void *data)
{
    (void)data;
}

static void send_brief_stream(struct http_request *request, void *context)
{
    const struct http_stream_settings settings = {.content_type = "text/plain", .closed = stream_closed, .data = context};
    struct http_stream *stream = http_stream_open(request, 200, &settings);
    if (stream == NULL)
        return;
    http_stream_append(stream, "brief", 5);
    http_stream_end(stream);
}

static const char *const THING_PARAMETERS[] = {"top", "reverse", "name", NULL};
static const char *const FILE_PARAMETERS[] = {"from", "length", NULL};
static const struct http_route ROUTES[] = {
    {"GET", "/healthz", HTTP_OPEN, 0, say_pong, NULL},
    {"GET", "/echo/{text}", HTTP_OPEN, 0, say_part, NULL},
    {"GET", "/rest/{text...}", HTTP_OPEN, 0, say_part, NULL},
    {"GET", "/thing/{id}", HTTP_OPEN, 0, say_thing, THING_PARAMETERS},
    {"POST", "/json/{how}", HTTP_OPEN, 0, take_json, NULL},
    {"POST", "/small", HTTP_OPEN, 0, take_small_json, NULL},
    {"GET", "/hold", HTTP_OPEN, 0, hold, NULL},
    {"GET", "/deferred", HTTP_OPEN, 0, defer, NULL},
    {"GET", "/file", HTTP_OPEN, 0, send_file, FILE_PARAMETERS},
    {"GET", "/brief", HTTP_OPEN, 0, send_brief_stream, NULL},
    {"GET", "/api/v1/owner", HTTP_ADMIN, 0, say_pong, NULL},
    {"POST", "/api/v1/owner", HTTP_ADMIN, 0, say_pong, NULL},
    {"GET", "/api/v1/runs/{id}", HTTP_READ, HTTP_OWN_RUN, say_part, NULL},
    {0},
};

static void make_file(struct fixture *fixture)
{
    strcpy(fixture->file, "/tmp/test-http-XXXXXX");
    int fd = mkstemp(fixture->file);
    ck_assert_int_ge(fd, 0);
    char bytes[10000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)('a' + i % 26);
    ck_assert_int_eq(write(fd, bytes, sizeof bytes), (ssize_t)sizeof bytes);
    close(fd);
}

void fixture_prepare(struct fixture *fixture)
{
    *fixture = (struct fixture){
        .held_wanted = 1,
        .settings =
            {
                .address = "127.0.0.1:0",
                .listen_fd = -1,
                .body_limit = 100000,
                .connections = 300,
                .header_timeout_us = 10000000,
                .body_timeout_us = 60000000,
                .idle_timeout_us = 120000000,
                .close_timeout_us = 200000,
                .authenticate = authenticate,
                .routes = ROUTES,
            },
    };
    fixture->settings.context = fixture;
    make_file(fixture);
}

static void release_all(struct fixture *fixture)
{
    for (int i = 0; i < fixture->held_count; i++)
        reply_string(fixture->held[i], "released");
    fixture->held_count = 0;
}

static void server_closed(void *data)
{
    struct fixture *fixture = data;
    fixture->server = NULL;
    uv_sem_post(&fixture->closed);
}

static void on_command(uv_async_t *async)
{
    struct fixture *fixture = async->data;
    if (fixture->action == RELEASE)
        release_all(fixture);
    else if (fixture->action == CLOSE)
        http_close(fixture->server, server_closed, fixture);
    else if (fixture->action == END) {
        uv_close((uv_handle_t *)&fixture->check, NULL);
        uv_close((uv_handle_t *)async, NULL);
    }
    fixture->action = 0;
    uv_sem_post(&fixture->done);
}

static void run_loop(void *argument)
{
    struct fixture *fixture = argument;
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
}

void fixture_start(struct fixture *fixture)
{
    struct hd_error error = {0};
    ck_assert_int_eq(uv_loop_init(&fixture->loop), 0);
    ck_assert_int_eq(uv_sem_init(&fixture->done, 0), 0);
    ck_assert_int_eq(uv_sem_init(&fixture->held_enough, 0), 0);
    ck_assert_int_eq(uv_sem_init(&fixture->closed, 0), 0);
    ck_assert_int_eq(uv_async_init(&fixture->loop, &fixture->command, on_command), 0);
    fixture->command.data = fixture;
    ck_assert_int_eq(uv_check_init(&fixture->loop, &fixture->check), 0);
    fixture->check.data = fixture;
    ck_assert_int_eq(uv_check_start(&fixture->check, on_check), 0);
    ck_assert_msg(http_open(&fixture->server, &fixture->loop, &fixture->settings, &error) == 0, "%s", error.message);
    ck_assert_int_eq(uv_thread_create(&fixture->thread, run_loop, fixture), 0);
}

static void command(struct fixture *fixture, enum action action)
{
    fixture->action = (int)action;
    uv_async_send(&fixture->command);
    uv_sem_wait(&fixture->done);
}

void fixture_release(struct fixture *fixture)
{
    command(fixture, RELEASE);
}

void fixture_begin_close(struct fixture *fixture)
{
    command(fixture, CLOSE);
}

void fixture_stop(struct fixture *fixture)
{
    if (fixture->server != NULL) {
        fixture_begin_close(fixture);
        uv_sem_wait(&fixture->closed);
    }
    command(fixture, RELEASE);
    command(fixture, END);
    uv_thread_join(&fixture->thread);
    ck_assert_int_eq(uv_loop_close(&fixture->loop), 0);
    uv_sem_destroy(&fixture->done);
    uv_sem_destroy(&fixture->held_enough);
    uv_sem_destroy(&fixture->closed);
    unlink(fixture->file);
}

void client_open(struct client *client, const struct fixture *fixture)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(fixture->server)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval limit = {.tv_sec = 20};
    *client = (struct client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    ck_assert_int_ge(client->fd, 0);
    ck_assert_int_eq(setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    ck_assert_int_eq(setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), 0);
    ck_assert_msg(connect(client->fd, (const struct sockaddr *)&address, sizeof address) == 0, "connect: %s", strerror(errno));
}

void client_close(struct client *client)
{
    close(client->fd);
    free(client->data);
    *client = (struct client){.fd = -1};
}

void client_send_bytes(struct client *client, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(client->fd, bytes, length, MSG_NOSIGNAL);
        ck_assert_msg(sent > 0, "send: %s", strerror(errno));
        bytes += sent;
        length -= (size_t)sent;
    }
}

void client_send(struct client *client, const char *bytes)
{
    client_send_bytes(client, bytes, strlen(bytes));
}

/* Returns what recv returned. */
static ssize_t receive(struct client *client)
{
    if (client->capacity - client->length < 4096) {
        client->capacity = client->capacity * 2 + 8192;
        client->data = realloc(client->data, client->capacity);
        ck_assert_ptr_nonnull(client->data);
    }
    ssize_t got = recv(client->fd, client->data + client->length, client->capacity - client->length, 0);
    if (got > 0)
        client->length += (size_t)got;
    return got;
}

static void take(struct client *client, size_t length, char **ret_bytes)
{
    while (client->length < length) {
        ssize_t got = receive(client);
        ck_assert_msg(got > 0, "the answer ends early: %s", got < 0 ? strerror(errno) : "closed");
    }
    char *bytes = malloc(length + 1);
    ck_assert_ptr_nonnull(bytes);
    if (length > 0)
        memcpy(bytes, client->data, length);
    bytes[length] = '\0';
    memmove(client->data, client->data + length, client->length - length);
    client->length -= length;
    *ret_bytes = bytes;
}

void client_read(struct client *client, struct answer *ret_answer, bool head_only)
{
    char *end = NULL;
    while (client->length == 0 || (end = memmem(client->data, client->length, "\r\n\r\n", 4)) == NULL) {
        ssize_t got = receive(client);
        ck_assert_msg(got > 0, "no answer: %s", got < 0 ? strerror(errno) : "closed");
    }
    struct answer answer = {0};
    take(client, (size_t)(end - client->data) + 4, &answer.head);
    ck_assert_int_eq(sscanf(answer.head, "HTTP/1.%*d %d ", &answer.status), 1);
    const char *length = answer_field(&answer, "Content-Length");
    answer.length = head_only || length == NULL ? 0 : strtoul(length, NULL, 10);
    take(client, answer.length, &answer.body);
    *ret_answer = answer;
}

bool client_read_if_any(struct client *client, struct answer *ret_answer)
{
    ssize_t got = receive(client);
    ck_assert_msg(got >= 0 || errno == ECONNRESET, "neither an answer nor an end: %s", strerror(errno));
    if (got <= 0)
        return false;
    client_read(client, ret_answer, false);
    return true;
}

bool client_at_end(struct client *client)
{
    ssize_t got = receive(client);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

void answer_clear(struct answer *answer)
{
    free(answer->head);
    free(answer->body);
    *answer = (struct answer){0};
}

const char *answer_field(const struct answer *answer, const char *name)
{
    static char value[512];
    size_t length = strlen(name);
    for (const char *line = strstr(answer->head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) != 0 || line[length] != ':')
            continue;
        const char *start = line + length + 1 + strspn(line + length + 1, " ");
        snprintf(value, sizeof value, "%.*s", (int)strcspn(start, "\r"), start);
        return value;
    }
    return NULL;
}

void ask(const struct fixture *fixture, const char *bytes, struct answer *ret_answer)
{
    struct client client;
    client_open(&client, fixture);
    client_send(&client, bytes);
    client_read(&client, ret_answer, strncmp(bytes, "HEAD ", 5) == 0);
    client_close(&client);
}
