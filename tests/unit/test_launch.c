/* The launcher with its real monitor, on a real loop and real processes. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch/launch.h"
#include "launch/monitor.h"
#include "launch/snapshot.h"

enum { DEADLINE_MS = 30000, LOOK_MS = 5, CHILDREN = 200 };

/* What the callbacks told about one child. */
struct story {
    struct launch_child *child;
    unsigned running, ended;
    struct launch_identity identity;
    int64_t started_us;
    struct launch_end end;
    char last_output[8192];
    bool ended_before_running;
};

static char home[256];
static char run[512]; /* STATE/runs/s/0/0 */
static char run_id[64];
static uv_loop_t loop;
static uv_timer_t deadline, look;
static struct launch *launcher;
static bool launcher_closed;

/* Loop and deadline */

static void on_running(struct launch_child *child, void *data, const struct launch_identity *identity, int64_t started_us)
{
    (void)child;
    struct story *story = data;
    story->running++;
    story->ended_before_running = story->ended > 0;
    story->identity = *identity;
    story->started_us = started_us;
}

static void on_ended(struct launch_child *child, void *data, const struct launch_end *end)
{
    (void)child;
    struct story *story = data;
    story->ended++;
    story->end = *end;
    ck_assert_ptr_nonnull(end->last_output);
    snprintf(story->last_output, sizeof story->last_output, "%s", end->last_output);
    story->end.last_output = story->last_output;
}

static void on_deadline(uv_timer_t *timer)
{
    (void)timer;
    ck_abort_msg("nothing happened within %d ms", DEADLINE_MS);
}

static void on_look(uv_timer_t *timer)
{
    (void)timer; /* wakes the loop, so that the condition is looked at again */
}

static void run_until(bool (*condition)(const void *), const void *data)
{
    uv_timer_start(&deadline, on_deadline, DEADLINE_MS, 0);
    uv_timer_start(&look, on_look, LOOK_MS, LOOK_MS);
    while (!condition(data))
        uv_run(&loop, UV_RUN_ONCE);
    uv_timer_stop(&deadline);
    uv_timer_stop(&look);
}

static bool has_ended(const void *data)
{
    return ((const struct story *)data)->ended > 0;
}

static bool is_running(const void *data)
{
    return ((const struct story *)data)->running > 0;
}

static void on_closed(void *data)
{
    *(bool *)data = true;
}

static bool is_true(const void *data)
{
    return *(const bool *)data;
}

static void open_launcher(int64_t grace_us)
{
    struct hd_error error = {0};
    struct launch_settings settings = {.monitor = getenv("HD_MONITOR"), .grace_us = grace_us};
    static const struct launch_events events = {.running = on_running, .ended = on_ended};
    ck_assert_ptr_nonnull(settings.monitor);
    ck_assert_int_eq(launch_open(&launcher, &loop, &settings, &events, &error), 0);
}

static void close_launcher(void)
{
    launcher_closed = false;
    launch_close(launcher, on_closed, &launcher_closed);
    ck_assert(!launcher_closed);
    run_until(is_true, &launcher_closed);
}

static void set_up(void)
{
    snprintf(home, sizeof home, "%s/hd-launch-XXXXXX", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(home));
    snprintf(run, sizeof run, "%s/runs/s/0/0", home);
    snprintf(run_id, sizeof run_id, "test-%d-%s", (int)getpid(), home + strlen(home) - 6);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    uv_timer_init(&loop, &deadline);
    uv_timer_init(&loop, &look);
    open_launcher(200 * 1000);
}

