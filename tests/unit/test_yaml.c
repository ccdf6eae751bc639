/* YAML 1.2 core schema -> JSON: the traps, the limits, and where each fault is said to be. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "yaml_json.h"
#include "yaml_place.h"
#include "yaml_text.h"

static const struct {
    const char *yaml, *json;
} good[] = {
    /* what other readers take for booleans, and here are strings */
    {"[yes, no, on, off, y, n, Yes, NO, tRUE]", "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"n\",\"Yes\",\"NO\",\"tRUE\"]"},
    {"[true, True, TRUE, false, False, FALSE]", "[true,true,true,false,false,false]"},
    {"[null, Null, NULL, ~, nUll]", "[null,null,null,null,\"nUll\"]"},
    {"a:\nb: ~\n", "{\"a\":null,\"b\":null}"},
    {"[0, -0, +5, -5, 007, 010, 1_000]", "[0,0,5,-5,7,10,\"1_000\"]"},
    {"[0o17, 0x1F, 0x1f, 0b1, 0o8, 0xG, -0x1F, 0o, 0x]", "[15,31,31,\"0b1\",\"0o8\",\"0xG\",\"-0x1F\",\"0o\",\"0x\"]"},
    {"[1e-5, 1E5, 1e+2, .5, 5., -.5, 1.10, 65.0, 1.5e3, 00.5]", "[1e-05,100000.0,100.0,0.5,5.0,-0.5,1.1,65.0,1500.0,0.5]"},
    {"[., e5, 1e, 1e+, --1, 1.2.3, '-', +]", "[\".\",\"e5\",\"1e\",\"1e+\",\"--1\",\"1.2.3\",\"-\",\"+\"]"},
    {"[12:30:45, 2001-01-01, 1 2, nan, inf, Infinity]", "[\"12:30:45\",\"2001-01-01\",\"1 2\",\"nan\",\"inf\",\"Infinity\"]"},
    {"[9007199254740993, 123456789012345678901234567890]", "[9007199254740993,123456789012345678901234567890]"},
    {"['5', \"true\", '~', \"\", 'it''s']", "[\"5\",\"true\",\"~\",\"\",\"it's\"]"},
    {"[!!str 5, !!str true, !!int \"5\", !!float 5, !!bool 'true', !!null '', ! 5]", "[\"5\",\"true\",5,5.0,true,null,\"5\"]"},
    {"!!map {a: !!seq [1]}", "{\"a\":[1]}"},
    {"text: |\n  one\n  two\n", "{\"text\":\"one\\ntwo\\n\"}"},
    {"text: >-\n  one\n  two\n", "{\"text\":\"one two\"}"},
    {"1: a\ntrue: b\n\"\": c\n'<<': d\n", "{\"1\":\"a\",\"true\":\"b\",\"\":\"c\",\"<<\":\"d\"}"},
    {"base: &b {x: 1, y: [2.0]}\ncopy: *b\nlist: [*b, &s word, *s]\n",
     "{\"base\":{\"x\":1,\"y\":[2.0]},\"copy\":{\"x\":1,\"y\":[2.0]},\"list\":[{\"x\":1,\"y\":[2.0]},\"word\",\"word\"]}"},
    {"[&a 1, &a 2, *a]", "[1,2,2]"},
    {"\xEF\xBB\xBFname: Zo\xC3\xAB\n", "{\"name\":\"Zo\xC3\xAB\"}"},
    {"%YAML 1.2\n---\na: 1\n...\n", "{\"a\":1}"},
    {"# nothing but a comment before\n--- # and here\n- 1\n", "[1]"},
    {"{\"json\": [1, 2.5, \"x\", null, true, {}]}", "{\"json\":[1,2.5,\"x\",null,true,{}]}"},
    {"a: 1\r\nb: 2\r\n", "{\"a\":1,\"b\":2}"},
    {"just words", "\"just words\""},
    {"\"\\u00e9\\x41\\t\"", "\"\xC3\xA9\x41\\t\""},
};

