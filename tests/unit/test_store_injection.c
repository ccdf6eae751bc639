/* One allocation or one call to the system fails while a store is opened and while it works: each in its turn, SQLite's own among them.
 * What failed says so with a sentence and can be done again; what was answered is there, once. */
#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/json.h"
#include "fault.h"
#include "store_fixture.h"

enum { CALLS_MAX = 20000, TEXT_SIZE = 1000, LONG_TEXT = 9015 };

static struct store_fixture fixture;
static struct hd_specification specification;
static char config[4096];
/* More than a page of the database: SQLite puts it together from several. */
static char long_text[LONG_TEXT + 1];

/* Check's assertions allocate memory themselves: nothing may be asserted while a fault is armed. So what is wrong is noted. */
static char wrong[1100];
static char seen[TEXT_SIZE]; /* by the last read */

static void note(const char *what, const struct hd_error *error)
{
    if (wrong[0] == '\0')
        snprintf(wrong, sizeof wrong, "%.60s: %.1000s", what, error != NULL ? error->message : seen);
}

/* A failure that a client is told as such, and may try again after. */
static void check_failure(const char *what, const struct hd_error *error)
{
    if ((error->code != HD_UNAVAILABLE && error->code != HD_STORAGE_FULL) || error->message[0] == '\0')
        note(what, error);
}

/* --- Writes: each is tried again once, since one fault alone is armed --------------------------------------------------------------------
 */

static bool has_failed(struct store_write *write, int submitted, const struct hd_error *error, const char *what, int attempt)
{
    const struct hd_error *reason = submitted != 0 ? error : &write->error;

    if (submitted == 0)
        while (write->store != NULL)
            uv_run(&fixture.loop, UV_RUN_ONCE);
    if (submitted == 0 && write->result == 0)
        return false;
    check_failure(what, reason);
    if (attempt > 0)
        note(what, reason);
    return true;
}

