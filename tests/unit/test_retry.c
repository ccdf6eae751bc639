/* Retries: which ends are followed by another attempt, and what retry_on may be. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/retry.h"
#include "specification_fixture.h"

enum { EXIT = HD_FAILED_EXIT, SIGNAL = HD_FAILED_SIGNAL, LOST = HD_FAILED_LOST };

static const struct {
    const char *max_retries, *retry_on; /* NULL: not given */
    int attempt, kind, exit_code;
    const char *output;
    bool wanted, out_of_memory;
} ENDS[] = {
    {NULL, NULL, 1, LOST, 0, "", false, false},
    {"1", NULL, 1, LOST, 0, "", true, false},
    {"1", NULL, 2, LOST, 0, "", false, false},
    {"2", NULL, 2, LOST, 0, "", true, false},
    {"1", NULL, 1, SIGNAL, 0, "", false, false},
    {"1", NULL, 1, EXIT, 1, "", false, false},
    {"1", "[]", 1, LOST, 0, "", false, false},
    {"1", "[\"signal\"]", 1, SIGNAL, 0, "", true, false},
    {"1", "[\"signal\"]", 1, LOST, 0, "", false, false},
    {"1", "[\"signal\"]", 1, EXIT, 137, "", false, false},
    {"1", "[\"Signal\", \"LOST\"]", 1, LOST, 0, "", true, false},
    {"9", "[{\"exit_code\": [1, 137]}]", 9, EXIT, 137, "", true, false},
    {"9", "[{\"exit_code\": [1, 137]}]", 9, EXIT, 2, "", false, false},
    {"9", "[{\"exit_code\": [9]}]", 1, SIGNAL, 9, "", false, false},
    {"1", "[{\"pattern\": \"CUDA out of memory\"}]", 1, EXIT, 1, "x\nRuntimeError: CUDA out of memory. Tried\ny\n", true, false},
    {"1", "[{\"pattern\": \"cuda out of memory\"}]", 1, EXIT, 1, "CUDA out of memory", false, false},
    {"1", "[{\"pattern\": \"out of (memory|disk)$\"}]", 1, SIGNAL, 0, "is out of disk\nbye\n", true, false},
    {"1", "[{\"pattern\": \"^memory\"}]", 1, LOST, 0, "out of memory\n", false, false},
    {"1", "[{\"pattern\": \"a.b\"}]", 1, EXIT, 1, "a\nb", false, false},
    {"1", "[{\"exit_code\": [3]}, \"signal\", {\"pattern\": \"e$\"}]", 1, EXIT, 4, "fine", true, false},
    {"1", "[\"out_of_memory\"]", 1, SIGNAL, 0, "", true, true},
    {"1", "[\"out_of_memory\"]", 1, EXIT, 1, "", true, true},
    {"1", "[\"out_of_memory\"]", 1, SIGNAL, 0, "", false, false},
    {"1", "[\"lost\"]", 1, SIGNAL, 0, "", false, true},
};

START_TEST(ends)
{
    const struct change changes[] = {{"run_config.max_retries", ENDS[_i].max_retries}, {"run_config.retry_on", ENDS[_i].retry_on}};
    cJSON *body = fixture_changed_body(changes, 2);
    struct hd_failure failure = {
        .kind = ENDS[_i].kind, .out_of_memory = ENDS[_i].out_of_memory, .exit_code = ENDS[_i].exit_code, .output = ENDS[_i].output};
    struct hd_specification specification;

    fixture_specification(body, NULL, &specification);
    ck_assert_int_eq(hd_retry_wanted(&specification.run, ENDS[_i].attempt, &failure), ENDS[_i].wanted);
    hd_specification_clear(&specification);
    cJSON_Delete(body);
}
END_TEST

#define CAUSES "one of signal, lost, out_of_memory, {\"exit_code\": [...]}, {\"pattern\": \"...\"}, got "
#define CODES  "an array of integers between 1 and 255, got "