static void tear_down(void)
{
    close_launcher();
    uv_close((uv_handle_t *)&deadline, NULL);
    uv_close((uv_handle_t *)&look, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    ck_assert_int_eq(snapshot_remove(home, NULL), 0);
}

/* Orders */

static void start_as(struct story *story, int attempt, char *const *argv, const char *working_directory, const char *snapshot)
{
    char marker[128];
    snprintf(marker, sizeof marker, "HYPERDRIVE_RUN_ID=%s", run_id);
    char *environment[] = {marker, (char *)"PATH=/usr/bin:/bin", (char *)"ODD=\xff\xfe odd", NULL};
    const struct launch_order order = {
        .run_id = run_id,
        .folder = run,
        .attempt = attempt,
        .working_directory = working_directory,
        .snapshot = snapshot,
        .argv = argv,
        .environment = environment,
    };
    *story = (struct story){0};
    story->child = launch_start(launcher, &order, story);
    ck_assert_ptr_nonnull(story->child);
}

static void start(struct story *story, char *const *argv)
{
    start_as(story, 1, argv, NULL, NULL);
}

static void start_shell(struct story *story, const char *script)
{
    char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)script, NULL};
    start(story, argv);
}

static void end_shell(struct story *story, const char *script)
{
    start_shell(story, script);
    run_until(has_ended, story);
}

/* Files */

static char *read_run_file(const char *name, char *buffer, size_t size)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", run, name);
    int file = open(path, O_RDONLY);
    ssize_t count = file < 0 ? -1 : read(file, buffer, size - 1);
    if (file >= 0)
        close(file);
    buffer[count < 0 ? 0 : count] = '\0';
    return count < 0 ? NULL : buffer;
}

static bool run_file_exists(const char *name)
{
    char path[PATH_MAX + 64];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", run, name);
    return lstat(path, &info) == 0;
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

static bool log_says_ready(const void *data)
{
    (void)data;
    char text[4096];
    return read_run_file("user_logs/std_log.txt", text, sizeof text) != NULL && strstr(text, "ready") != NULL;
}

/* The scripts wait on this FIFO, so a test says when they go on. */
static void make_gate(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/gate", home);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void open_gate(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/gate", home);
    int gate = open(path, O_RDWR); /* read-write: does not wait for the reader */
    ck_assert_int_ge(gate, 0);
    ck_assert_int_eq(write(gate, "go\n", 3), 3);
    /* Left open on purpose: what was written would be gone with the last descriptor. */
}

static const char *gated(const char *before, const char *after)
{
    static char script[2 * PATH_MAX];
    snprintf(script, sizeof script, "%s; echo ready; read line < %s/gate; %s", before, home, after);
    return script;
}

static unsigned marked_processes(void)
{
    char marker[128];
    snprintf(marker, sizeof marker, "HYPERDRIVE_RUN_ID=%s", run_id);
    unsigned count = 0;
    DIR *all = opendir("/proc");
    struct dirent *entry;
    while ((entry = readdir(all)) != NULL) {
        char path[PATH_MAX], text[16384];
        snprintf(path, sizeof path, "/proc/%s/environ", entry->d_name);
        int file = open(path, O_RDONLY);
        ssize_t size = file < 0 ? 0 : read(file, text, sizeof text);
        if (file >= 0)
            close(file);
        count += size > 0 && memmem(text, (size_t)size, marker, strlen(marker)) != NULL;
    }
    closedir(all);
    return count;
}

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
    end_shell(&story, "pwd; readlink /proc/self/fd/0; ls /proc/$$/fd | tr '\\n' ' '; cat /proc/$$/oom_score_adj; "
                      "awk '{print ($1 == $6)}' /proc/$$/stat");
    char expected[1024];
    snprintf(expected, sizeof expected, "%s\n/dev/null\n0 1 2 500\n1\n", run);
    ck_assert_str_eq(story.last_output, expected);
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

START_TEST(missing_monitor_is_told)
{
    close_launcher();
    struct hd_error error = {0};
    struct launch_settings settings = {.monitor = "/nowhere/hyperdrive-monitor"};
    static const struct launch_events events = {.running = on_running, .ended = on_ended};
    ck_assert_int_eq(launch_open(&launcher, &loop, &settings, &events, &error), 0);
    struct story story;
    end_shell(&story, "true");
    ck_assert_int_eq(story.end.kind, LAUNCH_NOT_STARTED);
    ck_assert_str_eq(story.end.error.message, "cannot start '/nowhere/hyperdrive-monitor': No such file or directory");
    ck_assert(!run_file_exists("launch.json"));
}
END_TEST

