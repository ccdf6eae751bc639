/* What the command line prints: tables, progress, values; and the answers that it reads while they arrive. */
#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "elements.h"
#include "output.h"
#include "progress.h"
#include "table.h"

static const struct table_column columns[] = {{"RUN", false, true}, {"BEST", true, false}, {"NAME", false, false}};

/* Prints rows of three cells each. */
static char *print(int width, bool colour, const char *const *cells, int count)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    struct table table;

    ck_assert_ptr_nonnull(file);
    table_open(&table, file, width, colour, columns, 3);
    for (int i = 0; i < count; i++) {
        table_add(&table, colour && i % 3 == 2 ? TABLE_GOOD : TABLE_PLAIN, cells[i]);
    }
    ck_assert(table_close(&table));
    fclose(file);
    return text;
}

static void expect_table(int width, bool colour, const char *const *cells, int count, const char *expected)
{
    char *text = print(width, colour, cells, count);

    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(test_aligned)
{
    static const char *const cells[] = {"a", "1.5", "x", "long_id", "10", "\xC3\xA4\xE4\xB8\xAD", "b", NULL, NULL};

    expect_table(0, false, cells, 9,
                 "RUN      BEST  NAME\n"
                 "a         1.5  x\n"
                 "long_id    10  \xC3\xA4\xE4\xB8\xAD\n"
                 "b\n");
    expect_table(0, true, cells, 3, "\033[2mRUN\033[0m  \033[2mBEST\033[0m  \033[2mNAME\033[0m\na     1.5  \033[32mx\033[0m\n");
}
END_TEST

START_TEST(test_cut)
{
    static const char wide[] = "\xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD";
    static const char *const cells[] = {"id_that_stays", "1", "a name far too long for the line", "i", "2", wide};

    /* 13 + 2 + 4 + 2 + 9 = 30 columns; a wide character that would stick out is left out whole. */
    expect_table(30, false, cells, 6,
                 "RUN            BEST  NAME\n"
                 "id_that_stays     1  a name f\xE2\x80\xA6\n"
                 "i                 2  \xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD\xE2\x80\xA6\n");
    /* Never narrower than 8. */
    expect_table(5, false, cells, 3, "RUN            BEST  NAME\nid_that_stays     1  a name \xE2\x80\xA6\n");
}
END_TEST

/* Names come from training scripts: they must not move the cursor or set the title of somebody's terminal. */
START_TEST(test_control_characters)
{
    static const char *const cells[] = {"\033[2Jx\n", "\a", "a\xFF\xC2\x9B\tz"};

    expect_table(0, false, cells, 3, "RUN     BEST  NAME\n?[2Jx      ?  a?? z\n");
}
END_TEST

START_TEST(test_long)
{
    enum { ROWS = 5 * TABLE_ROWS_HELD + 3 };
    const char **cells = calloc(3 * ROWS, sizeof(*cells));
    size_t lines = 0;
    char *text;

    ck_assert_ptr_nonnull(cells);
    for (int i = 0; i < 3 * ROWS; i++) {
        cells[i] = "c";
    }
    text = print(80, false, cells, 3 * ROWS);
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    ck_assert_uint_eq(lines, ROWS + 1);
    ck_assert_ptr_null(strstr(text + 1, "RUN"));
    free(text);
    free(cells);
}
END_TEST

/* --- Elements --- */

struct taken {
    struct hd_text text;
    int stop_after;
};

static bool take(void *data, const cJSON *element)
{
    struct taken *taken = data;

    if (element->string != NULL) {
        hd_text_format(&taken->text, "%s=", element->string);
    }
    hd_json_print(&taken->text, element, HD_JSON_COMPACT);
    hd_text_add_char(&taken->text, ';');
    return --taken->stop_after != 0;
}

static const struct {
    const char *json, *elements;
    bool good;
} answers[] = {
    {"{\"m\":[]}", "", true},
    {"{\"m\":{}}", "", true},
    {"{}", "", true},
    {"{\"m\":[1,2.0,\"a,]}\",null]}", "1;2.0;\"a,]}\";null;", true},
    {" { \"m\" : [ 1 , { \"x\" : [ 1 , 2 ] } ] , \"n\" : 3 } ", "1;{\"x\":[1,2]};", true},
    {"{\"n\":{\"m\":[9]},\"x\":\"m\",\"m\":[{\"a\":\"\\\"]\\\\\"},[[]]],\"o\":[7]}", "{\"a\":\"\\\"]\\\\\"};[[]];", true},
    {"{\"m\":{\"HD_0\":{\"loss\":[1,\"NaN\"]}, \"k,\\\"\" : 5}}", "HD_0={\"loss\":[1,\"NaN\"]};k,\"=5;", true},
    {"{\"mm\":[1],\"m\":3,\"m \":[2]}", "", true},
    {"{\"m\":[1,,2]}", "1;2;", true}, /* not JSON, but of an answer that the daemon made: nothing worse than that happens */
    {"{\"m\":[1 2]}", "", false},
    {"{\"m\":[nonsense]}", "", false},
};

START_TEST(test_elements)
{
    const char *json = answers[_i].json;

    /* In pieces of every size. */
    for (size_t piece = 1; piece <= strlen(json); piece++) {
        struct taken taken = {0};
        struct elements elements;
        bool good = true;

        elements_open(&elements, "m", take, &taken);
        for (size_t at = 0; good && at < strlen(json); at += piece) {
            size_t left = strlen(json) - at;

            good = elements_feed(&elements, json + at, left < piece ? left : piece);
        }
        ck_assert_msg(good == answers[_i].good, "%s", json);
        ck_assert_str_eq(taken.text.data != NULL ? taken.text.data : "", answers[_i].elements);
        elements_close(&elements);
        hd_text_clear(&taken.text);
    }
}
END_TEST

/* All parts of an answer, put together again; and how long the longest was. */
struct parts {
    cJSON *whole; /* an object of objects or arrays, or of arrays alone */
    size_t longest;
    int count;
};

static void join(cJSON *into, const cJSON *part)
{
    const cJSON *child;

    cJSON_ArrayForEach(child, part)
    {
        cJSON *there = child->string != NULL ? cJSON_GetObjectItemCaseSensitive(into, child->string) : NULL;

        if (there != NULL && (cJSON_IsObject(child) || cJSON_IsArray(child))) {
            join(there, child);
        } else if (child->string != NULL) {
            ck_assert(cJSON_AddItemToObject(into, child->string, cJSON_Duplicate(child, true)));
        } else {
            ck_assert(cJSON_AddItemToArray(into, cJSON_Duplicate(child, true)));
        }
    }
}

static bool take_part(void *data, const cJSON *element)
{
    struct parts *parts = data;
    struct hd_text text = {0};
    cJSON *wrapped = cJSON_CreateObject();

    ck_assert(cJSON_AddItemToObject(wrapped, element->string, cJSON_Duplicate(element, true)));
    join(parts->whole, wrapped);
    hd_json_print(&text, wrapped, HD_JSON_COMPACT);
    parts->longest = text.length > parts->longest ? text.length : parts->longest;
    parts->count++;
    hd_text_clear(&text);
    cJSON_Delete(wrapped);
    return true;
}

static void add_numbers(struct hd_text *text, int count)
{
    for (int i = 0; i < count; i++) {
        hd_text_format(text, "%s%d", i > 0 ? " , " : "", i);
    }
}

/* Two runs, the first with two long series, between short ones and a row that is not to be cut. */
static void add_run(struct hd_text *text, const char *name, int count)
{
    hd_text_format(text, "\"%s\":{\"short ,[\\\"\":1.5,\"loss\" : [", name);
    add_numbers(text, count);
    hd_text_add_string(text, "],\"row\":{\"x\":[1,2],\"y\":\"]}\"},\"other\":[");
    add_numbers(text, count);
    hd_text_add_string(text, "],\"last\":[[1],[2,3]]}");
}

static void expect_parts(const char *split, const char *json, const char *container, size_t piece, int least_parts)
{
    struct parts parts = {.whole = cJSON_CreateObject()};
    cJSON *all = hd_json_parse_own(json);
    const size_t length = strlen(json);
    struct elements elements;

    elements_open(&elements, "m", take_part, &parts);
    elements.split = split;
    for (size_t at = 0; at < length; at += piece) {
        ck_assert(elements_feed(&elements, json + at, length - at < piece ? length - at : piece));
    }
    elements_close(&elements);
    ck_assert(cJSON_Compare(parts.whole, cJSON_GetObjectItemCaseSensitive(all, container), true));
    ck_assert_int_ge(parts.count, least_parts);
    ck_assert_uint_lt(parts.longest, 2 * ELEMENTS_PART);
    cJSON_Delete(parts.whole);
    cJSON_Delete(all);
}

START_TEST(test_elements_in_parts)
{
    static const size_t pieces[] = {1, 7, 16384, 100000000};
    struct hd_text sweep = {0}, run = {0};

    hd_text_add_string(&sweep, "{\"m\":{");
    add_run(&sweep, "first", 15000);
    hd_text_add_string(&sweep, ",");
    add_run(&sweep, "second", 12000);
    hd_text_add_string(&sweep, ", \"third\":{}}}");
    hd_text_add_string(&run, "{");
    add_run(&run, "m", 15000);
    hd_text_add_string(&run, "}");
    ck_assert(!sweep.failed && !run.failed);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        expect_parts("{[", sweep.data, "m", pieces[i], 4);
        expect_parts("[", run.data, "m", pieces[i], 4);
    }
    hd_text_clear(&sweep);
    hd_text_clear(&run);
}
END_TEST

