/* Calls to the system fail under the HTTP server, each in its turn and with all numbers that it may have to bear: libmicrohttpd's and
 * libuv's own, too, for the names that they call are found here first. The client hears an answer or sees the connection end; the next one
 * is served as if nothing had been. And what happens when descriptors run out for longer. */
#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "http_fixture.h"

#define HOST "Host: localhost\r\n"

static struct fixture fixture;
static atomic_int countdown = -1; /* calls of the server's thread until one fails; negative: none will */
static atomic_int variant;        /* which of a call's numbers it is */
static _Atomic(const char *) failed;

enum { NUMBERS = 4 };

static bool fails(const char *name, const int numbers[NUMBERS])
{
    if (atomic_load(&countdown) < 0 || !pthread_equal(pthread_self(), fixture.thread) || atomic_fetch_sub(&countdown, 1) > 0)
        return false;
    atomic_store(&failed, name);
    errno = numbers[atomic_load(&variant)];
    return true;
}

/* `name` here in the place of the C library's. */
#define CALL(type, name, parameters, arguments, ...)                                                                                       \
    type name parameters;                                                                                                                  \
    type name parameters                                                                                                                   \
    {                                                                                                                                      \
        static const int numbers[NUMBERS] = {__VA_ARGS__};                                                                                 \
        static _Atomic(void *) real;                                                                                                       \
                                                                                                                                           \
        if (fails(#name, numbers))                                                                                                         \
            return -1;                                                                                                                     \
        if (real == NULL)                                                                                                                  \
            real = dlsym(RTLD_NEXT, #name);                                                                                                \
        return ((type(*) parameters)real)arguments;                                                                                        \
    }

CALL(int, accept4, (int fd, struct sockaddr *address, socklen_t *length, int flags), (fd, address, length, flags), EMFILE, ENOBUFS,
     ECONNABORTED, EINTR)
CALL(ssize_t, recv, (int fd, void *bytes, size_t size, int flags), (fd, bytes, size, flags), ECONNRESET, EINTR, ENOMEM, EIO)
CALL(ssize_t, send, (int fd, const void *bytes, size_t size, int flags), (fd, bytes, size, flags), ECONNRESET, EINTR, ENOBUFS, EIO)
CALL(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags), EPIPE, EINTR, ENOBUFS, EIO)
CALL(ssize_t, sendfile64, (int to, int from, off_t *at, size_t size), (to, from, at, size), EIO, EINTR, ENOMEM, EINVAL)
CALL(ssize_t, pread64, (int fd, void *bytes, size_t size, off_t at), (fd, bytes, size, at), EIO, EIO, ENOMEM, EINTR)
CALL(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t size), (fd, level, name, value, size), ENOBUFS, EINVAL,
     ENOMEM, EINVAL)
CALL(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *size), (fd, level, name, value, size), ENOBUFS, EINVAL, ENOMEM,
     EINVAL)
CALL(int, getpeername, (int fd, struct sockaddr *address, socklen_t *length), (fd, address, length), ENOTCONN, ENOBUFS, ENOTCONN, ENOBUFS)
CALL(int, fstat64, (int fd, struct stat64 *status), (fd, status), EIO, EIO, ENOMEM, EIO)
CALL(int, shutdown, (int fd, int how), (fd, how), ENOTCONN, ENOBUFS, ENOTCONN, ENOBUFS)

/* libuv ends the process when its own waiting for events fails: there is nothing to be done then. */
static bool is_loops(int epoll)
{
    return epoll == uv_backend_fd(&fixture.loop);
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    static const int numbers[NUMBERS] = {ENOMEM, ENOSPC, ENOMEM, ENOSPC};
    static int (*real)(int, int, int, struct epoll_event *);

    if (!is_loops(epoll) && operation == EPOLL_CTL_ADD && fails("epoll_ctl", numbers))
        return -1;
    if (real == NULL)
        real = (int (*)(int, int, int, struct epoll_event *))dlsym(RTLD_NEXT, "epoll_ctl");
    return real(epoll, operation, fd, event);
}

int epoll_wait(int epoll, struct epoll_event *events, int count, int timeout)
{
    static const int numbers[NUMBERS] = {EINTR, EINTR, EINTR, EINTR};
    static int (*real)(int, struct epoll_event *, int, int);

    if (fails("epoll_wait", numbers))
        return -1;
    if (real == NULL)
        real = (int (*)(int, struct epoll_event *, int, int))dlsym(RTLD_NEXT, "epoll_wait");
    return real(epoll, events, count, timeout);
}

/* --- Each in its turn --------------------------------------------------------------------------------------------------------------------
 */

/* An answer, or the end of the connection: false. */
static bool answered(struct client *client, int nth)
{
    struct answer answer = {0};
    bool any = client_read_if_any(client, &answer);

    if (any)
        ck_assert_msg(answer.status == 200 || answer.status == 201 || answer.status >= 500, "%s, call %d: %d %s", failed, nth,
                      answer.status, answer.body);
    answer_clear(&answer);
    return any;
}

