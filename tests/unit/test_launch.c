/* One child: what its end tells, what cannot be started, how it is stopped. */
#include <check.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch_fixture.h"

/* What a monitor tells */

START_TEST(exit_code_is_told)
{
    struct story story;
    end_shell(&story, "echo out; echo err >&2; exit 42");
    ck_assert_uint_eq(story.running, 1);
    ck_assert_uint_eq(story.ended, 1);
    ck_assert(!story.ended_before_running);
    ck_assert_int_eq(story.end.kind, LAUNCH_EXITED);
    ck_assert_int_eq(story.end.exit_code, 42);
    ck_assert_str_eq(story.last_output, "out\nerr\n");
    ck_assert_int_eq(story.end.started_us, story.started_us);
    ck_assert_int_gt(story.end.started_us, 0);
    ck_assert_int_ge(story.end.ended_us, story.end.started_us);
    ck_assert_int_gt(story.end.peak_memory, 100 * 1000);
    ck_assert_int_ge(story.end.cpu_us, 0);
}
END_TEST

START_TEST(signal_is_told)
{
    struct story story;
    end_shell(&story, "kill -SEGV $$");
    ck_assert_int_eq(story.end.kind, LAUNCH_SIGNALED);
    ck_assert_int_eq(story.end.signal, SIGSEGV);
}
END_TEST

START_TEST(use_of_memory_and_time_is_told)
{
    struct story story;
    end_shell(&story, "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; head -c 40000000 /dev/zero | tail -c 40000000 > /dev/null");
    ck_assert_int_eq(story.end.kind, LAUNCH_EXITED);
    ck_assert_int_gt(story.end.peak_memory, 30 * 1000 * 1000);
    ck_assert_int_gt(story.end.cpu_us, 10 * 1000);
    ck_assert_int_le(story.end.cpu_us, 2 * (story.end.ended_us - story.end.started_us) + 100 * 1000);
}
END_TEST