START_TEST(test_good)
{
    struct hd_error error = {0};
    struct hd_text text = {0};
    cJSON *json = yaml_json_parse(good[_i].yaml, strlen(good[_i].yaml), &error);

    ck_assert_msg(json != NULL, "%s: %s", good[_i].yaml, error.message);
    hd_json_print(&text, json, HD_JSON_COMPACT);
    ck_assert_msg(strcmp(text.data, good[_i].json) == 0, "%s\n gives %s\n not   %s", good[_i].yaml, text.data, good[_i].json);
    hd_text_clear(&text);
    cJSON_Delete(json);
}
END_TEST

static const struct {
    const char *yaml, *message;
} bad[] = {
    {"", "line 1, column 1: the document is empty"},
    {"# only a comment\n", "line 1, column 1: the document is empty"},
    {"a: 1\nb: .inf\n", "line 2, column 4: .inf cannot be sent: JSON has no such number; put it in quotes to send a string"},
    {"[-.Inf]", "line 1, column 2: -.Inf cannot be sent: JSON has no such number; put it in quotes to send a string"},
    {"x:\n  - .nan\n", "line 2, column 5: .nan cannot be sent: JSON has no such number; put it in quotes to send a string"},
    {"a: 1e999", "line 1, column 4: the number 1e999 is too large; put it in quotes to send a string"},
    {"a: 0xFFFFFFFFFFFFFFFFF", "line 1, column 4: the number 0xFFFFFFFFFFFFFFFFF is too large; put it in quotes to send a string"},
    {"a: 1\n---\nb: 2\n", "line 2, column 1: a second document begins here; give one document per file"},
    {"---\n---\n", "line 2, column 1: a second document begins here; give one document per file"},
    {"a: 1\nb: 2\na: 3\nb: 4\n", "line 3, column 1: the key 'a' is given twice; first in line 1"},
    {"x: {k: 1, 'k': 2}\n", "line 1, column 11: the key 'k' is given twice; first in line 1"},
    {"a:\n\tb: 1\n", "line 2, column 1: a tab cannot indent in YAML; use spaces"},
    {"a: [1, 2\nb: 3\n", "line 2, column 2: did not find expected ',' or ']' while parsing a flow sequence that begins in line 1"},
    {"a: b: c\n", "line 1, column 5: mapping values are not allowed in this context"},
    {"a: \"open\nb: 1\n", "line 3, column 1: found unexpected end of stream while scanning a quoted scalar that begins in line 1"},
    {"a: @x\n", "line 1, column 4: found character that cannot start any token while scanning for the next token"},
    {"a: *nowhere\n", "line 1, column 4: no anchor &nowhere was completed before this alias"},
    {"a: &self [*self]\n", "line 1, column 11: no anchor &self was completed before this alias"},
    {"[a]: 1\n", "line 1, column 1: a key must be a word or a string"},
    {"? {x: 1}\n: 2\n", "line 1, column 3: a key must be a word or a string"},
    {"?\n: 1\n", "line 1, column 2: a key is missing before ':'"},
    {"a: &a {x: 1}\nb:\n  <<: *a\n", "line 3, column 3: merge keys (<<) are not part of YAML 1.2; write the members out"},
    {"&k a: 1\n*k : 2\n", "line 2, column 1: a key must be a word or a string"},
    {"a: \"x\\0y\"\n", "line 1, column 4: a string must not contain the character NUL"},
    {"\"x\\0y\": 1\n", "line 1, column 1: a key must not contain the character NUL"},
    {"a: !python/object 1\n", "line 1, column 4: the tag !python/object is not known here"},
    {"a: !!binary aGk=\n", "line 1, column 4: 'aGk=' does not fit its tag !!binary"},
    {"a: !!int x\n", "line 1, column 4: 'x' does not fit its tag !!int"},
    {"a: !!int 1.5\n", "line 1, column 4: '1.5' does not fit its tag !!int"},
    {"a: !!set {x}\n", "line 1, column 4: the tag tag:yaml.org,2002:set is not known here"},
    {"%YAML 1.1\n---\na: yes\n", "line 1, column 1: %YAML 1.1 is not read here; this is read as YAML 1.2, where `yes` is a string"},
    {"ok: 1\nbad: \xFF\n", "line 2, column 6: byte 0xFF is not UTF-8; save the file as UTF-8"},
    {"a: \xC0\xAF\n", "line 1, column 4: byte 0xC0 is not UTF-8; save the file as UTF-8"},
    {"a: \xED\xA0\x80\n", "line 1, column 4: byte 0xED is not UTF-8; save the file as UTF-8"},
    {"\xC3\xA9: \xC3\xA9\xE2\x82\n", "line 1, column 5: byte 0xE2 is not UTF-8; save the file as UTF-8"},
    {"\xFF\xFE"
     "a",
     "line 1, column 1: byte 0xFF is not UTF-8; save the file as UTF-8"},
    {"a: \x01\n", "line 1, column 4: the character U+0001 is not allowed in YAML"},
    {"a: b\x7F\n", "line 1, column 5: the character U+007F is not allowed in YAML"},
};

