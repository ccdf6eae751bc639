/* Specifications and programs when memory is short: the k-th allocation fails, for every k until all goes well.
 * Linked with --wrap for what allocates; the leak sanitizer looks at what a failure leaves behind. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/program.h"
#include "specification_fixture.h"

static long allocations_left = -1; /* -1: no failures */

static bool fails(void)
{
    if (allocations_left > 0) {
        allocations_left--;
    }
    return allocations_left == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *string);
char *__real_strndup(const char *string, size_t length);
int __real_vasprintf(char **ret_text, const char *format, va_list arguments);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *string);
char *__wrap_strndup(const char *string, size_t length);
int __wrap_vasprintf(char **ret_text, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
int __wrap_asprintf(char **ret_text, const char *format, ...) __attribute__((format(printf, 2, 3)));

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *string)
{
    return fails() ? NULL : __real_strdup(string);
}

char *__wrap_strndup(const char *string, size_t length)
{
    return fails() ? NULL : __real_strndup(string, length);
}

int __wrap_vasprintf(char **ret_text, const char *format, va_list arguments)
{
    return fails() ? -1 : __real_vasprintf(ret_text, format, arguments);
}

int __wrap_asprintf(char **ret_text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = __wrap_vasprintf(ret_text, format, arguments);
    va_end(arguments);
    return length;
}

static void *failing_malloc(size_t size)
{
    return __wrap_malloc(size);
}

static cJSON *right_body(void)
{
    cJSON *body = fixture_body();

    fixture_change(body, "hyperparameter_sampling.parameter_space",
                   "{\"lr\": [\"uniform\", [0, 1]], \"conv\": [\"choice\", [[\"x\", {\"k\": [\"randint\", [5]]}]]]}");
    fixture_change(body, "run_config",
                   "{\"command\": \"t ${{search_space.lr}} '{inputs.A}' ${{outputs.o}}\", \"inputs\": {\"A\": 1, \"d\": {\"path\": "
                   "\"/data/iris.csv\"}}, \"outputs\": {\"o\": {}}, \"environment_variables\": {\"E\": \"${{search_space.conv.k}}\"}, "
                   "\"max_retries\": 2, \"retry_on\": [\"lost\", {\"exit_code\": [3, 4]}]}");
    fixture_change(body, "resume_from", "\"HD_a\"");
    fixture_change(body, "resume_child_runs", "[\"HD_b_1\", \"HD_a_2\", \"HD_b_0\"]");
    return body;
}

static cJSON *wrong_body(void)
{
    cJSON *body = right_body();

    fixture_change(body, "max_total_runs", "0");
    fixture_change(body, "policy", "{\"type\": \"bandit\"}");
    fixture_change(body, "run_config.retry_on", "[{\"exit_code\": [0]}, {\"pattern\": 5}]");
    fixture_change(body, "resume_from", "[1]");
    fixture_change(body, "resume_child_runs", "[\"HD_b_1\", \"HD_b_1\"]");
    fixture_change(body, "run_config.inputs", "{\"A\": [], \"b c\": {}}");
    fixture_change(body, "run_config.environment_variables", "{\"E\": \"${{inputs.none}}\"}");
    return body;
}

/* Parses with the k-th allocation failing; true when all went well. A failure is known as one of memory, or nothing is lost by it. */
static bool parse_with(cJSON *body, long k, size_t expected_errors)
{
    struct hd_problems errors = {0};
    struct hd_problems warnings = {0};
    struct hd_specification specification = {0};

    allocations_left = k;
    int result = hd_specification_parse(body, &fixture_options, &errors, &warnings, &specification);
    bool failed = allocations_left == 0;
    allocations_left = -1;
    if (failed) {
        ck_assert(result != 0 || warnings.out_of_memory);
        ck_assert(result == 0 || errors.out_of_memory);
    } else {
        ck_assert_int_eq(result == 0, expected_errors == 0);
        ck_assert_int_eq(errors.count, expected_errors);
    }
    if (result == 0) {
        hd_specification_clear(&specification);
    }
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    return !failed;
}

/* From the first allocation that fails on all fail: what goes on without memory must not crash either. */
static void parse_until_it_goes_well(cJSON *body, size_t expected_errors)
{
    cJSON_Hooks hooks = {failing_malloc, free};
    long k = 1;

    cJSON_InitHooks(&hooks);
    while (!parse_with(body, k, expected_errors)) {
        k++;
        ck_assert_int_lt(k, 100000);
    }
    ck_assert_int_gt(k, 100);
    cJSON_Delete(body);
}

