/* Control groups: real ones where this machine lets us make them, and a fake tree of plain files. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "launch/cgroup.h"
#include "launch/kernel_file.h"
#include "launch/oom.h"
#include "launch/scope.h"
#include "launch_fixture.h"

static char tree[640]; /* a cgroup that is delegated; "": this machine lets us make none */
static char above[512];

static const char *mount_point(void)
{
    static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    for (size_t i = 0; i < 2; i++) {
        struct statfs info;
        if (statfs(mounts[i], &info) == 0 && (unsigned long)info.f_type == CGROUP2_SUPER_MAGIC)
            return mounts[i];
    }
    return NULL;
}

/* One test is one process: it enters the cgroup, and with its end leaves it. */
static bool enter_tree(void)
{
    const char *mount = mount_point();
    snprintf(above, sizeof above, "%s", mount != NULL ? mount : "/nonexistent");
    snprintf(tree, sizeof tree, "%s/hd-test-%d", above, (int)getpid());
    if (mkdir(tree, 0755) == 0 && setxattr(tree, "user.delegate", "1", 1, 0) == 0 && cgroup_enter(tree) == 0)
        return true;
    printf("skipped: no control group can be made at %s: %s\n", tree, strerror(errno));
    rmdir(tree);
    tree[0] = '\0';
    return false;
}

static void leave_tree(void)
{
    if (tree[0] == '\0')
        return;
    ck_assert_int_eq(cgroup_enter(above), 0);
    cgroup_remove(tree);
    ck_assert_int_lt(access(tree, F_OK), 0);
}

static unsigned members(const char *path)
{
    char file[PATH_MAX];
    struct hd_text text = {0};
    unsigned count = 0;
    snprintf(file, sizeof file, "%s/cgroup.procs", path);
    ck_assert_int_eq(kernel_file_read(file, &text), 0);
    for (const char *at = text.data; at != NULL && (at = strchr(at, '\n')) != NULL; at++)
        count++;
    hd_text_clear(&text);
    return count;
}

START_TEST(delegated_cgroup_is_found_again)
{
    char found[PATH_MAX];
    if (!enter_tree())
        return;
    ck_assert_int_eq(cgroup_find_delegated(found, sizeof found), 0);
    ck_assert_str_eq(found, tree);
    ck_assert_int_eq(cgroup_move_aside(found), 0);
    ck_assert_uint_eq(members(tree), 0);
    ck_assert_int_eq(cgroup_find_delegated(found, sizeof found), 0);
    ck_assert_str_eq(found, tree);
    leave_tree();
}
END_TEST

START_TEST(others_are_left_alone)
{
    char found[PATH_MAX];
    if (!enter_tree())
        return;
    ck_assert_int_eq(removexattr(tree, "user.delegate"), 0);
    ck_assert_int_eq(cgroup_find_delegated(found, sizeof found), -ENOENT);
    ck_assert_int_eq(setxattr(tree, "user.delegate", "0", 1, 0), 0);
    ck_assert_int_eq(cgroup_find_delegated(found, sizeof found), -ENOENT);
    leave_tree();
}
END_TEST

static unsigned cgroups_below(void)
{
    char command[PATH_MAX];
    snprintf(command, sizeof command, "test -z \"$(ls -d %s/run-* 2> /dev/null)\"", tree);
    return system(command) == 0 ? 0 : 1;
}

/* Opens a launcher whose runs have cgroups, in the place of the one that has none. */
static bool confine(void)
{
    if (!enter_tree())
        return false;
    close_launcher();
    fixture_cgroup = "auto";
    open_launcher();
    ck_assert_str_eq(launch_cgroup(launcher), tree);
    return true;
}

static void start_stubborn(struct story *story)
{
    char *argv[] = {getenv("HD_STUBBORN"), NULL};
    char path[PATH_MAX];
    start(story, argv);
    run_until(log_says_ready, NULL);
    run_until(is_running, story);
    ck_assert_int_eq(cgroup_of_attempt(tree, run_id, 1, path, sizeof path), 0);
    ck_assert_uint_ge(members(path), STUBBORN_PROCESSES - 1);
}

