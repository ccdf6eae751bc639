/* The scanner, the printer, and what equal means. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "core/json.h"
#include "core/number.h"
#include "core/random.h"
#include "rounds.h"

static char *print(const cJSON *value, enum hd_json_style style)
{
    struct hd_text text = {0};
    hd_json_print(&text, value, style);
    char *printed = hd_text_take(&text);
    ck_assert_ptr_nonnull(printed);
    return printed;
}

static cJSON *parse(const char *text)
{
    cJSON *value = hd_json_parse_own(text);
    ck_assert_msg(value != NULL, "%s is not taken", text);
    return value;
}

/* A string literal with NULs in it. */
#define BYTES(text) text, sizeof text - 1

static const struct {
    const char *text;
    size_t length;
    const char *reason;
    size_t at;
} FAULTS[] = {
    {BYTES(""), "a value is expected", 0},
    {BYTES("  "), "a value is expected", 2},
    {BYTES("\xef\xbb\xbf{}"), "a byte order mark is not allowed", 0},
    {BYTES("{} x"), "something follows the value", 3},
    {BYTES("{}\0"), "something follows the value", 2},
    {BYTES("nul"), "a value is expected", 0},
    {BYTES("nulls"), "something follows the value", 4},
    {BYTES("NaN"), "a value is expected", 0},
    {BYTES("'a'"), "a value is expected", 0},
    {BYTES("[1,]"), "a value is expected", 3},
    {BYTES("[1 2]"), "',' or ']' is expected", 3},
    {BYTES("[1"), "',' or ']' is expected", 2},
    {BYTES("[,1]"), "a value is expected", 1},
    {BYTES("{\"a\":1,}"), "a key in double quotes is expected", 7},
    {BYTES("{a:1}"), "a key in double quotes is expected", 1},
    {BYTES("{\"a\" 1}"), "':' is expected", 5},
    {BYTES("{\"a\":1"), "',' or '}' is expected", 6},
    {BYTES("{\"a\":}"), "a value is expected", 5},
    {BYTES("01"), "a number with a leading zero", 0},
    {BYTES("-01"), "a number with a leading zero", 1},
    {BYTES("-"), "a digit is missing in a number", 1},
    {BYTES("1."), "a digit is missing in a number", 2},
    {BYTES("1.e5"), "a digit is missing in a number", 2},
    {BYTES(".5"), "a value is expected", 0},
    {BYTES("+1"), "a value is expected", 0},
    {BYTES("1e"), "a digit is missing in a number", 2},
    {BYTES("1e+"), "a digit is missing in a number", 3},
    {BYTES("0x10"), "something follows the value", 1},
    {BYTES("[1e309]"), "a number that is too large", 1},
    {BYTES("-1e999999999999999999999"), "a number that is too large", 0},
    {BYTES("\"abc"), "a string without an end", 4},
    {BYTES("\"a\\"), "an unknown escape sequence", 2},
    {BYTES("\"a\\\""), "a string without an end", 4},
    {BYTES("\"\\x41\""), "an unknown escape sequence", 1},
    {BYTES("\"\\u12g4\""), "\\u without four hexadecimal digits", 1},
    {BYTES("\"\\u12"), "\\u without four hexadecimal digits", 1},
    {BYTES("\"\\u0000\""), "\\u0000 is not allowed", 1},
    {BYTES("\"a\0b\""), "a control character in a string", 2},
    {BYTES("\"a\nb\""), "a control character in a string", 2},
    {BYTES("\"\x1f\""), "a control character in a string", 1},
    {BYTES("\"\\ud800\""), "a surrogate without its other half", 1},
    {BYTES("\"\\ud800\\u0041\""), "a surrogate without its other half", 1},
    {BYTES("\"\\ud800\\ud800\""), "a surrogate without its other half", 1},
    {BYTES("\"\\udc00\""), "a surrogate without its other half", 1},
    {BYTES("\"\x80\""), "invalid UTF-8", 1},
    {BYTES("\"\xc0\x80\""), "invalid UTF-8", 1},
    {BYTES("\"\xc1\xbf\""), "invalid UTF-8", 1},
    {BYTES("\"\xe0\x9f\xbf\""), "invalid UTF-8", 1},
    {BYTES("\"\xed\xa0\x80\""), "invalid UTF-8", 1},
    {BYTES("\"\xf0\x8f\xbf\xbf\""), "invalid UTF-8", 1},
    {BYTES("\"\xf4\x90\x80\x80\""), "invalid UTF-8", 1},
    {BYTES("\"\xf5\x80\x80\x80\""), "invalid UTF-8", 1},
    {BYTES("\"ab\xe2\x82"), "invalid UTF-8", 3},
    {BYTES("\"ab\xe2\x82\""), "invalid UTF-8", 3},
    {BYTES("\xff"), "a value is expected", 0},
};

