#include "measure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void bench_fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

int64_t bench_clock_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t bench_number(const char *text)
{
    char *end;
    long long value = strtoll(text, &end, 10);

    if (end == text || *end != '\0' || value < 0)
        bench_fail("'%s' is not a whole number", text);
    return value;
}

int bench_connect(const char *address, const char *port)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((uint16_t)bench_number(port))};
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

    if (inet_pton(AF_INET, address, &place.sin_addr) != 1)
        bench_fail("'%s' is not an IPv4 address", address);
    if (connection < 0 || connect(connection, (const struct sockaddr *)&place, sizeof place) < 0)
        bench_fail("cannot connect to %s:%s: %s", address, port, strerror(errno));
    if (setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) < 0)
        bench_fail("cannot set TCP_NODELAY: %s", strerror(errno));
    return connection;
}

void bench_send(int connection, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(connection, bytes, length, MSG_NOSIGNAL);

        if (sent < 0)
            bench_fail("cannot send a request: %s", strerror(errno));
        bytes += sent;
        length -= (size_t)sent;
    }
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

int64_t bench_quantile(int64_t *samples, size_t count, double share)
{
    size_t place = (size_t)((double)count * share);

    if (count == 0)
        bench_fail("there are no samples");
    qsort(samples, count, sizeof *samples, compare);
    return samples[place < count ? place : count - 1];
}

void bench_check(sqlite3 *database, int result)
{
    if (result != SQLITE_OK && result != SQLITE_DONE && result != SQLITE_ROW)
        bench_fail("SQLite: %s", sqlite3_errmsg(database));
}

void bench_execute(sqlite3 *database, const char *sql)
{
    bench_check(database, sqlite3_exec(database, sql, NULL, NULL, NULL));
}

sqlite3_stmt *bench_prepare(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement;

    bench_check(database, sqlite3_prepare_v2(database, sql, -1, &statement, NULL));
    return statement;
}

void bench_step(sqlite3 *database, sqlite3_stmt *statement)
{
    bench_check(database, sqlite3_step(statement));
    bench_check(database, sqlite3_reset(statement));
}
