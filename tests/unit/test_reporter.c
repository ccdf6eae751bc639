/* libhyperdrive against a server that has mishaps: order, batches, the same text again, what is kept at the end, fork. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/json.h"
#include "core/text.h"
#include "hyperdrive.h"
#include "report_fixture.h"
#include "report_server.h"

/* Only for this test: a forked child that reports starts a thread. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "die_after_fork=0";
}

/* A forked child has the memory of its parent's threads, but not their stacks, from where it is known. */
static bool in_forked_child;
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return in_forked_child;
}

static struct report_server server;

/* --- Reporting ---------------------------------------------------------------------------------------------------------------------------
 */

START_TEST(nothing_without_a_run)
{
    double list[] = {1};

    unsetenv("HYPERDRIVE_URL");
    setenv("HYPERDRIVE_RUN_ID", "HD_x_3", 1);
    ck_assert_ptr_null(hd_open());
    setenv("HYPERDRIVE_URL", "http://127.0.0.1:1", 1);
    unsetenv("HYPERDRIVE_RUN_ID");
    ck_assert_ptr_null(hd_open());
    ck_assert_int_eq(hd_report(NULL, "loss", 1, 1), 0);
    ck_assert_int_eq(hd_report_integer(NULL, "loss", 1, 1), 0);
    ck_assert_int_eq(hd_report_string(NULL, "loss", "x", 1), 0);
    ck_assert_int_eq(hd_report_list(NULL, "loss", list, 1, 1), 0);
    ck_assert(!hd_should_stop(NULL));
    ck_assert_int_eq(hd_flush(NULL, 1000), 0);
    ck_assert_int_eq(hd_close(NULL), 0);
    ck_assert_int_eq(count_printed("hyperdrive"), 0);
}
END_TEST

START_TEST(kinds_of_values)
{
    static const char *const expected[] = {
        "{\"name\":\"a\",\"value\":0.1,\"step\":1,\"time\":", "{\"name\":\"a\",\"value\":\"NaN\",\"time\":",
        "{\"name\":\"b\",\"value\":-7,\"step\":2,\"time\":",
        "{\"name\":\"c \\u0022\\u005c\\u000a\xc3\xa9\",\"value\":\"x\\u0009y\",\"time\":",
        "{\"name\":\"d\",\"value\":[65.0,1e-05,\"-Infinity\"],\"step\":0,\"time\":"};
    const double list[] = {65, 1e-5, -__builtin_inf()};
    struct hd_reporter *reporter;
    const char *at;
    cJSON *json;

    report_server_open(&server, NULL, 0, HOLD);
    reporter = hd_open();
    ck_assert_ptr_nonnull(reporter);
    report_steps(reporter, 0, 1);
    report_server_wait(&server, 1); /* all that follows is one batch */
    ck_assert_int_eq(hd_report(reporter, "a", 0.1, 1), 0);
    ck_assert_int_eq(hd_report(reporter, "a", __builtin_nan(""), HD_NO_STEP), 0);
    ck_assert_int_eq(hd_report_integer(reporter, "b", -7, 2), 0);
    ck_assert_int_eq(hd_report_string(reporter, "c \"\\\n\xc3\xa9", "x\ty", HD_NO_STEP), 0);
    ck_assert_int_eq(hd_report_list(reporter, "d", list, 3, 0), 0);
    ck_assert_int_eq(hd_report_list(reporter, "d", list, 0, 0), 0);
    report_server_open_gate(&server);
    ck_assert_int_eq(hd_flush(reporter, DEADLINE_MS), 0);
    ck_assert_int_eq(report_server_count(&server), 2);
    at = report_server_body(&server, 1);
    json = parse(at);
    ck_assert_int_eq(cJSON_GetArraySize(member(json, "metrics")), 5);
    cJSON_Delete(json);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        at = strstr(at, expected[i]);
        ck_assert_msg(at != NULL, "%s is not in its place in %s", expected[i], report_server_body(&server, 1));
    }
    ck_assert_int_eq(hd_close(reporter), 0);
    report_server_close(&server);
}
END_TEST

