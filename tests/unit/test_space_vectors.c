/* The vectors of expressions.json (values, sizes and texts) and of grid_order.json. Expected values come from the files alone; how many
 * cases there are is written here, so that none can go missing; a member that the runner does not know fails its case. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/expression.h"
#include "core/json.h"
#include "core/sampling.h"
#include "core/space.h"

static cJSON *load(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", HD_VECTORS, name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s cannot be opened", path);
    struct hd_text text = {0};
    char block[4096];
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;)
        hd_text_add(&text, block, got);
    fclose(file);
    cJSON *document = hd_json_parse_own(text.data);
    ck_assert_msg(document != NULL, "%s is not JSON", path);
    hd_text_clear(&text);
    return document;
}

static void only_members(const cJSON *object, const char *const *known)
{
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        size_t i = 0;
        while (known[i] != NULL && strcmp(known[i], member->string) != 0)
            i++;
        ck_assert_msg(known[i] != NULL, "a case has the unknown member '%s'", member->string);
    }
}

static const cJSON *member(const cJSON *object, const char *name)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);
    ck_assert_msg(found != NULL, "a case lacks '%s'", name);
    return found;
}

static double optional_number(const cJSON *object, const char *name, double otherwise)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);
    ck_assert(found == NULL || cJSON_IsNumber(found));
    return found == NULL ? otherwise : found->valuedouble;
}

static char *compact(const cJSON *value)
{
    struct hd_text text = {0};
    hd_json_print(&text, value, HD_JSON_COMPACT);
    return hd_text_take(&text);
}

static void run_section(const char *file, const char *section, int expected, void (*run)(const cJSON *test_case))
{
    cJSON *document = load(file);
    int count = 0;
    for (const cJSON *test_case = member(document, section)->child; test_case != NULL; test_case = test_case->next, count++)
        run(test_case);
    printf("%s: %s: %d cases\n", file, section, count);
    fflush(stdout);
    ck_assert_int_eq(count, expected);
    cJSON_Delete(document);
}

static void run_quantise(const cJSON *test_case)
{
    only_members(test_case, (const char *const[]){"type", "draw", "q", "logbase", "value", "rel_tol", "note", NULL});
    const char *type = member(test_case, "type")->valuestring;
    struct expression expression = {.form = expression_find(type), .log_base = optional_number(test_case, "logbase", M_E)};
    ck_assert_msg(expression.form != NULL, "%s is no type", type);
    ck_assert_int_eq(expression.form->quantised, cJSON_HasObjectItem(test_case, "q"));
    expression.arguments[2] = optional_number(test_case, "q", 0);
    double draw = member(test_case, "draw")->valuedouble, value = expression_value(&expression, draw);
    const cJSON *expected = member(test_case, "value");
    double tolerance = optional_number(test_case, "rel_tol", 0) * fabs(expected->valuedouble);
    ck_assert_msg(fabs(value - expected->valuedouble) <= tolerance && !(value == 0 && signbit(value)), "%s of %.17g is %.17g, not %.17g",
                  type, draw, value, expected->valuedouble);
    cJSON *json = expression_json(&expression, value);
    ck_assert(!hd_json_is_integer(json));
    cJSON_Delete(json);
}

START_TEST(quantise)
{
    run_section("expressions.json", "quantise", 30, run_quantise);
}
END_TEST

static struct hd_space *compile(const cJSON *object, bool grid)
{
    struct hd_problems errors = {0}, warnings = {0};
    struct hd_space_options options = {"parameter_space", M_E, grid};
    struct hd_space *space = hd_space_compile(object, &options, &errors, &warnings);
    ck_assert_msg(space != NULL, "%s", errors.count > 0 ? errors.list[0].message : "no reason given");
    hd_problems_clear(&warnings);
    return space;
}

static void run_size(const cJSON *test_case)
{
    only_members(test_case, (const char *const[]){"expression", "distinct_values", "note", NULL});
    cJSON *object = cJSON_CreateObject();
    ck_assert(cJSON_AddItemToObject(object, "x", cJSON_Duplicate(member(test_case, "expression"), true)));
    struct hd_space *space = compile(object, false);
    const cJSON *expected = member(test_case, "distinct_values");
    int64_t size = 0;
    ck_assert(cJSON_IsNull(expected) || hd_json_integer(expected, &size));
    char *text = compact(object);
    ck_assert_msg(hd_space_size(space) == (uint64_t)size, "%s has size %llu", text, (unsigned long long)hd_space_size(space));
    free(text);
    hd_space_free(space);
    cJSON_Delete(object);
}

START_TEST(sizes)
{
    run_section("expressions.json", "sizes", 14, run_size);
}
END_TEST

static void run_text(const cJSON *test_case)
{
    only_members(test_case, (const char *const[]){"value_json", "command_line", "note", NULL});
    const char *json = member(test_case, "value_json")->valuestring;
    cJSON *value = hd_json_parse_own(json);
    ck_assert_msg(value != NULL, "%s is not JSON", json);
    char *again = compact(value);
    ck_assert_str_eq(again, json);
    free(again);
    struct hd_text text = {0};
    hd_json_command_line(&text, value);
    char *line = hd_text_take(&text);
    ck_assert_str_eq(line, member(test_case, "command_line")->valuestring);
    free(line);
    cJSON_Delete(value);
}

START_TEST(text)
{
    run_section("expressions.json", "text", 38, run_text);
}
END_TEST

/* A section that nobody runs would go unseen: those not run here are run by the tests of programs. */
START_TEST(sections_are_known)
{
    cJSON *document = load("expressions.json");
    only_members(document, (const char *const[]){"about", "about_quantise", "quantise", "about_sizes", "sizes", "about_text", "text",
                                                 "about_argument_lists", "argument_lists", "about_environments", "environments",
                                                 "about_placeholders", "placeholder_values", "placeholders", NULL});
    cJSON_Delete(document);
    document = load("grid_order.json");
    only_members(document, (const char *const[]){"about", "cases", NULL});
    cJSON_Delete(document);
}
END_TEST