/* The text is copied to a block of exactly its size, so that the address sanitizer sees any look behind it. */
START_TEST(faults)
{
    size_t length = FAULTS[_i].length;
    char *text = malloc(length + (length == 0));
    memcpy(text, FAULTS[_i].text, length);
    struct hd_problems problems = {0};
    ck_assert_ptr_null(hd_json_parse(text, length, &problems));
    free(text);
    ck_assert_uint_eq(problems.count, 1);
    ck_assert_str_eq(problems.list[0].code, "InvalidJson");
    ck_assert_ptr_null(problems.list[0].target);
    char expected[256];
    snprintf(expected, sizeof expected, "the body is not valid JSON: %s at byte %zu", FAULTS[_i].reason, FAULTS[_i].at);
    ck_assert_str_eq(problems.list[0].message, expected);
    hd_problems_clear(&problems);
}
END_TEST

static const struct {
    const char *text;
    const char *compact;
    const char *spaced;
    const char *command_line;
} PRINTED[] = {
    {"{ \"a\" : [ 1 , 2.0 ] , \"b\":{} }\n", "{\"a\":[1,2.0],\"b\":{}}", "{\"a\": [1, 2.0], \"b\": {}}", "{\"a\":[1,2.0],\"b\":{}}"},
    {"[]", "[]", "[]", "[]"},
    {"true", "true", "true", "True"},
    {"false", "false", "false", "False"},
    {"null", "null", "null", "None"},
    {"0", "0", "0", "0"},
    {"-0", "0", "0", "0"},
    {"-0.0", "0.0", "0.0", "0"},
    {"0e5", "0.0", "0.0", "0"},
    {"65.0", "65.0", "65.0", "65"},
    {"1E2", "100.0", "100.0", "100"},
    {"-1e-05", "-1e-05", "-1e-05", "-0.00001"},
    {"[-1e-05]", "[-1e-05]", "[-1e-05]", "[-1e-05]"},
    {"9007199254740993", "9007199254740993", "9007199254740993", "9007199254740993"},
    {"-123456789012345678901234567890", "-123456789012345678901234567890", "-123456789012345678901234567890",
     "-123456789012345678901234567890"},
    {"0.1000000000000000055511151231257827021181583404541015625", "0.1", "0.1", "0.1"},
    {"123456789012345678901234567890123456789012345678901234567890.5", "1.2345678901234567e+59", "1.2345678901234567e+59",
     "1.2345678901234567e+59"},
    {"1e-400", "0.0", "0.0", "0"},
    {"\"\"", "\"\"", "\"\"", ""},
    {"\"a\\u00e9\\ud83d\\ude00\\/\"", "\"a\xc3\xa9\xf0\x9f\x98\x80/\"", "\"a\xc3\xa9\xf0\x9f\x98\x80/\"", "a\xc3\xa9\xf0\x9f\x98\x80/"},
    {"\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\x7f\"", "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\x7f\"", "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\x7f\"",
     "\"\\\b\f\n\r\t\x01\x7f"},
    {"\"\\uD7ff\\ue000\\uFFFF\\udbff\\udfff\"", "\"\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf\"",
     "\"\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf\"", "\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf"},
};

