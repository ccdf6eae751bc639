/* The life of attempts: that each runs once, whatever is killed when; many at once; what stays in the run folder. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/ahead.h"
#include "launch/child.h"
#include "launch/processes.h"
#include "launch/snapshot.h"
#include "launch_fixture.h"

enum { CHILDREN = 200 };

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
    char command[1024], path[1024];
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
    open_launcher();
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
    open_launcher();
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
    open_launcher();
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
    open_launcher();
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
    char text[8];
    return run_file_exists("exit.1") && read_run_file("exit.1", text, sizeof text)[0] != '\0';
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
    open_launcher();
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
    ck_assert_uint_ge(marked_processes(), STUBBORN_PROCESSES);
    ck_assert_int_eq(kill((pid_t)story.identity.pid, SIGKILL), 0);
    run_until(has_ended, &story);
    ck_assert_int_eq(story.end.kind, LAUNCH_LOST);
    ck_assert_int_eq(story.end.started_us, story.started_us);
    ck_assert_str_eq(story.last_output, "ready\n");
    ck_assert_uint_eq(marked_processes(), 0);
}
END_TEST

static bool is_stopped(const void *data)
{
    return processes_is_stopped((pid_t)((const struct story *)data)->identity.pid);
}

/* Somebody stops the monitor, too. */
START_TEST(stopped_monitor_takes_a_stop)
{
    struct story story;
    char *argv[] = {getenv("HD_STUBBORN"), NULL};
    start(&story, argv);
    run_until(log_says_ready, NULL);
    run_until(is_running, &story);
    ck_assert_int_eq(kill((pid_t)story.identity.pid, SIGSTOP), 0);
    run_until(is_stopped, &story);
    launch_stop(story.child);
    run_until(has_ended, &story);
    ck_assert_int_eq(story.end.kind, LAUNCH_SIGNALED);
    ck_assert_uint_eq(marked_processes(), 0);
}
END_TEST

struct silence {
    struct story story;
    unsigned tries; /* to end it */
};

static bool is_looked_for(const void *data)
{
    const struct launch_child *child = ((const struct silence *)data)->story.child;
    return child->pidfd >= 0 && child->status < 0 && uv_is_active((const uv_handle_t *)&child->timer);
}

/* Both are done as often as can be. */
static bool was_ended(const void *data)
{
    struct silence *silence = (struct silence *)data;
    struct launch_child *child = silence->story.child;
    if (silence->story.ended > 0)
        return true;
    if (child->pidfd >= 0) /* the job behind its end reads them */
        child->tries = 0;
    uv_timer_set_repeat(&launcher->stops, LOOK_MS);
    silence->tries += child->overdue_ms > 1;
    child->overdue_ms = 1;
    return false;
}

static bool was_tried_often(const void *data)
{
    return was_ended(data) || ((const struct silence *)data)->tries >= 20;
}

/* A monitor that says nothing, and does not end: whether its program runs is looked for while the daemon ends its tree. */
START_TEST(silent_monitor_is_ended)
{
    struct silence silence = {.tries = 0};
    char monitor[512];
    snprintf(monitor, sizeof monitor, "%s/monitor", home);
    write_file(home, "monitor",
               "#!/bin/sh\ntrap '' TERM\nexec 3>&-\nwhile [ ! -e \"$1/go\" ]; do for i in 1 2 3; do /bin/sleep 1000 & done; wait; done\n");
    ck_assert_int_eq(chmod(monitor, 0700), 0);
    close_launcher();
    open_launcher_with(monitor, 0);
    start_shell(&silence.story, "exit 5");
    run_until(is_looked_for, &silence);
    launch_stop(silence.story.child);
    run_until(was_tried_often, &silence);
    write_file(run, "go", "");
    run_until(was_ended, &silence);
    ck_assert_int_eq(silence.story.end.kind, LAUNCH_NOT_STARTED);
    ck_assert_uint_eq(silence.story.ended, 1);
}
END_TEST