START_TEST(monitor_that_fails_early_is_told)
{
    close_launcher();
    struct hd_error error = {0};
    struct launch_settings settings = {.monitor = "/bin/false"};
    static const struct launch_events events = {.running = on_running, .ended = on_ended};
    ck_assert_int_eq(launch_open(&launcher, &loop, &settings, &events, &error), 0);
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
    ck_assert_uint_ge(marked_processes(), 4);
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

/* Exactly once */

START_TEST(second_start_of_an_attempt_adopts)
{
    struct story first, second;
    make_gate();
    start_shell(&first, gated("echo x >> ran", "exit 5"));
    run_until(is_running, &first);
    start_shell(&second, gated("echo x >> ran", "exit 5"));
    run_until(is_running, &second);
    ck_assert_int_eq(second.started_us, first.started_us);
    ck_assert(identity_equal(&second.identity, &first.identity));
    open_gate();
    run_until(has_ended, &first);
    run_until(has_ended, &second);
    ck_assert_int_eq(second.end.exit_code, 5);
    char text[64];
    ck_assert_str_eq(read_run_file("ran", text, sizeof text), "x\n");
}
END_TEST

START_TEST(two_starts_at_once_run_once)
{
    struct story stories[8];
    for (size_t i = 0; i < 8; i++)
        start_shell(&stories[i], "echo x >> ran; exit 5");
    for (size_t i = 0; i < 8; i++) {
        run_until(has_ended, &stories[i]);
        ck_assert_int_eq(stories[i].end.kind, LAUNCH_EXITED);
        ck_assert_int_eq(stories[i].end.exit_code, 5);
        ck_assert_uint_eq(stories[i].running, 1);
        ck_assert_uint_eq(stories[i].ended, 1);
        ck_assert(!stories[i].ended_before_running);
    }
    char text[64];
    ck_assert_str_eq(read_run_file("ran", text, sizeof text), "x\n");
}
END_TEST

START_TEST(next_attempt_runs_again)
{
    struct story story;
    end_shell(&story, "echo x >> ran; exit 1");
    launch_tidy(launcher, run, 1, NULL);
    char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)"echo y >> ran; exit 2", NULL};
    start_as(&story, 2, argv, NULL, NULL);
    run_until(has_ended, &story);
    ck_assert_int_eq(story.end.exit_code, 2);
    char text[64];
    ck_assert_str_eq(read_run_file("ran", text, sizeof text), "x\ny\n");
}
END_TEST

/* A lock that somebody holds for a while delays a start, and loses nothing. */
START_TEST(busy_lock_is_waited_for)
{
    char command[PATH_MAX + 64], path[PATH_MAX + 64];
    snprintf(command, sizeof command, "mkdir -p %s", run);
    ck_assert_int_eq(system(command), 0);
    snprintf(path, sizeof path, "%s/lock", run);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(flock(lock, LOCK_EX), 0);
    struct story story;
    start_shell(&story, "exit 5");
    for (int turn = 0; turn < 10; turn++) {
        uv_timer_start(&look, on_look, LOOK_MS, 0);
        uv_run(&loop, UV_RUN_ONCE);
    }
    ck_assert_uint_eq(story.running + story.ended, 0);
    close(lock);
    run_until(has_ended, &story);
    ck_assert_int_eq(story.end.exit_code, 5);
}
END_TEST

/* A daemon that ends and comes back */

START_TEST(running_child_is_adopted)
{
    struct story before, after = {0};
    make_gate();
    start_shell(&before, gated("echo x >> ran", "exit 5"));
    run_until(is_running, &before);
    close_launcher();
    ck_assert_uint_eq(before.ended, 0);
    open_launcher(200 * 1000);
    after.child = launch_adopt(launcher, run_id, run, 1, &before.identity, &after);
    open_gate();
    run_until(has_ended, &after);
    ck_assert_uint_eq(after.running, 0);
    ck_assert_int_eq(after.end.kind, LAUNCH_EXITED);
    ck_assert_int_eq(after.end.exit_code, 5);
    ck_assert_int_eq(after.end.started_us, before.started_us);
}
END_TEST