START_TEST(test_elements_stop)
{
    struct taken taken = {.stop_after = 2};
    struct elements elements;

    elements_open(&elements, "m", take, &taken);
    ck_assert(!elements_feed(&elements, "{\"m\":[1,2,3]}", 13));
    ck_assert_str_eq(taken.text.data, "1;2;");
    elements_close(&elements);
    hd_text_clear(&taken.text);
}
END_TEST

/* --- Values and progress --- */

static void expect_duration(double seconds, const char *expected)
{
    struct hd_text text = {0};

    text_duration(&text, seconds);
    ck_assert_str_eq(text.data, expected);
    hd_text_clear(&text);
}

START_TEST(test_values)
{
    cJSON *json = hd_json_parse_own("{\"lr\":0.123456789,\"n\":65.0,\"k\":12345678,\"s\":\"a b\",\"b\":true,\"z\":null,\"o\":{\"x\":1.0}}");
    struct hd_text text = {0};

    text_configuration(&text, json, 6);
    ck_assert_str_eq(text.data, "lr 0.123457  n 65  k 12345678  s a b  b true  z -  o {\"x\":1.0}");
    hd_text_clear(&text);
    text_configuration(&text, json, 17);
    ck_assert_str_eq(text.data, "lr 0.123456789  n 65.0  k 12345678  s a b  b true  z -  o {\"x\":1.0}");
    hd_text_clear(&text);
    cJSON_Delete(json);
    expect_duration(0.4, "0 s");
    expect_duration(59.4, "59 s");
    expect_duration(59.6, "1 min 0 s");
    expect_duration(3725, "1 h 2 min");
    expect_duration(90000, "1 d 1 h");
    expect_duration(-1, "0 s");
    expect_duration(1e300, "0 s");
}
END_TEST

