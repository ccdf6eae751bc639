/* What a full cluster does to the daemon all day: steady_load ADDRESS PORT TOKEN MILLISECONDS QUESTIONS RUN...
 *
 * A reporter for each run, with a connection of its own that is kept, reports one point a second; the best run of the first run's sweep is
 * asked for QUESTIONS times a second on one more connection. Reporters are spread over the second. The time to an answer counts from the
 * moment at which the request was due: one that had to wait for the answer before it is late, and says so. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "exchange.h"
#include "measure.h"

enum { EVENTS = 256, REQUEST_SIZE = 2048, BODY_SIZE = 256, SECOND_US = 1000000, SAMPLES_MAX = 1 << 24 };

/* Somebody who sends a request again and again. */
struct sender {
    struct exchange exchange;
    const char *run; /* NULL: asks for the best run */
    int64_t interval_us, due_us, asked_us;
    int64_t sequence;
    bool waits;
};

struct samples {
    int64_t *list;
    size_t count;
};

struct load {
    const char *address, *port, *token, *first_run;
    int64_t end_us;
    struct sender *senders; /* the reporters, then the one who asks */
    int64_t reporters;
    struct samples reports, questions;
};

static size_t write_question(const struct load *load, char *request)
{
    int sweep = (int)(strrchr(load->first_run, '_') - load->first_run);

    return (size_t)snprintf(request, REQUEST_SIZE,
                            "GET /api/v1/sweeps/%.*s/best HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: Bearer %s\r\n\r\n", sweep,
                            load->first_run, load->address, load->port, load->token);
}

static size_t write_report(const struct load *load, const struct sender *sender, char *request)
{
    char body[BODY_SIZE];
    int length = snprintf(body, sizeof body,
                          "{\"name\":\"loss\",\"value\":%.6f,\"step\":%" PRId64 ",\"reporter\":\"steady\",\"sequence\":%" PRId64 "}",
                          1.0 / (double)(sender->sequence + (sender - load->senders)), sender->sequence, sender->sequence);

    return (size_t)snprintf(request, REQUEST_SIZE,
                            "POST /api/v1/runs/%s/metrics HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: Bearer %s\r\n"
                            "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                            sender->run, load->address, load->port, load->token, length, body);
}

static void send_when_due(const struct load *load, struct sender *sender, int64_t now_us)
{
    char *request = sender->exchange.request;

    if (sender->waits || sender->due_us > now_us || sender->due_us >= load->end_us)
        return;
    sender->asked_us = sender->due_us;
    sender->due_us += sender->interval_us;
    sender->sequence++;
    sender->waits = true;
    exchange_send(&sender->exchange, sender->run != NULL ? write_report(load, sender, request) : write_question(load, request));
}

static void on_event(struct load *load, const struct epoll_event *event)
{
    struct sender *sender = event->data.ptr;
    struct samples *samples = sender->run != NULL ? &load->reports : &load->questions;
    int64_t now_us;

    if (!exchange_answered(&sender->exchange, event->events))
        return;
    now_us = bench_clock_us();
    if (samples->count == SAMPLES_MAX)
        bench_fail("more answers than can be counted");
    samples->list[samples->count++] = now_us - sender->asked_us;
    sender->waits = false;
    send_when_due(load, sender, now_us);
}

/* Sends what is due; when the next is. Reporters have the same interval, so they come in turns. */
static int64_t send_due(struct load *load, int64_t *turn, int64_t now_us)
{
    struct sender *asks = &load->senders[load->reporters];

    send_when_due(load, asks, now_us);
    for (int64_t i = 0; i < load->reporters; i++) {
        struct sender *sender = &load->senders[*turn];

        if (sender->due_us > now_us)
            return asks->due_us < sender->due_us ? asks->due_us : sender->due_us;
        send_when_due(load, sender, now_us);
        *turn = (*turn + 1) % load->reporters;
    }
    return now_us + 1000;
}

static bool is_waited_for(const struct load *load)
{
    for (int64_t i = 0; i <= load->reporters; i++)
        if (load->senders[i].waits)
            return true;
    return false;
}

static void run(struct load *load, int epoll)
{
    struct epoll_event events[EVENTS];
    int64_t turn = 0, now_us = bench_clock_us();

    while (now_us < load->end_us || is_waited_for(load)) {
        int64_t next_us = send_due(load, &turn, now_us);
        int count = epoll_wait(epoll, events, EVENTS, next_us > now_us ? (int)((next_us - now_us) / 1000) : 0);

        if (count < 0)
            bench_fail("cannot wait for answers");
        for (int i = 0; i < count; i++)
            on_event(load, &events[i]);
        now_us = bench_clock_us();
        if (now_us > load->end_us + 30 * (int64_t)SECOND_US)
            bench_fail("no answer for 30 seconds");
    }
}

static void open_sender(const struct load *load, int64_t number, const char *name, int64_t interval_us, int epoll)
{
    struct sender *sender = &load->senders[number];

    sender->run = name;
    sender->interval_us = interval_us;
    exchange_open(&sender->exchange, load->address, load->port, epoll, sender, REQUEST_SIZE);
}

static void print(const char *name, const struct samples *samples)
{
    printf("\"%s\":%zu,\"%s_median_us\":%" PRId64 ",\"%s_p99_us\":%" PRId64 ",\"%s_worst_us\":%" PRId64, name, samples->count, name,
           bench_quantile(samples->list, samples->count, 0.5), name, bench_quantile(samples->list, samples->count, 0.99), name,
           bench_quantile(samples->list, samples->count, 1));
}

int main(int argc, char **argv)
{
    struct load load = {0};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int64_t begin_us;

    if (argc < 7)
        bench_fail("usage: steady_load ADDRESS PORT TOKEN MILLISECONDS QUESTIONS RUN...");
    load = (struct load){.address = argv[1], .port = argv[2], .token = argv[3], .first_run = argv[6], .reporters = argc - 6};
    load.senders = calloc((size_t)load.reporters + 1, sizeof *load.senders);
    load.reports.list = malloc(SAMPLES_MAX * sizeof(int64_t));
    load.questions.list = malloc(SAMPLES_MAX * sizeof(int64_t));
    if (epoll < 0 || load.senders == NULL || load.reports.list == NULL || load.questions.list == NULL)
        bench_fail("out of memory");
    for (int64_t i = 0; i < load.reporters; i++)
        open_sender(&load, i, argv[6 + i], SECOND_US, epoll);
    open_sender(&load, load.reporters, NULL, SECOND_US / bench_number(argv[5]), epoll);
    begin_us = bench_clock_us();
    load.end_us = begin_us + bench_number(argv[4]) * 1000;
    for (int64_t i = 0; i <= load.reporters; i++)
        load.senders[i].due_us = begin_us + i * SECOND_US / (load.reporters + 1);
    run(&load, epoll);
    printf("{");
    print("reports", &load.reports);
    printf(",");
    print("questions", &load.questions);
    printf("}\n");
    return 0;
}
