/* What monitors leave in run folders: records cut anywhere, names that the program took away, states that a power cut leaves, and records
 * of an earlier version, whose children may still run when the daemon is upgraded. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/utf8.h"
#include "launch/path.h"
#include "launch/record.h"
#include "launch/started.h"
#include "launch_fixture.h"

/* As version 0.1.0 wrote them first. */
static const char EARLIER_ORDER[] = "{\"run_id\":\"%s\",\n\"attempt\":1,\n\"grace_us\":200000,\n\"working_directory\":\"%s\",\n\"argv\":[\n"
                                    "\"/bin/sh\",\n\"-c\",\n\"echo x >> ran; exit 5\"],\n\"environment\":[\n\"PATH=/usr/bin:/bin\"]}\n";
static const char EARLIER_STARTED[] = "{\"pid\":1,\"start_ticks\":1,\"boot_id\":\"another\"}\n{\"running_us\":1000}\n";
static const char EARLIER_RECORD[] = "{\"kind\":\"exited\",\"exit_code\":5,\"signal\":0,\"started_us\":1000,\"ended_us\":2000,"
                                     "\"peak_memory\":3,\"cpu_us\":4,\"reason\":\"\"}\n";

static int make_run_folder(void)
{
    int folder = path_make_folder(run);
    ck_assert_int_ge(folder, 0);
    return folder;
}

static off_t size_of(const char *name)
{
    char path[1024];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", run, name);
    return stat(path, &info) == 0 ? info.st_size : -1;
}

/* Power may be cut between any two blocks: what is missing behind a cut may be absent, or zeros. */
START_TEST(a_record_cut_anywhere_is_none)
{
    static const char *const names[] = {"exit.1", "exit.2"};
    int folder = make_run_folder();
    struct record record = {.kind = RECORD_NOT_STARTED, .started_us = 1, .ended_us = 2}, found;
    memset(record.reason, 'r', sizeof record.reason - 1);
    int file = record_prepare(folder, 1);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(record_read(folder, 1, &found), -EPROTO);
    ck_assert_int_eq(record_write(folder, 1, file, &record), 0);
    close(file);
    ck_assert_int_eq(record_read(folder, 1, &found), 0);
    ck_assert_str_eq(found.reason, record.reason);
    char text[4096];
    ck_assert_ptr_nonnull(read_run_file(names[0], text, sizeof text));
    size_t whole = strlen(text);
    for (size_t length = 0; length + 1 < whole; length += length > 64 && length + 64 < whole ? 13 : 1) {
        for (int zeros = 0; zeros < 2; zeros++) {
            file = record_prepare(folder, 2);
            ck_assert_int_eq(write(file, text, length), (ssize_t)length);
            ck_assert_int_eq(zeros ? ftruncate(file, (off_t)whole) : 0, 0);
            close(file);
            ck_assert_int_eq(record_read(folder, 2, &found), -EPROTO);
        }
    }
    close(folder);
}
END_TEST

/* A path in it may be long, and the monitor's sentence may have ended in the middle of a character. */
START_TEST(a_long_reason_stays_text)
{
    int folder = make_run_folder(), file = record_prepare(folder, 1);
    struct record record = {.kind = RECORD_NOT_STARTED}, found;
    memset(record.reason, 'r', (size_t)_i);
    for (size_t i = (size_t)_i; i + 1 < sizeof record.reason; i++)
        record.reason[i] = "\xe2\x82\xac"[(i - (size_t)_i) % 3];
    ck_assert_int_eq(record_write(folder, 1, file, &record), 0);
    ck_assert_int_eq(record_read(folder, 1, &found), 0);
    ck_assert(hd_utf8_valid(found.reason));
    ck_assert_int_eq(strncmp(found.reason, record.reason, sizeof record.reason - 8), 0);
    close(file);
    close(folder);
}
END_TEST

/* A first try may have filled the disk. */
START_TEST(a_record_is_written_over_what_a_try_left)
{
    int folder = make_run_folder(), file = record_prepare(folder, 1);
    struct record record = {.kind = RECORD_EXITED, .exit_code = 7}, found;
    char junk[2000];
    memset(junk, '{', sizeof junk);
    ck_assert_int_eq(write(file, junk, sizeof junk), (ssize_t)sizeof junk);
    ck_assert_int_eq(record_write(folder, 1, file, &record), 0);
    ck_assert_int_eq(record_read(folder, 1, &found), 0);
    ck_assert_int_eq(found.exit_code, 7);
    close(file);
    close(folder);
}
END_TEST

START_TEST(a_program_cannot_take_its_record_away)
{
    static const char *const scripts[] = {
        "rm exit.1; exit 5",        "mv exit.1 kept; echo no > exit.1; exit 5", "ln -sf /dev/full exit.1; exit 5", "rm -rf ./*; exit 5",
        "echo {} > exit.1; exit 5",
    };
    struct story story;
    end_shell(&story, scripts[_i]);
    ck_assert_int_eq(story.end.kind, LAUNCH_EXITED);
    ck_assert_int_eq(story.end.exit_code, 5);
}
END_TEST

START_TEST(the_record_is_empty_until_the_end)
{
    struct story story;
    make_gate();
    start_shell(&story, gated("true", "exit 5"));
    run_until(is_running, &story);
    ck_assert_int_eq(size_of("exit.1"), 0);
    ck_assert_int_eq(kill((pid_t)story.identity.pid, SIGKILL), 0);
    run_until(has_ended, &story);
    ck_assert_int_eq(story.end.kind, LAUNCH_LOST);
}
END_TEST