static const char sweep_text[] = "{\"run_id\":\"HD_1\",\"status\":\"Running\",\"start_utc\":\"2025-01-01T00:00:00Z\",\"end_utc\":null,"
                                 "\"config\":{\"max_total_runs\":100,\"primary_metric_name\":\"Accuracy\",\"max_duration_seconds\":604800},"
                                 "\"children\":{\"total\":30,\"Running\":5,\"Completed\":20,\"Failed\":4,\"Canceled\":1},"
                                 "\"best_child_run_id\":\"HD_1_7\",\"best_primary_metric\":0.98}";

/* What is printed where there is no terminal: a line when something changed, and only then. */
START_TEST(test_progress)
{
    cJSON *sweep = hd_json_parse_own(sweep_text), *best = hd_json_parse_own("{\"lr\":0.5}");
    char *printed = NULL;
    size_t size = 0;
    struct output output = {.file = open_memstream(&printed, &size)};
    struct progress progress = {.output = &output};

    ck_assert_ptr_nonnull(sweep);
    cJSON_ReplaceItemInObject(sweep, "start_utc", cJSON_CreateNull()); /* no time left: that would depend on the clock */
    ck_assert(progress_show(&progress, sweep, best));
    ck_assert(progress_show(&progress, sweep, best));
    cJSON_ReplaceItemInObject(sweep, "best_primary_metric", cJSON_CreateString("Infinity"));
    ck_assert(progress_show(&progress, sweep, NULL));
    cJSON_ReplaceItemInObject(sweep, "best_primary_metric", cJSON_CreateNull());
    cJSON_ReplaceItemInObject(sweep, "status", cJSON_CreateString("CancelRequested"));
    ck_assert(progress_show(&progress, sweep, NULL));
    progress_close(&progress);
    fclose(output.file);
    ck_assert_str_eq(printed, "Running 25 of 100: 5 Running, 20 Completed, 4 Failed, 1 Canceled; best Accuracy 0.98 by HD_1_7  lr 0.5\n"
                              "Running 25 of 100: 5 Running, 20 Completed, 4 Failed, 1 Canceled; best Accuracy Infinity by HD_1_7\n"
                              "CancelRequested 25 of 30: 5 Running, 20 Completed, 4 Failed, 1 Canceled; no best yet\n");
    free(printed);
    cJSON_Delete(sweep);
    cJSON_Delete(best);
}
END_TEST

