/* Memory that runs short: the k-th allocation fails, for every k until the operation gets through. Then nothing is lost, nothing is half
 * done, and nobody takes a failure for a fault of the input. The address sanitizer watches over leaks. */
#include <check.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bayesian.h"
#include "core/json.h"
#include "core/sampling.h"
#include "core/space.h"

static long countdown = -1; /* allocations that still succeed; below 0: all */
static bool failed;

static bool allocation_fails(void)
{
    if (countdown < 0 || countdown-- > 0)
        return false;
    failed = true;
    countdown = 0; /* and so do all that follow */
    return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_reallocarray(void *block, size_t count, size_t size);
char *__real_strdup(const char *string);
int __real_vasprintf(char **ret_text, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_reallocarray(void *block, size_t count, size_t size);
char *__wrap_strdup(const char *string);
int __wrap_vasprintf(char **ret_text, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

void *__wrap_malloc(size_t size)
{
    return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return allocation_fails() ? NULL : __real_realloc(block, size);
}

void *__wrap_reallocarray(void *block, size_t count, size_t size)
{
    return allocation_fails() ? NULL : __real_reallocarray(block, count, size);
}

char *__wrap_strdup(const char *string)
{
    return allocation_fails() ? NULL : __real_strdup(string);
}

int __wrap_vasprintf(char **ret_text, const char *format, va_list arguments)
{
    return allocation_fails() ? -1 : __real_vasprintf(ret_text, format, arguments);
}

/* libcjson is another library, whose own calls are not wrapped. */
static void hook_cjson(void)
{
    cJSON_Hooks hooks = {__wrap_malloc, free};
    cJSON_InitHooks(&hooks);
}

/* An assertion of Check allocates memory itself, which would not be there. */
#define REQUIRE(condition)                                                                                                                 \
    do {                                                                                                                                   \
        if (!(condition)) {                                                                                                                \
            countdown = -1;                                                                                                                \
            ck_abort_msg("not so: %s", #condition);                                                                                        \
        }                                                                                                                                  \
    } while (0)

/* Runs `operation` with more and more memory; it returns whether it got through. */
static void run_short(bool (*operation)(void), long at_least)
{
    long k = 0;
    for (bool done = false; !done; k++) {
        ck_assert_int_lt(k, 100000);
        failed = false;
        countdown = k;
        done = operation();
        bool ran_out = failed;
        countdown = -1;
        ck_assert_int_eq(done, !ran_out);
    }
    ck_assert_int_gt(k, at_least);
}

static const char DOCUMENT[] = "{\"a\":[1,2.50,\"x\\n\",{\"bb\":null,\"a\":true}],\"long number\":"
                               "0.10000000000000000000000000000000000000000000000000000000000000000000000000000000001,\"c\":{}}";

static bool parse_and_print(void)
{
    struct hd_problems problems = {0};
    cJSON *value = hd_json_parse(DOCUMENT, strlen(DOCUMENT), &problems);
    REQUIRE(problems.count == 0);
    REQUIRE(problems.out_of_memory == (value == NULL));
    hd_problems_clear(&problems);
    if (value == NULL)
        return false;
    struct hd_text text = {0};
    hd_json_print(&text, value, HD_JSON_SPACED);
    char *printed = hd_text_take(&text), *excerpt = hd_json_excerpt(value);
    unsigned char digest[16];
    bool done = hd_configuration_digest(value, digest);
    done = done && printed != NULL && excerpt != NULL;
    free(printed);
    free(excerpt);
    cJSON_Delete(value);
    return done;
}

START_TEST(json_texts)
{
    run_short(parse_and_print, 20);
}
END_TEST

static bool refuse_duplicates(void)
{
    static const char TEXT[] = "{\"a\":1,\"b\":{\"c\":1,\"c\":2},\"a\":2}";
    struct hd_problems problems = {0};
    REQUIRE(hd_json_parse(TEXT, strlen(TEXT), &problems) == NULL);
    bool done = problems.count == 2 && !problems.out_of_memory;
    REQUIRE(done || problems.out_of_memory);
    hd_problems_clear(&problems);
    return done;
}

START_TEST(duplicates)
{
    run_short(refuse_duplicates, 10);
}
END_TEST

static cJSON *object; /* parsed before memory gets short */

/* Comparing needs no memory to be right, only to be fast. */
static bool compare(void)
{
    REQUIRE(hd_json_equal(object, object));
    return !failed;
}

START_TEST(comparisons)
{
    object = hd_json_parse_own("{\"a\":{\"x\":1,\"y\":[{\"z\":2}]},\"b\":3}");
    run_short(compare, 5);
    cJSON_Delete(object);
}
END_TEST

static bool compile_and_draw(void)
{
    struct hd_problems errors = {0}, warnings = {0};
    struct hd_space_options options = {"ps", M_E, false};
    struct hd_space *space = hd_space_compile(object, &options, &errors, &warnings);
    REQUIRE(errors.count == 0);
    REQUIRE(errors.out_of_memory == (space == NULL));
    bool done = space != NULL && !warnings.out_of_memory;
    REQUIRE(!done || warnings.count == 2);
    if (space != NULL) {
        cJSON *json = hd_space_json(space), *configuration = hd_space_draw(space, 1, 1), *first = hd_space_at(space, 0);
        done = done && json != NULL && configuration != NULL && first != NULL;
        cJSON_Delete(json);
        cJSON_Delete(configuration);
        cJSON_Delete(first);
    }
    hd_space_free(space);
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    return done;
}

START_TEST(spaces)
{
    object =
        hd_json_parse_own("{\"a\":[\"choice\",[[1,{\"b\":[\"randint\",[2]],\"c\":\"x\"},1,\"-x\",[1,2]]]],\"d\":[\"quniform\",[0,1,1]]}");
    ck_assert_ptr_nonnull(object);
    run_short(compile_and_draw, 60);
    cJSON_Delete(object);
}
END_TEST

static bool refuse_space(void)
{
    struct hd_problems errors = {0}, warnings = {0};
    struct hd_space_options options = {"ps", M_E, true};
    REQUIRE(hd_space_compile(object, &options, &errors, &warnings) == NULL);
    bool done = errors.count == 6 && !errors.out_of_memory;
    REQUIRE(done || errors.out_of_memory);
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    return done;
}

START_TEST(refusals)
{
    object = hd_json_parse_own("{\"a\":[\"uniform\",[2,1]],\"b c\":3,\"-a\":[\"normal\",[0,1]]}");
    ck_assert_ptr_nonnull(object);
    run_short(refuse_space, 20);
    cJSON_Delete(object);
}
END_TEST

static struct hd_space *learned; /* compiled before memory gets short */

static bool propose(void)
{
    enum { KNOWN = 8 };
    struct hd_bayesian *bayesian = hd_bayesian_open(learned, HD_MINIMIZE, 3);
    cJSON *configurations[2];
    bool added = bayesian != NULL;
    for (uint64_t i = 0; i < KNOWN && added; i++) {
        cJSON *configuration = hd_space_draw(learned, 1, i);
        added = configuration != NULL &&
                hd_bayesian_add(bayesian, configuration, i == 3 ? HD_KNOWN_BAD : HD_KNOWN_VALUE, (double)(i * i)) == 0;
        cJSON_Delete(configuration);
    }
    int proposed = added ? hd_bayesian_propose(bayesian, KNOWN, 2, configurations) : -1;
    for (int i = 0; i < proposed; i++)
        cJSON_Delete(configurations[i]);
    hd_bayesian_close(bayesian);
    return proposed == 2;
}

START_TEST(proposals)
{
    struct hd_problems problems = {0};
    struct hd_space_options options = {"ps", M_E, false};
    cJSON *json = hd_json_parse_own("{\"x\":[\"uniform\",[0,1]],\"c\":[\"choice\",[[1,2,4]]]}");
    learned = hd_space_compile(json, &options, &problems, &problems);
    ck_assert_ptr_nonnull(learned);
    run_short(propose, 20);
    hd_space_free(learned);
    cJSON_Delete(json);
}
END_TEST

int main(void)
{
    hook_cjson();
    Suite *suite = suite_create("core memory");
    TCase *memory = tcase_create("memory");
    tcase_set_timeout(memory, 120);
    tcase_add_test(memory, json_texts);
    tcase_add_test(memory, proposals);
    tcase_add_test(memory, duplicates);
    tcase_add_test(memory, comparisons);
    tcase_add_test(memory, spaces);
    tcase_add_test(memory, refusals);
    suite_add_tcase(suite, memory);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? 0 : 1;
}