START_TEST(printed)
{
    cJSON *value = parse(PRINTED[_i].text);
    char *compact = print(value, HD_JSON_COMPACT), *spaced = print(value, HD_JSON_SPACED);
    ck_assert_str_eq(compact, PRINTED[_i].compact);
    ck_assert_str_eq(spaced, PRINTED[_i].spaced);
    struct hd_text text = {0};
    hd_json_command_line(&text, value);
    char *line = hd_text_take(&text);
    ck_assert_str_eq(line, PRINTED[_i].command_line);
    free(compact);
    free(spaced);
    free(line);
    cJSON_Delete(value);
}
END_TEST

/* Strings that come from elsewhere than JSON: paths, messages of the system. */
START_TEST(what_is_no_utf8_is_replaced)
{
    static const char *const STRINGS[][2] = {
        {"a\xffz", "\"a\xef\xbf\xbdz\""},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {"\xc3", "\"\xef\xbf\xbd\""},
        {"\xc3\"\\\n", "\"\xef\xbf\xbd\\\"\\\\\\n\""},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof STRINGS / sizeof *STRINGS; i++) {
        struct hd_text text = {0};
        hd_json_print_string(&text, STRINGS[i][0]);
        char *quoted = hd_text_take(&text);
        ck_assert_str_eq(quoted, STRINGS[i][1]);
        free(quoted);
    }
}
END_TEST

static char *nested(int depth)
{
    char *text = malloc(2 * (size_t)depth + 1);
    memset(text, '[', (size_t)depth);
    memset(text + depth, ']', (size_t)depth);
    text[2 * depth] = '\0';
    return text;
}

START_TEST(depth_is_limited)
{
    char *deep = nested(HD_JSON_DEPTH), *deeper = nested(HD_JSON_DEPTH + 1), *deepest = nested(1000000);
    cJSON_Delete(parse(deep));
    struct hd_problems problems = {0};
    ck_assert_ptr_null(hd_json_parse(deeper, strlen(deeper), &problems));
    ck_assert_ptr_null(hd_json_parse(deepest, strlen(deepest), &problems));
    ck_assert_uint_eq(problems.count, 2);
    for (size_t i = 0; i < 2; i++)
        ck_assert_str_eq(problems.list[i].message,
                         "the body is not valid JSON: arrays and objects are nested too deeply (64 at most) at byte 64");
    hd_problems_clear(&problems);
    free(deep);
    free(deeper);
    free(deepest);
}
END_TEST

START_TEST(duplicate_keys)
{
    static const char TEXT[] =
        "{\"c\":1,\"a\":{\"b\":[0,{},[{}],{\"c\":1,\"d\":2,\"c\":3,\"c\":4}]},\"c\":{\"x\":0,\"x\":0},\"\\u0063\":2}";
    static const char *const PATHS[] = {"c", "a.b[3].c", "c.x"};
    struct hd_problems problems = {0};
    ck_assert_ptr_null(hd_json_parse(TEXT, strlen(TEXT), &problems));
    ck_assert_uint_eq(problems.count, 3);
    for (size_t i = 0; i < 3; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "'%s' is given twice", PATHS[i]);
        ck_assert_str_eq(problems.list[i].code, "Duplicate");
        ck_assert_str_eq(problems.list[i].target, PATHS[i]);
        ck_assert_str_eq(problems.list[i].message, expected);
    }
    hd_problems_clear(&problems);
    ck_assert_ptr_null(hd_json_parse_own("{\"a\":1,\"a\":1}"));
    cJSON_Delete(parse("{\"a\":1,\"A\":1}"));
}
END_TEST

