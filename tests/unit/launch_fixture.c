#include "launch_fixture.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch/snapshot.h"

enum { DEADLINE_MS = 30000 };

char home[256];
char run[512]; /* STATE/runs/s/0/0 */
char run_id[64];
uv_loop_t loop;
uv_timer_t look;
static uv_timer_t deadline;
struct launch *launcher;
const char *fixture_cgroup = "no", *fixture_systemd_run = "/nonexistent", *fixture_root = "/";
struct launch_limits fixture_limits;
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

static void on_waiting(struct launch_child *child, void *data, const struct hd_error *error)
{
    (void)child;
    struct story *story = data;
    story->waiting++;
    snprintf(story->waits_for, sizeof story->waits_for, "%s", error->message);
}

static void on_lingering(struct launch_child *child, void *data)
{
    (void)child;
    struct story *story = data;
    story->lingering++;
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

void on_look(uv_timer_t *timer)
{
    (void)timer; /* wakes the loop, so that the condition is looked at again */
}

void run_until(bool (*condition)(const void *), const void *data)
{
    uv_timer_start(&deadline, on_deadline, DEADLINE_MS, 0);
    uv_timer_start(&look, on_look, LOOK_MS, LOOK_MS);
    while (!condition(data))
        uv_run(&loop, UV_RUN_ONCE);
    uv_timer_stop(&deadline);
    uv_timer_stop(&look);
}

bool has_ended(const void *data)
{
    return ((const struct story *)data)->ended > 0;
}

bool is_running(const void *data)
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

void open_launcher_with(const char *monitor, int64_t grace_us)
{
    struct hd_error error = {0};
    struct launch_settings settings = {
        .monitor = monitor, .grace_us = grace_us, .cgroup = fixture_cgroup, .systemd_run = fixture_systemd_run, .root = fixture_root};
    static const struct launch_events events = {.waiting = on_waiting, .running = on_running, .lingering = on_lingering, .ended = on_ended};
    ck_assert_ptr_nonnull(monitor);
    ck_assert_int_eq(launch_open(&launcher, &loop, &settings, &events, &error), 0);
}

void open_launcher(void)
{
    open_launcher_with(getenv("HD_MONITOR"), 200 * 1000);
}

void close_launcher(void)
{
    launcher_closed = false;
    launch_close(launcher, on_closed, &launcher_closed);
    ck_assert(!launcher_closed);
    run_until(is_true, &launcher_closed);
}

void launch_fixture_set_up(void)
{
    snprintf(home, sizeof home, "%s/hd-launch-XXXXXX", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(home));
    snprintf(run, sizeof run, "%s/runs/s/0/0", home);
    snprintf(run_id, sizeof run_id, "test-%d-%s", (int)getpid(), home + strlen(home) - 6);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    uv_timer_init(&loop, &deadline);
    uv_timer_init(&loop, &look);
    open_launcher();
}

void launch_fixture_tear_down(void)
{
    close_launcher();
    uv_close((uv_handle_t *)&deadline, NULL);
    uv_close((uv_handle_t *)&look, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    ck_assert_int_eq(snapshot_remove(home, NULL), 0);
}

/* Orders */

void start_as(struct story *story, int attempt, char *const *argv, const char *working_directory, const char *snapshot)
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
        .limits = fixture_limits,
        .argv = argv,
        .environment = environment,
    };
    *story = (struct story){0};
    story->child = launch_start(launcher, &order, story);
    ck_assert_ptr_nonnull(story->child);
}

void start(struct story *story, char *const *argv)
{
    start_as(story, 1, argv, NULL, NULL);
}

void start_shell(struct story *story, const char *script)
{
    char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)script, NULL};
    start(story, argv);
}

void end_shell(struct story *story, const char *script)
{
    start_shell(story, script);
    run_until(has_ended, story);
}

/* Files */

char *read_run_file(const char *name, char *buffer, size_t size)
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

bool run_file_exists(const char *name)
{
    char path[PATH_MAX + 64];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", run, name);
    return lstat(path, &info) == 0;
}

void write_file(const char *folder, const char *name, const char *text)
{
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

bool log_says_ready(const void *data)
{
    (void)data;
    char text[4096];
    return read_run_file("user_logs/std_log.txt", text, sizeof text) != NULL && strstr(text, "ready") != NULL;
}

/* The scripts wait on this FIFO, so a test says when they go on. */
void make_gate(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/gate", home);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
}

void open_gate(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/gate", home);
    int gate = open(path, O_RDWR); /* read-write: does not wait for the reader */
    ck_assert_int_ge(gate, 0);
    ck_assert_int_eq(write(gate, "go\n", 3), 3);
    /* Left open on purpose: what was written would be gone with the last descriptor. */
}

const char *gated(const char *before, const char *after)
{
    static char script[2 * PATH_MAX];
    snprintf(script, sizeof script, "%s; echo ready; read line < %s/gate; %s", before, home, after);
    return script;
}

static bool file_has(const char *path, const char *text)
{
    char content[16384];
    int file = open(path, O_RDONLY);
    ssize_t size = file < 0 ? 0 : read(file, content, sizeof content);
    if (file >= 0)
        close(file);
    return size > 0 && memmem(content, (size_t)size, text, strlen(text)) != NULL;
}

/* Threads are asked one by one: a main thread may have ended before the others. */
static bool is_of_run(const char *process, const char *marker)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%s/cmdline", process);
    bool found = file_has(path, run);
    snprintf(path, sizeof path, "/proc/%s/task", process);
    DIR *tasks = opendir(path);
    struct dirent *task;
    while (tasks != NULL && !found && (task = readdir(tasks)) != NULL) {
        snprintf(path, sizeof path, "/proc/%s/task/%s/environ", process, task->d_name);
        found = file_has(path, marker);
    }
    if (tasks != NULL)
        closedir(tasks);
    return found;
}

unsigned marked_processes(void)
{
    char marker[128];
    snprintf(marker, sizeof marker, "HYPERDRIVE_RUN_ID=%s", run_id);
    unsigned count = 0;
    DIR *all = opendir("/proc");
    struct dirent *entry;
    while ((entry = readdir(all)) != NULL)
        count += is_of_run(entry->d_name, marker);
    closedir(all);
    return count;
}
