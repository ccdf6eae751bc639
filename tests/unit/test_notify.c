#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "notify.h"

/* A service manager's socket under `name`, whose first byte may be '@'. */
static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval deadline = {.tv_sec = 10};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_uint_lt(strlen(name), sizeof address.sun_path);
    memcpy(address.sun_path, name, strlen(name));
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline), 0);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
    return fd;
}

static void assert_sent(int fd, const char *expected)
{
    char buffer[256];
    ssize_t length = recv(fd, buffer, sizeof buffer - 1, 0);
    ck_assert_int_ge(length, 0);
    buffer[length] = '\0';
    ck_assert_str_eq(buffer, expected);
}

START_TEST(path_socket)
{
    char name[64];
    snprintf(name, sizeof name, "/tmp/hyperdrive-notify-%d", (int)getpid());
    int fd = listen_at(name);
    notify_send("READY=1\nSTATUS=serving");
    assert_sent(fd, "READY=1\nSTATUS=serving");
    close(fd);
    notify_send("STOPPING=1"); /* nobody listens any more: no harm */
    ck_assert_int_eq(unlink(name), 0);
}
END_TEST

START_TEST(abstract_socket)
{
    char name[64];
    snprintf(name, sizeof name, "@hyperdrive-notify-%d", (int)getpid());
    int fd = listen_at(name);
    notify_send("WATCHDOG=1");
    assert_sent(fd, "WATCHDOG=1");
    close(fd);
}
END_TEST

START_TEST(unusable_names)
{
    char name[64], longer[200];
    snprintf(name, sizeof name, "@hyperdrive-notify-%d", (int)getpid());
    int fd = listen_at(name);
    memset(longer, 'x', sizeof longer - 1);
    longer[0] = '/';
    longer[sizeof longer - 1] = '\0';
    const char *const names[] = {"", "/", "relative", "vsock:2:1234", longer};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ck_assert_int_eq(setenv("NOTIFY_SOCKET", names[i], 1), 0);
        notify_send("READY=1");
    }
    ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
    notify_send("READY=1");
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
    notify_send("last");
    assert_sent(fd, "last"); /* the first thing that came */
    close(fd);
}
END_TEST

/* Its queue is full: the daemon goes on after a moment, and the next messages come when somebody reads again. */
START_TEST(nobody_reads)
{
    enum { MORE_THAN_A_QUEUE = 1000 };
    char name[64];
    snprintf(name, sizeof name, "@hyperdrive-notify-%d", (int)getpid());
    int fd = listen_at(name), other = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    int sent = 0;
    while (sendto(other, "x", 1, 0, (const struct sockaddr *)&address, length) == 1)
        ck_assert_int_lt(++sent, MORE_THAN_A_QUEUE);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
    notify_send("lost");
    for (int i = 0; i < sent; i++)
        assert_sent(fd, "x");
    notify_send("last");
    assert_sent(fd, "last");
    close(other);
    close(fd);
}
END_TEST

static const struct {
    const char *microseconds;
    bool other_process;
    int64_t period_us;
} watchdogs[] = {
    {"30000000", false, 15000000},
    {"30000000", true, 0},
    {NULL, false, 0},
    {"", false, 0},
    {"0", false, 0},
    {"-5", false, 0},
    {"30 s", false, 0},
    {"99999999999999999999", false, 0},
};

START_TEST(watchdog_period)
{
    char process[32];
    snprintf(process, sizeof process, "%d", watchdogs[_i].other_process ? 1 : (int)getpid());
    ck_assert_int_eq(setenv("WATCHDOG_PID", process, 1), 0);
    if (watchdogs[_i].microseconds != NULL)
        ck_assert_int_eq(setenv("WATCHDOG_USEC", watchdogs[_i].microseconds, 1), 0);
    else
        ck_assert_int_eq(unsetenv("WATCHDOG_USEC"), 0);
    ck_assert_int_eq(notify_watchdog_period_us(), watchdogs[_i].period_us);
    ck_assert_int_eq(unsetenv("WATCHDOG_PID"), 0); /* without it every process is meant */
    if (!watchdogs[_i].other_process)
        ck_assert_int_eq(notify_watchdog_period_us(), watchdogs[_i].period_us);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("notify");
    TCase *tests = tcase_create("notify");
    tcase_add_test(tests, path_socket);
    tcase_add_test(tests, abstract_socket);
    tcase_add_test(tests, unusable_names);
    tcase_add_test(tests, nobody_reads);
    tcase_add_loop_test(tests, watchdog_period, 0, sizeof watchdogs / sizeof watchdogs[0]);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0 ? 1 : 0;
}
