/* The hyperdrive-monitor program: claims one attempt of a run, executes it, ends its whole process tree, records how it ended. */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "durable.h"
#include "log_limit.h"
#include "monitor_program.h"
#include "oom.h"
#include "order.h"
#include "processes.h"
#include "record.h"
#include "shortage.h"
#include "started.h"

enum {
    SECOND_US = 1000000,
    KILL_PAUSE_US = 5000,
    KILL_PAUSE_MAX_US = SECOND_US,
    LOG_PAUSE_US = SECOND_US / 2, /* between looks at the log */
    EMPTY_WAIT_MS = 1000,
    START_PAUSE_US = SECOND_US / 2,
    BUSY_TRIES = 10,   /* with a program that somebody has open for writing */
    SIGNAL_ROUNDS = 20 /* what forks faster than we look is met again */
};

struct monitor {
    struct order order;
    const char *folder; /* of the run, absolute */
    int attempt;
    int status; /* pipe to the launcher; -1: none */
    int record; /* the empty exit record */
    bool stop;  /* the end was asked for */
    pid_t program;
    bool program_ended;
    int wait_status; /* of the program */
    int64_t started_us;
    bool ending;          /* TERM was sent to the tree */
    bool stopped;         /* the end was asked for before the program came to its own */
    char scope[PATH_MAX]; /* the cgroup of the transient unit that we are in; "": none */
    int64_t oom_kills;    /* in all of the machine, before the program began */
    int64_t kill_at_us;   /* monotonic, when ending */
    int64_t kill_pause_us;
};

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * (int64_t)SECOND_US + now.tv_nsec / 1000;
}

/* To the launcher and to the run's log. Who started us may be gone: then nobody reads, and SIGPIPE is ignored. */
static void tell(const struct monitor *monitor, char kind, const char *text)
{
    struct hd_text line = {0};
    hd_text_format(&line, "%c%s\n", kind, text);
    if (!line.failed && monitor->status >= 0)
        durable_write_all(monitor->status, line.data, line.length);
    hd_text_clear(&line);
    if (kind != MONITOR_RUNNING)
        fprintf(stderr, "hyperdrive-monitor: %s%s\n", text, kind == MONITOR_WAITING ? "; trying again" : "");
}

static int fail(const struct monitor *monitor, const char *what, int number)
{
    char text[HD_ERROR_MESSAGE_SIZE];
    snprintf(text, sizeof text, "%s: %s", what, number == EPROTO ? "it is damaged" : strerror(number));
    tell(monitor, MONITOR_FAILED, text);
    return MONITOR_EXIT_FAILED;
}

/* Signals are taken by sigtimedwait() only, so that none can be lost between two looks and no handler is needed. */
static void take_signals(void)
{
    sigset_t all;
    sigfillset(&all);
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&all, faults[i]);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
}

static void await_one(struct monitor *monitor, int64_t timeout_us, bool also_child)
{
    sigset_t awaited;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGTERM);
    if (also_child)
        sigaddset(&awaited, SIGCHLD);
    struct timespec timeout = {.tv_sec = timeout_us / SECOND_US, .tv_nsec = timeout_us % SECOND_US * 1000};
    int number = timeout_us < 0 ? sigwaitinfo(&awaited, NULL) : sigtimedwait(&awaited, NULL, &timeout);
    if (number == SIGTERM)
        monitor->stop = true;
}

static void await_signal(struct monitor *monitor, int64_t timeout_us)
{
    await_one(monitor, timeout_us, true);
}

/* True until no descendant is left. */
static bool reap(struct monitor *monitor)
{
    for (;;) {
        int status;
        pid_t ended = waitpid(-1, &status, WNOHANG);
        if (ended == 0)
            return true;
        if (ended < 0)
            return false;                                           /* ECHILD */
        if (ended == monitor->program && !monitor->program_ended) { /* later its process id may be another's */
            monitor->program_ended = true;
            monitor->wait_status = status;
        }
    }
}

/* Since it was listed a process may have ended and its id have become another's: the pidfd comes first, then the look whether it is of the
 * tree. */
static void signal_process(const struct process_list *tree, pid_t process, int number, int second)
{
    int pidfd = (int)syscall(SYS_pidfd_open, process, 0);
    pid_t parent = pidfd >= 0 ? processes_parent(process) : 0;
    if (pidfd < 0)
        return; /* it is gone, or there is a shortage: KILL is sent again and again */
    if (parent == getpid() || process_list_has(tree, parent)) {
        syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0);
        if (second != 0)
            syscall(SYS_pidfd_send_signal, pidfd, second, NULL, 0);
    }
    close(pidfd);
}