/* The names became durable together: so there may be both, without content, or the record's alone, left by a try on a full disk. */
START_TEST(a_power_cut_behind_the_claim_loses_the_attempt)
{
    struct story story;
    close(make_run_folder());
    write_file(run, "exit.1", "");
    write_file(run, "started.1", "");
    end_shell(&story, "echo x >> ran; exit 5");
    ck_assert_int_eq(story.end.kind, LAUNCH_LOST);
    ck_assert(!run_file_exists("ran"));
}
END_TEST

START_TEST(an_empty_record_is_no_claim)
{
    struct story story;
    close(make_run_folder());
    write_file(run, "exit.1", "");
    end_shell(&story, "echo x >> ran; exit 5");
    ck_assert_int_eq(story.end.kind, LAUNCH_EXITED);
    ck_assert_int_eq(story.end.exit_code, 5);
}
END_TEST

START_TEST(a_claim_is_made_once)
{
    int folder = make_run_folder();
    struct launch_identity self;
    struct started found;
    ck_assert_int_eq(identity_read(getpid(), &self), 0);
    ck_assert_int_eq(started_write(folder, 1, &self, "/sys/fs/cgroup/a \"b\"/run-x.1"), 0);
    ck_assert_int_eq(started_write(folder, 1, &self, NULL), -EEXIST);
    ck_assert_int_eq(started_read(folder, 1, &found), 0);
    ck_assert(identity_equal(&found.monitor, &self));
    char *cgroup = NULL;
    ck_assert_int_eq(started_add_running(folder, 1, 1000), 0);
    ck_assert_int_eq(started_read_cgroup(folder, 1, &cgroup), 0);
    ck_assert_str_eq(cgroup, "/sys/fs/cgroup/a \"b\"/run-x.1");
    free(cgroup);
    ck_assert_int_eq(started_read_cgroup(folder, 2, &cgroup), -ENOENT);
    write_file(run, "started.3", EARLIER_STARTED);
    ck_assert_int_eq(started_read_cgroup(folder, 3, &cgroup), 0);
    ck_assert_ptr_null(cgroup);
    write_file(run, "started.4", "{\"pid\":");
    ck_assert_int_eq(started_read_cgroup(folder, 4, &cgroup), -EPROTO);
    ck_assert_int_eq(symlinkat("elsewhere", folder, "started.2"), 0);
    ck_assert_int_eq(started_write(folder, 2, &self, NULL), -EEXIST);
    ck_assert(!run_file_exists("elsewhere"));
    close(folder);
}
END_TEST

/* An earlier version */

START_TEST(records_of_an_earlier_monitor_are_understood)
{
    struct story story;
    close(make_run_folder());
    write_file(run, "started.1", EARLIER_STARTED);
    write_file(run, "exit.1", EARLIER_RECORD);
    end_shell(&story, "echo x >> ran; exit 6");
    ck_assert_uint_eq(story.running, 1);
    ck_assert_int_eq(story.end.kind, LAUNCH_EXITED);
    ck_assert_int_eq(story.end.exit_code, 5);
    ck_assert_int_eq(story.end.started_us, 1000);
    ck_assert_int_eq(story.end.ended_us, 2000);
    ck_assert_int_eq(story.end.peak_memory, 3);
    ck_assert(!run_file_exists("ran"));
}
END_TEST

/* The daemon of before the upgrade, still running, starts the monitor of after it. */
START_TEST(an_order_of_an_earlier_daemon_is_executed)
{
    char order[2048], command[1600], text[16];
    struct story story;
    close(make_run_folder());
    snprintf(command, sizeof command, "mkdir %s/user_logs", run);
    ck_assert_int_eq(system(command), 0);
    snprintf(order, sizeof order, EARLIER_ORDER, run_id, run);
    write_file(run, "launch.json", order);
    snprintf(command, sizeof command, "%s %s 1 3>&-", getenv("HD_MONITOR"), run); /* 3: its pipe to the daemon */
    ck_assert_int_eq(system(command), 0);
    end_shell(&story, "echo x >> ran; exit 6");
    ck_assert_int_eq(story.end.exit_code, 5);
    ck_assert_str_eq(read_run_file("ran", text, sizeof text), "x\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("launch_records");
    TCase *tests = tcase_create("launch_records");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, launch_fixture_set_up, launch_fixture_tear_down);
    tcase_add_test(tests, a_record_cut_anywhere_is_none);
    tcase_add_loop_test(tests, a_long_reason_stays_text, 0, 3);
    tcase_add_test(tests, a_record_is_written_over_what_a_try_left);
    tcase_add_loop_test(tests, a_program_cannot_take_its_record_away, 0, 5);
    tcase_add_test(tests, the_record_is_empty_until_the_end);
    tcase_add_test(tests, a_power_cut_behind_the_claim_loses_the_attempt);
    tcase_add_test(tests, an_empty_record_is_no_claim);
    tcase_add_test(tests, a_claim_is_made_once);
    tcase_add_test(tests, records_of_an_earlier_monitor_are_understood);
    tcase_add_test(tests, an_order_of_an_earlier_daemon_is_executed);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
