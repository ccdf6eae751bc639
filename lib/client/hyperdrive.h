/* libhyperdrive: reports metrics of a training program in C or C++ to hyperdrived.
 *
 *     struct hd_reporter *reporter = hd_open();
 *     for (int64_t epoch = 1; epoch <= epochs && !hd_should_stop(reporter); epoch++)
 *         hd_report(reporter, "accuracy", train(epoch), epoch);
 *     hd_close(reporter);
 *
 * Reporting never blocks, ends or slows the training: hd_report() copies the point into memory, and a thread of the library sends what is
 * there, in order, each point stored once. A daemon that is away is tried again. What comes faster than it answers, and what still waits at
 * the end of the program, is kept in the run's folder and stored later. A failure is told on stderr by one line of its kind, and never again.
 *
 * Every process draws a reporter of its own, so each rank of a training may report. All functions may be called by any thread, but none in
 * a signal handler, and none after or while hd_close() is called for the same reporter. A forked child may go on with its parent's
 * reporter: its first report makes it a reporter of its own (with a thread of its own); points that waited at the fork are sent by the
 * parent only.
 *
 * A program that was not started by hyperdrived (HYPERDRIVE_URL or HYPERDRIVE_RUN_ID is not set) gets NULL from hd_open(). Every function
 * takes NULL and does nothing then, so that it need not be asked for. */
#ifndef HYPERDRIVE_H
#define HYPERDRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define HD_PUBLIC __attribute__((visibility("default")))
#else
#define HD_PUBLIC
#endif

/* For points without a step. */
#define HD_NO_STEP INT64_MIN

struct hd_reporter;

/* NULL outside of a run, and when memory or threads are short. Whoever opens closes; what is still open when the program ends by exit() or
 * by returning from main() is sent or kept as by hd_close(). */
HD_PUBLIC struct hd_reporter *hd_open(void);

/* One point: 0 when it was taken (or `reporter` is NULL), else it is not reported and the result is
 *   -EINVAL     `name` is not 1 to 256 bytes of UTF-8, a string is not UTF-8, or a pointer is NULL
 *   -ERANGE     an integer or a step is not within +-(2^53 - 1)
 *   -E2BIG      a string is longer than 65,536 bytes, or a list than 10,000 numbers
 *   -ENOBUFS    4 MiB of points wait already: they come faster than they can be sent or written to the disk
 *   -ESHUTDOWN  the program is ending
 *   -EAGAIN     a forked child got no thread
 * NaN and infinities are taken. An empty list reports nothing. */
HD_PUBLIC int hd_report(struct hd_reporter *reporter, const char *name, double value, int64_t step);
HD_PUBLIC int hd_report_integer(struct hd_reporter *reporter, const char *name, int64_t value, int64_t step);
HD_PUBLIC int hd_report_string(struct hd_reporter *reporter, const char *name, const char *value, int64_t step);
HD_PUBLIC int hd_report_list(struct hd_reporter *reporter, const char *name, const double *values, size_t count, int64_t step);

/* Whether the daemon asked this run to stop, in its answers so far: it was cancelled, or a policy found it not worth its time. */
HD_PUBLIC bool hd_should_stop(const struct hd_reporter *reporter);

/* Waits until the daemon has stored what was reported before: 0, -ETIMEDOUT when it has not within `timeout_ms`, -EIO when some point of
 * this process was lost (refused by the daemon, or with neither memory nor disk for it). */
HD_PUBLIC int hd_flush(struct hd_reporter *reporter, int timeout_ms);

/* Waits up to 2 s until all is stored, keeps the rest in the run's folder, and frees the reporter. The result is as of hd_flush();
 * -ETIMEDOUT means kept, not lost. To give a daemon more time call hd_flush() before. */
HD_PUBLIC int hd_close(struct hd_reporter *reporter);

#ifdef __cplusplus
}
#endif

#endif
