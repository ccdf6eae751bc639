/* What a run has left in its spool: which files are reports, in which order they are taken in, and that none is passed over because
 * something fails meanwhile. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/spool_files.h"
#include "fault.h"
#include "launch/snapshot.h"
#include "store_fixture.h"
#include "sweep/live.h"

enum { CALLS_MAX = 2000, VALUES_MAX = 16 };

/* --- Names and order --------------------------------------------------------------------------------------------------------------------
 */

START_TEST(names)
{
    static const struct {
        const char *name;
        size_t reporter_length; /* 0: no report */
        int64_t sequence;
    } cases[] = {
        {"abc.1.json", 3, 1},
        {"report-0a.0.json", 9, 0},
        {"a.9223372036854775807.json", 1, INT64_MAX},
        {"a.9223372036854775808.json", 0, 0},
        {"a.18446744073709551617.json", 0, 0},
        {"a.01.json", 0, 0},
        {"a.+1.json", 0, 0},
        {"a.-1.json", 0, 0},
        {"a. 1.json", 0, 0},
        {"a.1.2.json", 0, 0},
        {"a.1x.json", 0, 0},
        {"a.1.json.json", 0, 0},
        {"a..json", 0, 0},
        {"a.json", 0, 0},
        {"a", 0, 0},
        {".json", 0, 0},
        {".1.json", 0, 0},
        {".abc.1", 0, 0},
        {"", 0, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hd_spool_files files = {0};

        ck_assert_int_eq(hd_spool_files_add(&files, cases[i].name, 7), 0);
        ck_assert_msg(files.count == (cases[i].reporter_length > 0), "%s", cases[i].name);
        if (files.count > 0) {
            ck_assert_str_eq(files.list[0].name, cases[i].name);
            ck_assert_uint_eq(files.list[0].reporter_length, cases[i].reporter_length);
            ck_assert_int_eq(files.list[0].sequence, cases[i].sequence);
        }
        hd_spool_files_clear(&files);
    }
}
END_TEST

/* `b` was written in the order 2, 10, 1: its numbers decide, and 10 cannot come before the time of 2. */
START_TEST(order)
{
    static const struct {
        const char *name;
        int64_t kept_ns;
    } given[] = {{"zz.1.json", 1}, {"b.2.json", 3}, {"ab.1.json", 5}, {"b.10.json", 2}, {"b.1.json", 4}, {"a.1.json", 5}, {"c.1.json", -1}};
    static const char *const expected[] = {"c.1.json", "zz.1.json", "b.1.json", "b.2.json", "b.10.json", "a.1.json", "ab.1.json"};
    struct hd_spool_files files = {0};

    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++)
        ck_assert_int_eq(hd_spool_files_add(&files, given[i].name, given[i].kept_ns), 0);
    hd_spool_files_order(&files);
    ck_assert_uint_eq(files.count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < files.count; i++)
        ck_assert_str_eq(files.list[i].name, expected[i]);
    hd_spool_files_clear(&files);
}
END_TEST

/* --- Taking in --------------------------------------------------------------------------------------------------------------------------
 */

static struct store_fixture fixture;
static struct sweeps sweeps;
static struct live_run *run;
static char run_folder[96];
static bool finished;

static void set_up(void)
{
    struct hd_specification specification;
    struct store_generate children = {0};
    struct hd_error error = {0};
    struct live_sweep *sweep;
    int64_t key;

    fixture_open(&fixture, NULL);
    fixture_specification(&specification, "maximize", 1, 0);
    key = fixture_sweep(&fixture, "S", &specification);
    fixture_generate(&fixture, &specification, key, "S", 1, 1, &children);
    sweeps = (struct sweeps){.loop = &fixture.loop, .store = fixture.store, .tail = &sweeps.first};
    ck_assert_int_eq(deadlines_open(&sweeps.deadlines, &fixture.loop, &error), 0);
    sweep = live_sweep_new(&sweeps, "S", &specification);
    run = live_run_new();
    ck_assert(sweep != NULL && run != NULL);
    live_sweep_add(sweep, key);
    live_run_add(run, sweep, children.ret_children[0].key, 0, NULL);
    store_generate_clear(&children);
    snprintf(run_folder, sizeof run_folder, "%s/run", fixture.folder);
    ck_assert_int_eq(mkdir(run_folder, 0700), 0);
}

static void on_closed(void *data)
{
    *(bool *)data = true;
}

static void tear_down(void)
{
    bool closed = false;

    live_sweep_free(sweeps.first);
    deadlines_close(&sweeps.deadlines, on_closed, &closed);
    while (!closed)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    ck_assert_int_eq(snapshot_remove(run_folder, NULL), 0);
    fixture_close(&fixture);
    fixture_remove(&fixture);
}

static void keep(const char *reporter, int64_t sequence, int64_t value, int64_t kept_s)
{
    const struct timespec times[2] = {{.tv_sec = kept_s}, {.tv_sec = kept_s}};
    char path[192];
    FILE *file;

    snprintf(path, sizeof path, "%s/spool", run_folder);
    (void)mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/spool/%s.%lld.json", run_folder, reporter, (long long)sequence);
    file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "{\"reporter\":\"%s\",\"sequence\":%lld,\"metrics\":[{\"name\":\"acc\",\"value\":%lld}]}", reporter, (long long)sequence,
            (long long)value);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void on_finished(struct live_run *ended)
{
    (void)ended;
    finished = true;
}