START_TEST(over_a_unix_socket)
{
    char folder[] = "/tmp/hd-reporter-XXXXXX", path[64], url[128];
    struct hd_reporter *reporter;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/a socket", folder);
    snprintf(url, sizeof(url), "http+unix://%%2Ftmp%%2f%s%%2Fa%%20socket", folder + strlen("/tmp/"));
    report_server_open_socket(&server, path, url, STORE);
    reporter = hd_open();
    ck_assert_ptr_nonnull(reporter);
    report_steps(reporter, 0, 3);
    ck_assert_int_eq(hd_flush(reporter, DEADLINE_MS), 0);
    ck_assert_ptr_nonnull(strstr(server.requests[0], "POST /api/v1/runs/HD_x_3/metrics HTTP/1.1\r\nHost: localhost\r\n"));
    ck_assert_int_eq(hd_close(reporter), 0);
    report_server_close(&server);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(wrong_arguments)
{
    static char longest[65536 + 2], name[258];
    static double list[10001];
    struct hd_reporter *reporter;

    memset(longest, 'x', sizeof(longest) - 1);
    memset(name, 'n', sizeof(name) - 1);
    report_server_open(&server, NULL, 0, STORE);
    reporter = hd_open();
    ck_assert_int_eq(hd_report(reporter, NULL, 1, 1), -EINVAL);
    ck_assert_int_eq(hd_report(reporter, "", 1, 1), -EINVAL);
    ck_assert_int_eq(hd_report(reporter, name, 1, 1), -EINVAL);
    ck_assert_int_eq(hd_report(reporter, name + 1, 1, 1), 0);
    ck_assert_int_eq(hd_report(reporter, "\xc3", 1, 1), -EINVAL);
    ck_assert_int_eq(hd_report(reporter, "a", 1, INT64_C(1) << 53), -ERANGE);
    ck_assert_int_eq(hd_report_integer(reporter, "a", INT64_MIN, 1), -ERANGE);
    ck_assert_int_eq(hd_report_string(reporter, "a", NULL, 1), -EINVAL);
    ck_assert_int_eq(hd_report_string(reporter, "a", "\xed\xa0\x80", 1), -EINVAL);
    ck_assert_int_eq(hd_report_string(reporter, "a", longest, 1), -E2BIG);
    ck_assert_int_eq(hd_report_string(reporter, "a", longest + 1, 1), 0);
    ck_assert_int_eq(hd_report_list(reporter, "a", NULL, 1, 1), -EINVAL);
    ck_assert_int_eq(hd_report_list(reporter, "a", list, 10001, 1), -E2BIG);
    ck_assert_int_eq(hd_report_list(reporter, "a", list, 10000, 1), 0);
    ck_assert_int_eq(hd_close(reporter), 0);
    report_server_close(&server);
}
END_TEST

START_TEST(batches_in_order)
{
    struct hd_reporter *reporter;
    int64_t next = 0;

    report_server_open(&server, NULL, 0, HOLD);
    reporter = hd_open();
    report_steps(reporter, 0, 1);
    report_server_wait(&server, 1);
    report_steps(reporter, 1, 2501);
    report_server_open_gate(&server);
    ck_assert_int_eq(hd_flush(reporter, DEADLINE_MS), 0);
    ck_assert_int_eq(check_steps(report_server_body(&server, 0), 1, &next), 1);
    ck_assert_int_eq(check_steps(report_server_body(&server, 1), 2, &next), 1000);
    for (int i = 2; i < report_server_count(&server); i++) {
        ck_assert_int_le(check_steps(report_server_body(&server, i), i + 1, &next), 1000);
    }
    ck_assert_int_eq(next, 2501);
    ck_assert_int_le(report_server_count(&server), 6);
    ck_assert_int_eq(hd_close(reporter), 0);
    ck_assert_int_eq(count_kept(), 0);
    report_server_close(&server);
}
END_TEST

START_TEST(lists_fill_batches)
{
    static double list[400];
    struct hd_reporter *reporter;
    cJSON *json;

    report_server_open(&server, NULL, 0, HOLD);
    reporter = hd_open();
    report_steps(reporter, 0, 1);
    report_server_wait(&server, 1);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(hd_report_list(reporter, "a", list, 400, i), 0);
    }
    report_server_open_gate(&server);
    ck_assert_int_eq(hd_close(reporter), 0);
    ck_assert_int_eq(report_server_count(&server), 4);
    for (int i = 1; i < 4; i++) {
        json = parse(report_server_body(&server, i));
        ck_assert_int_eq(cJSON_GetArraySize(member(json, "metrics")), i < 3 ? 2 : 1);
        ck_assert_int_eq(integer(cJSON_GetArrayItem(member(json, "metrics"), 0), "step"), 2 * (i - 1));
        cJSON_Delete(json);
    }
    report_server_close(&server);
}
END_TEST