START_TEST(stop_ends_all_of_the_cgroup)
{
    struct story story;
    if (!confine())
        return;
    start_stubborn(&story);
    launch_stop(story.child);
    run_until(has_ended, &story);
    ck_assert_int_eq(story.end.kind, LAUNCH_SIGNALED);
    ck_assert_int_eq(story.end.signal, SIGKILL);
    ck_assert_int_eq(story.end.oom, OOM_NO);
    ck_assert_uint_eq(marked_processes(), 0);
    ck_assert_uint_eq(cgroups_below(), 0);
    close_launcher();
    leave_tree();
    fixture_cgroup = "no";
    open_launcher();
}
END_TEST

/* Neither a descendant of the monitor nor marked in its environment: only its cgroup leads to it. */
static pid_t add_stranger(const char *path)
{
    pid_t stranger = fork();
    if (stranger == 0) {
        char *none[] = {NULL};
        if (cgroup_enter(path) == 0)
            execle("/bin/sleep", "sleep", "1000", (char *)NULL, none);
        _exit(127);
    }
    return stranger;
}

static bool two_members(const void *data)
{
    return members(data) == 2;
}

/* 0: it is stopped; 1: its monitor is killed; 2: while the daemon is away. */
START_TEST(what_was_started_for_a_run_ends_with_it)
{
    struct story story, after = {0};
    char path[PATH_MAX];
    int status;
    if (!confine())
        return;
    make_gate();
    start_shell(&story, gated("true", "exit 5"));
    run_until(log_says_ready, NULL);
    run_until(is_running, &story);
    ck_assert_int_eq(cgroup_of_attempt(tree, run_id, 1, path, sizeof path), 0);
    pid_t stranger = add_stranger(path);
    run_until(two_members, path);
    if (_i == 2)
        close_launcher();
    if (_i == 0)
        launch_stop(story.child);
    else
        ck_assert_int_eq(kill((pid_t)story.identity.pid, SIGKILL), 0);
    if (_i == 2) {
        open_launcher();
        after.child = launch_adopt(launcher, run_id, run, 1, &story.identity, &after);
    }
    run_until(has_ended, _i == 2 ? &after : &story);
    ck_assert_int_eq(_i == 2 ? after.end.kind : story.end.kind, _i == 0 ? LAUNCH_SIGNALED : LAUNCH_LOST);
    ck_assert_uint_eq(cgroups_below(), 0);
    ck_assert_int_eq(waitpid(stranger, &status, 0), stranger);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close_launcher();
    leave_tree();
    fixture_cgroup = "no";
    open_launcher();
}
END_TEST

/* The program makes cgroups of its own, as container engines do. */
START_TEST(cgroups_of_the_program_go_with_it)
{
    struct story story;
    char script[3 * PATH_MAX], path[PATH_MAX];
    if (!confine())
        return;
    ck_assert_int_eq(cgroup_of_attempt(tree, run_id, 1, path, sizeof path), 0);
    snprintf(script, sizeof script, "mkdir -p %s/a/b; (echo 0 > %s/a/b/cgroup.procs; exec setsid sleep 1000) & exit 3", path, path);
    end_shell(&story, script);
    ck_assert_int_eq(story.end.exit_code, 3);
    ck_assert_uint_eq(marked_processes(), 0);
    ck_assert_uint_eq(cgroups_below(), 0);
    close_launcher();
    leave_tree();
    fixture_cgroup = "no";
    open_launcher();
}
END_TEST

/* A fake tree of plain files */

static char fake[512];

static void make_fake(const char *controllers)
{
    snprintf(fake, sizeof fake, "%s/cgroup", home);
    ck_assert_int_eq(mkdir(fake, 0755), 0);
    write_file(fake, "cgroup.procs", "");
    write_file(fake, "cgroup.subtree_control", controllers);
    close_launcher();
    fixture_cgroup = fake;
    open_launcher();
}

/* What the monitor wrote to a file of the run's cgroup. */
static const char *written(const char *name)
{
    static char text[256];
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/run-%s.1/%s", fake, run_id, name);
    int file = open(path, O_RDONLY);
    ssize_t count = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (file >= 0)
        close(file);
    text[count < 0 ? 0 : count] = '\0';
    return count < 0 ? NULL : text;
}

