/* Asks nvidia-smi, which takes seconds when it has to wake the driver, and hangs on a sick GPU. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "devices_parts.h"

enum { LIMIT_MS = 15000, LOOK_MS = 50, KILLED_MS = 1000, OUTPUT_MAX = 65536 };

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int add_actions(posix_spawn_file_actions_t *actions, int output)
{
    int number = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    if (number == 0)
        number = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    if (number == 0)
        number = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    return number == 0 ? posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1) : number;
}

/* In a session of its own, so that all of it can be killed. 0, or the system's error number. */
static int spawn(const char *program, int output, pid_t *ret_pid)
{
    char *argv[] = {(char *)program, (char *)"--query-gpu=index,uuid,name,memory.total,pci.bus_id", (char *)"--format=csv,noheader,nounits",
                    NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    int number = posix_spawnattr_init(&attributes);

    if (number != 0)
        return number;
    number = posix_spawn_file_actions_init(&actions);
    if (number == 0) {
        sigfillset(&all);
        sigemptyset(&none);
        number = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
        if (number == 0)
            number = posix_spawnattr_setsigdefault(&attributes, &all);
        if (number == 0)
            number = posix_spawnattr_setsigmask(&attributes, &none);
        if (number == 0)
            number = add_actions(&actions, output);
        if (number == 0)
            number = posix_spawn(ret_pid, program, &actions, &attributes, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    posix_spawnattr_destroy(&attributes);
    return number;
}

/* Reads to the end of the output, at most until `limit_ms`. */
static bool read_output(int file, int64_t limit_ms, const atomic_bool *stop, struct hd_text *output)
{
    char buffer[4096];

    while (now_ms() < limit_ms && !atomic_load(stop)) {
        struct pollfd ready = {.fd = file, .events = POLLIN};
        ssize_t count;

        if (poll(&ready, 1, LOOK_MS) <= 0)
            continue;
        count = read(file, buffer, sizeof buffer);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return count == 0 && !output->failed;
        if (output->length < OUTPUT_MAX)
            hd_text_add(output, buffer, (size_t)count);
    }
    return false;
}

/* The exit status, or -1 when it does not end in time. */
static int await_end(pid_t pid, int64_t limit_ms)
{
    const struct timespec pause = {.tv_nsec = 5000000};

    for (;;) {
        int status;
        pid_t ended = waitpid(pid, &status, WNOHANG);

        if (ended == pid)
            return status;
        if ((ended < 0 && errno != EINTR) || now_ms() >= limit_ms)
            return -1;
        (void)nanosleep(&pause, NULL);
    }
}

bool devices_ask_smi(const char *program, const atomic_bool *stop, struct devices_found *found, struct hd_text *ret_output)
{
    int64_t limit_ms = now_ms() + LIMIT_MS;
    int ends[2], number, status = -1;
    pid_t pid = 0;
    bool read_all;

    if (pipe2(ends, O_CLOEXEC) < 0) {
        devices_note(found, "%s could not be asked for GPUs: %s", program, strerror(errno));
        return false;
    }
    number = spawn(program, ends[1], &pid);
    (void)close(ends[1]);
    read_all = number == 0 && read_output(ends[0], limit_ms, stop, ret_output);
    (void)close(ends[0]);
    if (number != 0) {
        devices_note(found, "%s could not be asked for GPUs: %s", program, strerror(number));
        return false;
    }
    if (read_all)
        status = await_end(pid, limit_ms);
    if (status == -1) {
        (void)kill(-pid, SIGKILL);
        (void)await_end(pid, now_ms() + KILLED_MS); /* what hangs in the kernel is left to it */
        devices_note(found, "%s did not answer within %d s: a GPU may be sick", program, LIMIT_MS / 1000);
        return false;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        devices_note(found, "%s says that it finds no GPU (%s %d)", program, WIFEXITED(status) ? "exit code" : "signal",
                     WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
        return false;
    }
    return true;
}