START_TEST(the_same_text_again)
{
    static const enum mishap mishaps[] = {BUSY, DROP, STRANGER, STORE};
    struct hd_reporter *reporter;
    int64_t next = 0;

    report_server_open(&server, mishaps, 4, STORE);
    reporter = hd_open();
    report_steps(reporter, 0, 10);
    report_server_wait(&server, 1);
    report_steps(reporter, 10, 20);
    ck_assert_int_eq(hd_flush(reporter, DEADLINE_MS), 0);
    for (int i = 1; i < 4; i++) {
        ck_assert_str_eq(report_server_body(&server, i), report_server_body(&server, 0));
    }
    for (int i = 3; i < report_server_count(&server); i++) {
        check_steps(report_server_body(&server, i), i - 2, &next);
    }
    ck_assert_int_eq(next, 20);
    ck_assert_int_eq(hd_close(reporter), 0);
    report_server_close(&server);
}
END_TEST

START_TEST(refused_is_told_once)
{
    static const enum mishap mishaps[] = {REFUSE, REFUSE};
    struct hd_reporter *reporter;

    report_server_open(&server, mishaps, 2, STORE);
    reporter = hd_open();
    for (int i = 0; i < 3; i++) {
        report_steps(reporter, i, i + 1);
        ck_assert_int_eq(hd_flush(reporter, DEADLINE_MS), -EIO);
    }
    ck_assert_int_eq(report_server_count(&server), 3);
    ck_assert_int_eq(hd_close(reporter), -EIO);
    ck_assert_int_eq(count_printed("\n"), 1);
    ck_assert_int_eq(count_printed("hyperdrive: a report was refused: {\"error\":{\"code\":\"Conflict\""), 1);
    report_server_close(&server);
}
END_TEST

START_TEST(stop)
{
    static const enum mishap mishaps[] = {STORE, STOP};
    struct hd_reporter *reporter;

    report_server_open(&server, mishaps, 2, STORE);
    reporter = hd_open();
    report_steps(reporter, 0, 1);
    ck_assert_int_eq(hd_flush(reporter, DEADLINE_MS), 0);
    ck_assert(!hd_should_stop(reporter));
    for (int i = 1; i < 3; i++) {
        report_steps(reporter, i, i + 1);
        ck_assert_int_eq(hd_flush(reporter, DEADLINE_MS), 0);
        ck_assert(hd_should_stop(reporter)); /* also when a later answer would not say so */
    }
    ck_assert_int_eq(hd_close(reporter), 0);
    report_server_close(&server);
}
END_TEST

/* --- What cannot be sent -----------------------------------------------------------------------------------------------------------------
 */

START_TEST(kept_when_nobody_listens)
{
    struct hd_reporter *reporter;
    int64_t next = 0, begin, sequence = 0;
    int kept;

    report_server_open(&server, NULL, 0, STORE);
    report_server_close(&server);
    reporter = hd_open();
    report_steps(reporter, 0, 2500);
    begin = now_ms();
    ck_assert_int_eq(hd_close(reporter), -ETIMEDOUT);
    ck_assert_int_ge(now_ms() - begin, 1900);
    ck_assert_int_le(now_ms() - begin, 6000);
    kept = count_kept();
    ck_assert_int_ge(kept, 3);
    while (sequence < kept) {
        char *text = read_kept(++sequence);

        ck_assert_int_le(check_steps(text, sequence, &next), 1000);
        free(text);
    }
    ck_assert_int_eq(next, 2500);
    ck_assert_int_eq(count_printed("\n"), 1);
    ck_assert_int_eq(count_printed("are kept until they can"), 1);
}
END_TEST

