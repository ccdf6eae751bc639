/* Reporters that report as fast as they are answered: report_load ADDRESS PORT TOKEN REPORTERS BATCH MILLISECONDS RUN...
 *
 * Every reporter has a connection of its own that is kept, one request under way, and a run (they go round the list; those of one
 * run report names of their own: loss0, loss1, ...). Prints points that
 * were answered 200 within the time, requests, and the median and 99th percentile of the time to an answer. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "exchange.h"
#include "measure.h"

enum { EVENTS = 256, SAMPLES_MAX = 1 << 22, POINT_SIZE = 96, HEAD_SIZE = 1024 };

struct reporter {
    struct exchange exchange;
    const char *run;
    int64_t sequence;
    int64_t sent_us;
};

struct load {
    const char *address, *port, *token;
    int64_t batch;
    int runs;
    int64_t end_us;
    int epoll;
    int64_t busy; /* reporters that wait for an answer */
    int64_t requests;
    int64_t *latencies;
    char *body; /* of one request, BATCH points long */
};

static size_t write_body(const struct load *load, const struct reporter *reporter, int number)
{
    char *place = load->body;

    place +=
        sprintf(place, "{\"reporter\":\"bench-%d-%d\",\"sequence\":%" PRId64 ",\"metrics\":[", (int)getpid(), number, reporter->sequence);
    for (int64_t i = 0; i < load->batch; i++) {
        int64_t step = (reporter->sequence - 1) * load->batch + i;

        place += sprintf(place, "%s{\"name\":\"loss%d\",\"value\":%.6f,\"step\":%" PRId64 "}", i > 0 ? "," : "", number / load->runs,
                         1.0 / (double)(step + 2), step);
    }
    place += sprintf(place, "]}");
    return (size_t)(place - load->body);
}

static void send_report(struct load *load, struct reporter *reporter, int number)
{
    struct exchange *exchange = &reporter->exchange;
    size_t length, head;

    reporter->sequence++;
    length = write_body(load, reporter, number);
    head = (size_t)snprintf(exchange->request, exchange->size,
                            "POST /api/v1/runs/%s/metrics HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: Bearer %s\r\n"
                            "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                            reporter->run, load->address, load->port, load->token, length);
    memcpy(exchange->request + head, load->body, length);
    reporter->sent_us = bench_clock_us();
    exchange_send(exchange, head + length);
}

static void on_event(struct load *load, struct reporter *reporters, const struct epoll_event *event)
{
    struct reporter *reporter = event->data.ptr;
    int64_t now_us;

    if (!exchange_answered(&reporter->exchange, event->events))
        return;
    now_us = bench_clock_us();
    if (now_us >= load->end_us) {
        load->busy--;
        return;
    }
    if (load->requests < SAMPLES_MAX)
        load->latencies[load->requests] = now_us - reporter->sent_us;
    load->requests++;
    send_report(load, reporter, (int)(reporter - reporters));
}

static void open_reporter(struct load *load, struct reporter *reporter, const char *run)
{
    reporter->run = run;
    exchange_open(&reporter->exchange, load->address, load->port, load->epoll, reporter, (size_t)load->batch * POINT_SIZE + 2 * HEAD_SIZE);
}

int main(int argc, char **argv)
{
    struct load load = {.epoll = epoll_create1(EPOLL_CLOEXEC), .latencies = malloc(SAMPLES_MAX * sizeof(int64_t))};
    struct epoll_event events[EVENTS];
    struct reporter *reporters;
    int64_t begin_us;

    if (argc < 8)
        bench_fail("usage: report_load ADDRESS PORT TOKEN REPORTERS BATCH MILLISECONDS RUN...");
    load.address = argv[1];
    load.port = argv[2];
    load.token = argv[3];
    load.busy = bench_number(argv[4]);
    load.batch = bench_number(argv[5]);
    load.runs = argc - 7;
    load.body = malloc((size_t)load.batch * POINT_SIZE + HEAD_SIZE);
    reporters = calloc((size_t)load.busy, sizeof *reporters);
    if (load.epoll < 0 || load.latencies == NULL || load.body == NULL || reporters == NULL)
        bench_fail("out of memory");
    for (int64_t i = 0; i < load.busy; i++)
        open_reporter(&load, &reporters[i], argv[7 + i % load.runs]);
    begin_us = bench_clock_us();
    load.end_us = begin_us + bench_number(argv[6]) * 1000;
    for (int64_t i = 0; i < load.busy; i++)
        send_report(&load, &reporters[i], (int)i);
    while (load.busy > 0) {
        int count = epoll_wait(load.epoll, events, EVENTS, 10000);

        if (count <= 0)
            bench_fail("no answer for 10 seconds");
        for (int i = 0; i < count; i++)
            on_event(&load, reporters, &events[i]);
    }
    printf("{\"points\":%" PRId64 ",\"requests\":%" PRId64 ",\"seconds\":%.6f", load.requests * load.batch, load.requests,
           (double)(load.end_us - begin_us) / 1e6);
    size_t samples = (size_t)(load.requests < SAMPLES_MAX ? load.requests : SAMPLES_MAX);
    printf(",\"median_us\":%" PRId64 ",", bench_quantile(load.latencies, samples, 0.5));
    printf("\"p99_us\":%" PRId64 "}\n", bench_quantile(load.latencies, samples, 0.99));
    return 0;
}