START_TEST(environment_and_directories_are_exact)
{
    struct story story;
    char *argv[] = {(char *)"env", NULL};
    start(&story, argv);
    run_until(has_ended, &story);
    char expected[256];
    snprintf(expected, sizeof expected, "HYPERDRIVE_RUN_ID=%s\nPATH=/usr/bin:/bin\nODD=\xff\xfe odd\n", run_id);
    char text[4096];
    ck_assert_str_eq(read_run_file("user_logs/std_log.txt", text, sizeof text), expected);
    ck_assert_ptr_nonnull(strstr(story.last_output, "ODD=\xEF\xBF\xBD\xEF\xBF\xBD odd"));
    struct stat info;
    ck_assert_int_eq(stat(run, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0700);
    ck_assert(run_file_exists("outputs") && run_file_exists("logs") && run_file_exists("launch.json"));
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/launch.json", run);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0600);
}
END_TEST

START_TEST(program_gets_a_clean_process)
{
    struct story story;
    end_shell(&story, "pwd; readlink /proc/self/fd/0; cat /proc/$$/oom_score_adj; awk '{print ($1 == $6)}' /proc/$$/stat");
    char expected[1024];
    snprintf(expected, sizeof expected, "%s\n/dev/null\n500\n1\n", run);
    ck_assert_str_eq(story.last_output, expected);
}
END_TEST

START_TEST(program_gets_three_open_files)
{
    struct story story;
    char *argv[] = {(char *)"ls", (char *)"/proc/self/fd", NULL};
    start(&story, argv);
    run_until(has_ended, &story);
    ck_assert_str_eq(story.last_output, "0\n1\n2\n3\n"); /* 3 is the folder that ls reads */
}
END_TEST

START_TEST(program_gets_standard_signals)
{
    struct story story;
    char *argv[] = {(char *)"grep", (char *)"-E", (char *)"Sig(Blk|Ign)", (char *)"/proc/self/status", NULL};
    start(&story, argv);
    run_until(has_ended, &story);
    ck_assert_str_eq(story.last_output, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}
END_TEST

START_TEST(working_directory_is_taken)
{
    struct story story;
    char *argv[] = {(char *)"pwd", NULL};
    start_as(&story, 1, argv, home, NULL);
    run_until(has_ended, &story);
    char expected[PATH_MAX + 2];
    snprintf(expected, sizeof expected, "%s\n", home);
    ck_assert_str_eq(story.last_output, expected);
}
END_TEST

START_TEST(last_output_is_cut_at_a_character)
{
    struct story story;
    end_shell(&story, "i=0; while [ $i -lt 3000 ]; do printf 'x\xC3\xA4'; i=$((i+1)); done; printf 'a\\000b\\377'");
    ck_assert_uint_le(strlen(story.last_output), 4096);
    ck_assert_uint_gt(strlen(story.last_output), 4080);
    const char *end = story.last_output + strlen(story.last_output) - 8;
    ck_assert_str_eq(end, "a\xEF\xBF\xBD"
                          "b\xEF\xBF\xBD");
    ck_assert(((unsigned char)story.last_output[0] & 0xC0) != 0x80);
}
END_TEST

/* What cannot be started */

static const struct {
    const char *program, *directory, *said;
} refusals[] = {
    {"no-such-program", NULL, "cannot execute 'no-such-program': No such file or directory (no folder of PATH has it)"},
    {"/nowhere/train.py", NULL, "cannot execute '/nowhere/train.py': No such file or directory"},
    {"/etc/passwd", NULL, "cannot execute '/etc/passwd': Permission denied"},
    {"/bin/true", "/nowhere", "cannot enter the working directory '/nowhere': No such file or directory"},
};

START_TEST(failed_exec_is_told)
{
    struct story story;
    char *argv[] = {(char *)refusals[_i].program, NULL};
    start_as(&story, 1, argv, refusals[_i].directory, NULL);
    run_until(has_ended, &story);
    ck_assert_int_eq(story.end.kind, LAUNCH_NOT_STARTED);
    ck_assert_str_eq(story.end.error.message, refusals[_i].said);
    ck_assert_uint_eq(story.running, 0);
    ck_assert_int_eq(story.end.started_us, 0);
}
END_TEST

START_TEST(folder_that_cannot_be_made_is_told)
{
    write_file(home, "runs", "in the way");
    struct story story;
    start_shell(&story, "true");
    ck_assert_uint_eq(story.ended, 0);
    run_until(has_ended, &story);
    ck_assert_int_eq(story.end.kind, LAUNCH_NOT_STARTED);
    ck_assert_ptr_nonnull(strstr(story.end.error.message, "cannot make the run folder"));
    ck_assert_ptr_nonnull(strstr(story.end.error.message, "Not a directory"));
}
END_TEST

static bool is_waiting(const void *data)
{
    const struct story *story = data;
    return story->waiting > 0;
}

/* It is not the run's fault, and would fail one run after the other. */
START_TEST(missing_monitor_is_waited_for)
{
    char monitor[512], target[PATH_MAX];
    snprintf(monitor, sizeof monitor, "%s/monitor", home);
    ck_assert_ptr_nonnull(realpath(getenv("HD_MONITOR"), target));
    close_launcher();
    open_launcher_with(monitor, 0);
    struct story first, second;
    start_shell(&first, "exit 3");
    run_until(is_waiting, &first);
    ck_assert_ptr_nonnull(strstr(first.waits_for, "cannot start '"));
    ck_assert_ptr_nonnull(strstr(first.waits_for, "/monitor': No such file or directory"));
    ck_assert_uint_eq(first.ended, 0);
    launch_stop(first.child);
    run_until(has_ended, &first);
    ck_assert_int_eq(first.end.kind, LAUNCH_NOT_STARTED);
    ck_assert(!run_file_exists("launch.json"));
    start_shell(&second, "exit 4");
    run_until(is_waiting, &second);
    ck_assert_int_eq(symlink(target, monitor), 0);
    run_until(has_ended, &second);
    ck_assert_int_eq(second.end.kind, LAUNCH_EXITED);
    ck_assert_int_eq(second.end.exit_code, 4);
    ck_assert_uint_eq(second.waiting, 1);
}
END_TEST

START_TEST(monitor_that_fails_early_is_told)
{
    close_launcher();
    open_launcher_with("/bin/false", 0);
    struct story story;
    end_shell(&story, "true");
    ck_assert_int_eq(story.end.kind, LAUNCH_NOT_STARTED);
    ck_assert_str_eq(story.end.error.message, "the monitor '/bin/false' ended with exit code 1 before it started the program");
    ck_assert(!run_file_exists("launch.json"));
}
END_TEST

/* Stopping */

START_TEST(stop_before_the_start_runs_nothing)
{
    struct story story;
    start_shell(&story, "echo ran > ran");
    launch_stop(story.child);
    launch_stop(story.child);
    run_until(has_ended, &story);
    ck_assert_int_eq(story.end.kind, LAUNCH_STOPPED_EARLY);
    ck_assert_uint_eq(story.running, 0);
    ck_assert(!run_file_exists("ran"));
    /* The attempt is used up: starting it again tells the same and runs nothing. */
    end_shell(&story, "echo ran > ran");
    ck_assert_int_eq(story.end.kind, LAUNCH_STOPPED_EARLY);
    ck_assert(!run_file_exists("ran"));
}
END_TEST

START_TEST(stop_ends_a_polite_program_by_term)
{
    struct story story;
    start_shell(&story, "trap 'echo bye; exit 3' TERM; echo ready; sleep 1000 & wait");
    run_until(log_says_ready, NULL);
    launch_stop(story.child);
    run_until(has_ended, &story);
    ck_assert_int_eq(story.end.kind, LAUNCH_EXITED);
    ck_assert_int_eq(story.end.exit_code, 3);
    ck_assert_str_eq(story.last_output, "ready\nbye\n");
}
END_TEST

START_TEST(stop_ends_a_stubborn_tree)
{
    struct story story;
    char *argv[] = {getenv("HD_STUBBORN"), NULL};
    start(&story, argv);
    run_until(log_says_ready, NULL);
    ck_assert_uint_ge(marked_processes(), STUBBORN_PROCESSES);
    launch_stop(story.child);
    run_until(has_ended, &story);
    ck_assert_uint_eq(marked_processes(), 0);
    ck_assert_int_eq(story.end.kind, LAUNCH_SIGNALED);
    ck_assert_int_eq(story.end.signal, SIGKILL);
    ck_assert_int_ge(story.end.ended_us - story.end.started_us, 200 * 1000);
}
END_TEST

START_TEST(what_a_program_leaves_behind_is_ended)
{
    struct story story;
    char *argv[] = {getenv("HD_STUBBORN"), (char *)"leave", NULL};
    start(&story, argv);
    run_until(has_ended, &story);
    ck_assert_uint_eq(marked_processes(), 0);
    ck_assert_int_eq(story.end.kind, LAUNCH_EXITED);
    ck_assert_int_eq(story.end.exit_code, 7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("launch");
    TCase *tests = tcase_create("launch");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, launch_fixture_set_up, launch_fixture_tear_down);
    tcase_add_test(tests, exit_code_is_told);
    tcase_add_test(tests, signal_is_told);
    tcase_add_test(tests, use_of_memory_and_time_is_told);
    tcase_add_test(tests, environment_and_directories_are_exact);
    tcase_add_test(tests, program_gets_a_clean_process);
    tcase_add_test(tests, program_gets_three_open_files);
    tcase_add_test(tests, program_gets_standard_signals);
    tcase_add_test(tests, working_directory_is_taken);
    tcase_add_test(tests, last_output_is_cut_at_a_character);
    tcase_add_loop_test(tests, failed_exec_is_told, 0, sizeof refusals / sizeof *refusals);
    tcase_add_test(tests, folder_that_cannot_be_made_is_told);
    tcase_add_test(tests, missing_monitor_is_waited_for);
    tcase_add_test(tests, monitor_that_fails_early_is_told);
    tcase_add_test(tests, stop_before_the_start_runs_nothing);
    tcase_add_test(tests, stop_ends_a_polite_program_by_term);
    tcase_add_test(tests, stop_ends_a_stubborn_tree);
    tcase_add_test(tests, what_a_program_leaves_behind_is_ended);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