START_TEST(kept_when_the_daemon_hangs)
{
    struct hd_reporter *reporter;
    int64_t next = 0, begin;
    char *text;

    report_server_open(&server, NULL, 0, HOLD);
    reporter = hd_open();
    report_steps(reporter, 0, 5);
    report_server_wait(&server, 1);
    begin = now_ms();
    ck_assert_int_eq(hd_flush(reporter, 50), -ETIMEDOUT);
    ck_assert_int_le(now_ms() - begin, 1900);
    ck_assert_int_eq(hd_close(reporter), -ETIMEDOUT);
    ck_assert_int_le(now_ms() - begin, 6000);
    text = read_kept(1);
    check_steps(text, 1, &next);
    ck_assert_str_eq(text, report_server_body(&server, 0)); /* so that it comes out as a duplicate if it was stored */
    free(text);
    report_server_close(&server);
}
END_TEST

START_TEST(kept_while_away_and_sent_from_there)
{
    struct hd_reporter *reporter;
    int64_t next = 0;
    int first_stored;
    char *kept;

    report_server_open(&server, NULL, 0, BUSY);
    reporter = hd_open();
    report_steps(reporter, 0, 1);
    wait_kept(true);
    kept = read_kept(1);
    ck_assert_str_eq(kept, report_server_body(&server, 0));
    report_steps(reporter, 1, 1500); /* at least one more batch is made and kept */
    report_server_go_on(&server, STORE);
    first_stored = report_server_count(&server);
    ck_assert_int_eq(hd_flush(reporter, DEADLINE_MS), 0);
    wait_kept(false);
    /* The request that was under way may still have been told to come again. */
    if (strcmp(report_server_body(&server, first_stored), kept) == 0 && report_server_count(&server) > first_stored + 1 &&
        strcmp(report_server_body(&server, first_stored + 1), kept) == 0) {
        first_stored++;
    }
    ck_assert_str_eq(report_server_body(&server, first_stored), kept);
    for (int i = first_stored; i < report_server_count(&server); i++) {
        check_steps(report_server_body(&server, i), i - first_stored + 1, &next);
    }
    ck_assert_int_eq(next, 1500);
    ck_assert_int_eq(hd_close(reporter), 0);
    ck_assert_int_eq(count_printed("\n"), 1);
    free(kept);
    report_server_close(&server);
}
END_TEST

/* It answers, only later than points come: that is no failure, and yet memory has an end. */
START_TEST(what_a_slow_daemon_leaves_waits_on_the_disk)
{
    enum { STRINGS = 400, ATTEMPT_MS = 10000 }; /* 25 MiB; how long the library waits for an answer */
    static char big[65537];
    struct hd_reporter *reporter;
    int64_t begin = now_ms();
    int kept;

    memset(big, 'x', sizeof(big) - 1);
    report_server_open(&server, NULL, 0, HOLD);
    reporter = hd_open();
    for (int i = 0; i < STRINGS; i++) {
        while (hd_report_string(reporter, "note", big, i) == -ENOBUFS) {
            ck_assert_int_lt(now_ms() - begin, ATTEMPT_MS);
            (void)hd_flush(reporter, 1);
        }
    }
    kept = count_kept();
    ck_assert_int_gt(kept, 0);
    ck_assert_int_lt(now_ms() - begin, ATTEMPT_MS);
    ck_assert_int_le(report_server_count(&server), 1);
    ck_assert_int_eq(count_printed("cannot be sent"), 0);
    report_server_open_gate(&server);
    ck_assert_int_ne(hd_flush(reporter, DEADLINE_MS), -ETIMEDOUT);
    ck_assert_int_gt(report_server_count(&server), kept);
    ck_assert_int_eq(count_kept(), 0);
    (void)hd_close(reporter);
    report_server_close(&server);
}
END_TEST

START_TEST(too_much_without_a_disk)
{
    static char big[65537];
    struct hd_reporter *reporter;
    int result = 0, taken = 0;

    memset(big, 'x', sizeof(big) - 1);
    unsetenv("HYPERDRIVE_RUN_DIR");
    report_server_open(&server, NULL, 0, HOLD);
    reporter = hd_open();
    while (result == 0 && taken < 10000) {
        result = hd_report_string(reporter, "note", big, HD_NO_STEP);
        taken += result == 0;
    }
    ck_assert_int_eq(result, -ENOBUFS);
    ck_assert_int_ge(taken, 60); /* 4 MiB */
    ck_assert_int_eq(hd_close(reporter), -EIO);
    ck_assert_int_eq(count_printed("HYPERDRIVE_RUN_DIR is not set"), 1);
    ck_assert_int_eq(count_printed("they are lost"), 1);
    report_server_close(&server);
}
END_TEST

