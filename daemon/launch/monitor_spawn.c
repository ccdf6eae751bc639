#include "monitor_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/text.h"
#include "fault.h"
#include "monitor.h"

/* All signals at their defaults, but blocked: a TERM that comes before the monitor is ready for it waits instead of killing it. */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all;
    sigfillset(&all);
    int number = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    if (number == 0)
        number = posix_spawnattr_setsigdefault(attributes, &all);
    return number == 0 ? posix_spawnattr_setsigmask(attributes, &all) : number;
}

/* Both descriptors are above MONITOR_STATUS_FD, so no step overwrites what a later one needs. */
static int set_actions(posix_spawn_file_actions_t *actions, int log, int status)
{
    int number = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (number == 0)
        number = posix_spawn_file_actions_adddup2(actions, log, STDOUT_FILENO);
    if (number == 0)
        number = posix_spawn_file_actions_adddup2(actions, log, STDERR_FILENO);
    if (number == 0)
        number = posix_spawn_file_actions_adddup2(actions, status, MONITOR_STATUS_FD);
    return number == 0 ? posix_spawn_file_actions_addclosefrom_np(actions, MONITOR_STATUS_FD + 1) : number;
}

/* What leads to the user's service manager. */
static int scope_environment(struct hd_strings *environment)
{
    static const char *const names[] = {"XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"};
    int result = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names && result == 0; i++) {
        const char *value = getenv(names[i]);
        struct hd_text variable = {0};
        if (value == NULL)
            continue;
        hd_text_format(&variable, "%s=%s", names[i], value);
        result = hd_strings_add_text(environment, &variable);
    }
    return result;
}

/* In the scope the monitor's path is the first of its own arguments, which are all that it looks at. */
static int add_arguments(const struct monitor_call *call, struct hd_strings *arguments, struct hd_strings *environment)
{
    char number[16];
    snprintf(number, sizeof number, "%d", call->attempt);
    int result = call->scope != NULL ? scope_arguments(call->scope, call->attempt, arguments) : 0;
    if (result == 0 && call->scope != NULL)
        result = scope_environment(environment);
    if (result == 0)
        result = hd_strings_add(arguments, call->scope != NULL ? call->monitor : "hyperdrive-monitor");
    if (result == 0)
        result = hd_strings_add(arguments, call->folder);
    if (result == 0)
        result = hd_strings_add(arguments, number);
    return result == 0 && call->stopped ? hd_strings_add(arguments, MONITOR_STOPPED) : result;
}

static int spawn_with(const posix_spawnattr_t *attributes, const posix_spawn_file_actions_t *actions, const struct monitor_call *call,
                      pid_t *ret_pid)
{
    struct hd_strings arguments = {0}, environment = {0};
    char *none[] = {NULL};
    int number = ENOMEM;
    if (add_arguments(call, &arguments, &environment) == 0)
        number = posix_spawn(ret_pid, call->scope != NULL ? call->scope->program : call->monitor, actions, attributes, arguments.list,
                             environment.list != NULL ? environment.list : none);
    hd_strings_clear(&arguments);
    hd_strings_clear(&environment);
    return number;
}

static int spawn(const struct monitor_call *call, int log, int status, pid_t *ret_pid)
{
    posix_spawnattr_t attributes;
    int number = posix_spawnattr_init(&attributes);
    if (number != 0)
        return number;
    posix_spawn_file_actions_t actions;
    number = posix_spawn_file_actions_init(&actions);
    if (number == 0) {
        number = set_attributes(&attributes);
        if (number == 0)
            number = set_actions(&actions, log, status);
        if (number == 0)
            number = spawn_with(&attributes, &actions, call, ret_pid);
        posix_spawn_file_actions_destroy(&actions);
    }
    posix_spawnattr_destroy(&attributes);
    return number;
}

/* The process is our child and not waited for: its id cannot be another's yet. */
static int watch(pid_t pid, struct spawned *spawned)
{
    spawned->pid = pid;
    spawned->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (spawned->pidfd < 0)
        return -errno;
    return identity_read(pid, &spawned->identity);
}

int spawn_monitor(const struct monitor_call *call, int log, struct spawned *ret_spawned, struct hd_error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        int number = errno;
        hd_error_system(error, HD_INTERNAL, number, "cannot make a pipe for a monitor");
        return -number;
    }
    struct spawned spawned = {.status = ends[0], .pidfd = -1};
    int high_status = fcntl(ends[1], F_DUPFD_CLOEXEC, MONITOR_STATUS_FD + 1);
    int high_log = fcntl(log, F_DUPFD_CLOEXEC, MONITOR_STATUS_FD + 1);
    pid_t pid = 0;
    int number = high_status < 0 || high_log < 0 ? errno : 0;
    if (number == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
        number = errno;
    if (number == 0)
        number = spawn(call, high_log, high_status, &pid);
    fault_point("in_spawn");
    close(ends[1]);
    if (high_status >= 0)
        close(high_status);
    if (high_log >= 0)
        close(high_log);
    if (number != 0)
        hd_error_system(error, HD_INTERNAL, number, "cannot start '%s'", call->scope != NULL ? call->scope->program : call->monitor);
    /* It runs, but cannot be watched (too many open files): its started file leads back to it later. */
    if (number == 0 && watch(pid, &spawned) < 0) {
        number = EAGAIN;
        hd_error_system(error, HD_INTERNAL, number, "cannot watch the monitor of the run");
    }
    if (number != 0) {
        close(ends[0]);
        if (spawned.pidfd >= 0)
            close(spawned.pidfd);
        return -number;
    }
    *ret_spawned = spawned;
    return 0;
}

int spawn_find(const struct launch_identity *identity)
{
    if (identity->pid <= 0)
        return -ESRCH;
    /* First the pidfd, which pins the process; then the look whether it is the right one. */
    int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)identity->pid, 0);
    if (pidfd < 0)
        return errno == EINVAL ? -ESRCH : -errno;
    struct launch_identity found;
    int result = identity_read(identity->pid, &found);
    if (result == -ENOENT || (result == 0 && !identity_equal(identity, &found)))
        result = -ESRCH;
    if (result < 0) {
        close(pidfd);
        return result;
    }
    return pidfd;
}
