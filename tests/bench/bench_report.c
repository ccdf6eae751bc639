/* Time that a report takes in the training thread: bench_report [COUNT].
 *
 * Prints the mean and percentiles of COUNT calls of hd_report() in bursts of 1,000 with a pause between them, as a training makes them at
 * most, and of as many with a pause after each. It needs the variables of a run; without a daemon behind HYPERDRIVE_URL the figures are
 * those of a daemon that is away. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hyperdrive.h"

enum { BURST = 1000, PAUSE_NS = 5000000, LONELY_MOST = 2000 };

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void print(const char *what, int64_t *times, size_t count, size_t refused)
{
    int64_t sum = 0;

    qsort(times, count, sizeof(*times), compare);
    for (size_t i = 0; i < count; i++) {
        sum += times[i];
    }
    printf("%-28s %9zu calls  mean %5" PRId64 " ns  median %5" PRId64 " ns  99%% %5" PRId64 " ns  most %7" PRId64 " ns  left out %zu\n",
           what, count, sum / (int64_t)count, times[count / 2], times[count / 100 * 99], times[count - 1], refused);
}

/* The pause is the training's own work; the first one lets the library's thread take what it has. */
static void measure(struct hd_reporter *reporter, const char *what, int64_t *times, size_t count, size_t burst)
{
    size_t refused = 0;

    for (size_t i = 0; i < count; i++) {
        int64_t begin;

        if (i % burst == 0) {
            nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
        }
        begin = now_ns();
        refused += hd_report(reporter, "training_loss", 1.0 / (double)(i + 3), (int64_t)i) != 0;
        times[i] = now_ns() - begin;
    }
    print(what, times, count, refused);
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
    int64_t *times = malloc((count < LONELY_MOST ? LONELY_MOST : count) * sizeof(*times));
    struct hd_reporter *reporter = hd_open();
    int result;

    if (count == 0 || times == NULL || reporter == NULL) {
        fprintf(stderr, "bench_report: it needs a count above 0, memory, HYPERDRIVE_URL and HYPERDRIVE_RUN_ID\n");
        free(times);
        hd_close(reporter);
        return 2;
    }
    measure(reporter, "hd_report(), bursts of 1,000", times, count, BURST);
    measure(reporter, "hd_report(), one by one", times, count < LONELY_MOST ? count : LONELY_MOST, 1);
    result = hd_close(reporter);
    printf("%s\n", result == 0            ? "all stored"
                   : result == -ETIMEDOUT ? "not all stored when closed: the rest is kept"
                                          : "some points were lost");
    free(times);
    return 0;
}