/* --- Processes and signals ---------------------------------------------------------------------------------------------------------------
 */

/* State of a thread of this process, as R or S; 0 when it is gone. */
static char thread_state(const char *task)
{
    char path[300], line[512] = "";
    const char *name_end;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/self/task/%s/stat", task);
    file = fopen(path, "r");
    if (file == NULL) {
        return 0;
    }
    (void)!fgets(line, sizeof(line), file);
    fclose(file);
    name_end = strrchr(line, ')');
    return name_end != NULL ? name_end[2] : 0;
}

/* Forks when all other threads sleep: the address sanitizer's allocator has locks that a child would find taken for ever. */
static pid_t fork_quietly(void)
{
    int64_t deadline = now_ms() + DEADLINE_MS;
    char own[32];
    bool quiet = false;
    pid_t child;

    snprintf(own, sizeof(own), "%d", getpid());
    while (!quiet) {
        DIR *tasks = opendir("/proc/self/task");

        ck_assert_ptr_nonnull(tasks);
        ck_assert_int_lt(now_ms(), deadline);
        quiet = true;
        for (const struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
            if (entry->d_name[0] != '.' && strcmp(entry->d_name, own) != 0) {
                quiet = thread_state(entry->d_name) == 'S' && quiet;
            }
        }
        closedir(tasks);
    }
    child = fork();
    ck_assert_int_ge(child, 0);
    in_forked_child = child == 0;
    return child;
}

static int wait_for_child(pid_t child)
{
    int status;

    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(exit_sends_what_is_left)
{
    int64_t next = 0;
    pid_t child;

    report_server_open(&server, NULL, 0, STORE);
    child = fork_quietly();
    if (child == 0) {
        report_steps(hd_open(), 0, 3);
        exit(7);
    }
    ck_assert_int_eq(wait_for_child(child), 7);
    for (int i = 0; i < report_server_count(&server); i++) {
        check_steps(report_server_body(&server, i), i + 1, &next);
    }
    ck_assert_int_eq(next, 3);
    report_server_close(&server);
}
END_TEST

START_TEST(a_forked_child_is_a_reporter_of_its_own)
{
    struct hd_reporter *reporter;
    cJSON *first, *second, *third;
    pid_t child;

    report_server_open(&server, NULL, 0, HOLD);
    reporter = hd_open();
    report_steps(reporter, 0, 1);
    report_server_wait(&server, 1);
    report_steps(reporter, 1, 2); /* waits at the fork */
    child = fork_quietly();
    if (child == 0) {
        int result = hd_flush(reporter, 0) + hd_report(reporter, "loss", 0.5, 100);

        _exit(result != 0 ? 1 : hd_flush(reporter, DEADLINE_MS) != 0 ? 2 : hd_close(reporter) != 0 ? 3 : 0);
    }
    report_server_open_gate(&server);
    ck_assert_int_eq(wait_for_child(child), 0);
    ck_assert_int_eq(hd_close(reporter), 0);
    ck_assert_int_eq(report_server_count(&server), 3);
    first = parse(report_server_body(&server, 0));
    second = parse(report_server_body(&server, 1));
    third = parse(report_server_body(&server, 2));
    if (integer(cJSON_GetArrayItem(member(second, "metrics"), 0), "step") == 100) {
        cJSON *other = second;

        second = third;
        third = other;
    }
    ck_assert_str_eq(cJSON_GetStringValue(member(first, "reporter")), cJSON_GetStringValue(member(second, "reporter")));
    ck_assert_str_ne(cJSON_GetStringValue(member(first, "reporter")), cJSON_GetStringValue(member(third, "reporter")));
    ck_assert_int_eq(integer(second, "sequence"), 2);
    ck_assert_int_eq(integer(third, "sequence"), 1);
    ck_assert_int_eq(cJSON_GetArraySize(member(second, "metrics")), 1);
    ck_assert_int_eq(cJSON_GetArraySize(member(third, "metrics")), 1);
    cJSON_Delete(first);
    cJSON_Delete(second);
    cJSON_Delete(third);
    report_server_close(&server);
}
END_TEST

START_TEST(a_forked_child_that_is_silent_ends_at_once)
{
    struct hd_reporter *reporter;
    pid_t child;

    report_server_open(&server, NULL, 0, HOLD);
    reporter = hd_open();
    report_steps(reporter, 0, 1);
    report_server_wait(&server, 1);
    child = fork_quietly();
    if (child == 0) {
        exit(0); /* would hang for 2 s, and keep the parent's points once more */
    }
    ck_assert_int_eq(wait_for_child(child), 0);
    ck_assert_int_eq(count_kept(), 0);
    report_server_open_gate(&server);
    ck_assert_int_eq(hd_close(reporter), 0);
    ck_assert_int_eq(report_server_count(&server), 1);
    report_server_close(&server);
}
END_TEST

/* The mask of blocked signals of the thread with this name; 0 if there is none. */
static unsigned long long blocked_in(const char *name)
{
    DIR *tasks = opendir("/proc/self/task");
    unsigned long long mask = 0;

    ck_assert_ptr_nonnull(tasks);
    for (const struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
        char path[300], line[256], found[64] = "";
        FILE *file;

        snprintf(path, sizeof(path), "/proc/self/task/%s/status", entry->d_name);
        file = entry->d_name[0] != '.' ? fopen(path, "r") : NULL;
        while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
            sscanf(line, "Name: %63s", found);
            if (strcmp(found, name) == 0) {
                sscanf(line, "SigBlk: %llx", &mask);
            }
        }
        if (file != NULL) {
            fclose(file);
        }
    }
    closedir(tasks);
    return mask;
}

