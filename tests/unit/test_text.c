/* Errors, findings and growing texts. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/problems.h"
#include "core/text.h"

START_TEST(error_is_filled)
{
    struct hd_error error = {0};
    strcpy(error.target, "left over");
    ck_assert_int_eq(hd_error_set(&error, HD_NOT_FOUND, "no sweep with id '%s'", "x"), -HD_NOT_FOUND);
    ck_assert_int_eq(error.code, HD_NOT_FOUND);
    ck_assert_str_eq(error.message, "no sweep with id 'x'");
    ck_assert_str_eq(error.target, "");
    ck_assert_int_eq(hd_error_set(NULL, HD_GONE, "nobody listens"), -HD_GONE);
}
END_TEST

START_TEST(error_may_quote_itself)
{
    struct hd_error error = {0};
    hd_error_set(&error, HD_INVALID, "first");
    hd_error_set(&error, HD_CONFLICT, "after %s", error.message);
    ck_assert_str_eq(error.message, "after first");
}
END_TEST

START_TEST(system_error_names_the_reason)
{
    struct hd_error error = {0};
    ck_assert_int_eq(hd_error_system(&error, HD_INTERNAL, ENOENT, "open %s", "a"), -HD_INTERNAL);
    ck_assert_str_eq(error.message, "open a: No such file or directory");
    hd_error_system(&error, HD_INTERNAL, 123456, "open");
    ck_assert_str_eq(error.message, "open: unknown error 123456");
}
END_TEST

START_TEST(error_is_wrapped)
{
    struct hd_error error = {0};
    hd_error_set(&error, HD_STORAGE_FULL, "disk full");
    strcpy(error.target, "field");
    ck_assert_int_eq(hd_error_wrap(&error, "open %s", "database"), -HD_STORAGE_FULL);
    ck_assert_str_eq(error.message, "open database: disk full");
    ck_assert_str_eq(error.target, "field");
}
END_TEST

/* Two-byte characters, so that half of all cuts would go through one. */
START_TEST(long_error_ends_in_dots)
{
    char text[4000];
    for (size_t i = 0; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa9", 3);
    for (int shift = 0; shift < 2; shift++) {
        struct hd_error error = {0};
        hd_error_set(&error, HD_INTERNAL, "%s%s", shift == 1 ? "a" : "", text);
        size_t length = strlen(error.message);
        ck_assert_uint_lt(length, HD_ERROR_MESSAGE_SIZE);
        ck_assert_uint_ge(length, HD_ERROR_MESSAGE_SIZE - 6);
        ck_assert_str_eq(error.message + length - 3, "...");
        ck_assert_uint_eq((length - 3 - (size_t)shift) % 2, 0);
        hd_error_wrap(&error, "%s", text);
        ck_assert_uint_lt(strlen(error.message), HD_ERROR_MESSAGE_SIZE);
    }
}
END_TEST

START_TEST(every_code_has_name_and_status)
{
#define X(code, name, status)                                                                                                              \
    ck_assert_str_eq(hd_code_name(code), name);                                                                                            \
    ck_assert_int_eq(hd_code_status(code), status);
    HD_CODES(X)
#undef X
    ck_assert_str_eq(hd_code_name(HD_NO_ERROR), "");
    ck_assert_int_eq(hd_code_status(HD_NO_ERROR), 200);
}
END_TEST

START_TEST(problems_are_kept_up_to_a_limit)
{
    struct hd_problems problems = {0};
    ck_assert(hd_problems_none(&problems));
    for (int i = 0; i < HD_PROBLEMS_MAX + 7; i++)
        hd_problems_add(&problems, "Required", i == 0 ? NULL : "a.b", "number %d", i);
    ck_assert(!hd_problems_none(&problems));
    ck_assert_uint_eq(problems.count, HD_PROBLEMS_MAX);
    ck_assert_uint_eq(problems.dropped, 7);
    ck_assert_ptr_null(problems.list[0].target);
    ck_assert_str_eq(problems.list[99].target, "a.b");
    ck_assert_str_eq(problems.list[99].message, "number 99");
    ck_assert_str_eq(problems.list[99].code, "Required");
    hd_problems_clear(&problems);
    ck_assert(hd_problems_none(&problems));
    hd_problems_clear(&problems);
}
END_TEST

START_TEST(problems_are_bounded)
{
    char *huge = malloc(1000001);
    memset(huge, 'x', 1000000);
    huge[1000000] = '\0';
    struct hd_problems problems = {0};
    hd_problems_add(&problems, "UnknownField", huge, "'%s' is not a known field", huge);
    ck_assert_uint_lt(strlen(problems.list[0].target), 5000);
    ck_assert_uint_lt(strlen(problems.list[0].message), 5000);
    hd_problems_clear(&problems);
    free(huge);
}
END_TEST

START_TEST(text_grows)
{
    struct hd_text text = {0};
    size_t expected = 0;
    for (int i = 0; i < 3000; i++) {
        hd_text_add(&text, "abc", 3);
        hd_text_add_string(&text, "de");
        hd_text_add_char(&text, 'f');
        hd_text_format(&text, "%0*d", i, 7);
        expected += 6 + (size_t)(i == 0 ? 1 : i);
    }
    ck_assert(!text.failed);
    ck_assert_uint_eq(text.length, expected);
    ck_assert_uint_eq(strlen(text.data), expected);
    ck_assert_str_eq(text.data + expected - 8, "00000007");
    char *taken = hd_text_take(&text);
    ck_assert_uint_eq(strlen(taken), expected);
    ck_assert_ptr_null(text.data);
    free(taken);
}
END_TEST

START_TEST(empty_text_is_a_string)
{
    struct hd_text text = {0};
    char *taken = hd_text_take(&text);
    ck_assert_str_eq(taken, "");
    free(taken);
    text.failed = true;
    hd_text_add_string(&text, "not kept");
    ck_assert_uint_eq(text.length, 0);
    ck_assert_ptr_null(hd_text_take(&text));
    ck_assert(!text.failed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *errors = tcase_create("errors");
    tcase_add_test(errors, error_is_filled);
    tcase_add_test(errors, error_may_quote_itself);
    tcase_add_test(errors, system_error_names_the_reason);
    tcase_add_test(errors, error_is_wrapped);
    tcase_add_test(errors, long_error_ends_in_dots);
    tcase_add_test(errors, every_code_has_name_and_status);
    suite_add_tcase(suite, errors);
    TCase *texts = tcase_create("texts");
    tcase_add_test(texts, problems_are_kept_up_to_a_limit);
    tcase_add_test(texts, problems_are_bounded);
    tcase_add_test(texts, text_grows);
    tcase_add_test(texts, empty_text_is_a_string);
    suite_add_tcase(suite, texts);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