/* Processes of others may carry any variables: only the whole one counts. */
START_TEST(killed_monitor_spares_strangers)
{
    struct story story;
    char similar[128];
    snprintf(similar, sizeof similar, "HYPERDRIVE_RUN_ID=%s0", run_id);
    pid_t stranger = fork();
    if (stranger == 0) {
        char *environment[] = {similar, NULL};
        execle("/bin/sleep", "sleep", "1000", (char *)NULL, environment);
        _exit(127);
    }
    make_gate();
    start_shell(&story, gated("true", "exit 5"));
    run_until(is_running, &story);
    ck_assert_int_eq(kill((pid_t)story.identity.pid, SIGKILL), 0);
    run_until(has_ended, &story);
    ck_assert_int_eq(story.end.kind, LAUNCH_LOST);
    ck_assert_int_eq(waitpid(stranger, NULL, WNOHANG), 0);
    ck_assert_int_eq(kill(stranger, SIGKILL), 0);
    ck_assert_int_eq(waitpid(stranger, NULL, 0), stranger);
}
END_TEST

static bool lingers(const void *data)
{
    return ((const struct story *)data)->lingering > 0;
}

/* Frozen by the old kind of freezer, a process does not die before it is thawed. */
START_TEST(what_does_not_die_is_waited_for)
{
    struct story story;
    char freezer[256], script[512];
    snprintf(freezer, sizeof freezer, "/sys/fs/cgroup/freezer/%s", run_id);
    if (mkdir(freezer, 0700) < 0) {
        printf("skipped: no process that cannot be killed can be had, since %s cannot be made: %s\n", freezer, strerror(errno));
        return;
    }
    snprintf(script, sizeof script, "echo $$ > %s/cgroup.procs; true", freezer);
    make_gate();
    start_shell(&story, gated(script, "exit 5"));
    run_until(log_says_ready, NULL);
    run_until(is_running, &story);
    write_file(freezer, "freezer.state", "FROZEN");
    ck_assert_int_eq(kill((pid_t)story.identity.pid, SIGKILL), 0);
    run_until(lingers, &story);
    ck_assert_uint_eq(story.ended, 0);
    ck_assert_uint_eq(marked_processes(), 1);
    write_file(freezer, "freezer.state", "THAWED");
    run_until(has_ended, &story);
    ck_assert_int_eq(story.end.kind, LAUNCH_LOST);
    ck_assert_uint_eq(story.lingering, 1);
    ck_assert_uint_eq(marked_processes(), 0);
    ck_assert_int_eq(rmdir(freezer), 0);
}
END_TEST

/* Claimed, but nobody is there: the machine was restarted, or the monitor was killed before it could execute, and its id is another's now.
 */
START_TEST(claim_without_monitor_is_lost)
{
    struct story story;
    char command[1024];
    snprintf(command, sizeof command, "mkdir -p %s", run);
    ck_assert_int_eq(system(command), 0);
    struct launch_identity self;
    ck_assert_int_eq(identity_read(getpid(), &self), 0);
    char foreign[256];
    snprintf(foreign, sizeof foreign, "{\"pid\":%d,\"start_ticks\":%lld,\"boot_id\":\"%s\"}\n", (int)getpid(),
             (long long)self.start_ticks - 1, self.boot_id);
    const char *const claims[] = {"{\"pid\":1,\"start_ticks\":1,\"boot_id\":\"another\"}\n", "torn", foreign};
    write_file(run, "started.1", claims[_i]);
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
    open_launcher();
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
    char source[512], command[4096];
    snprintf(source, sizeof source, "%s/source", home);
    snprintf(path, size, "%s/snapshots/s", home);
    snprintf(command, sizeof command, "mkdir -p %s/code %s/outputs && ln -s code/a.py %s/link", source, source, source);
    ck_assert_int_eq(system(command), 0);
    write_file(source, "train.sh", "one\n");
    write_file(source, "changed.txt", "two\n");
    write_file(source, "code/a.py", "three\n");
    write_file(source, "code/b.py", "four\n");
    struct hd_error error = {0};
    ck_assert_int_eq(snapshot_take(source, path, 1000, NULL, &error), 0);
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
    open_launcher();
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
    char source[512], snapshot[512], command[4096];
    snprintf(source, sizeof source, "%s/source", home);
    snprintf(snapshot, sizeof snapshot, "%s/snapshots/s", home);
    snprintf(command, sizeof command, "mkdir -p %s/data %s/outputs && head -c 11000000 /dev/zero > %s/data/big && echo 1 > %s/outputs/seed",
             source, source, source, source);
    ck_assert_int_eq(system(command), 0);
    struct hd_error error = {0};
    ck_assert_int_eq(snapshot_take(source, snapshot, 1 << 30, NULL, &error), 0);
    char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)"wc -c < data/big; readlink data; cat outputs/seed; echo 2 > outputs/model",
                    NULL};
    start_as(&story, 1, argv, NULL, snapshot);
    run_until(has_ended, &story);
    char expected[1024];
    snprintf(expected, sizeof expected, "11000000\n%s/data\n1\n", snapshot);
    ck_assert_str_eq(story.last_output, expected);
    launch_tidy(launcher, run, 1, snapshot);
    close_launcher();
    open_launcher();
    ck_assert(!run_file_exists("data"));
    ck_assert(!run_file_exists("outputs/seed"));
    ck_assert(run_file_exists("outputs/model"));
}
END_TEST

