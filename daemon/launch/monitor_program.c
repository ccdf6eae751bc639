#include "monitor_program.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "durable.h"
#include "output.h"

enum { OOM_SCORE = 500 }; /* when memory is short, the kernel shall take a training, not its monitor or the daemon */

enum stage { STAGE_NONE, STAGE_CGROUP, STAGE_USER, STAGE_OUTPUT, STAGE_DIRECTORY, STAGE_EXECUTE };

/* What the new process tells when it could not execute the program. */
struct failure {
    enum stage stage;
    int number;
};

static void raise_oom_score(void)
{
    int file = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    if (file < 0)
        return; /* without /proc there is nothing to raise; the program runs all the same */
    char text[16] = "";
    ssize_t count = read(file, text, sizeof text - 1);
    if (count > 0 && atoi(text) < OOM_SCORE) {
        int size = snprintf(text, sizeof text, "%d", OOM_SCORE);
        if (pwrite(file, text, (size_t)size, 0) < 0)
            errno = 0; /* as above */
    }
    close(file);
}

/* By the system call itself: posix_spawn() leaves the C library's two internal signals ignored, and its sigaction() refuses to touch them.
 */
static void reset_signals(void)
{
    enum { KERNEL_SET_SIZE = _NSIG / 8 };
    static const uint64_t standard[8]; /* all zero, which is the default action whatever the order of the kernel's struct is */
    for (int number = 1; number < _NSIG; number++)
        syscall(SYS_rt_sigaction, number, standard, NULL, (size_t)KERNEL_SET_SIZE); /* refused for KILL and STOP, which always have it */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Tells what a later attempt prints from what is there already. */
static bool mark_attempt(int output, int attempt)
{
    char line[sizeof OUTPUT_ATTEMPT + 16];
    int size = snprintf(line, sizeof line, "\n" OUTPUT_ATTEMPT, attempt);
    return attempt == 1 || durable_write_all(output, line, (size_t)size) == 0;
}

static enum stage redirect(int attempt)
{
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int output = open("user_logs/std_log.txt", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (input < 0 || output < 0)
        return STAGE_OUTPUT;
    if (!mark_attempt(output, attempt))
        return STAGE_OUTPUT;
    if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
        return STAGE_OUTPUT;
    /* What this has missed, being older than the call, every descriptor of the monitor's says by itself: it is closed at exec. */
    if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) < 0 && errno != ENOSYS)
        return STAGE_OUTPUT;
    return STAGE_NONE;
}

/* The monitor stays what it is: it must reach the whole tree, and write the exit record where the program cannot. */
static enum stage become_user(const struct order *order)
{
    if (!order->as_user)
        return STAGE_NONE;
    if (setgroups((size_t)order->group_count, order->groups) < 0 || setresgid(order->gid, order->gid, order->gid) < 0 ||
        setresuid(order->uid, order->uid, order->uid) < 0)
        return STAGE_USER;
    return STAGE_NONE;
}

static enum stage execute(const struct order *order)
{
    setsid(); /* cannot fail: a new process leads no group */
    raise_oom_score();
    if (order->cgroup != NULL) {
        int entered = cgroup_enter(order->cgroup);
        errno = -entered;
        if (entered < 0 && limits_are_set(&order->limits))
            return STAGE_CGROUP;
    }
    enum stage stage = become_user(order); /* before anything is opened: what the names lead to is the user's choice */
    if (stage == STAGE_NONE)
        stage = redirect(order->attempt);
    if (stage != STAGE_NONE)
        return stage;
    if (chdir(order->working_directory) < 0)
        return STAGE_DIRECTORY;
    reset_signals();
    environ = order->environment; /* before exec, so that the program is looked for in its own PATH, not in the daemon's */
    execvp(order->argv[0], order->argv);
    return STAGE_EXECUTE;
}

static void explain(const struct order *order, const struct failure *failure, char *reason, size_t size)
{
    const char *text = strerror(failure->number);
    const char *name = order->argv[0];
    const char *where = strchr(name, '/') == NULL && failure->number == ENOENT ? " (no folder of PATH has it)" : "";
    switch (failure->stage) {
    case STAGE_USER:
        snprintf(reason, size, "cannot become the user with the id %lu: %s", (unsigned long)order->uid, text);
        break;
    case STAGE_CGROUP:
        snprintf(reason, size, "cannot enter the run's control group '%s': %s", order->cgroup, text);
        break;
    case STAGE_OUTPUT:
        snprintf(reason, size, "cannot open the run's log user_logs/std_log.txt: %s", text);
        break;
    case STAGE_DIRECTORY:
        snprintf(reason, size, "cannot enter the working directory '%s': %s", order->working_directory, text);
        break;
    default:
        snprintf(reason, size, "cannot execute '%s': %s%s", name, text, where);
    }
}

/* The new process works in our memory until it executes the program, while we stand still: no page is copied, and what it tells needs no
 * pipe. It calls nothing that allocates. */
static pid_t spawn(const struct order *order, volatile struct failure *failure)
{
    pid_t program = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork): on purpose, see above */
    if (program == 0) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Vfork): what it changes is of the process itself, and environ, which is put back. */
        failure->stage = execute(order);
        failure->number = errno;
        _exit(127);
    }
    return program;
}

pid_t program_start(const struct order *order, char *reason, size_t size)
{
    volatile struct failure told = {.stage = STAGE_NONE};
    char **own_environment = environ;
    pid_t program = spawn(order, &told);
    int number = errno;
    environ = own_environment;
    struct failure failure = {.stage = told.stage, .number = told.number};
    if (program > 0 && failure.stage == STAGE_NONE)
        return program;
    if (program < 0)
        snprintf(reason, size, "cannot fork: %s", strerror(number));
    else
        explain(order, &failure, reason, size);
    while (program > 0 && waitpid(program, NULL, 0) < 0 && errno == EINTR)
        ;
    return program < 0 ? -number : -failure.number;
}