START_TEST(a_right_body)
{
    parse_until_it_goes_well(right_body(), 0);
}
END_TEST

START_TEST(a_wrong_body)
{
    parse_until_it_goes_well(wrong_body(), 10);
}
END_TEST

static cJSON *right_job(void)
{
    return fixture_json(
        "{\"$schema\": \"x\", \"type\": \"sweep\", \"experiment_name\": \"e\", \"name\": \"n\", \"sampling_algorithm\": {\"type\": "
        "\"random\", \"seed\": 3, \"rule\": \"sobol\", \"logbase\": 2}, \"search_space\": {\"lr\": {\"type\": \"loguniform\", "
        "\"min_value\": -3, \"max_value\": 0}, \"conv\": [\"choice\", [[\"x\", {\"k\": [\"randint\", [5]]}]]]}, \"objective\": "
        "{\"primary_metric\": \"m\", \"goal\": \"Maximize\"}, \"early_termination\": {\"type\": \"none\"}, \"limits\": "
        "{\"max_total_trials\": 9, \"max_concurrent_trials\": 3, \"timeout\": 60, \"trial_timeout\": 5}, \"compute\": \"gpu\", \"inputs\": "
        "{\"A\": 1, \"d\": {\"type\": \"uri_file\", \"path\": \"/data/iris.csv\"}}, \"outputs\": {\"o\": null}, \"trial\": {\"code\": "
        "\"/src\", \"command\": \"t ${{search_space.lr}} '{inputs.A}' ${{inputs.B}} ${{outputs.o}}\", \"environment\": {\"image\": \"i\"}, "
        "\"environment_variables\": {\"E\": \"${{search_space.conv.k}}\", \"F\": 1.5}, \"distribution\": {\"type\": \"mpi\", "
        "\"process_count_per_instance\": 1}, \"resources\": {\"instance_count\": 1, \"shm_size\": \"2g\"}, \"limits\": {\"timeout\": 5}, "
        "\"inputs\": {\"B\": true, \"A\": 2}, \"outputs\": {\"p\": {\"mode\": \"upload\"}}}, \"resources\": {\"instance_count\": 1}, "
        "\"identity\": {}, \"queue_settings\": {}, \"hyperdrived\": {\"initial_failure_limit\": 2, \"nested_arguments\": \"flat\"}}");
}

static cJSON *wrong_job(void)
{
    cJSON *job = right_job();

    fixture_change(job, "limits.max_total_trials", "0");
    fixture_change(job, "trial.code", "\"azureml:x\"");
    fixture_change(job, "trial.inputs", "{\"C\": [], \"d\": 1}");
    fixture_change(job, "trial.environment_variables", "{\"E\": [1]}");
    fixture_change(job, "outputs", "{\"o\": {\"path\": \"x\"}}");
    return job;
}

START_TEST(a_right_job)
{
    parse_until_it_goes_well(right_job(), 0);
}
END_TEST

START_TEST(a_wrong_job)
{
    parse_until_it_goes_well(wrong_job(), 7);
}
END_TEST

START_TEST(a_program)
{
    struct hd_program_places places = {.outputs_directory = "/w/out", .resume_directory = "/old"};
    struct hd_specification specification;
    struct hd_problems warnings = {0};
    cJSON *body = right_body();
    cJSON *configuration = fixture_json("{\"lr\": 0.5, \"conv\": {\"k\": 3}}");
    int (*const makers[])(const struct hd_specification *, const cJSON *, const struct hd_program_places *,
                          struct hd_strings *) = {hd_program_arguments, hd_program_argv, hd_program_environment};

    fixture_specification(body, &warnings, &specification);
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        for (long k = 1;; k++) {
            struct hd_strings strings = {0};
            allocations_left = k;
            int result = makers[i](&specification, configuration, &places, &strings);
            bool failed = allocations_left == 0;
            allocations_left = -1;
            ck_assert_int_eq(result, failed ? -1 : 0);
            ck_assert(!failed || strings.list == NULL);
            hd_strings_clear(&strings);
            if (!failed) {
                ck_assert_int_gt(k, 5);
                break;
            }
        }
    }
    hd_specification_clear(&specification);
    hd_problems_clear(&warnings);
    cJSON_Delete(configuration);
    cJSON_Delete(body);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("specification_memory");
    TCase *cases = tcase_create("memory");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, a_right_body);
    tcase_add_test(cases, a_wrong_body);
    tcase_add_test(cases, a_right_job);
    tcase_add_test(cases, a_wrong_job);
    tcase_add_test(cases, a_program);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