/* A folder that was prepared ahead */

static bool nothing_is_made(const void *data)
{
    (void)data;
    return launcher->tidying == 0;
}

static void make_wide_snapshot(char *path, size_t size, int files)
{
    char source[512], name[16];
    snprintf(source, sizeof source, "%s/source", home);
    snprintf(path, size, "%s/snapshots/s", home);
    ck_assert_int_eq(mkdir(source, 0700), 0);
    for (int i = 0; i < files; i++) {
        snprintf(name, sizeof name, "%d", i);
        write_file(source, name, "");
    }
    struct hd_error error = {0};
    ck_assert_int_eq(snapshot_take(source, path, 1000, NULL, &error), 0);
}

/* The last child of a sweep has taken its folder when those that nobody will need are removed: both happen on the pool, the former the
 * later the more folders are to be made above it. */
START_TEST(taken_folder_outlives_those_left_over)
{
    enum { ROUNDS = 20, FILES = 200 };
    char snapshot[512], place[512];
    int length = snprintf(run, sizeof run, "%s/runs", home);
    make_wide_snapshot(snapshot, sizeof snapshot, FILES);
    for (int round = 0; round < ROUNDS; round++) {
        snprintf(place, sizeof place, "%s/ahead/%d", home, round);
        struct launch_ahead *ahead = launch_ahead_open(launcher, place, snapshot, NULL);
        ck_assert_ptr_nonnull(ahead);
        launch_ahead_want(ahead, 2);
        run_until(nothing_is_made, NULL);
        struct story story = {0};
        char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)"ls | grep -c '^[0-9]*$'", NULL};
        length += snprintf(run + length, sizeof run - (size_t)length, "/above%d/x", round);
        const struct launch_order order = {
            .run_id = run_id, .folder = run, .attempt = 1, .snapshot = snapshot, .ahead = ahead, .argv = argv, .environment = argv + 3};
        story.child = launch_start(launcher, &order, &story);
        launch_ahead_close(ahead);
        run_until(has_ended, &story);
        ck_assert_msg(story.end.kind == LAUNCH_EXITED, "round %d: %s", round, story.end.error.message);
        ck_assert_str_eq(story.last_output, "200\n");
        run_until(nothing_is_made, NULL);
        ck_assert_int_eq(access(place, F_OK), -1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("launch_life");
    TCase *tests = tcase_create("launch_life");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, launch_fixture_set_up, launch_fixture_tear_down);
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
    tcase_add_test(tests, stopped_monitor_takes_a_stop);
    tcase_add_test(tests, silent_monitor_is_ended);
    tcase_add_test(tests, killed_monitor_spares_strangers);
    tcase_add_test(tests, what_does_not_die_is_waited_for);
    tcase_add_loop_test(tests, claim_without_monitor_is_lost, 0, 3);
    tcase_add_test(tests, many_short_children_end_once_each);
    tcase_add_test(tests, close_in_the_middle_loses_nothing);
    tcase_add_test(tests, tidy_keeps_what_the_program_wrote);
    tcase_add_test(tests, tidy_spares_the_next_attempt);
    tcase_add_test(tests, large_snapshot_is_linked);
    tcase_add_test(tests, taken_folder_outlives_those_left_over);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
