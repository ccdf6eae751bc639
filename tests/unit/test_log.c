#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

static int saved_stderr, reading_end;

/* stderr becomes a pipe that the test reads. */
static void catch_stderr(void)
{
    int ends[2];
    saved_stderr = dup(STDERR_FILENO);
    ck_assert_int_ge(saved_stderr, 0);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
    close(ends[1]);
    reading_end = ends[0];
}

/* Gives stderr back, so that the pipe ends, and returns all that was written. */
static void release_stderr(char *buffer, size_t size)
{
    size_t length = 0;
    ck_assert_int_ge(dup2(saved_stderr, STDERR_FILENO), 0);
    for (ssize_t got; length < size - 1 && (got = read(reading_end, buffer + length, size - 1 - length)) > 0;)
        length += (size_t)got;
    buffer[length] = '\0';
    close(reading_end);
    close(saved_stderr);
}

static void claim_journal(void)
{
    struct stat status;
    char stream[64];
    ck_assert_int_eq(fstat(STDERR_FILENO, &status), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
    ck_assert_int_eq(setenv("JOURNAL_STREAM", stream, 1), 0);
}

START_TEST(journal_prefixes_and_level)
{
    char text[512];
    catch_stderr();
    claim_journal();
    log_open(LOG_LEVEL_WARNING);
    log_line(LOG_LEVEL_ERROR, "lost %d", 3);
    log_line(LOG_LEVEL_INFO, "not shown");
    log_line(LOG_LEVEL_WARNING, "two\nlines\x1b[1m");
    release_stderr(text, sizeof text);
    ck_assert_str_eq(text, "<3>lost 3\n<4>two lines [1m\n");
}
END_TEST

START_TEST(plain_lines_when_the_journal_is_somebody_else)
{
    char text[512];
    catch_stderr();
    ck_assert_int_eq(setenv("JOURNAL_STREAM", "1:1", 1), 0);
    log_open(LOG_LEVEL_DEBUG);
    log_line(LOG_LEVEL_DEBUG, "hello");
    release_stderr(text, sizeof text);
    /* 2025-02-07T06:39:33.034036Z debug: hello */
    ck_assert_uint_eq(strlen(text), 27 + strlen(" debug: hello\n"));
    ck_assert_str_eq(text + 27, " debug: hello\n");
    ck_assert_int_eq(text[10], 'T');
    ck_assert_int_eq(text[26], 'Z');
}
END_TEST

START_TEST(long_line_is_cut_visibly)
{
    char text[8192];
    static char longer[6000];
    memset(longer, 'x', sizeof longer - 1);
    catch_stderr();
    claim_journal();
    log_open(LOG_LEVEL_INFO);
    log_line(LOG_LEVEL_INFO, "%s", longer);
    log_line(LOG_LEVEL_INFO, "next");
    release_stderr(text, sizeof text);
    char *end = strchr(text, '\n');
    ck_assert_ptr_nonnull(end);
    ck_assert_int_eq(end - text, 4094);
    ck_assert_mem_eq(end - 4, "x...", 4);
    ck_assert_str_eq(end + 1, "<6>next\n");
}
END_TEST

START_TEST(no_control_character_is_let_through)
{
    char text[512];
    catch_stderr();
    claim_journal();
    log_open(LOG_LEVEL_INFO);
    /* The third is U+009B, which begins a sequence like ESC [; the letters behind it are two bytes too. */
    log_line(LOG_LEVEL_INFO, "%s", "a\nb\x1b[31m\x7f\xc2\x9b\xc2\xa0\xc3\xa9\xc3\x9f");
    release_stderr(text, sizeof text);
    ck_assert_str_eq(text, "<6>a b [31m   \xc2\xa0\xc3\xa9\xc3\x9f\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *tests = tcase_create("log");
    tcase_add_test(tests, journal_prefixes_and_level);
    tcase_add_test(tests, plain_lines_when_the_journal_is_somebody_else);
    tcase_add_test(tests, long_line_is_cut_visibly);
    tcase_add_test(tests, no_control_character_is_let_through);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0 ? 1 : 0;
}
