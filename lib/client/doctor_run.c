/* What the checks of `hyperdrive doctor` need of the system: other programs, with a limit of time and output, and small files. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "doctor.h"

enum { PATIENCE_MS = 10000, SAID_LIMIT = 64 * 1024 };

static long long now_ms(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Both outputs go into the pipe. */
static int start(char *const argv[], int output, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    int number = posix_spawn_file_actions_init(&actions);

    if (number != 0) {
        return -number;
    }
    number = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    number = number != 0 ? number : posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    number = number != 0 ? number : posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    number = number != 0 ? number : posix_spawnp(ret_pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -number;
}

/* False when the time is over before all ends of the pipe are closed. */
static bool take_all(int input, long long until_ms, struct hd_text *said)
{
    char bytes[4096];

    for (;;) {
        struct pollfd poll_for = {.fd = input, .events = POLLIN};
        long long left_ms = until_ms - now_ms();
        int ready = poll(&poll_for, 1, left_ms > 0 ? (int)left_ms : 0);
        ssize_t length = ready > 0 ? read(input, bytes, sizeof(bytes)) : -1;

        if (ready == 0) {
            return false;
        }
        if (length == 0) {
            return true;
        }
        if (length < 0 && errno != EINTR) {
            return false;
        }
        if (length > 0 && said->length < SAID_LIMIT) {
            hd_text_add(said, bytes, (size_t)length);
        }
    }
}

static void trim(struct hd_text *text)
{
    while (text->length > 0 && (text->data[text->length - 1] == '\n' || text->data[text->length - 1] == ' ')) {
        text->data[--text->length] = '\0';
    }
}

int doctor_run(char *const argv[], struct hd_text *ret_said)
{
    int ends[2], status = 0, result;
    pid_t pid = 0;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    result = start(argv, ends[1], &pid);
    close(ends[1]);
    if (result == 0) {
        if (!take_all(ends[0], now_ms() + PATIENCE_MS, ret_said)) {
            kill(pid, SIGKILL);
        }
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
        result = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        trim(ret_said);
    }
    close(ends[0]);
    return result == 127 ? -1 : result;
}

bool doctor_read(const char *path, struct hd_text *ret_content)
{
    char bytes[4096];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = 0;

    if (file < 0) {
        return false;
    }
    while (ret_content->length < SAID_LIMIT && ((length = read(file, bytes, sizeof(bytes))) > 0 || (length < 0 && errno == EINTR))) {
        hd_text_add(ret_content, bytes, length > 0 ? (size_t)length : 0);
    }
    close(file);
    return length >= 0 && !ret_content->failed;
}

const char *doctor_variable(const char *environment, size_t length, const char *name)
{
    size_t name_length = strlen(name);

    for (const char *at = environment; at < environment + length; at += strlen(at) + 1) {
        if (strncmp(at, name, name_length) == 0 && at[name_length] == '=') {
            return at + name_length + 1;
        }
    }
    return NULL;
}