START_TEST(test_bad)
{
    struct hd_error error = {0};
    cJSON *json = yaml_json_parse(bad[_i].yaml, strlen(bad[_i].yaml), &error);

    ck_assert_msg(json == NULL, "%s is taken", bad[_i].yaml);
    ck_assert_msg(strcmp(error.message, bad[_i].message) == 0, "%s\n says %s\n not  %s", bad[_i].yaml, error.message, bad[_i].message);
    ck_assert_int_eq(error.code, HD_INVALID);
}
END_TEST

static char *repeat(const char *front, const char *part, size_t count, const char *back)
{
    struct hd_text text = {0};

    hd_text_add_string(&text, front);
    for (size_t i = 0; i < count; i++) {
        hd_text_add_string(&text, part);
    }
    hd_text_add_string(&text, back);
    return hd_text_take(&text);
}

static void expect(char *yaml, const char *message)
{
    struct hd_error error = {0};
    cJSON *json;

    ck_assert_ptr_nonnull(yaml);
    json = yaml_json_parse(yaml, strlen(yaml), &error);
    ck_assert_msg(message == NULL ? json != NULL : json == NULL, "%s", error.message);
    if (message != NULL) {
        ck_assert_str_eq(error.message, message);
    }
    cJSON_Delete(json);
    free(yaml);
}

START_TEST(test_depth)
{
    char *flat = repeat("", "[", YAML_JSON_DEPTH, ""), *whole;

    whole = repeat(flat, "]", YAML_JSON_DEPTH, "");
    free(flat);
    expect(whole, NULL);
    expect(repeat("", "[", YAML_JSON_DEPTH + 1, ""), "line 1, column 65: the nesting is deeper than 64");
    expect(repeat("", "- ", YAML_JSON_DEPTH + 1, "x"), "line 1, column 129: the nesting is deeper than 64");
    expect(repeat("", "[", 100000, ""), "line 1, column 65: the nesting is deeper than 64");
    expect(repeat("", "{a: ", 100000, ""), "line 1, column 257: the nesting is deeper than 64");
}
END_TEST

START_TEST(test_alias_depth)
{
    /* 40 deep in the anchor, 40 more around the alias: neither is too deep alone. */
    char *opened = repeat("a: &a ", "[", 40, ""), *anchor = repeat(opened, "]", 40, "\nb: "), *around = repeat(anchor, "[", 40, "*a");

    free(opened);
    free(anchor);
    expect(repeat(around, "]", 40, "\n"), "line 2, column 44: with this alias the nesting is deeper than 64");
    free(around);
}
END_TEST