/* 300,000 members: with a quadratic step anywhere this would take minutes. The keys come back in reverse order. */
START_TEST(large_objects_are_fast)
{
    enum { COUNT = 300000 };
    struct hd_text text = {0};
    hd_text_add_char(&text, '{');
    for (int i = 0; i < COUNT; i++)
        hd_text_format(&text, "%s\"key%d\":%d", i == 0 ? "" : ",", COUNT - i, i);
    hd_text_add_char(&text, '}');
    struct hd_problems problems = {0};
    cJSON *object = hd_json_parse(text.data, text.length, &problems);
    ck_assert_ptr_nonnull(object);
    ck_assert_int_eq(cJSON_GetArraySize(object), COUNT);
    ck_assert_int_eq(object->child->prev->valueint, COUNT - 1);
    cJSON *again = hd_json_parse(text.data, text.length, &problems);
    ck_assert(hd_json_equal(object, again));
    cJSON_Delete(object);
    cJSON_Delete(again);
    text.data[text.length - 1] = ',';
    hd_text_add(&text, text.data + 1, 2000000);
    while (text.data[text.length - 1] != ',')
        text.data[--text.length] = '\0';
    text.data[text.length - 1] = '}';
    ck_assert_ptr_null(hd_json_parse(text.data, text.length, &problems));
    ck_assert_uint_eq(problems.count, HD_PROBLEMS_MAX);
    ck_assert_uint_gt(problems.dropped, 1000);
    ck_assert_str_eq(problems.list[0].target, "key300000");
    hd_problems_clear(&problems);
    hd_text_clear(&text);
}
END_TEST