START_TEST(limits_are_written)
{
    struct story story;
    make_fake("cpuset cpu io memory pids\n");
    ck_assert_ptr_null(launch_no_limits(launcher));
    fixture_limits = (struct launch_limits){.memory = 1 << 20, .processes = 7, .cpus = 2.5};
    end_shell(&story, "exit 3");
    ck_assert_int_eq(story.end.exit_code, 3);
    ck_assert_int_eq(story.end.oom, OOM_NO);
    ck_assert_pstr_eq(written("memory.max"), "1048576");
    ck_assert_pstr_eq(written("memory.swap.max"), "0");
    ck_assert_pstr_eq(written("pids.max"), "7");
    ck_assert_pstr_eq(written("cpu.max"), "250000 100000");
    ck_assert_pstr_eq(written("cgroup.procs"), "0");
}
END_TEST

START_TEST(only_limits_that_are_asked_for)
{
    struct story story;
    make_fake("cpu memory pids\n");
    fixture_limits = (struct launch_limits){.processes = 7};
    end_shell(&story, "exit 3");
    ck_assert_pstr_eq(written("pids.max"), "7");
    ck_assert_ptr_null(written("memory.max"));
    ck_assert_ptr_null(written("cpu.max"));
}
END_TEST

START_TEST(without_all_controllers_there_are_no_limits)
{
    struct story story;
    fixture_root = home; /* where no systemd runs */
    make_fake("cpu memory\n");
    ck_assert_pstr_eq(launch_no_limits(launcher),
                      "the daemon has no control group with the controllers memory, pids and cpu, and systemd is not running");
    end_shell(&story, "exit 3");
    ck_assert_int_eq(story.end.exit_code, 3);
    ck_assert_pstr_eq(written("cgroup.procs"), "0");
}
END_TEST

/* The cgroup is not what it was when the sweep was submitted. */
START_TEST(limits_that_cannot_be_held_start_nothing)
{
    struct story story;
    fixture_limits = (struct launch_limits){.processes = 7};
    end_shell(&story, "echo x > ran");
    ck_assert_int_eq(story.end.kind, LAUNCH_NOT_STARTED);
    ck_assert_str_eq(story.end.error.message, "the daemon has no control group any more that can hold the run to its limits");
    ck_assert(!run_file_exists("ran"));
}
END_TEST

START_TEST(kill_for_want_of_memory_is_told)
{
    struct story story;
    char script[PATH_MAX];
    make_fake("cpu memory pids\n");
    fixture_limits = (struct launch_limits){.memory = 1 << 20};
    snprintf(script, sizeof script, "printf 'low 0\\nhigh 0\\nmax 9\\noom 1\\noom_kill 1\\n' > %s/run-%s.1/memory.events; %s", fake, run_id,
             _i == 0 ? "kill -9 $$" : "exit 1");
    end_shell(&story, script);
    ck_assert_int_eq(story.end.kind, _i == 0 ? LAUNCH_SIGNALED : LAUNCH_EXITED);
    ck_assert_int_eq(story.end.oom, OOM_YES);
}
END_TEST

START_TEST(unusable_cgroup_is_refused)
{
    struct launch *refused = NULL;
    struct hd_error error = {0};
    const struct launch_events events = {.running = NULL};
    const struct launch_settings settings = {.monitor = "/bin/true", .cgroup = home, .systemd_run = "/nonexistent", .root = "/"};
    char expected[512];
    snprintf(expected, sizeof expected, "cannot make control groups below '%s' (setting 'cgroup'): No such file or directory", home);
    ck_assert_int_lt(launch_open(&refused, &loop, &settings, &events, &error), 0);
    ck_assert_str_eq(error.message, expected);
}
END_TEST

/* Transient units */

START_TEST(scope_has_its_limits)
{
    const struct scope scope = {
        .program = "/usr/bin/systemd-run", .user = true, .run_id = "HD_1_0", .limits = {.memory = 5 << 20, .processes = 7, .cpus = 0.5}};
    static const char *const expected[] = {"/usr/bin/systemd-run",
                                           "--scope",
                                           "--quiet",
                                           "--collect",
                                           "--no-ask-password",
                                           "--property=Delegate=yes",
                                           "--user",
                                           "--unit=hyperdrive-HD_1_0.2.scope",
                                           "--property=MemoryMax=5242880",
                                           "--property=MemorySwapMax=0",
                                           "--property=TasksMax=8",
                                           "--property=CPUQuota=50%",
                                           "--"};
    struct hd_strings arguments = {0};
    ck_assert_int_eq(scope_arguments(&scope, 2, &arguments), 0);
    ck_assert_int_eq(arguments.count, (int)(sizeof expected / sizeof *expected));
    for (int i = 0; i < arguments.count; i++)
        ck_assert_str_eq(arguments.list[i], expected[i]);
    hd_strings_clear(&arguments);
}
END_TEST