START_TEST(adopted_child_can_be_stopped)
{
    struct story before, after = {0};
    char *argv[] = {getenv("HD_STUBBORN"), NULL};
    start(&before, argv);
    run_until(log_says_ready, NULL);
    run_until(is_running, &before);
    close_launcher();
    open_launcher(200 * 1000);
    after.child = launch_adopt(launcher, run_id, run, 1, &before.identity, &after);
    launch_stop(after.child);
    run_until(has_ended, &after);
    ck_assert_int_eq(after.end.kind, LAUNCH_SIGNALED);
    ck_assert_uint_eq(marked_processes(), 0);
}
END_TEST

START_TEST(start_after_a_crash_adopts)
{
    struct story before, after;
    make_gate();
    start_shell(&before, gated("echo x >> ran", "exit 5"));
    run_until(is_running, &before);
    close_launcher();
    open_launcher(200 * 1000);
    start_shell(&after, gated("echo x >> ran", "exit 5"));
    run_until(is_running, &after);
    ck_assert(identity_equal(&after.identity, &before.identity));
    open_gate();
    run_until(has_ended, &after);
    ck_assert_int_eq(after.end.exit_code, 5);
    char text[64];
    ck_assert_str_eq(read_run_file("ran", text, sizeof text), "x\n");
}
END_TEST

/* The daemon dies between intent and spawn, or between spawn and Running, at any moment: the next one starts the attempt again. */
START_TEST(start_cut_short_runs_once)
{
    struct story before, after;
    start_shell(&before, "echo x >> ran; exit 5");
    for (int turn = 0; turn < _i; turn++)
        uv_run(&loop, UV_RUN_NOWAIT);
    close_launcher();
    open_launcher(200 * 1000);
    start_shell(&after, "echo x >> ran; exit 5");
    run_until(has_ended, &after);
    ck_assert_int_eq(after.end.kind, LAUNCH_EXITED);
    ck_assert_int_eq(after.end.exit_code, 5);
    ck_assert_uint_eq(after.running, 1);
    char text[64];
    ck_assert_str_eq(read_run_file("ran", text, sizeof text), "x\n");
}
END_TEST

static bool has_record(const void *data)
{
    (void)data;
    return run_file_exists("exit.1");
}

START_TEST(end_while_the_daemon_was_away_is_learned)
{
    struct story before, after = {0}, again;
    make_gate();
    start_shell(&before, gated("true", "exit 5"));
    run_until(is_running, &before);
    close_launcher();
    open_gate();
    run_until(has_record, NULL);
    write_file(run, "exit.1.tmp", "{\"kind\":\"exi"); /* a torn one beside it says nothing */
    open_launcher(200 * 1000);
    launch_adopt(launcher, run_id, run, 1, &before.identity, &after);
    run_until(has_ended, &after);
    ck_assert_int_eq(after.end.kind, LAUNCH_EXITED);
    ck_assert_int_eq(after.end.exit_code, 5);
    ck_assert_uint_eq(after.running, 0);
    start_shell(&again, "exit 6");
    run_until(has_ended, &again);
    ck_assert_int_eq(again.end.exit_code, 5);
    ck_assert_uint_eq(again.running, 1);
    ck_assert_int_eq(again.started_us, before.started_us);
}
END_TEST

START_TEST(reused_process_id_is_recognised)
{
    struct story before, after = {0}, lost = {0};
    end_shell(&before, "exit 5");
    struct launch_identity reused = {.pid = getpid()}, self;
    ck_assert_int_eq(identity_read(getpid(), &self), 0);
    reused = self;
    reused.start_ticks--;
    launch_adopt(launcher, run_id, run, 1, &reused, &after);
    run_until(has_ended, &after);
    ck_assert_int_eq(after.end.kind, LAUNCH_EXITED);
    ck_assert_int_eq(after.end.exit_code, 5);
    /* The same id and time, but before the machine was restarted. */
    reused = self;
    reused.boot_id[0] = reused.boot_id[0] == '0' ? '1' : '0';
    launch_tidy(launcher, run, 1, NULL);
    bool (*const tidy)(const void *) = has_record;
    while (tidy(NULL))
        uv_run(&loop, UV_RUN_ONCE);
    launch_adopt(launcher, run_id, run, 1, &reused, &lost);
    run_until(has_ended, &lost);
    ck_assert_int_eq(lost.end.kind, LAUNCH_LOST);
    ck_assert_int_gt(lost.end.ended_us, 0);
}
END_TEST