START_TEST(test_laughs)
{
    struct hd_text text = {0};

    hd_text_add_string(&text, "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for (int i = 1; i < 10; i++) {
        hd_text_format(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1,
                       i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    }
    expect(hd_text_take(&text), "line 5, column 45: the aliases expand to more than 100000 values");
}
END_TEST

/* Few values, but large ones. */
START_TEST(test_large_copies)
{
    char *kilobyte = repeat("", "x", 1024, ""), *anchor = repeat("a: &a [", kilobyte, 100, "]\nb: [");

    expect(repeat(anchor, "*a,", 163, "]"), NULL);
    expect(repeat(anchor, "*a,", 200, "]"), "line 2, column 494: the aliases expand to more than 16 MiB");
    free(anchor);
    free(kilobyte);
}
END_TEST

START_TEST(test_tag_directives)
{
    struct hd_text text = {0};

    for (int i = 0; i <= YAML_TAG_DIRECTIVES; i++) {
        hd_text_format(&text, "%%TAG !a%d! x\n", i);
    }
    expect(hd_text_take(&text), "line 101, column 1: there are more than 100 %TAG directives");
    expect(repeat("", "%TAG !a! x\r", YAML_TAG_DIRECTIVES + 1, ""), "line 1, column 1: there are more than 100 %TAG directives");
    expect(repeat("a: ", "x%TAG ", 200, ""), NULL);
    expect(repeat("%TAG !a! tag:yaml.org,2002:\n---\na: ", "x", 1, "\n"), NULL);
}
END_TEST

START_TEST(test_anchors)
{
    struct hd_text text = {0};

    for (int i = 0; i <= YAML_JSON_ANCHORS; i++) {
        hd_text_format(&text, "- &a%d x\n", i);
    }
    expect(hd_text_take(&text), "line 1001, column 3: there are more than 1000 anchors");
}
END_TEST

START_TEST(test_size)
{
    size_t length = (size_t)YAML_JSON_SIZE + 1;
    char *text = malloc(length + 1);
    struct hd_error error = {0};

    ck_assert_ptr_nonnull(text);
    memset(text, ' ', length);
    text[length] = '\0';
    ck_assert_ptr_null(yaml_json_parse(text, length, &error));
    ck_assert_str_eq(error.message, "line 1, column 1: the document is larger than 16 MiB");
    free(text);
}
END_TEST

/* What is small in the file is large in memory: of 10 MB of `a,` and the like only so much is taken. */
START_TEST(test_many_values)
{
    enum { SIZE = 10000000 };

    expect(repeat("", "- 1\n", YAML_JSON_VALUES - 1, ""), NULL);
    expect(repeat("[", "1,", SIZE / 2, "]"), "line 1, column 2000000: there are more than 1000000 values");
    expect(repeat("", "a:\n", SIZE / 3, ""), "line 1000000, column 3: there are more than 1000000 values");
}
END_TEST

/* What libyaml reads on and on: each ends, however long it is. */
START_TEST(test_long)
{
    enum { SIZE = 10000000 };

    expect(repeat("a: ", "x", SIZE, ""), NULL);
    expect(repeat("a: |\n", "  x\n", SIZE / 4, ""), NULL);
    expect(repeat("a: >\n", "  x\n\n", SIZE / 5, ""), NULL);
    expect(repeat("a: &a \"", "x", SIZE, "\"\nb: [*a, *a]\n"), "line 2, column 9: the aliases expand to more than 16 MiB");
    expect(repeat("", "x", SIZE, ": 1"), "line 1, column 10000001: mapping values are not allowed in this context");
    expect(repeat("a: \"", "x", SIZE, ""), "line 1, column 10000005: found unexpected end of stream while scanning a quoted scalar");
    expect(repeat("", "# c\n", SIZE / 4, ""), "line 1, column 1: the document is empty");
    expect(repeat("a:\n", "\t", SIZE, "b: 1"), "line 2, column 1: a tab cannot indent in YAML; use spaces");
    expect(repeat("", ":", SIZE, ""), "line 1, column 10000000: mapping values are not allowed in this context");
    expect(repeat("%TAG !", "a", SIZE, ""), "line 1, column 10000007: did not find expected '!' while parsing a tag directive");
    expect(repeat("", "\xC3\xA9", SIZE / 2, "\xFF"), "line 1, column 5000001: byte 0xFF is not UTF-8; save the file as UTF-8");
}
END_TEST

/* A mapping with many keys must not take quadratic time, and the order of its members stays. */
START_TEST(test_many_keys)
{
    enum { KEYS = 50000 };
    struct hd_text text = {0};
    struct hd_error error = {0};
    const cJSON *item;
    cJSON *json;
    int index = 0;

    for (int i = 0; i < KEYS; i++) {
        hd_text_format(&text, "k%d: %d\n", (i * 7919) % KEYS, i);
    }
    json = yaml_json_parse(text.data, text.length, &error);
    ck_assert_msg(json != NULL, "%s", error.message);
    cJSON_ArrayForEach(item, json)
    {
        ck_assert_int_eq(item->valueint, index++);
    }
    ck_assert_int_eq(index, KEYS);
    cJSON_Delete(json);
    hd_text_clear(&text);
}
END_TEST

/* A string that ends in the middle of the buffer: nothing beyond `length` is read. */
START_TEST(test_length)
{
    struct hd_error error = {0};
    cJSON *json = yaml_json_parse("a: 12\xFF", 4, &error);

    ck_assert_msg(json != NULL, "%s", error.message);
    ck_assert_int_eq(cJSON_GetObjectItem(json, "a")->valueint, 1);
    cJSON_Delete(json);
}
END_TEST

static const char places_text[] = "a: 1\n"
                                  "b:\n"
                                  "  - x\n"
                                  "  - {y: 2, \"z.w\": [3, 4]}\n"
                                  "  - - 5\n"
                                  "\xC3\xA9t\xC3\xA9: {c: d}\n"
                                  "c.d: {e: 1}\n"
                                  "c: {d: {e: 1}}\n"
                                  "? [no, name]\n"
                                  ": 1\n"
                                  "last: &anchor {deep: {er: 1}}\n"
                                  "alias: *anchor\n";

static const struct {
    const char *path;
    size_t line, column; /* 0: nowhere */
} places[] = {
    {"a", 1, 1},
    {"b", 2, 1},
    {"b[0]", 3, 5},
    {"b[1]", 4, 5},
    {"b[1].y", 4, 6},
    {"b[1].z.w", 4, 12},
    {"b[1].z.w[1]", 4, 23},
    {"b[2][0]", 5, 7},
    {"b[1].missing", 4, 5},
    {"b[9]", 2, 1},
    {"b[x]", 2, 1},
    {"\xC3\xA9t\xC3\xA9.c", 6, 7},
    {"c.d", 7, 1},
    {"c.d.e", 7, 7},
    {"last.deep.er", 11, 23},
    {"last.deep.missing.more", 11, 16},
    {"alias.deep", 12, 1},
    {"ab", 0, 0},
    {"", 0, 0},
    {"missing", 0, 0},
};

START_TEST(test_places)
{
    size_t line = 0, column = 0;
    bool found = yaml_place(places_text, sizeof(places_text) - 1, places[_i].path, &line, &column);

    ck_assert_msg(found == (places[_i].line > 0) && line == places[_i].line && column == places[_i].column, "%s: line %zu, column %zu",
                  places[_i].path, line, column);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("yaml");
    TCase *cases = tcase_create("yaml");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, cases);
    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, test_good, 0, sizeof(good) / sizeof(good[0]));
    tcase_add_loop_test(cases, test_bad, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_loop_test(cases, test_places, 0, sizeof(places) / sizeof(places[0]));
    tcase_add_test(cases, test_depth);
    tcase_add_test(cases, test_alias_depth);
    tcase_add_test(cases, test_laughs);
    tcase_add_test(cases, test_large_copies);
    tcase_add_test(cases, test_tag_directives);
    tcase_add_test(cases, test_anchors);
    tcase_add_test(cases, test_size);
    tcase_add_test(cases, test_many_values);
    tcase_add_test(cases, test_long);
    tcase_add_test(cases, test_many_keys);
    tcase_add_test(cases, test_length);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0 ? 1 : 0;
}