static void talk(int nth)
{
    static char large[90000];
    static const char *const REQUESTS[] = {
        "GET /echo/x HTTP/1.1\r\n" HOST "\r\n",
        "GET /file HTTP/1.1\r\n" HOST "\r\n",
        "GET /deferred HTTP/1.1\r\n" HOST "\r\n",
        large,
        "GET /brief HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
    };
    struct client client;

    if (large[0] == '\0') {
        int length = snprintf(large, sizeof large,
                              "POST /json/x HTTP/1.1\r\n" HOST "Content-Type: application/json\r\nContent-Length: 80002\r\n\r\n");

        memset(large + length, ' ', 80002);
        large[length] = '{';
        large[length + 1] = '}';
    }
    client_open(&client, &fixture);
    for (size_t i = 0; i < sizeof REQUESTS / sizeof REQUESTS[0]; i++) {
        size_t length = strlen(REQUESTS[i]);

        if (send(client.fd, REQUESTS[i], length, MSG_NOSIGNAL) != (ssize_t)length || !answered(&client, nth))
            break; /* it has ended */
    }
    client_close(&client);
}

START_TEST(test_each_call_fails_once)
{
    fixture_prepare(&fixture);
    fixture_start(&fixture);
    for (int number = 0; number < NUMBERS; number++) {
        int nth = 0;

        do {
            struct answer answer;

            atomic_store(&failed, NULL);
            atomic_store(&variant, number);
            atomic_store(&countdown, nth);
            talk(nth);
            atomic_store(&countdown, -1);
            ask(&fixture, "GET /healthz HTTP/1.1\r\n" HOST "\r\n", &answer);
            ck_assert_int_eq(answer.status, 200);
            answer_clear(&answer);
            if (getenv("HD_TELL_FAULTS") != NULL)
                fprintf(stderr, "%d.%d: %s\n", nth, number, failed != NULL ? failed : "not reached");
            nth++;
        } while (atomic_load(&failed) != NULL);
        ck_assert_int_gt(nth, 20);
    }
    fixture_stop(&fixture);
}
END_TEST

/* --- Descriptors run out -----------------------------------------------------------------------------------------------------------------
 */

static double processor_seconds(void)
{
    struct timespec spent;

    ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent), 0);
    return (double)spent.tv_sec + (double)spent.tv_nsec / 1e9;
}

/* From now on as many as there are: nobody gets one more. */
static void leave_no_descriptor(rlim_t *ret_before)
{
    struct rlimit limit;
    int next = dup(STDERR_FILENO);

    ck_assert_int_ge(next, 0);
    close(next);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    *ret_before = limit.rlim_cur;
    limit.rlim_cur = (rlim_t)next;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void give_descriptors(rlim_t count)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = count;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* A client has connected while there was none left. It is served as soon as there is one, whether other connections end meanwhile or not,
 * and until then nothing spins. */
static void serve_again(bool another_stays)
{
    static const char REQUEST[] = "GET /healthz HTTP/1.1\r\n" HOST "\r\n";
    struct client first, client;
    struct answer answer;
    struct timeval half = {.tv_usec = 500000}, limit = {.tv_sec = 20};
    rlim_t before;
    double spent;

    fixture_prepare(&fixture);
    fixture_start(&fixture);
    if (another_stays) {
        client_open(&first, &fixture);
        client_send(&first, REQUEST);
        client_read(&first, &answer, false);
        answer_clear(&answer);
    }
    client.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    leave_no_descriptor(&before);
    close(client.fd);
    client_open(&client, &fixture); /* with the last one */
    client_send(&client, REQUEST);
    spent = processor_seconds();
    ck_assert_int_eq(setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &half, sizeof half), 0);
    ck_assert_int_lt(recv(client.fd, &answer, 1, MSG_PEEK), 0);
    spent = processor_seconds() - spent;
    give_descriptors(before);
    ck_assert_msg(spent < 0.1, "%g s of the processor in half a second", spent);
    ck_assert_int_eq(setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    client_read(&client, &answer, false);
    ck_assert_int_eq(answer.status, 200);
    answer_clear(&answer);
    client_close(&client);
    if (another_stays)
        client_close(&first);
    fixture_stop(&fixture);
}

START_TEST(test_descriptors_run_out)
{
    serve_again(false);
}
END_TEST

START_TEST(test_descriptors_run_out_under_another_connection)
{
    serve_again(true);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http faults");
    TCase *tests = tcase_create("failing calls");

    signal(SIGPIPE, SIG_IGN);
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, test_each_call_fails_once);
    tcase_add_test(tests, test_descriptors_run_out);
    tcase_add_test(tests, test_descriptors_run_out_under_another_connection);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