/* Sends `number`, and then `second` if it is not 0, once to each process of the tree, and to those that appear meanwhile. */
static void signal_tree(const struct monitor *monitor, int number, int second)
{
    struct process_list tree = {0};
    bool grown = true;
    for (int round = 0; grown && round < SIGNAL_ROUNDS; round++) {
        size_t before = tree.count;
        processes_add_descendants(&tree, getpid());
        for (size_t i = before; i < tree.count; i++)
            signal_process(&tree, tree.pids[i], number, second);
        grown = tree.count > before;
    }
    if (tree.failed && !monitor->program_ended)
        kill(-monitor->program, number);
    process_list_clear(&tree);
}

/* CONT comes behind, so that a stopped process can react. */
static void begin_end(struct monitor *monitor)
{
    signal_tree(monitor, SIGTERM, SIGCONT);
    monitor->ending = true;
    monitor->stopped = !monitor->program_ended;
    monitor->kill_at_us = clock_us(CLOCK_MONOTONIC) + monitor->order.grace_us;
    monitor->kill_pause_us = KILL_PAUSE_US;
}

/* How long to wait for the next signal; negative: as long as it takes. */
static int64_t pause_us(struct monitor *monitor)
{
    if (!monitor->ending)
        return monitor->order.log_limit > 0 ? LOG_PAUSE_US : -1;
    int64_t left_us = monitor->kill_at_us - clock_us(CLOCK_MONOTONIC);
    if (left_us > 0)
        return left_us;
    /* What does not die hangs in the kernel or belongs to somebody else: ask less and less often. */
    int64_t pause = monitor->kill_pause_us;
    monitor->kill_pause_us = pause * 2 < KILL_PAUSE_MAX_US ? pause * 2 : KILL_PAUSE_MAX_US;
    return pause;
}

static void keep_log(struct monitor *monitor)
{
    if (monitor->order.log_limit > 0 && log_limit_keep(AT_FDCWD, monitor->order.log_limit) == -EOPNOTSUPP)
        monitor->order.log_limit = 0; /* nor can it be done later */
}

/* The cgroup has what somebody else has started for the program, and the tree what has left the cgroup. */
static void kill_tree(const struct monitor *monitor)
{
    if (monitor->order.cgroup != NULL)
        cgroup_kill(monitor->order.cgroup);
    signal_tree(monitor, SIGKILL, 0);
}

static void watch(struct monitor *monitor)
{
    while (reap(monitor)) {
        if (!monitor->ending && (monitor->stop || monitor->program_ended))
            begin_end(monitor);
        if (monitor->ending && clock_us(CLOCK_MONOTONIC) >= monitor->kill_at_us)
            kill_tree(monitor);
        await_signal(monitor, pause_us(monitor));
        keep_log(monitor);
    }
}