/* Waits for no deadline: what is to be tried again later is tried at once. */
static void take_in(void)
{
    finished = false;
    while (spool_take_in(run, run_folder, on_finished) != 0)
        continue;
    while (!finished) {
        uv_run(&fixture.loop, UV_RUN_ONCE);
        if (deadline_is_set(&run->timeout)) {
            deadline_clear(&sweeps.deadlines, &run->timeout);
            run->timeout.reached(&run->timeout);
        }
    }
}

static struct {
    int64_t list[VALUES_MAX];
    int count;
} values;

static int add_value(void *context, const struct store_stored_point *point)
{
    (void)context;
    ck_assert_int_lt(values.count, VALUES_MAX);
    values.list[values.count++] = point->integer;
    return 0;
}

/* The last reports of the run. */
static void read_values(int64_t from)
{
    struct hd_error error = {0};

    values.count = 0;
    ck_assert_int_eq(store_read_reports(store_loop_reader(fixture.store), run->key, from, VALUES_MAX, add_value, NULL, &error), 0);
}

static bool is_spool_empty(void)
{
    char path[128];

    snprintf(path, sizeof path, "%s/spool", run_folder);
    return rmdir(path) == 0;
}

START_TEST(taken_in_as_they_were_written)
{
    static const int64_t expected[] = {1, 2, 3, 4, 5, 6};

    take_in(); /* no spool */
    keep("x", 1, 1, 10);
    keep("b", 9, 2, 11);
    keep("f", 1, 3, 12);
    keep("b", 10, 4, 13);
    keep("a", 1, 5, 14);
    keep("b", 11, 6, 15);
    take_in();
    read_values(0);
    ck_assert_int_eq(values.count, 6);
    ck_assert_mem_eq(values.list, expected, sizeof expected);
    ck_assert(is_spool_empty());
}
END_TEST

/* Every call fails once, on the pool, on the loop and in the writer: the points are there afterwards, once. */
static void fail_each(enum fault_kind kind, long at_least)
{
    const char *failed = "";
    int descriptors = 0;

    for (long nth = 0; failed != NULL || nth < at_least; nth++) {
        char reporter[32];

        ck_assert_int_lt(nth, CALLS_MAX);
        snprintf(reporter, sizeof reporter, "r%ld", nth);
        keep(reporter, 1, 2 * nth, 1);
        keep(reporter, 2, 2 * nth + 1, 2);
        fault_arm(kind, nth);
        take_in();
        failed = fault_disarm();
        read_values(2 * nth);
        ck_assert_msg(values.count == 2 && values.list[0] == 2 * nth && values.list[1] == 2 * nth + 1, "%s, call %ld: %d points are there",
                      failed, nth, values.count);
        /* One that could not be removed is a duplicate. */
        take_in();
        read_values(2 * nth);
        ck_assert_msg(values.count == 2 && is_spool_empty(), "%s, call %ld: %d points are there", failed, nth, values.count);
        if (nth == 0)
            descriptors = fault_descriptors();
        ck_assert_msg(fault_descriptors() == descriptors, "%s, call %ld: a descriptor is left open", failed, nth);
    }
}

START_TEST(calls)
{
    fail_each(FAULT_SYSTEM, 10);
}
END_TEST

START_TEST(allocations)
{
    fault_hook_cjson();
    fail_each(FAULT_MEMORY, 30);
}
END_TEST

/* What will never be a report is left where it is, and keeps no run from its end. */
START_TEST(what_stays)
{
    char path[160], target[160];

    keep("good", 1, 1, 1);
    snprintf(path, sizeof path, "%s/spool/folder.1.json", run_folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/spool/pipe.1.json", run_folder);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    snprintf(target, sizeof target, "%s/spool/good.1.json", run_folder);
    snprintf(path, sizeof path, "%s/spool/link.1.json", run_folder);
    ck_assert_int_eq(symlink(target, path), 0);
    take_in();
    read_values(0);
    ck_assert_int_eq(values.count, 1);
    ck_assert(!is_spool_empty());
}
END_TEST

START_TEST(a_spool_that_is_no_folder)
{
    char path[128];

    snprintf(path, sizeof path, "%s/spool", run_folder);
    ck_assert_int_eq(symlink(path, path), 0);
    take_in();
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mknod(path, S_IFREG | 0600, 0), 0);
    take_in();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spool");
    TCase *pure = tcase_create("files"), *taking = tcase_create("taking in");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(pure, names);
    tcase_add_test(pure, order);
    tcase_add_checked_fixture(taking, set_up, tear_down);
    tcase_add_test(taking, taken_in_as_they_were_written);
    tcase_add_test(taking, calls);
    tcase_add_test(taking, allocations);
    tcase_add_test(taking, what_stays);
    tcase_add_test(taking, a_spool_that_is_no_folder);
    suite_add_tcase(suite, pure);
    suite_add_tcase(suite, taking);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