START_TEST(kinds_of_numbers)
{
    static const struct {
        const char *text;
        bool is_integer, has_integer;
        int64_t value;
    } CASES[] = {
        {"5", true, true, 5},
        {"5.0", false, true, 5},
        {"5e2", false, true, 500},
        {"5.5", false, false, 0},
        {"-0", true, true, 0},
        {"9007199254740991", true, true, HD_INTEGER_MAX},
        {"-9007199254740991", true, true, -HD_INTEGER_MAX},
        {"9007199254740992", true, false, 0},
        {"1e300", false, false, 0},
        {"\"5\"", false, false, 0},
        {"true", false, false, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        cJSON *item = parse(CASES[i].text);
        int64_t value = 77;
        ck_assert_msg(hd_json_is_integer(item) == CASES[i].is_integer, "%s", CASES[i].text);
        ck_assert_msg(hd_json_integer(item, &value) == CASES[i].has_integer, "%s", CASES[i].text);
        ck_assert_int_eq(value, CASES[i].has_integer ? CASES[i].value : 77);
        cJSON_Delete(item);
    }
    ck_assert(!hd_json_is_integer(NULL));
}
END_TEST

START_TEST(metric_numbers)
{
    static const char *const TEXTS[] = {"1.5", "\"Infinity\"", "\"-Infinity\"", "3"};
    static const double VALUES[] = {1.5, INFINITY, -INFINITY, 3};
    double value = 0;
    for (size_t i = 0; i < 4; i++) {
        cJSON *item = parse(TEXTS[i]);
        ck_assert(hd_json_metric_number(item, &value));
        ck_assert(value == VALUES[i]);
        cJSON_Delete(item);
        if (!isfinite(VALUES[i])) { /* and back */
            cJSON *made = hd_json_new_float(VALUES[i]);
            char *text = print(made, HD_JSON_COMPACT);
            ck_assert_str_eq(text, TEXTS[i]);
            free(text);
            cJSON_Delete(made);
        }
    }
    cJSON *nan_item = parse("\"NaN\""), *other = parse("\"nan\""), *flag = parse("true");
    ck_assert(hd_json_metric_number(nan_item, &value));
    ck_assert(isnan(value));
    ck_assert(!hd_json_metric_number(other, &value));
    ck_assert(!hd_json_metric_number(flag, &value));
    cJSON_Delete(nan_item);
    cJSON_Delete(other);
    cJSON_Delete(flag);
}
END_TEST

START_TEST(made_numbers_keep_their_kind)
{
    cJSON *integer = hd_json_new_integer(-HD_INTEGER_MAX), *real = hd_json_new_float(65), *foreign = cJSON_CreateNumber(7);
    ck_assert(hd_json_is_integer(integer));
    ck_assert(!hd_json_is_integer(real));
    ck_assert(hd_json_is_integer(foreign));
    char *texts[3] = {print(integer, HD_JSON_COMPACT), print(real, HD_JSON_COMPACT), print(foreign, HD_JSON_COMPACT)};
    ck_assert_str_eq(texts[0], "-9007199254740991");
    ck_assert_str_eq(texts[1], "65.0");
    ck_assert_str_eq(texts[2], "7");
    for (int i = 0; i < 3; i++)
        free(texts[i]);
    cJSON_Delete(integer);
    cJSON_Delete(real);
    cJSON_Delete(foreign);
}
END_TEST

START_TEST(excerpts_count_characters)
{
    struct hd_text text = {0};
    hd_text_add_string(&text, "[[\"");
    for (int i = 0; i < 500; i++)
        hd_text_add_string(&text, "\xc5\xbc");
    hd_text_add_string(&text, "\"]]");
    cJSON *value = parse(text.data);
    char *excerpt = hd_json_excerpt(value);
    ck_assert_uint_eq(strlen(excerpt), 3 + 77 * 2);
    ck_assert_int_eq(memcmp(excerpt, text.data, strlen(excerpt)), 0);
    free(excerpt);
    cJSON_Delete(value);
    hd_text_clear(&text);
    value = parse("{\"a\":[1,2]}");
    excerpt = hd_json_excerpt(value);
    ck_assert_str_eq(excerpt, "{\"a\":[1,2]}");
    free(excerpt);
    cJSON_Delete(value);
}
END_TEST

START_TEST(equality)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } CASES[] = {
        {"1", "1.0", true},
        {"1", "\"1\"", false},
        {"1", "true", false},
        {"0", "false", false},
        {"0", "null", false},
        {"0", "-0.0", true},
        {"true", "false", false},
        {"null", "null", true},
        {"1e2", "100", true},
        {"\"a\"", "\"a\"", true},
        {"\"a\"", "\"A\"", false},
        {"[1,2]", "[1,2.0]", true},
        {"[1,2]", "[2,1]", false},
        {"[1,2]", "[1,2,3]", false},
        {"[]", "{}", false},
        {"{\"a\":1,\"b\":2}", "{\"b\":2.0,\"a\":1}", true},
        {"{\"a\":1,\"b\":2}", "{\"a\":1}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"{\"a\":{\"x\":[{\"p\":1,\"q\":2}]}}", "{\"a\":{\"x\":[{\"q\":2,\"p\":1}]}}", true},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        cJSON *a = parse(CASES[i].a), *b = parse(CASES[i].b);
        unsigned char x[DIGEST_SIZE], y[DIGEST_SIZE];
        ck_assert_msg(hd_json_equal(a, b) == CASES[i].equal, "%s and %s", CASES[i].a, CASES[i].b);
        ck_assert_msg(hd_json_equal(b, a) == CASES[i].equal, "%s and %s", CASES[i].a, CASES[i].b);
        ck_assert(digest_json(a, x) && digest_json(b, y));
        ck_assert_msg((memcmp(x, y, DIGEST_SIZE) == 0) == CASES[i].equal, "%s and %s", CASES[i].a, CASES[i].b);
        cJSON_Delete(a);
        cJSON_Delete(b);
    }
}
END_TEST

/* Random trees as text: the same choices, but for `shuffle`, which turns objects round and writes integers as floats. */
struct generator {
    uint64_t tree;
    uint32_t position;
    bool shuffle;
};

static uint64_t next(struct generator *generator, uint64_t bound)
{
    return hd_random_bits(7, generator->tree, generator->position++, 0) % bound;
}

static void generate(struct generator *generator, struct hd_text *out, int depth);