START_TEST(test_progress_in_place)
{
    cJSON *sweep = hd_json_parse_own(sweep_text);
    char *printed = NULL;
    size_t size = 0;
    struct output output = {.file = open_memstream(&printed, &size), .terminal = true, .width = 40};
    struct progress progress = {.output = &output};
    int lines = 0;

    ck_assert(progress_show(&progress, sweep, NULL));
    ck_assert(progress_show(&progress, sweep, NULL));
    progress_close(&progress);
    fclose(output.file);
    for (const char *at = printed; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    ck_assert_int_eq(lines, 8);
    ck_assert_ptr_nonnull(strstr(printed, "\033[4A\r\033[J")); /* the second block goes over the first */
    ck_assert_ptr_nonnull(strstr(printed, "5 Running, 20 Completed, 4 Failed, 1 C\xE2\x80\xA6\n"));
    free(printed);
    cJSON_Delete(sweep);
}
END_TEST

START_TEST(test_time_left)
{
    cJSON *sweep = hd_json_parse_own(sweep_text);

    /* Running since years, of seven days at most: none is left. */
    ck_assert_double_lt(progress_left(sweep), 1);
    cJSON_ReplaceItemInObject(sweep, "end_utc", cJSON_CreateString("2025-01-01T01:00:00Z"));
    ck_assert_double_lt(progress_left(sweep), 0);
    cJSON_Delete(sweep);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("table");
    TCase *cases = tcase_create("table");
    tcase_set_timeout(cases, 60);
    SRunner *runner = srunner_create(suite);
    int failed;

    setlocale(LC_CTYPE, "C.UTF-8");
    suite_add_tcase(suite, cases);
    tcase_add_test(cases, test_aligned);
    tcase_add_test(cases, test_cut);
    tcase_add_test(cases, test_control_characters);
    tcase_add_test(cases, test_long);
    tcase_add_loop_test(cases, test_elements, 0, sizeof(answers) / sizeof(answers[0]));
    tcase_add_test(cases, test_elements_in_parts);
    tcase_add_test(cases, test_elements_stop);
    tcase_add_test(cases, test_values);
    tcase_add_test(cases, test_progress);
    tcase_add_test(cases, test_progress_in_place);
    tcase_add_test(cases, test_time_left);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0 ? 1 : 0;
}