/* A machine with systemd and controllers, whose systemd-run is a script: it delegates a cgroup to what it executes. */
static void make_machine(const char *script)
{
    static char root[512], program[1024];
    char command[4096];
    snprintf(root, sizeof root, "%s/machine", home);
    snprintf(program, sizeof program, "%s/systemd-run", root);
    snprintf(command, sizeof command, "mkdir -p %s/run/systemd/system %s/sys/fs/cgroup", root, root);
    if (geteuid() != 0)
        snprintf(command + strlen(command), sizeof command - strlen(command), "/user.slice/user-%u.slice/user@%u.service",
                 (unsigned)geteuid(), (unsigned)geteuid());
    ck_assert_int_eq(system(command), 0);
    snprintf(command, sizeof command, "%s/sys/fs/cgroup", root);
    if (geteuid() != 0)
        snprintf(command + strlen(command), sizeof command - strlen(command), "/user.slice/user-%u.slice/user@%u.service",
                 (unsigned)geteuid(), (unsigned)geteuid());
    write_file(command, "cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
    setenv("XDG_RUNTIME_DIR", root, 1);
    write_file(root, "systemd-run", script);
    ck_assert_int_eq(chmod(program, 0700), 0);
    close_launcher();
    fixture_cgroup = "auto";
    fixture_root = root;
    fixture_systemd_run = program;
    open_launcher();
    ck_assert_ptr_null(launch_no_limits(launcher));
}

START_TEST(run_with_limits_has_a_unit)
{
    struct story limited, free_one;
    char script[4096], said[4096];
    if (!enter_tree())
        return;
    ck_assert_int_eq(removexattr(tree, "user.delegate"), 0); /* the daemon itself has none */
    snprintf(script, sizeof script,
             "#!/bin/sh\nexport PATH=/usr/bin:/bin\necho \"$@\" > %s/said\nwhile [ \"$1\" != -- ]; do shift; done; shift\n"
             "mkdir %s/scope && /usr/bin/python3 -c 'import os; os.setxattr(\"%s/scope\", \"user.delegate\", b\"1\")' || exit 9\n"
             "echo $$ > %s/scope/cgroup.procs\nexec \"$@\"\n",
             home, tree, tree, tree);
    make_machine(script);
    fixture_limits = (struct launch_limits){.memory = 5 << 20};
    start_shell(&limited, "grep ^0:: /proc/self/cgroup; sleep 1000 & exit 3");
    run_until(has_ended, &limited);
    ck_assert_int_eq(limited.end.kind, LAUNCH_EXITED);
    ck_assert_int_eq(limited.end.exit_code, 3);
    ck_assert_uint_eq(limited.running, 1);
    snprintf(script, sizeof script, "0::%s/scope/run-%s.1\n", tree + strlen(above), run_id);
    ck_assert_str_eq(limited.last_output, script);
    snprintf(script, sizeof script, "%s/said", home);
    int file = open(script, O_RDONLY);
    ssize_t count = read(file, said, sizeof said - 1);
    close(file);
    said[count < 0 ? 0 : count] = '\0';
    ck_assert_ptr_nonnull(strstr(said, "--property=MemoryMax=5242880"));
    ck_assert_uint_eq(marked_processes(), 0);
    /* Without limits there is no need for one. */
    fixture_limits = (struct launch_limits){.memory = 0};
    snprintf(run, sizeof run, "%s/runs/s/0/1", home);
    end_shell(&free_one, "exit 4");
    ck_assert_int_eq(free_one.end.exit_code, 4);
    leave_tree();
}
END_TEST

static bool one_member(const void *data)
{
    return members(data) == 1;
}

/* The monitor of a run with a unit is killed: the first look at what it has left is at the unit, also where nothing else leads to it. The
 * second stranger has moved out of the program's own cgroup. 1: while the daemon is away; 2: the unit is another one's. */
START_TEST(unit_of_a_lost_run_is_emptied)
{
    struct story story, after = {0};
    char script[4096], unit[1024], path[PATH_MAX];
    int status;
    if (!enter_tree())
        return;
    ck_assert_int_eq(removexattr(tree, "user.delegate"), 0);
    snprintf(unit, sizeof unit, _i == 2 ? "%s/other.scope" : "%s/hyperdrive-%s.1.scope", tree, run_id);
    snprintf(script, sizeof script,
             "#!/bin/sh\nexport PATH=/usr/bin:/bin\nwhile [ \"$1\" != -- ]; do shift; done; shift\n"
             "mkdir %s && /usr/bin/python3 -c 'import os; os.setxattr(\"%s\", \"user.delegate\", b\"1\")' || exit 9\n"
             "echo $$ > %s/cgroup.procs\nexec \"$@\"\n",
             unit, unit, unit);
    make_machine(script);
    fixture_limits = (struct launch_limits){.memory = 5 << 20};
    make_gate();
    start_shell(&story, gated("true", "exit 5"));
    run_until(log_says_ready, NULL);
    run_until(is_running, &story);
    ck_assert_int_eq(cgroup_of_attempt(unit, run_id, 1, path, sizeof path), 0);
    pid_t inside = add_stranger(path), above_it = add_stranger(unit);
    run_until(two_members, path);
    run_until(two_members, unit); /* with the monitor */
    if (_i == 1)
        close_launcher();
    ck_assert_int_eq(kill((pid_t)story.identity.pid, SIGKILL), 0);
    if (_i == 1) {
        open_launcher();
        after.child = launch_adopt(launcher, run_id, run, 1, &story.identity, &after);
    }
    run_until(has_ended, _i == 1 ? &after : &story);
    ck_assert_int_eq(_i == 1 ? after.end.kind : story.end.kind, LAUNCH_LOST);
    ck_assert_uint_eq(marked_processes(), 0);
    ck_assert_int_eq(waitpid(inside, &status, 0), inside);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    if (_i == 2) {
        run_until(one_member, unit);
        ck_assert_int_eq(kill(above_it, SIGTERM), 0);
    }
    ck_assert_int_eq(waitpid(above_it, &status, 0), above_it);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == (_i == 2 ? SIGTERM : SIGKILL));
    fixture_limits = (struct launch_limits){.memory = 0};
    leave_tree();
}
END_TEST

