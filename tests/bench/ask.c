/* Asks the same question again and again on one kept connection: ask ADDRESS PORT TOKEN COUNT PATH.
 *
 * Prints the time from the first byte sent to the last byte received: least, median and 99th percentile, and the size of an answer. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "measure.h"

enum { BUFFER_SIZE = 1 << 18, REQUEST_SIZE = 4096 };

/* What has been received and not read yet. */
struct stream {
    int connection;
    char buffer[BUFFER_SIZE + 1];
    size_t begin, end;
    int64_t received; /* bytes in all */
};

static void receive(struct stream *stream)
{
    ssize_t count;

    if (stream->begin > 0) {
        memmove(stream->buffer, stream->buffer + stream->begin, stream->end - stream->begin);
        stream->end -= stream->begin;
        stream->begin = 0;
    }
    if (stream->end == BUFFER_SIZE)
        bench_fail("a line of the answer is too long");
    count = recv(stream->connection, stream->buffer + stream->end, BUFFER_SIZE - stream->end, 0);
    if (count <= 0)
        bench_fail("the daemon closed the connection: %s", count < 0 ? strerror(errno) : "end of file");
    stream->end += (size_t)count;
    stream->received += count;
}

/* What comes before `mark`, which is skipped. Valid until the next read. */
static char *read_until(struct stream *stream, const char *mark)
{
    char *found;

    for (;;) {
        stream->buffer[stream->end] = '\0';
        found = strstr(stream->buffer + stream->begin, mark);
        if (found != NULL)
            break;
        receive(stream);
    }
    char *text = stream->buffer + stream->begin;
    *found = '\0';
    stream->begin = (size_t)(found - stream->buffer) + strlen(mark);
    return text;
}

static void skip(struct stream *stream, size_t length)
{
    while (length > 0) {
        size_t part = stream->end - stream->begin;

        if (part == 0) {
            receive(stream);
            continue;
        }
        part = part < length ? part : length;
        stream->begin += part;
        length -= part;
    }
}

static void read_answer(struct stream *stream)
{
    char *head = read_until(stream, "\r\n\r\n"), *length;
    size_t size;

    if (strncmp(head, "HTTP/1.1 200", 12) != 0)
        bench_fail("the question was answered:\n%s", head);
    length = strcasestr(head, "\r\nContent-Length:");
    if (length != NULL) {
        skip(stream, strtoull(length + 17, NULL, 10));
        return;
    }
    if (strcasestr(head, "\r\nTransfer-Encoding: chunked") == NULL)
        bench_fail("an answer has neither a length nor chunks:\n%s", head);
    do {
        size = strtoull(read_until(stream, "\r\n"), NULL, 16);
        skip(stream, size + 2);
    } while (size > 0);
}

int main(int argc, char **argv)
{
    static struct stream stream;
    char request[REQUEST_SIZE];
    int64_t *samples;
    size_t count;
    int length;

    if (argc != 6)
        bench_fail("usage: ask ADDRESS PORT TOKEN COUNT PATH");
    count = (size_t)bench_number(argv[4]);
    samples = calloc(count, sizeof *samples);
    length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: Bearer %s\r\n\r\n", argv[5], argv[1],
                      argv[2], argv[3]);
    if (samples == NULL || length >= (int)sizeof request)
        bench_fail("out of memory");
    stream.connection = bench_connect(argv[1], argv[2]);
    for (size_t i = 0; i < count; i++) {
        int64_t begin_us = bench_clock_us();

        bench_send(stream.connection, request, (size_t)length);
        read_answer(&stream);
        samples[i] = bench_clock_us() - begin_us;
    }
    printf("{\"min_us\":%" PRId64 ",", bench_quantile(samples, count, 0));
    printf("\"median_us\":%" PRId64 ",\"p99_us\":%" PRId64 ",\"bytes\":%" PRId64 "}\n", bench_quantile(samples, count, 0.5),
           bench_quantile(samples, count, 0.99), stream.received / (int64_t)count);
    return 0;
}