static void fill_record(const struct monitor *monitor, struct record *record)
{
    bool signaled = WIFSIGNALED(monitor->wait_status);
    record->kind = signaled ? RECORD_SIGNALED : RECORD_EXITED;
    record->exit_code = signaled ? 0 : WEXITSTATUS(monitor->wait_status);
    record->signal = signaled ? WTERMSIG(monitor->wait_status) : 0;
    record->started_us = monitor->started_us;
    struct rusage usage;
    if (getrusage(RUSAGE_CHILDREN, &usage) == 0) {
        record->peak_memory = (int64_t)usage.ru_maxrss * 1024;
        record->cpu_us =
            (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * (int64_t)SECOND_US + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    }
}

/* Without limits a run goes on without a cgroup, too. */
static bool make_cgroup(struct monitor *monitor, char *reason, size_t size)
{
    struct order *order = &monitor->order;
    bool limited = limits_are_set(&order->limits);
    if (order->cgroup == NULL) {
        snprintf(reason, size, "the daemon has no control group any more that can hold the run to its limits");
        return !limited;
    }
    int result = cgroup_make(order->cgroup);
    if (result == 0 && limited && !order->in_scope)
        result = cgroup_limit(order->cgroup, &order->limits);
    if (result == 0)
        return true;
    snprintf(reason, size, "cannot make the run's control group '%s': %s", order->cgroup, strerror(-result));
    free(order->cgroup);
    order->cgroup = NULL;
    if (!limited)
        fprintf(stderr, "hyperdrive-monitor: %s; going on without it\n", reason);
    return !limited;
}

/* Its processes that are none of ours are waited for, too: what they use is not free. Nobody's left, for what the kernel has killed is told
 * by the cgroup only. */
static void leave_cgroup(struct monitor *monitor, struct record *record)
{
    const char *cgroup = monitor->order.cgroup;
    while (cgroup != NULL && !cgroup_await_empty(cgroup, 0)) {
        cgroup_kill(cgroup);
        cgroup_await_empty(cgroup, EMPTY_WAIT_MS);
    }
    bool killed = record->kind == RECORD_SIGNALED && record->signal == SIGKILL && !monitor->stopped;
    record->oom = oom_of_child(monitor->scope[0] != '\0' ? monitor->scope : cgroup, monitor->oom_kills, killed);
    if (cgroup != NULL)
        cgroup_remove(cgroup);
}

/* Not the run's fault, and it would fail one run after the other. */
static bool may_pass(int number, unsigned tries)
{
    return is_shortage(number) || (number == ETXTBSY && tries < BUSY_TRIES);
}

/* Tries again while the system is short of something: the program's process id, 0 if the end was asked for, else negative. */
static pid_t start_program(struct monitor *monitor, struct record *record)
{
    for (unsigned tries = 0;; tries++) {
        pid_t program = program_start(&monitor->order, record->reason, sizeof record->reason);
        if (program > 0 || !may_pass(-program, tries))
            return program;
        if (tries == 0)
            tell(monitor, MONITOR_WAITING, record->reason);
        await_one(monitor, START_PAUSE_US, false);
        if (monitor->stop)
            return 0;
    }
}

/* Executes the program and stays until nothing of it is left. */
static void run(struct monitor *monitor, struct record *record)
{
    await_signal(monitor, 0);
    if (monitor->stop) {
        record->kind = RECORD_STOPPED_EARLY;
        return;
    }
    monitor->oom_kills = oom_kills();
    if (make_cgroup(monitor, record->reason, sizeof record->reason))
        monitor->program = start_program(monitor, record);
    if (monitor->program <= 0) {
        record->kind = monitor->stop ? RECORD_STOPPED_EARLY : RECORD_NOT_STARTED;
        if (monitor->order.cgroup != NULL)
            cgroup_remove(monitor->order.cgroup);
        return;
    }
    monitor->started_us = clock_us(CLOCK_REALTIME);
    int result = started_add_running(AT_FDCWD, monitor->attempt, monitor->started_us);
    if (result < 0)
        fprintf(stderr, "hyperdrive-monitor: cannot note that the program runs: %s\n", strerror(-result));
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, monitor->started_us);
    tell(monitor, MONITOR_RUNNING, text);
    watch(monitor);
    fill_record(monitor, record);
    leave_cgroup(monitor, record);
}

/* Somebody has removed the run's folder, perhaps with the others of its sweep: runs/<sweep>/<n/1000>/<n>. What is above is not ours. */
static int remake_folder(const struct monitor *monitor)
{
    enum { LEVELS = 3 };
    char path[PATH_MAX];
    size_t length = strlen(monitor->folder), cut[LEVELS] = {length};
    if (length >= sizeof path)
        return -ENAMETOOLONG;
    memcpy(path, monitor->folder, length + 1);
    for (int i = 1; i < LEVELS; i++) {
        char *slash = memrchr(path, '/', cut[i - 1]);
        cut[i] = slash != NULL ? (size_t)(slash - path) : 0;
    }
    for (int i = LEVELS - 1; i >= 0; i--) {
        path[cut[i]] = '\0';
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            return -errno;
        path[cut[i]] = monitor->folder[cut[i]];
    }
    return chdir(monitor->folder) < 0 ? -errno : 0;
}

static int write_record_once(const struct monitor *monitor, const struct record *record)
{
    int result = record_write(AT_FDCWD, monitor->attempt, monitor->record, record);
    if (result == -ENOENT && remake_folder(monitor) == 0)
        result = record_write(AT_FDCWD, monitor->attempt, monitor->record, record);
    return result;
}