static void generate_object(struct generator *generator, struct hd_text *out, int depth)
{
    struct hd_text members[4] = {{0}};
    int count = (int)next(generator, 5);
    for (int i = 0; i < count; i++) {
        hd_text_format(&members[i], "\"k%d\":", i);
        generate(generator, &members[i], depth + 1);
    }
    hd_text_add_char(out, '{');
    for (int i = 0; i < count; i++) {
        struct hd_text *member = &members[generator->shuffle ? count - 1 - i : i];
        if (i > 0)
            hd_text_add_char(out, ',');
        hd_text_add(out, member->data, member->length);
    }
    hd_text_add_char(out, '}');
    for (int i = 0; i < 4; i++)
        hd_text_clear(&members[i]);
}

static void generate_array(struct generator *generator, struct hd_text *out, int depth)
{
    int count = (int)next(generator, 4);
    hd_text_add_char(out, '[');
    for (int i = 0; i < count; i++) {
        if (i > 0)
            hd_text_add_char(out, ',');
        generate(generator, out, depth + 1);
    }
    hd_text_add_char(out, ']');
}

static void generate_scalar(struct generator *generator, struct hd_text *out)
{
    static const char *const SCALARS[] = {"true", "false", "null", "\"\"", "\"k\\n\xc3\xa9\"", "\"1\"", "1e+16", "0.1"};
    if (next(generator, 2) == 0)
        hd_text_add_string(out, SCALARS[next(generator, sizeof SCALARS / sizeof *SCALARS)]);
    else
        hd_text_format(out, "%d%s", (int)next(generator, 2001) - 1000, generator->shuffle ? ".0" : "");
}

static void generate(struct generator *generator, struct hd_text *out, int depth)
{
    uint64_t kind = depth > 5 ? 3 : next(generator, 4);
    if (kind == 0)
        generate_array(generator, out, depth);
    else if (kind == 1)
        generate_object(generator, out, depth);
    else
        generate_scalar(generator, out);
}

static cJSON *random_tree(uint64_t tree, bool shuffle)
{
    struct generator generator = {.tree = tree, .shuffle = shuffle};
    struct hd_text text = {0};
    generate(&generator, &text, 0);
    ck_assert(!text.failed);
    cJSON *value = parse(text.data);
    hd_text_clear(&text);
    return value;
}

START_TEST(random_trees_round_trip)
{
    for (uint64_t i = 0; i < rounds(5000); i++) {
        cJSON *value = random_tree(i, false);
        for (int style = HD_JSON_COMPACT; style <= HD_JSON_SPACED; style++) {
            char *text = print(value, (enum hd_json_style)style);
            cJSON *again = parse(text);
            char *text_again = print(again, (enum hd_json_style)style);
            ck_assert_str_eq(text, text_again);
            ck_assert(hd_json_equal(value, again));
            free(text);
            free(text_again);
            cJSON_Delete(again);
        }
        cJSON_Delete(value);
    }
}
END_TEST

START_TEST(equal_trees_have_equal_digests)
{
    int equal = 0, different = 0;
    unsigned char last[DIGEST_SIZE] = {0};
    cJSON *previous = NULL;
    for (uint64_t i = 0; i < 5000; i++) {
        cJSON *value = random_tree(i, false), *shuffled = random_tree(i, true);
        unsigned char x[DIGEST_SIZE], y[DIGEST_SIZE];
        ck_assert(digest_json(value, x) && digest_json(shuffled, y));
        ck_assert(hd_json_equal(value, shuffled));
        ck_assert_mem_eq(x, y, DIGEST_SIZE);
        if (previous != NULL) {
            bool same = hd_json_equal(previous, value);
            ck_assert_int_eq(same, memcmp(x, last, DIGEST_SIZE) == 0);
            equal += same;
            different += !same;
        }
        cJSON_Delete(previous);
        cJSON_Delete(shuffled);
        previous = value;
        memcpy(last, x, DIGEST_SIZE);
    }
    cJSON_Delete(previous);
    ck_assert_int_gt(equal, 0);
    ck_assert_int_gt(different, 1000);
}
END_TEST

