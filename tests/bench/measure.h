/* What the benchmark's programs share: a clock, a connection to the daemon, sorted samples. */
#ifndef HYPERDRIVED_BENCH_MEASURE_H
#define HYPERDRIVED_BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

/* Says why and ends the program: a figure of a half-failed measurement is worth nothing. */
_Noreturn void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

int64_t bench_clock_us(void); /* monotonic, the same in all processes */
int64_t bench_number(const char *text);
int bench_connect(const char *address, const char *port); /* a blocking socket with TCP_NODELAY */
void bench_send(int connection, const char *bytes, size_t length);

/* Value at this share (0 to 1) of the samples, which are sorted by it. */
int64_t bench_quantile(int64_t *samples, size_t count, double share);

void bench_check(sqlite3 *database, int result);
void bench_execute(sqlite3 *database, const char *sql);
sqlite3_stmt *bench_prepare(sqlite3 *database, const char *sql);
/* Steps a statement that gives no rows, and resets it. */
void bench_step(sqlite3 *database, sqlite3_stmt *statement);

#endif