static void run_grid(const cJSON *test_case)
{
    only_members(test_case, (const char *const[]){"note", "parameter_space", "max_total_runs", "combinations", "expected", NULL});
    struct hd_space *space = compile(member(test_case, "parameter_space"), true);
    struct hd_sampling sampling = {HD_GRID, 0};
    uint64_t size = hd_space_size(space), count = 0;
    ck_assert_uint_eq(size, (uint64_t)member(test_case, "combinations")->valuedouble);
    for (const cJSON *expected = member(test_case, "expected")->child; expected != NULL; expected = expected->next, count++) {
        cJSON *configuration = NULL;
        ck_assert_int_eq(hd_sampling_draw(&sampling, space, count, &configuration), 0);
        char *got = compact(configuration), *wanted = compact(expected);
        ck_assert_str_eq(got, wanted);
        free(got);
        free(wanted);
        cJSON_Delete(configuration);
    }
    ck_assert_uint_eq(count, (uint64_t)fmin((double)size, optional_number(test_case, "max_total_runs", (double)size)));
    cJSON *none = NULL;
    ck_assert_int_eq(hd_sampling_draw(&sampling, space, size, &none), 1);
    ck_assert_ptr_null(none);
    hd_space_free(space);
}

START_TEST(grid_order)
{
    run_section("grid_order.json", "cases", 8, run_grid);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("space vectors");
    TCase *vectors = tcase_create("vectors");
    tcase_add_test(vectors, quantise);
    tcase_add_test(vectors, sizes);
    tcase_add_test(vectors, text);
    tcase_add_test(vectors, sections_are_known);
    tcase_add_test(vectors, grid_order);
    suite_add_tcase(suite, vectors);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
