/* The sequence of configurations that `hyperdrive sample` shows: that of the daemon, without repeats. */
#include <check.h>
#include <stdlib.h>

#include "core/json.h"
#include "sequence.h"

static void parse(const char *sampling, const char *total, struct hd_specification *ret)
{
    const struct hd_specification_options options = {.seed = 7};
    struct hd_problems errors = {0}, warnings = {0};
    struct hd_text text = {0};
    cJSON *body;

    hd_text_format(&text, "{\"hyperparameter_sampling\":%s,%s\"run_config\":{\"command\":[\"/bin/true\"]}}", sampling, total);
    ck_assert(!text.failed);
    body = hd_json_parse_own(text.data);
    ck_assert_ptr_nonnull(body);
    ck_assert_msg(hd_specification_parse(body, &options, &errors, &warnings, ret) == 0, "%s", errors.list[0].message);
    hd_problems_clear(&warnings);
    cJSON_Delete(body);
    hd_text_clear(&text);
}

/* Reads the whole sequence, asserts that all of it is distinct, and returns how long it is. */
static size_t read_all(const struct hd_specification *specification, uint64_t *ret_draws, uint64_t *ret_scan)
{
    cJSON *all = cJSON_CreateArray(), *next = NULL, *known;
    struct sequence sequence;
    size_t count = 0;
    int result;

    ck_assert_ptr_nonnull(all);
    sequence_open(&sequence, specification);
    for (; (result = sequence_next(&sequence, &next)) == 1; count++) {
        cJSON_ArrayForEach(known, all)
        {
            ck_assert(!hd_json_equal(known, next));
        }
        ck_assert(cJSON_AddItemToArray(all, next));
    }
    ck_assert_int_eq(result, 0);
    *ret_draws = sequence.draw;
    *ret_scan = sequence.scan;
    sequence_close(&sequence);
    cJSON_Delete(all);
    return count;
}

static size_t length_of(const char *sampling, const char *total, uint64_t *ret_draws, uint64_t *ret_scan)
{
    struct hd_specification specification;
    size_t count;

    parse(sampling, total, &specification);
    count = read_all(&specification, ret_draws, ret_scan);
    hd_specification_clear(&specification);
    return count;
}

START_TEST(repeats_are_skipped)
{
    uint64_t draws = 0, scan = 0;
    size_t count = length_of("{\"type\":\"random\",\"seed\":3,\"parameter_space\":{\"a\":[\"randint\",[20]],\"b\":[\"choice\",[[1,2]]]}}",
                             "\"max_total_runs\":1000,", &draws, &scan);

    ck_assert_uint_eq(count, 40);
    ck_assert_uint_gt(draws, 40);
    ck_assert_uint_eq(scan, 0);
}
END_TEST

/* The 2 is drawn once in fifteen million times: after HD_SAMPLING_SKIPS repeats in a row it is found in grid order. */
START_TEST(what_is_hardly_drawn_comes_in_grid_order)
{
    uint64_t draws = 0, scan = 0;
    size_t count = length_of("{\"type\":\"random\",\"seed\":3,\"parameter_space\":{\"a\":[\"quniform\",[0,1.5000001,1]]}}",
                             "\"max_total_runs\":1000,", &draws, &scan);

    ck_assert_uint_eq(count, 3);
    ck_assert_uint_ge(draws, HD_SAMPLING_SKIPS + 2);
    ck_assert_uint_eq(scan, 2);
}
END_TEST

START_TEST(the_budget_ends_it)
{
    uint64_t draws = 0, scan = 0;

    ck_assert_uint_eq(length_of("{\"type\":\"random\",\"seed\":3,\"parameter_space\":{\"a\":[\"uniform\",[0,1]]}}",
                                "\"max_total_runs\":300,", &draws, &scan),
                      300);
    ck_assert_uint_eq(draws, 300);
}
END_TEST

START_TEST(a_grid_comes_in_its_order_and_ends)
{
    struct hd_specification specification;
    struct sequence sequence;
    cJSON *next = NULL;

    parse("{\"type\":\"grid\",\"parameter_space\":{\"a\":[\"choice\",[[1,2]]],\"b\":[\"choice\",[[\"x\",\"y\"]]]}}", "", &specification);
    sequence_open(&sequence, &specification);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(sequence_next(&sequence, &next), 1);
        ck_assert_int_eq((int)cJSON_GetObjectItem(next, "a")->valuedouble, 1 + i / 2);
        ck_assert_str_eq(cJSON_GetObjectItem(next, "b")->valuestring, i % 2 == 0 ? "x" : "y");
        cJSON_Delete(next);
    }
    ck_assert_int_eq(sequence_next(&sequence, &next), 0);
    sequence_close(&sequence);
    hd_specification_clear(&specification);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sequence");
    TCase *tests = tcase_create("sequence");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tests, repeats_are_skipped);
    tcase_add_test(tests, what_is_hardly_drawn_comes_in_grid_order);
    tcase_add_test(tests, the_budget_ends_it);
    tcase_add_test(tests, a_grid_comes_in_its_order_and_ends);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