START_TEST(torn_record_is_no_record)
{
    struct story story, after = {0};
    end_shell(&story, "exit 5");
    write_file(run, "exit.1", "{\"kind\":\"exited\",\"exit_code\":");
    launch_adopt(launcher, run_id, run, 1, &story.identity, &after);
    run_until(has_ended, &after);
    ck_assert_int_eq(after.end.kind, LAUNCH_LOST);
}
END_TEST

START_TEST(killed_monitor_loses_the_child_and_its_processes)
{
    struct story story;
    char *argv[] = {getenv("HD_STUBBORN"), NULL};
    start(&story, argv);
    run_until(log_says_ready, NULL);
    run_until(is_running, &story);
    ck_assert_uint_ge(marked_processes(), 4);
    ck_assert_int_eq(kill((pid_t)story.identity.pid, SIGKILL), 0);
    run_until(has_ended, &story);
    ck_assert_int_eq(story.end.kind, LAUNCH_LOST);
    ck_assert_int_eq(story.end.started_us, story.started_us);
    ck_assert_str_eq(story.last_output, "ready\n");
    ck_assert_uint_eq(marked_processes(), 0);
}
END_TEST

/* Claimed, but nobody is there: the machine was restarted, or the monitor was killed before it could execute. */
START_TEST(claim_without_monitor_is_lost)
{
    struct story story;
    char command[PATH_MAX + 64];
    snprintf(command, sizeof command, "mkdir -p %s", run);
    ck_assert_int_eq(system(command), 0);
    write_file(run, "started.1", _i == 0 ? "{\"pid\":1,\"start_ticks\":1,\"boot_id\":\"another\"}\n" : "torn");
    start_shell(&story, "echo ran > ran");
    run_until(has_ended, &story);
    ck_assert_int_eq(story.end.kind, LAUNCH_LOST);
    ck_assert_uint_eq(story.running, 0);
    ck_assert(!run_file_exists("ran"));
}
END_TEST

/* Many, and closing */

struct crowd {
    struct story stories[CHILDREN];
};

static bool all_ended(const void *data)
{
    const struct crowd *crowd = data;
    for (size_t i = 0; i < CHILDREN; i++) {
        if (crowd->stories[i].ended == 0)
            return false;
    }
    return true;
}

static void start_crowd(struct crowd *crowd)
{
    for (size_t i = 0; i < CHILDREN; i++) {
        snprintf(run, sizeof run, "%s/runs/s/%zu/%zu", home, i / 100, i);
        char script[64];
        snprintf(script, sizeof script, "echo %zu; exit %zu", i, i % 100);
        start_shell(&crowd->stories[i], script);
    }
}

START_TEST(many_short_children_end_once_each)
{
    static struct crowd crowd;
    start_crowd(&crowd);
    run_until(all_ended, &crowd);
    for (size_t i = 0; i < CHILDREN; i++) {
        char expected[16];
        snprintf(expected, sizeof expected, "%zu\n", i);
        ck_assert_uint_eq(crowd.stories[i].running, 1);
        ck_assert_uint_eq(crowd.stories[i].ended, 1);
        ck_assert(!crowd.stories[i].ended_before_running);
        ck_assert_int_eq(crowd.stories[i].end.kind, LAUNCH_EXITED);
        ck_assert_int_eq(crowd.stories[i].end.exit_code, (int)(i % 100));
        ck_assert_str_eq(crowd.stories[i].last_output, expected);
    }
}
END_TEST

