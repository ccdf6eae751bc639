/* One allocation or one call to the system fails while a child is started, watched and ended: each in its turn, first in the launcher, then
 * in the monitor. Every attempt has an end that is true, and nothing is left behind. */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fault.h"
#include "launch/snapshot.h"
#include "launch_fixture.h"

enum { LAUNCH_CALLS = 4000 };

/* Check's assertions allocate memory themselves: nothing may be asserted while a fault is armed. */
static struct story story;

static void on_running(struct launch_child *child, void *data, const struct launch_identity *identity, int64_t started_us)
{
    (void)child, (void)data, (void)identity, (void)started_us;
    story.running++;
}

static void on_ended(struct launch_child *child, void *data, const struct launch_end *end)
{
    (void)child, (void)data;
    story.ended++;
    story.ended_before_running = story.running == 0;
    story.end = *end;
    snprintf(story.last_output, sizeof story.last_output, "%s", end->last_output);
}

/* Nothing of what is started here hangs. */
static void on_lingering(struct launch_child *child, void *data)
{
    (void)child, (void)data;
    story.lingering++;
}

static const struct launch_events events = {.running = on_running, .lingering = on_lingering, .ended = on_ended};

static void reopen(const char *monitor)
{
    const struct launch_settings settings = {
        .monitor = monitor, .grace_us = 200 * 1000, .cgroup = "no", .systemd_run = "/nowhere", .root = "/"};
    struct hd_error error = {0};

    close_launcher();
    ck_assert_int_eq(launch_open(&launcher, &loop, &settings, &events, &error), 0);
}

static bool start_child(void)
{
    static char snapshot[300], marker[128];
    static char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)"echo it ran > outputs/ran; cat given", NULL};
    static const char *const outputs[] = {"model/best", NULL};
    char *environment[] = {marker, (char *)"PATH=/usr/bin:/bin", NULL};
    const struct launch_order order = {.run_id = run_id,
                                       .folder = run,
                                       .attempt = 1,
                                       .snapshot = snapshot,
                                       .output_directories = outputs,
                                       .argv = argv,
                                       .environment = environment};

    snprintf(marker, sizeof marker, "HYPERDRIVE_RUN_ID=%s", run_id);
    snprintf(snapshot, sizeof snapshot, "%s/snapshot", home);
    story = (struct story){0};
    return launch_start(launcher, &order, &story) != NULL;
}

static void make_snapshot(void)
{
    char folder[300];

    snprintf(folder, sizeof folder, "%s/snapshot", home);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    write_file(folder, "given", "given\n");
}

/* What is told is what happened. `lost`: it may be lost, though only if that is all that anybody can know. */
static void check_end(const char *what, long nth, bool may_be_lost)
{
    ck_assert_uint_eq(story.ended, 1);
    switch (story.end.kind) {
    case LAUNCH_EXITED:
        ck_assert_msg(run_file_exists("outputs/ran") && story.end.exit_code == 0, "%s %ld: exit code %d", what, nth, story.end.exit_code);
        break;
    case LAUNCH_NOT_STARTED:
        ck_assert_msg(!run_file_exists("outputs/ran"), "%s %ld: it ran", what, nth);
        ck_assert_msg(story.end.error.message[0] != '\0', "%s %ld: no reason", what, nth);
        break;
    default:
        ck_assert_msg(may_be_lost && story.end.kind == LAUNCH_LOST, "%s %ld: ended as %d", what, nth, (int)story.end.kind);
    }
    /* A monitor that could not be watched, and comes behind another one, goes by itself. */
    for (int i = 0; marked_processes() > 0 && i < 10000; i++)
        (void)poll(NULL, 0, 1);
    ck_assert_msg(marked_processes() == 0, "%s %ld: a process is left", what, nth);
}

static void clear_run(void)
{
    char runs[300];

    snprintf(runs, sizeof runs, "%s/runs", home);
    ck_assert_int_eq(snapshot_remove(runs, NULL), 0);
}

/* Until the n-th call is not reached any more. */
static void fail_each(enum fault_kind kind, long at_least)
{
    const char *what = "";
    long nth = 0;
    int descriptors = 0;

    reopen(getenv("HD_MONITOR"));
    make_snapshot();
    for (; what != NULL; nth++) {
        bool started;

        ck_assert_int_lt(nth, LAUNCH_CALLS);
        fault_arm(kind, nth);
        started = start_child();
        if (started)
            run_until(has_ended, &story);
        what = fault_disarm();
        ck_assert(started || what != NULL);
        if (started)
            check_end(what, nth, false);
        launch_tidy(launcher, run, 1, NULL);
        reopen(getenv("HD_MONITOR"));
        if (nth == 0)
            descriptors = fault_descriptors();
        ck_assert_msg(fault_descriptors() == descriptors, "%s %ld: a descriptor is left open", what, nth);
        clear_run();
    }
    ck_assert_int_gt(nth, at_least);
}

START_TEST(allocations_of_the_launcher)
{
    fault_hook_cjson();
    fail_each(FAULT_MEMORY, 50);
}
END_TEST

START_TEST(calls_of_the_launcher)
{
    fail_each(FAULT_SYSTEM, 50);
}
END_TEST

/* The monitor's are armed by a file in its run folder. It does not tell whether it got so far: an attempt that went well through all of its
 * calls did not, and neither will those behind it. */
static void fail_each_of_the_monitor(const char *kind, int last)
{
    char text[64];

    reopen(getenv("HD_FAULTY_MONITOR"));
    make_snapshot();
    for (int nth = 0; nth < last; nth++) {
        char command[600];

        snprintf(command, sizeof command, "mkdir -p %s", run);
        ck_assert_int_eq(system(command), 0);
        snprintf(text, sizeof text, "%s %d", kind, nth);
        write_file(run, "fault", text);
        ck_assert(start_child());
        run_until(has_ended, &story);
        check_end(kind, nth, true);
        clear_run();
    }
}

START_TEST(allocations_of_the_monitor)
{
    fail_each_of_the_monitor("memory", 120);
    ck_assert_int_eq(story.end.kind, LAUNCH_EXITED);
}
END_TEST

START_TEST(calls_of_the_monitor)
{
    fail_each_of_the_monitor("system", 80);
    ck_assert_int_eq(story.end.kind, LAUNCH_EXITED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("launch faults");
    TCase *cases = tcase_create("faults");

    tcase_add_checked_fixture(cases, launch_fixture_set_up, launch_fixture_tear_down);
    tcase_set_timeout(cases, 280);
    tcase_add_test(cases, allocations_of_the_launcher);
    tcase_add_test(cases, calls_of_the_launcher);
    tcase_add_test(cases, allocations_of_the_monitor);
    tcase_add_test(cases, calls_of_the_monitor);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
