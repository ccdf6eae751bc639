/* Which configurations lie in a space: those of other spaces, those just outside, and all that the space itself draws. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/space.h"

static struct hd_space *compile(const char *text)
{
    const struct hd_space_options options = {"space", M_E, false};
    struct hd_problems errors = {0}, warnings = {0};
    cJSON *object = hd_json_parse_own(text);
    struct hd_space *space = object != NULL ? hd_space_compile(object, &options, &errors, &warnings) : NULL;

    ck_assert_msg(space != NULL, "%s: %s", text, errors.count > 0 ? errors.list[0].message : "no JSON");
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    cJSON_Delete(object);
    return space;
}

/* One parameter named x; the values that can be drawn, then those that cannot. */
static const struct {
    const char *expression;
    const char *inside, *outside; /* JSON arrays */
} ROWS[] = {
    {"[\"choice\", [[1, \"a\", true, null, 0.5]]]", "[1, 1.0, \"a\", true, null, 0.5]", "[2, \"1\", false, 0, \"A\", [1], {}, 0.5000001]"},
    {"[\"choice\", [[[1, 2], {\"k\": 3}]]]", "[[1, 2], [1.0, 2], {\"k\": 3}, {\"k\": 3.0}]", "[[2, 1], [1], {\"k\": 4}, {}, 1]"},
    {"[\"randint\", [10]]", "[0, 9, 9.0]", "[10, -1, 0.5, \"1\", true, null]"},
    {"[\"uniform\", [-1, 1]]", "[-1, 1, 0, 0.3, 1.0000000009, -1.0000000009]", "[1.000000002, -1.000000002, \"0\", false, \"NaN\"]"},
    {"[\"uniform\", [0, 1]]", "[0, 0.0, 1]", "[-1e-12]"},
    {"[\"quniform\", [0.1, 2.6, 0.5]]", "[0, 0.5, 2.5, 2.5000000001]", "[0.25, 3, -0.5, 2.500001]"},
    {"[\"quniform\", [0, 1, 0.1]]", "[0.30000000000000004, 0.3, 1]", "[0.35, 1.1]"},
    {"[\"loguniform\", [0, 1]]", "[1, 2, 2.718281828459045, 2.7182818300]", "[0.99, 2.72, 0, -1]"},
    {"[\"qloguniform\", [0, 2, 2]]", "[0, 2, 8]", "[1, 10, -2]"},
    {"[\"normal\", [0, 1]]", "[0, -1e300, 12345]", "[\"0\", \"Infinity\"]"},
    {"[\"qnormal\", [0, 1, 0.5]]", "[0.5, -3]", "[null]"},
    {"[\"lognormal\", [0, 1]]", "[1e-300, 5]", "[0, -1]"},
    {"[\"qlognormal\", [0, 1, 2]]", "[0, 4]", "[-2]"},
};

START_TEST(values_of_each_type)
{
    const char *lists[2] = {ROWS[_i].inside, ROWS[_i].outside};
    struct hd_text text = {0};
    struct hd_space *space;

    hd_text_format(&text, "{\"x\": %s}", ROWS[_i].expression);
    space = compile(text.data);
    for (int list = 0; list < 2; list++) {
        cJSON *values = hd_json_parse_own(lists[list]), *value;

        ck_assert_ptr_nonnull(values);
        while ((value = cJSON_DetachItemFromArray(values, 0)) != NULL) {
            char *excerpt = hd_json_excerpt(value);
            cJSON *configuration = cJSON_CreateObject();

            ck_assert(cJSON_AddItemToObject(configuration, "x", value));
            ck_assert_msg(hd_space_contains(space, configuration) == (list == 0), "%s in %s", excerpt, ROWS[_i].expression);
            free(excerpt);
            cJSON_Delete(configuration);
        }
        cJSON_Delete(values);
    }
    hd_space_free(space);
    hd_text_clear(&text);
}
END_TEST

static void check(const struct hd_space *space, const char *configuration, bool expected)
{
    cJSON *object = hd_json_parse_own(configuration);

    ck_assert_ptr_nonnull(object);
    ck_assert_msg(hd_space_contains(space, object) == expected, "%s", configuration);
    cJSON_Delete(object);
}

START_TEST(exactly_the_parameters)
{
    struct hd_space *space = compile("{\"a\": [\"uniform\", [0, 1]], \"--b\": [\"choice\", [[1, 2]]]}");

    check(space, "{\"a\": 0.5, \"--b\": 1}", true);
    check(space, "{\"--b\": 1, \"a\": 0.5}", true);
    check(space, "{\"a\": 0.5}", false);
    check(space, "{\"a\": 0.5, \"b\": 1}", false);
    check(space, "{\"a\": 0.5, \"--b\": 1, \"c\": 1}", false);
    check(space, "{}", false);
    check(space, "[0.5, 1]", false);
    hd_space_free(space);
}
END_TEST

START_TEST(branches)
{
    struct hd_space *space = compile("{\"net\": [\"choice\", [[\"linear\", {\"layers\": [\"randint\", [4]], \"kind\": \"conv\"}, "
                                     "{\"depth\": [\"choice\", [[{\"x\": [\"uniform\", [0, 1]]}, 7]]]}]]]}");

    check(space, "{\"net\": \"linear\"}", true);
    check(space, "{\"net\": {\"layers\": 3, \"kind\": \"conv\"}}", true);
    check(space, "{\"net\": {\"layers\": 4, \"kind\": \"conv\"}}", false);
    check(space, "{\"net\": {\"layers\": 3, \"kind\": \"dense\"}}", false);
    check(space, "{\"net\": {\"depth\": {\"x\": 0.25}}}", true);
    check(space, "{\"net\": {\"depth\": 7}}", true);
    check(space, "{\"net\": {\"depth\": {\"x\": 7}}}", false);
    check(space, "{\"net\": {}}", false);
    hd_space_free(space);
}
END_TEST

/* Whatever a space draws lies in it. */
START_TEST(all_that_is_drawn)
{
    static const char TEXT[] =
        "{\"a\": [\"uniform\", [-3, 7.5]], \"b\": [\"quniform\", [0.1, 9.3, 0.7]], \"c\": [\"loguniform\", [-9, 3]], "
        "\"d\": [\"qloguniform\", [-3, 5, 0.3]], \"e\": [\"normal\", [0, 5]], \"f\": [\"qnormal\", [1, 5, 0.3]], "
        "\"g\": [\"lognormal\", [0, 2]], \"h\": [\"qlognormal\", [0, 2, 0.3]], \"i\": [\"randint\", [5]], "
        "\"j\": [\"choice\", [[1, \"two\", {\"k\": [\"uniform\", [0, 1]]}]]]}";
    struct hd_space *space = compile(TEXT);

    for (uint64_t draw = 0; draw < 2000; draw++) {
        cJSON *configuration = hd_space_draw(space, 7, draw);

        ck_assert_ptr_nonnull(configuration);
        ck_assert_msg(hd_space_contains(space, configuration), "draw %lu", (unsigned long)draw);
        cJSON_Delete(configuration);
    }
    hd_space_free(space);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("space_contains");
    TCase *tests = tcase_create("space_contains");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tests, values_of_each_type, 0, sizeof ROWS / sizeof ROWS[0]);
    tcase_add_test(tests, exactly_the_parameters);
    tcase_add_test(tests, branches);
    tcase_add_test(tests, all_that_is_drawn);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