START_TEST(signals_are_not_for_the_thread)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGUSR1, SIGALRM, SIGCHLD, SIGPIPE};
    struct hd_reporter *reporter;
    unsigned long long mask;
    sigset_t own;

    report_server_open(&server, NULL, 0, STORE);
    reporter = hd_open();
    mask = blocked_in("hyperdrive");
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        ck_assert_msg((mask & 1ULL << (signals[i] - 1)) != 0, "signal %d is not blocked: %llx", signals[i], mask);
    }
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &own), 0);
    ck_assert_int_eq(sigismember(&own, SIGTERM), 0);
    ck_assert_int_eq(hd_close(reporter), 0);
    report_server_close(&server);
}
END_TEST

static void *report_many(void *data)
{
    for (int64_t step = 0; step < 2000; step++) {
        ck_assert_int_eq(hd_report_integer(data, "n", step, step), 0);
    }
    return NULL;
}

START_TEST(many_threads)
{
    struct hd_reporter *reporter;
    pthread_t threads[4];
    int total = 0;

    report_server_open(&server, NULL, 0, STORE);
    reporter = hd_open();
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, report_many, reporter), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_int_eq(hd_close(reporter), 0);
    for (int i = 0; i < report_server_count(&server); i++) {
        cJSON *json = parse(report_server_body(&server, i));

        total += cJSON_GetArraySize(member(json, "metrics"));
        cJSON_Delete(json);
    }
    ck_assert_int_eq(total, 8000);
    report_server_close(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reporter");
    TCase *tests = tcase_create("reporter");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, nothing_without_a_run);
    tcase_add_test(tests, kinds_of_values);
    tcase_add_test(tests, over_a_unix_socket);
    tcase_add_test(tests, wrong_arguments);
    tcase_add_test(tests, batches_in_order);
    tcase_add_test(tests, lists_fill_batches);
    tcase_add_test(tests, the_same_text_again);
    tcase_add_test(tests, refused_is_told_once);
    tcase_add_test(tests, stop);
    tcase_add_test(tests, kept_when_nobody_listens);
    tcase_add_test(tests, kept_when_the_daemon_hangs);
    tcase_add_test(tests, kept_while_away_and_sent_from_there);
    tcase_add_test(tests, what_a_slow_daemon_leaves_waits_on_the_disk);
    tcase_add_test(tests, too_much_without_a_disk);
    tcase_add_test(tests, exit_sends_what_is_left);
    tcase_add_test(tests, a_forked_child_is_a_reporter_of_its_own);
    tcase_add_test(tests, a_forked_child_that_is_silent_ends_at_once);
    tcase_add_test(tests, signals_are_not_for_the_thread);
    tcase_add_test(tests, many_threads);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