/* On a full disk the record is worth waiting for: with it the attempt is finished, without it lost. */
static int write_record(const struct monitor *monitor, const struct record *record)
{
    bool told = false;
    for (;;) {
        int result = write_record_once(monitor, record);
        bool again = result == -ENOSPC || result == -EDQUOT || result == -ENOMEM || result == -ENFILE;
        if (result < 0 && !told)
            fprintf(stderr, "hyperdrive-monitor: cannot write the exit record%s: %s\n", again ? ", trying again" : "", strerror(-result));
        if (!again)
            return result < 0 ? MONITOR_EXIT_FAILED : MONITOR_EXIT_RECORDED;
        told = true;
        struct timespec pause = {.tv_sec = 1};
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
}

/* Notes durably that the attempt is this monitor's. The names of the record and of the claim become durable together. */
static int write_claim(struct monitor *monitor, const struct launch_identity *self)
{
    int result = monitor->order.folder_is_synced ? 0 : durable_sync_folder(AT_FDCWD, "..");
    if (result == 0)
        result = monitor->record = record_prepare(AT_FDCWD, monitor->attempt);
    if (result >= 0)
        result = started_write(AT_FDCWD, monitor->attempt, self, monitor->order.cgroup);
    if (result == -ENOSPC || result == -EDQUOT)
        return MONITOR_EXIT_FULL;
    if (result == -EEXIST)
        return MONITOR_EXIT_CLAIMED;
    return result < 0 ? fail(monitor, "cannot write the attempt's started file", -result) : 0;
}

/* In a transient unit of its own the monitor makes the program's cgroup there. The unit's own cgroup has the limits. */
static int find_scope(struct monitor *monitor)
{
    struct order *order = &monitor->order;
    char path[PATH_MAX];
    if (!order->in_scope)
        return 0;
    int result = cgroup_find_delegated(monitor->scope, sizeof monitor->scope);
    if (result == 0)
        result = cgroup_of_attempt(monitor->scope, order->run_id, order->attempt, path, sizeof path);
    if (result < 0)
        return result;
    free(order->cgroup);
    order->cgroup = strdup(path);
    return order->cgroup == NULL ? -ENOMEM : 0;
}

/* Takes the lock for life and makes the attempt its own: 0 or the exit code. */
static int claim(struct monitor *monitor)
{
    int lock = open(MONITOR_LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (lock < 0)
        return fail(monitor, "cannot open the run's lock", errno);
    if (flock(lock, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? MONITOR_EXIT_BUSY : fail(monitor, "cannot lock the run", errno);
    struct started before;
    int result = started_read(AT_FDCWD, monitor->attempt, &before);
    if (result == 0 || result == -EPROTO)
        return MONITOR_EXIT_CLAIMED;
    if (result != -ENOENT)
        return fail(monitor, "cannot look whether the attempt ran before", -result);
    result = order_read(AT_FDCWD, &monitor->order);
    if (result < 0)
        return fail(monitor, "cannot read launch.json", -result);
    if (monitor->order.attempt != monitor->attempt)
        return fail(monitor, "launch.json is about another attempt", EINVAL);
    result = find_scope(monitor);
    if (result < 0)
        return fail(monitor, "cannot find the run's transient unit among the control groups", -result);
    struct launch_identity self;
    result = identity_read(getpid(), &self);
    if (result < 0)
        return fail(monitor, "cannot read /proc", -result);
    return write_claim(monitor, &self);
}

int main(int argc, char **argv)
{
    take_signals();
    bool stopped = argc == 4 && strcmp(argv[3], MONITOR_STOPPED) == 0;
    struct monitor monitor = {.attempt = argc >= 3 ? atoi(argv[2]) : 0, .stop = stopped};
    if ((argc != 3 && !stopped) || monitor.attempt < 1) {
        fprintf(stderr, "usage: hyperdrive-monitor RUN_FOLDER ATTEMPT [stopped]\nhyperdrived starts it; it is of no use by hand.\n");
        return MONITOR_EXIT_USAGE;
    }
    monitor.status = fcntl(MONITOR_STATUS_FD, F_SETFD, FD_CLOEXEC) < 0 ? -1 : MONITOR_STATUS_FD;
    monitor.folder = argv[1];
    if (chdir(monitor.folder) < 0)
        return fail(&monitor, "cannot enter the run folder", errno);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return fail(&monitor, "cannot become the reaper of the program's processes", errno);
    int result = claim(&monitor);
    if (result == 0) {
        struct record record = {.kind = RECORD_EXITED};
        run(&monitor, &record);
        record.ended_us = clock_us(CLOCK_REALTIME);
        result = write_record(&monitor, &record);
    }
    order_clear(&monitor.order);
    return result;
}