START_TEST(unit_that_is_refused_starts_nothing)
{
    struct story story;
    make_machine("#!/bin/sh\necho 'Failed to start transient scope unit: Access denied' >&2\nexit 1\n");
    fixture_limits = (struct launch_limits){.processes = 5};
    end_shell(&story, "echo x > ran");
    ck_assert_int_eq(story.end.kind, LAUNCH_NOT_STARTED);
    ck_assert_ptr_nonnull(strstr(story.end.error.message, "systemd-run' ended with exit code 1 before it started the program"));
    ck_assert_str_eq(story.last_output, "");
    ck_assert(!run_file_exists("ran"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cgroup");
    TCase *tests = tcase_create("cgroup");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, launch_fixture_set_up, launch_fixture_tear_down);
    tcase_add_test(tests, delegated_cgroup_is_found_again);
    tcase_add_test(tests, others_are_left_alone);
    tcase_add_test(tests, stop_ends_all_of_the_cgroup);
    tcase_add_loop_test(tests, what_was_started_for_a_run_ends_with_it, 0, 3);
    tcase_add_test(tests, cgroups_of_the_program_go_with_it);
    tcase_add_test(tests, limits_are_written);
    tcase_add_test(tests, only_limits_that_are_asked_for);
    tcase_add_test(tests, without_all_controllers_there_are_no_limits);
    tcase_add_test(tests, limits_that_cannot_be_held_start_nothing);
    tcase_add_loop_test(tests, kill_for_want_of_memory_is_told, 0, 2);
    tcase_add_test(tests, unusable_cgroup_is_refused);
    tcase_add_test(tests, scope_has_its_limits);
    tcase_add_test(tests, run_with_limits_has_a_unit);
    tcase_add_loop_test(tests, unit_of_a_lost_run_is_emptied, 0, 3);
    tcase_add_test(tests, unit_that_is_refused_starts_nothing);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