/* Closing with everything in flight; then each child is taken up again and has run once. */
START_TEST(close_in_the_middle_loses_nothing)
{
    static struct crowd crowd, again;
    start_crowd(&crowd);
    launch_tidy(launcher, home, 1, NULL);
    for (int turn = 0; turn < 5; turn++) {
        uv_timer_start(&look, on_look, LOOK_MS, 0);
        uv_run(&loop, UV_RUN_ONCE);
    }
    close_launcher();
    open_launcher(200 * 1000);
    start_crowd(&again);
    run_until(all_ended, &again);
    for (size_t i = 0; i < CHILDREN; i++) {
        char expected[16];
        snprintf(expected, sizeof expected, "%zu\n", i);
        ck_assert_uint_eq(again.stories[i].running, 1);
        ck_assert_str_eq(again.stories[i].last_output, expected);
    }
}
END_TEST

/* Snapshot and tidying */

static void make_snapshot(char *path, size_t size)
{
    char source[512], command[2 * PATH_MAX];
    snprintf(source, sizeof source, "%s/source", home);
    snprintf(path, size, "%s/snapshots/s", home);
    snprintf(command, sizeof command, "mkdir -p %s/code %s/outputs && ln -s code/a.py %s/link", source, source, source);
    ck_assert_int_eq(system(command), 0);
    write_file(source, "train.sh", "one\n");
    write_file(source, "changed.txt", "two\n");
    write_file(source, "code/a.py", "three\n");
    write_file(source, "code/b.py", "four\n");
    struct hd_error error = {0};
    ck_assert_int_eq(snapshot_take(source, path, 1000, &error), 0);
}

static bool is_tidy(const void *data)
{
    (void)data;
    return !run_file_exists("exit.1") && !run_file_exists("launch.json") && !run_file_exists("outputs");
}

START_TEST(tidy_keeps_what_the_program_wrote)
{
    struct story story;
    char snapshot[512];
    make_snapshot(snapshot, sizeof snapshot);
    char *argv[] = {(char *)"/bin/sh", (char *)"-c",
                    (char *)"cat train.sh code/b.py link; echo more >> changed.txt; echo new > code/new; mkdir outputs/empty", NULL};
    start_as(&story, 1, argv, NULL, snapshot);
    run_until(has_ended, &story);
    ck_assert_str_eq(story.last_output, "one\nfour\nthree\n");
    launch_tidy(launcher, run, 1, snapshot);
    run_until(is_tidy, NULL);
    close_launcher(); /* returns when the job is done */
    open_launcher(200 * 1000);
    ck_assert(!run_file_exists("train.sh"));
    ck_assert(!run_file_exists("link"));
    ck_assert(!run_file_exists("code/a.py"));
    ck_assert(!run_file_exists("logs"));
    char text[64];
    ck_assert_str_eq(read_run_file("changed.txt", text, sizeof text), "two\nmore\n");
    ck_assert_str_eq(read_run_file("code/new", text, sizeof text), "new\n");
    ck_assert(run_file_exists("started.1"));
    ck_assert(run_file_exists("user_logs/std_log.txt"));
    /* The attempt cannot run again. */
    end_shell(&story, "echo ran > ran");
    ck_assert_int_eq(story.end.kind, LAUNCH_LOST);
    ck_assert(!run_file_exists("ran"));
}
END_TEST

START_TEST(tidy_spares_the_next_attempt)
{
    struct story first, second;
    char snapshot[512];
    make_snapshot(snapshot, sizeof snapshot);
    make_gate();
    char *argv[] = {(char *)"/bin/true", NULL};
    start_as(&first, 1, argv, NULL, snapshot);
    run_until(has_ended, &first);
    char *gated_argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)gated("true", "cat train.sh"), NULL};
    start_as(&second, 2, gated_argv, NULL, snapshot);
    run_until(is_running, &second);
    launch_tidy(launcher, run, 1, snapshot);
    bool exists = true;
    while (exists) {
        uv_run(&loop, UV_RUN_ONCE);
        exists = run_file_exists("exit.1");
    }
    ck_assert(run_file_exists("launch.json"));
    open_gate();
    run_until(has_ended, &second);
    ck_assert_str_eq(second.last_output, "ready\none\n");
}
END_TEST