static void check_digest(const unsigned char digest[DIGEST_SIZE], const char *expected)
{
    char text[2 * DIGEST_SIZE + 1];
    for (size_t i = 0; i < DIGEST_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    ck_assert_str_eq(text, expected);
}

/* Stored in databases: these values never change. The first two are known for MurmurHash3 x64 128. */
START_TEST(golden_digests)
{
    unsigned char digest[DIGEST_SIZE];
    digest_bytes("", 0, digest);
    check_digest(digest, "00000000000000000000000000000000");
    digest_bytes("The quick brown fox jumps over the lazy dog", 43, digest);
    check_digest(digest, "6c1b07bc7bbc4be347939ac4a93c437a");
    cJSON *value = parse("{\"lr\":0.1,\"n\":65,\"kernel\":\"rbf\",\"conv\":{\"k\":3,\"in\":{\"x\":null}},\"flag\":true}");
    ck_assert(digest_json(value, digest));
    check_digest(digest, "60155535515016e6ef69b27f989bbae9");
    cJSON_Delete(value);
}
END_TEST

static const struct {
    const char *object, *name, *value; /* NULL: there is none */
} FOUND[] = {
    {"{\"a\":1,\"b\":\"x\"}", "a", "1"},
    {"{\"a\":1,\"b\":\"x\"}", "b", "\"x\""},
    {"{\"a\":1,\"b\":\"x\"}", "c", NULL},
    {"{\"aa\":1,\"a\":2}", "a", "2"},
    {"{\"a\":{\"b\":1},\"b\":[2,{\"c\":3}]}", "b", "[2,{\"c\":3}]"},
    {"{\"a\":[{\"c\":1},[]],\"c\":{}}", "c", "{}"},
    {"{\"x\":\"\\\"a\\\":5,\",\"a\":\"}]\\\\\",\"b\":null}", "a", "\"}]\\\\\""},
    {"{\"x\":\"\\\"a\\\":5,\",\"a\":\"}]\\\\\",\"b\":null}", "b", "null"},
    {"{}", "a", NULL},
    {"", "a", NULL},
    {"[\"a\"]", "a", NULL},
    {"{\"a", "a", NULL},
    {"{\"a\\", "a", NULL},
};

START_TEST(members_are_found_without_a_tree)
{
    size_t length = 0;
    const char *value = hd_json_find_own(FOUND[_i].object, FOUND[_i].name, &length);
    if (FOUND[_i].value == NULL) {
        ck_assert_ptr_null(value);
        return;
    }
    ck_assert_ptr_nonnull(value);
    ck_assert_uint_eq(length, strlen(FOUND[_i].value));
    ck_assert(memcmp(value, FOUND[_i].value, length) == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *texts = tcase_create("texts");
    tcase_set_timeout(texts, 120);
    tcase_add_loop_test(texts, faults, 0, sizeof FAULTS / sizeof *FAULTS);
    tcase_add_loop_test(texts, printed, 0, sizeof PRINTED / sizeof *PRINTED);
    tcase_add_test(texts, what_is_no_utf8_is_replaced);
    tcase_add_loop_test(texts, members_are_found_without_a_tree, 0, sizeof FOUND / sizeof *FOUND);
    tcase_add_test(texts, depth_is_limited);
    tcase_add_test(texts, duplicate_keys);
    tcase_add_test(texts, large_objects_are_fast);
    tcase_add_test(texts, excerpts_count_characters);
    suite_add_tcase(suite, texts);
    TCase *values = tcase_create("values");
    tcase_set_timeout(values, 120);
    tcase_add_test(values, kinds_of_numbers);
    tcase_add_test(values, metric_numbers);
    tcase_add_test(values, made_numbers_keep_their_kind);
    tcase_add_test(values, equality);
    tcase_add_test(values, random_trees_round_trip);
    tcase_add_test(values, equal_trees_have_equal_digests);
    tcase_add_test(values, golden_digests);
    suite_add_tcase(suite, values);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
