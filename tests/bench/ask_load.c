/* Clients that take children as fast as they are answered: ask_load ADDRESS PORT TOKEN CLIENTS TELL MILLISECONDS SWEEP
 *
 * Each has a thread and a connection of its own that is kept, and one request under way; with TELL 1 it tells the end of each child before
 * it asks for the next. Prints children that were given within the time, requests, and the median and 99th percentile of the time from a
 * question to its answer. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "measure.h"

enum { ANSWER_SIZE = 16384, CLIENTS_MAX = 256, SAMPLES_MAX = 1 << 18 };

struct load {
    const char *address, *port, *token, *sweep;
    int tell;
    int64_t end_us;
};

struct client {
    const struct load *load;
    pthread_t thread;
    int number, connection;
    int64_t children, requests;
    int64_t *latencies; /* of questions, SAMPLES_MAX at most */
    char answer[ANSWER_SIZE];
};

/* The status of the answer, which stays in client->answer. All answers here have a Content-Length or no body. */
static int receive(struct client *client)
{
    size_t received = 0, whole = 0;

    while (whole == 0 || received < whole) {
        ssize_t count = recv(client->connection, client->answer + received, ANSWER_SIZE - 1 - received, 0);
        const char *body, *length;

        if (count <= 0)
            bench_fail("the daemon closed a connection");
        received += (size_t)count;
        client->answer[received] = '\0';
        body = strstr(client->answer, "\r\n\r\n");
        if (body == NULL)
            continue;
        length = strcasestr(client->answer, "\r\nContent-Length:");
        whole = (size_t)(body + 4 - client->answer) + (length != NULL ? strtoull(length + 17, NULL, 10) : 0);
    }
    return atoi(client->answer + strlen("HTTP/1.1 "));
}

static int post(struct client *client, const char *path, const char *body)
{
    const struct load *load = client->load;
    char request[1024];
    int length = snprintf(request, sizeof request,
                          "POST /api/v1/%s HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
                          "Content-Length: %zu\r\n\r\n%s",
                          path, load->address, load->port, load->token, strlen(body), body);

    bench_send(client->connection, request, (size_t)length);
    client->requests++;
    return receive(client);
}

/* The end of the child that the answer has given. */
static void tell(struct client *client)
{
    const char *id = strstr(client->answer, "{\"run_id\":\"");
    char path[256];

    if (id == NULL)
        bench_fail("an answer has no run: %s", client->answer);
    id += strlen("{\"run_id\":\"");
    snprintf(path, sizeof path, "runs/%.*s/complete", (int)strcspn(id, "\""), id);
    if (post(client, path, "{}") != 200)
        bench_fail("an end was answered:\n%s", client->answer);
}

static void *work(void *data)
{
    struct client *client = data;
    char path[256], body[128];

    snprintf(path, sizeof path, "sweeps/%s/ask", client->load->sweep);
    for (;;) {
        int64_t begin_us = bench_clock_us();

        if (begin_us >= client->load->end_us)
            return NULL;
        snprintf(body, sizeof body, "{\"asker\":\"client-%d\",\"sequence\":%" PRId64 "}", client->number, client->children + 1);
        if (post(client, path, body) != 201)
            bench_fail("a question was answered:\n%s", client->answer);
        if (client->children < SAMPLES_MAX)
            client->latencies[client->children] = bench_clock_us() - begin_us;
        client->children++;
        if (client->load->tell)
            tell(client);
    }
}

static void print_figures(const struct client *clients, int count, double seconds)
{
    int64_t children = 0, requests = 0, *all = malloc((size_t)count * SAMPLES_MAX * sizeof *all);
    size_t samples = 0;

    if (all == NULL)
        bench_fail("out of memory");
    for (int i = 0; i < count; i++) {
        size_t own = (size_t)(clients[i].children < SAMPLES_MAX ? clients[i].children : SAMPLES_MAX);

        memcpy(all + samples, clients[i].latencies, own * sizeof *all);
        samples += own;
        children += clients[i].children;
        requests += clients[i].requests;
    }
    printf("{\"children\":%" PRId64 ",\"requests\":%" PRId64 ",\"seconds\":%.6f", children, requests, seconds);
    printf(",\"median_us\":%" PRId64 ",", bench_quantile(all, samples, 0.5));
    printf("\"p99_us\":%" PRId64 "}\n", bench_quantile(all, samples, 0.99));
    free(all);
}

int main(int argc, char **argv)
{
    static struct client clients[CLIENTS_MAX];
    struct load load = {0};
    int64_t count, begin_us;

    if (argc != 8)
        bench_fail("usage: ask_load ADDRESS PORT TOKEN CLIENTS TELL MILLISECONDS SWEEP");
    load = (struct load){.address = argv[1], .port = argv[2], .token = argv[3], .tell = bench_number(argv[5]) != 0, .sweep = argv[7]};
    count = bench_number(argv[4]);
    if (count < 1 || count > CLIENTS_MAX)
        bench_fail("from 1 to %d clients", CLIENTS_MAX);
    begin_us = bench_clock_us();
    load.end_us = begin_us + bench_number(argv[6]) * 1000;
    for (int i = 0; i < count; i++) {
        clients[i] = (struct client){.load = &load, .number = i, .latencies = malloc(SAMPLES_MAX * sizeof(int64_t))};
        clients[i].connection = bench_connect(load.address, load.port);
        if (clients[i].latencies == NULL || pthread_create(&clients[i].thread, NULL, work, &clients[i]) != 0)
            bench_fail("cannot begin a client");
    }
    for (int i = 0; i < count; i++)
        (void)pthread_join(clients[i].thread, NULL);
    print_figures(clients, (int)count, (double)(bench_clock_us() - begin_us) / 1e6);
    return 0;
}