START_TEST(large_snapshot_is_linked)
{
    struct story story;
    char source[512], snapshot[512], command[2 * PATH_MAX];
    snprintf(source, sizeof source, "%s/source", home);
    snprintf(snapshot, sizeof snapshot, "%s/snapshots/s", home);
    snprintf(command, sizeof command, "mkdir -p %s/data %s/outputs && head -c 11000000 /dev/zero > %s/data/big && echo 1 > %s/outputs/seed",
             source, source, source, source);
    ck_assert_int_eq(system(command), 0);
    struct hd_error error = {0};
    ck_assert_int_eq(snapshot_take(source, snapshot, 1 << 30, &error), 0);
    char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)"wc -c < data/big; readlink data; cat outputs/seed; echo 2 > outputs/model",
                    NULL};
    start_as(&story, 1, argv, NULL, snapshot);
    run_until(has_ended, &story);
    char expected[PATH_MAX + 64];
    snprintf(expected, sizeof expected, "11000000\n%s/data\n1\n", snapshot);
    ck_assert_str_eq(story.last_output, expected);
    launch_tidy(launcher, run, 1, snapshot);
    close_launcher();
    open_launcher(200 * 1000);
    ck_assert(!run_file_exists("data"));
    ck_assert(!run_file_exists("outputs/seed"));
    ck_assert(run_file_exists("outputs/model"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("launch");
    TCase *tests = tcase_create("launch");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, exit_code_is_told);
    tcase_add_test(tests, signal_is_told);
    tcase_add_test(tests, use_of_memory_and_time_is_told);
    tcase_add_test(tests, environment_and_directories_are_exact);
    tcase_add_test(tests, program_gets_a_clean_process);
    tcase_add_test(tests, program_gets_standard_signals);
    tcase_add_test(tests, working_directory_is_taken);
    tcase_add_test(tests, last_output_is_cut_at_a_character);
    tcase_add_loop_test(tests, failed_exec_is_told, 0, sizeof refusals / sizeof *refusals);
    tcase_add_test(tests, folder_that_cannot_be_made_is_told);
    tcase_add_test(tests, missing_monitor_is_told);
    tcase_add_test(tests, monitor_that_fails_early_is_told);
    tcase_add_test(tests, stop_before_the_start_runs_nothing);
    tcase_add_test(tests, stop_ends_a_polite_program_by_term);
    tcase_add_test(tests, stop_ends_a_stubborn_tree);
    tcase_add_test(tests, what_a_program_leaves_behind_is_ended);
    tcase_add_test(tests, second_start_of_an_attempt_adopts);
    tcase_add_test(tests, two_starts_at_once_run_once);
    tcase_add_test(tests, next_attempt_runs_again);
    tcase_add_test(tests, busy_lock_is_waited_for);
    tcase_add_test(tests, running_child_is_adopted);
    tcase_add_test(tests, adopted_child_can_be_stopped);
    tcase_add_test(tests, start_after_a_crash_adopts);
    tcase_add_loop_test(tests, start_cut_short_runs_once, 0, 12);
    tcase_add_test(tests, end_while_the_daemon_was_away_is_learned);
    tcase_add_test(tests, reused_process_id_is_recognised);
    tcase_add_test(tests, torn_record_is_no_record);
    tcase_add_test(tests, killed_monitor_loses_the_child_and_its_processes);
    tcase_add_loop_test(tests, claim_without_monitor_is_lost, 0, 2);
    tcase_add_test(tests, many_short_children_end_once_each);
    tcase_add_test(tests, close_in_the_middle_loses_nothing);
    tcase_add_test(tests, tidy_keeps_what_the_program_wrote);
    tcase_add_test(tests, tidy_spares_the_next_attempt);
    tcase_add_test(tests, large_snapshot_is_linked);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