/* One finding each: code, what follows run_config.retry_on in the path, and the message behind `must be`. */
static const struct {
    const char *retry_on, *code, *place, *must_be;
} REFUSED[] = {
    {"\"lost\"", "WrongType", "", "an array, got \"lost\""},
    {"{}", "WrongType", "", "an array, got {}"},
    {"[\"oom\"]", "NotAllowed", "[0]", CAUSES "\"oom\""},
    {"[\"lost\", 5]", "NotAllowed", "[1]", CAUSES "5"},
    {"[{}]", "NotAllowed", "[0]", CAUSES "{}"},
    {"[{\"exit_code\": [1], \"pattern\": \"x\"}]", "NotAllowed", "[0]", CAUSES "{\"exit_code\":[1],\"pattern\":\"x\"}"},
    {"[{\"code\": [1]}]", "NotAllowed", "[0]", CAUSES "{\"code\":[1]}"},
    {"[{\"exit_code\": 137}]", "OutOfRange", "[0].exit_code", CODES "137"},
    {"[{\"exit_code\": []}]", "OutOfRange", "[0].exit_code", CODES "[]"},
    {"[{\"exit_code\": [0]}]", "OutOfRange", "[0].exit_code", CODES "[0]"},
    {"[{\"exit_code\": [256]}]", "OutOfRange", "[0].exit_code", CODES "[256]"},
    {"[{\"exit_code\": [1.5]}]", "OutOfRange", "[0].exit_code", CODES "[1.5]"},
    {"[{\"exit_code\": {\"a\": 1}}]", "OutOfRange", "[0].exit_code", CODES "{\"a\":1}"},
    {"[{\"pattern\": 5}]", "WrongType", "[0].pattern", "a string, got 5"},
    {"[{\"pattern\": \"\"}]", "OutOfRange", "[0].pattern", "1 to 200 bytes long, got \"\""},
    {"[{\"pattern\": \"a{2}\"}]", "NotAllowed", "[0].pattern",
     "an extended regular expression without references (\\1) and counted repetitions ({2})"},
    {"[{\"pattern\": \"(a)\\\\1\"}]", "NotAllowed", "[0].pattern",
     "an extended regular expression without references (\\1) and counted repetitions ({2})"},
};

START_TEST(refusals)
{
    const struct change change = {"run_config.retry_on", REFUSED[_i].retry_on};
    cJSON *body = fixture_changed_body(&change, 1);
    struct hd_problems errors = {0}, warnings = {0};
    struct hd_specification specification;
    struct hd_text message = {0}, target = {0};

    hd_text_format(&target, "run_config.retry_on%s", REFUSED[_i].place);
    hd_text_format(&message, "'%s' must be %s", target.data, REFUSED[_i].must_be);
    ck_assert_int_eq(hd_specification_parse(body, &fixture_options, &errors, &warnings, &specification), -1);
    ck_assert_uint_eq(errors.count, 1);
    ck_assert_str_eq(errors.list[0].message, message.data);
    ck_assert_str_eq(errors.list[0].code, REFUSED[_i].code);
    ck_assert_str_eq(errors.list[0].target, target.data);
    hd_text_clear(&message);
    hd_text_clear(&target);
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    cJSON_Delete(body);
}
END_TEST

/* The system says why. */
START_TEST(a_broken_pattern)
{
    const struct change change = {"run_config.retry_on", "[{\"pattern\": \"(a\"}]"};
    cJSON *body = fixture_changed_body(&change, 1);
    struct hd_problems errors = {0}, warnings = {0};
    struct hd_specification specification;

    ck_assert_int_eq(hd_specification_parse(body, &fixture_options, &errors, &warnings, &specification), -1);
    ck_assert_uint_eq(errors.count, 1);
    ck_assert_ptr_nonnull(strstr(errors.list[0].message, "must be an extended regular expression: "));
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    cJSON_Delete(body);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("retry");
    TCase *tests = tcase_create("retry");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tests, ends, 0, sizeof ENDS / sizeof ENDS[0]);
    tcase_add_loop_test(tests, refusals, 0, sizeof REFUSED / sizeof REFUSED[0]);
    tcase_add_test(tests, a_broken_pattern);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