#define TRY_TWICE(function, request, ...)                                                                                                  \
    for (int attempt = 0; attempt < 2; attempt++) {                                                                                        \
        struct hd_error error = {0};                                                                                                       \
        int submitted;                                                                                                                     \
                                                                                                                                           \
        request = __VA_ARGS__;                                                                                                             \
        submitted = function(fixture.store, &request, &error);                                                                             \
        if (!has_failed(&request.write, submitted, &error, #function, attempt))                                                            \
            break;                                                                                                                         \
    }

static int64_t sweep_key;
static int64_t run_keys[2];

static void create(void)
{
    struct store_create_sweep sweep;
    struct store_generate children = {0};

    TRY_TWICE(store_create_sweep, sweep,
              (struct store_create_sweep){
                  .id = "S", .specification = &specification, .config = config, .warnings = long_text, .write = {.done = fixture_done}});
    sweep_key = sweep.ret_key;
    TRY_TWICE(store_generate, children,
              (store_generate_clear(&children), (struct store_generate){.sweep = sweep_key,
                                                                        .sweep_id = "S",
                                                                        .specification = &specification,
                                                                        .count = 2,
                                                                        .slots = 2,
                                                                        .write = {.done = fixture_done}}));
    if (children.ret_count == 2)
        for (int i = 0; i < 2; i++)
            run_keys[i] = children.ret_children[i].key;
    else
        note("store_generate: children are missing", NULL);
    store_generate_clear(&children);
}

static void report(int64_t sequence)
{
    static const struct store_point points[] = {
        {.name = "acc", .kind = STORE_FLOAT, .number = 0.5},
        {.name = "a string that is longer than what SQLite keeps in place", .kind = STORE_STRING, .text = long_text}};
    struct store_report request = {0};

    TRY_TWICE(store_report, request,
              (free(request.ret_stop_reason), (struct store_report){.run_id = "S_0",
                                                                    .reporter = "reporter",
                                                                    .sequence = sequence,
                                                                    .points = points,
                                                                    .count = 2,
                                                                    .write = {.done = fixture_done}}));
    free(request.ret_stop_reason);
}

static void measure_logs(void)
{
    const struct store_run_log logs[] = {{.run = run_keys[0], .ended_us = 2, .bytes = 4096},
                                         {.run = run_keys[1], .ended_us = 2, .bytes = 8192}};
    struct store_note_logs request;

    TRY_TWICE(store_note_logs, request, (struct store_note_logs){.logs = logs, .count = 2, .write = {.done = fixture_done}});
}

static void live(void)
{
    struct store_running running;
    struct store_cancel_run cancel;
    struct store_end end;

    TRY_TWICE(store_running, running,
              (struct store_running){.run = run_keys[0],
                                     .started_us = 1,
                                     .monitor_pid = 2,
                                     .monitor_ticks = 3,
                                     .boot_id = "00000000-0000-0000-0000-000000000000",
                                     .write = {.done = fixture_done}});
    report(1);
    report(1); /* again: the answer got lost */
    report(2);
    TRY_TWICE(store_cancel_run, cancel, (struct store_cancel_run){.run = run_keys[1], .kind = "user", .write = {.done = fixture_done}});
    for (int i = 0; i < 2; i++)
        TRY_TWICE(store_end, end,
                  (struct store_end){.run = run_keys[i],
                                     .kind = i == 0 ? STORE_EXITED : STORE_SIGNALED,
                                     .signal = i == 0 ? 0 : 15,
                                     .started_us = 1,
                                     .ended_us = 2,
                                     .last_output = "last words that are longer than a few bytes\n",
                                     .write = {.done = fixture_done}});
    measure_logs();
}

static void end_failed(int64_t run)
{
    struct store_end end;

    TRY_TWICE(store_end, end,
              (struct store_end){.run = run,
                                 .kind = STORE_EXITED,
                                 .exit_code = 1,
                                 .started_us = 1,
                                 .ended_us = 2,
                                 .last_output = "a last word",
                                 .write = {.done = fixture_done}});
}

/* --- Reads -------------------------------------------------------------------------------------------------------------------------------
 */

static void see(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void see(const char *format, ...)
{
    size_t length = strlen(seen);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(seen + length, sizeof seen - length, format, arguments);
    va_end(arguments);
}

static int see_sweep(void *context, const struct store_sweep *sweep)
{
    (void)context;
    see("%s %s %d %s %s %s|", sweep->id, sweep->experiment, (int)sweep->status, sweep->metric,
        strcmp(sweep->warnings, long_text) == 0 ? "long" : sweep->warnings,
        strcmp(sweep->config, config) == 0 ? "as given" : sweep->config);
    return 0;
}

static int see_run(void *context, const struct store_run *run)
{
    (void)context;
    see("%s %s %s %d %g %.25s|", run->id, run->sweep_id, run->configuration, (int)run->status, run->has_metric ? run->best : -1,
        run->stop_reason != NULL ? run->stop_reason : "");
    return 0;
}

static int see_event(void *context, const struct store_event *event)
{
    (void)context;
    see("%d %s %s %.10s|", (int)event->kind, event->sweep_id, event->run_id != NULL ? event->run_id : "",
        event->detail != NULL ? event->detail : "");
    return 0;
}

static int see_series(void *context, const struct store_series *series)
{
    (void)context;
    see("%.9s %d|", series->name, (int)series->points);
    return 0;
}

static int see_point(void *context, const struct store_stored_point *point)
{
    (void)context;
    see("%g %s|", point->number, point->text == NULL ? "none" : strcmp(point->text, long_text) == 0 ? "long" : point->text);
    return 0;
}

static int see_log(void *context, const struct store_run_log *log)
{
    (void)context;
    see("%s %d %d|", log->sweep_id, (int)log->number, (int)log->bytes);
    return 0;
}

static int read_logs(struct store_reader *reader, struct hd_error *error)
{
    int64_t bytes = 0;
    int result = store_read_logs(reader, false, 9, see_log, NULL, error);

    if (result == 0)
        result = store_read_logs(reader, true, 9, see_log, NULL, error);
    if (result == 0)
        result = store_read_log_bytes(reader, &bytes, error);
    see("%d", (int)bytes);
    return result;
}

static int read_all(struct store_reader *reader, struct hd_error *error)
{
    const struct store_metrics_reader metrics = {.series = see_series, .point = see_point};
    struct store_found found;
    int result;

    seen[0] = '\0';
    result = store_find(reader, "S_0", &found, error);
    if (result == 0 && (found.what != STORE_RUN || strcmp(found.sweep_id, "S") != 0))
        note("store_find", NULL);
    if (result == 0)
        result = store_read_sweep(reader, sweep_key, see_sweep, NULL, error);
    if (result == 0)
        result = store_read_sorted(reader, sweep_key, false, false, 0, see_run, NULL, error);
    if (result == 0)
        result = store_read_best(reader, sweep_key, true, true, see_run, NULL, error);
    if (result == 0)
        result = store_read_metrics(reader, sweep_key, run_keys[0], &metrics, error);
    if (result == 0)
        result = read_logs(reader, error);
    if (result == 0)
        result =
            store_read_events(reader, &(struct store_event_range){.sweep = sweep_key, .until = INT64_MAX}, see_event, NULL, NULL, error);
    return result;
}

static const char EXPECTED[] =
    "S Default 7 acc long as given|S_0 S {\"x\":0} 7 0.5 |S_1 S {\"x\":1} 9 -1 {\"kind\":\"user\",\"message\":|S_0 S {\"x\":0} 7 0.5 |"
    "acc 2|0.5 none|0.5 none|a string  2|0 long|0 long|S 0 4096|S 1 8192|12288"
    "1 S  xxxxxxxxxx|3 S  {\"first\":0|5 S S_0 |5 S S_0 |5 S S_1 |5 S S_1 |4 S  {\"code\":\"s|2 S  |5 S S_0 |5 S S_0 |5 S S_0 |"
    "5 S S_1 |5 S S_1 {\"kind\":\"u|5 S S_1 {\"kind\":\"u|2 S  {\"code\":\"s|";

/* By the loop's reader, and by one of the pool. */
static void look(void)
{
    for (int attempt = 0; attempt < 4; attempt++) {
        struct hd_error error = {0};
        struct store_reader *taken = attempt % 2 == 0 ? NULL : store_take_reader(fixture.store, &error);
        int result = attempt % 2 == 0 ? read_all(store_loop_reader(fixture.store), &error)
                     : taken != NULL  ? read_all(taken, &error)
                                      : -(int)error.code;

        if (taken != NULL)
            store_give_reader(fixture.store, taken);
        if (result != 0)
            check_failure("read", &error);
        else if (strcmp(seen, EXPECTED) != 0)
            note("rows are not what they are", NULL);
    }
}

static void work(void)
{
    create();
    live();
    look();
}

/* --- Each in its turn --------------------------------------------------------------------------------------------------------------------
 */

static void check_database(void)
{
    sqlite3 *database;
    sqlite3_stmt *statement;

    ck_assert_int_eq(sqlite3_open_v2(fixture.path, &database, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(database, "PRAGMA integrity_check", -1, &statement, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(statement, 0), "ok");
    sqlite3_finalize(statement);
    sqlite3_close(database);
}

/* Every `stride`-th of them; HD_EVERY_FAULT in the environment: every one. */
static long stride_of(long stride)
{
    return getenv("HD_EVERY_FAULT") != NULL ? 1 : stride;
}

static void fail_each_while_working(enum fault_kind kind, long stride, long at_least)
{
    const char *failed = "";
    long nth = 0;

    for (; failed != NULL; nth += stride_of(stride)) {
        ck_assert_int_lt(nth, CALLS_MAX);
        wrong[0] = '\0';
        fixture_open(&fixture, NULL);
        fault_arm(kind, nth);
        work();
        failed = fault_disarm();
        ck_assert_msg(wrong[0] == '\0', "%s, call %ld: %s", failed, nth, wrong);
        look();
        ck_assert_msg(wrong[0] == '\0', "after %s, call %ld: %s; %s", failed, nth, wrong, seen);
        fixture_close(&fixture);
        check_database();
        fixture_remove(&fixture);
    }
    ck_assert_int_gt(nth, at_least);
}

/* A read that gives rows gives what is stored: no value is another for want of memory. All of them, since a read is cheap. */
static void fail_each_while_reading(enum fault_kind kind, long at_least)
{
    const char *failed = "";
    long nth = 0;

    wrong[0] = '\0';
    fixture_open(&fixture, NULL);
    work();
    for (; failed != NULL; nth++) {
        ck_assert_int_lt(nth, CALLS_MAX);
        fault_arm(kind, nth);
        look();
        failed = fault_disarm();
        ck_assert_msg(wrong[0] == '\0', "%s, call %ld: %s", failed, nth, wrong);
    }
    fixture_close(&fixture);
    fixture_remove(&fixture);
    ck_assert_int_gt(nth, at_least);
}

static void fail_each_while_opening(enum fault_kind kind, long stride, long at_least)
{
    const struct store_settings settings = {.path = fixture.path, .queue_limit = 1 << 20};
    const char *failed = "";
    long nth = 0;

    fixture_open(&fixture, NULL);
    fixture_close(&fixture);
    for (; failed != NULL; nth += stride_of(stride)) {
        struct hd_error error = {0};
        int result, descriptors = fault_descriptors();

        ck_assert_int_lt(nth, CALLS_MAX);
        (void)unlink(fixture.path); /* a clean close has left nothing else */
        ck_assert_int_eq(uv_loop_init(&fixture.loop), 0);
        fault_arm(kind, nth);
        result = store_open(&fixture.store, &fixture.loop, &settings, &error);
        failed = fault_disarm();
        if (result != 0) {
            ck_assert_msg(failed != NULL && error.message[0] != '\0', "%s, call %ld: %s", failed, nth, error.message);
            uv_run(&fixture.loop, UV_RUN_DEFAULT);
            ck_assert_msg(uv_loop_close(&fixture.loop) == 0, "%s, call %ld: something is left on the loop", failed, nth);
            ck_assert_msg(fault_descriptors() == descriptors, "%s, call %ld: a descriptor is left open", failed, nth);
            fixture_reopen(&fixture, NULL);
        }
        fixture_close(&fixture);
        check_database();
    }
    fixture_remove(&fixture);
    ck_assert_int_gt(nth, at_least);
}

START_TEST(allocations_while_working)
{
    fail_each_while_working(FAULT_MEMORY, 61, 300);
}
END_TEST

START_TEST(calls_while_working)
{
    fail_each_while_working(FAULT_SYSTEM, 3, 30);
}
END_TEST

START_TEST(allocations_while_reading)
{
    fail_each_while_reading(FAULT_MEMORY, 100);
}
END_TEST

START_TEST(calls_while_reading)
{
    fail_each_while_reading(FAULT_SYSTEM, 10);
}
END_TEST

START_TEST(allocations_while_opening)
{
    fail_each_while_opening(FAULT_MEMORY, 97, 100);
}
END_TEST

START_TEST(calls_while_opening)
{
    fail_each_while_opening(FAULT_SYSTEM, 5, 30);
}
END_TEST

static void take_specification(int64_t failure_limit)
{
    struct hd_text text = {0};

    fixture_specification(&specification, "maximize", 2, failure_limit);
    hd_json_print(&text, specification.config, HD_JSON_COMPACT);
    snprintf(config, sizeof config, "%s", text.data);
    hd_text_clear(&text);
    memset(long_text, 'x', LONG_TEXT);
}

/* The reason that the failure limit gives names its children: it is put together while the last of them ends. */
START_TEST(allocations_of_the_failure_limit)
{
    const char *failed = "";
    long nth = 0;

    hd_specification_clear(&specification);
    take_specification(2);
    for (; failed != NULL; nth++) {
        wrong[0] = '\0';
        fixture_open(&fixture, NULL);
        create();
        end_failed(run_keys[0]);
        fault_arm(FAULT_MEMORY, nth);
        end_failed(run_keys[1]);
        failed = fault_disarm();
        ck_assert_msg(wrong[0] == '\0', "%s, call %ld: %s", failed, nth, wrong);
        fixture_close(&fixture);
        fixture_remove(&fixture);
    }
    ck_assert_int_gt(nth, 50);
}
END_TEST

static void set_up(void)
{
    take_specification(0);
}

static void tear_down(void)
{
    hd_specification_clear(&specification);
}

static void add(Suite *suite, const char *name, const TTest *test)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, getenv("HD_EVERY_FAULT") != NULL ? 24 * 3600 : 280);
    tcase_add_test(tests, test);
    suite_add_tcase(suite, tests);
}

int main(void)
{
    Suite *suite = suite_create("store injection");

    if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", 1); /* some thousand databases: nobody needs their syncs */
    fault_hook_sqlite();
    fault_hook_cjson();
    add(suite, "allocations while working", allocations_while_working);
    add(suite, "calls while working", calls_while_working);
    add(suite, "allocations while reading", allocations_while_reading);
    add(suite, "calls while reading", calls_while_reading);
    add(suite, "allocations of the failure limit", allocations_of_the_failure_limit);
    add(suite, "allocations while opening", allocations_while_opening);
    add(suite, "calls while opening", calls_while_opening);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? 0 : 1;
}
