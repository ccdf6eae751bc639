#include "report_server.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char STORED[] =
    "{\"accepted\":1,\"duplicate\":false,\"reports\":1,\"status\":\"Running\",\"stop\":false,\"stop_reason\":null}";
static const char STOPPED[] = "{\"accepted\":1,\"duplicate\":false,\"reports\":1,\"status\":\"CancelRequested\",\"stop\":true,"
                              "\"stop_reason\":{\"kind\":\"user\"}}";
static const char REFUSED[] = "{\"error\":{\"code\":\"Conflict\",\"message\":\"no\",\"target\":null,\"details\":[]}}";

static const struct {
    int status;
    const char *body;
} ANSWERS[] = {
    [STORE] = {200, STORED},   [STOP] = {200, STOPPED},        [BUSY] = {503, "{\"error\":{\"code\":\"Unavailable\"}}"},
    [REFUSE] = {409, REFUSED}, [STRANGER] = {404, "not here"}, [DROP] = {0, ""},
    [HOLD] = {200, STORED},
};

/* Head and body of one request; NULL when the connection ends before. */
static char *read_request(int connection)
{
    size_t size = 64 * 1024, length = 0, wanted = SIZE_MAX;
    char *text = malloc(size + 1);

    ck_assert_ptr_nonnull(text);
    while (length < wanted) {
        ssize_t got;
        char *head_end, *length_header;

        if (length == size) {
            size *= 2;
            text = realloc(text, size + 1);
            ck_assert_ptr_nonnull(text);
        }
        got = recv(connection, text + length, size - length, 0);
        if (got <= 0) {
            free(text);
            return NULL;
        }
        length += (size_t)got;
        text[length] = '\0';
        head_end = strstr(text, "\r\n\r\n");
        length_header = strstr(text, "Content-Length: ");
        if (wanted == SIZE_MAX && head_end != NULL && length_header != NULL) {
            wanted = (size_t)(head_end + 4 - text) + strtoul(length_header + strlen("Content-Length: "), NULL, 10);
        }
    }
    return text;
}

static void answer(struct report_server *server, int connection, enum mishap mishap)
{
    char text[1024];

    pthread_mutex_lock(&server->lock);
    while (mishap == HOLD && !server->gate_open && !server->closing) {
        pthread_cond_wait(&server->changed, &server->lock);
    }
    pthread_mutex_unlock(&server->lock);
    if (ANSWERS[mishap].status != 0) {
        int length = snprintf(text, sizeof(text), "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                              ANSWERS[mishap].status, strlen(ANSWERS[mishap].body), ANSWERS[mishap].body);

        (void)!send(connection, text, (size_t)length, MSG_NOSIGNAL);
    }
}

static void serve(struct report_server *server, int connection)
{
    char *request = read_request(connection);
    enum mishap mishap;

    if (request == NULL) {
        return;
    }
    pthread_mutex_lock(&server->lock);
    ck_assert_int_lt(server->count, REQUESTS_MOST);
    mishap = server->count < server->mishap_count ? server->mishaps[server->count] : server->rest;
    server->requests[server->count++] = request;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    answer(server, connection, mishap);
}

static void *serve_all(void *data)
{
    struct report_server *server = data;

    for (;;) {
        int connection = accept(server->listener, NULL, NULL);

        if (connection < 0) {
            return NULL; /* shut down */
        }
        serve(server, connection);
        close(connection);
    }
}

static void serve_at(struct report_server *server, const char *url)
{
    ck_assert_int_eq(listen(server->listener, 16), 0);
    ck_assert_int_eq(pthread_mutex_init(&server->lock, NULL), 0);
    ck_assert_int_eq(pthread_cond_init(&server->changed, NULL), 0);
    ck_assert_int_eq(pthread_create(&server->thread, NULL, serve_all, server), 0);
    setenv("HYPERDRIVE_URL", url, 1);
    setenv("HYPERDRIVE_RUN_ID", "HD_x_3", 1);
    setenv("HYPERDRIVE_TOKEN", "r.HD_x_3.secret", 1);
}

void report_server_open(struct report_server *server, const enum mishap *mishaps, int mishap_count, enum mishap rest)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    char url[64];

    *server = (struct report_server){.mishaps = mishaps, .mishap_count = mishap_count, .rest = rest};
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(server->listener, 0);
    ck_assert_int_eq(bind(server->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
    server->port = ntohs(address.sin_port);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", server->port);
    serve_at(server, url);
}

void report_server_open_socket(struct report_server *server, const char *path, const char *url, enum mishap rest)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    *server = (struct report_server){.rest = rest};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(server->listener, 0);
    ck_assert_int_eq(bind(server->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    serve_at(server, url);
}

void report_server_close(struct report_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->closing = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    for (int i = 0; i < server->count; i++) {
        free(server->requests[i]);
    }
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
}

void report_server_open_gate(struct report_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->gate_open = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

void report_server_go_on(struct report_server *server, enum mishap rest)
{
    pthread_mutex_lock(&server->lock);
    server->mishap_count = 0;
    server->rest = rest;
    pthread_mutex_unlock(&server->lock);
}

void report_server_wait(struct report_server *server, int count)
{
    struct timespec deadline;
    int result = 0;

    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += DEADLINE_MS / 1000;
    pthread_mutex_lock(&server->lock);
    while (server->count < count && result == 0) {
        result = pthread_cond_timedwait(&server->changed, &server->lock, &deadline);
    }
    ck_assert_msg(server->count >= count, "only %d of %d requests came", server->count, count);
    pthread_mutex_unlock(&server->lock);
}

int report_server_count(struct report_server *server)
{
    int count;

    pthread_mutex_lock(&server->lock);
    count = server->count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

const char *report_server_body(struct report_server *server, int number)
{
    const char *request;

    pthread_mutex_lock(&server->lock);
    ck_assert_int_lt(number, server->count);
    request = server->requests[number];
    pthread_mutex_unlock(&server->lock);
    ck_assert_ptr_nonnull(strstr(request, "POST /api/v1/runs/HD_x_3/metrics HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(request, "\r\nAuthorization: Bearer r.HD_x_3.secret\r\n"));
    ck_assert_ptr_nonnull(strstr(request, "\r\nContent-Type: application/json\r\n"));
    return strstr(request, "\r\n\r\n") + 4;
}
