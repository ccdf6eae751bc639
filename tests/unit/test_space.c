/* What a search space may be: every refusal and remark, both notations, names, counts and grid order. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/sampling.h"
#include "core/space.h"

static struct hd_problems errors, warnings;

static void clear_problems(void)
{
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
}

static struct hd_space *compile(const char *text, double log_base, bool grid)
{
    cJSON *object = hd_json_parse_own(text);
    ck_assert_msg(object != NULL, "%s is not JSON", text);
    struct hd_space_options options = {"ps", log_base, grid};
    struct hd_space *space = hd_space_compile(object, &options, &errors, &warnings);
    cJSON_Delete(object);
    return space;
}

static char *print_and_delete(cJSON *value)
{
    ck_assert_ptr_nonnull(value);
    struct hd_text text = {0};
    hd_json_print(&text, value, HD_JSON_COMPACT);
    cJSON_Delete(value);
    return hd_text_take(&text);
}

#define TEN_NAMES "choice, randint, uniform, quniform, loguniform, qloguniform, normal, qnormal, lognormal, qlognormal"
#define CONSTANT  "must be an expression; for a constant use choice with one value"
#define SAFE      "must be between -9007199254740991 and 9007199254740991"

/* One finding each. `message` is what follows the target in quotes; a message that begins with a letter is the whole. */
static const struct {
    const char *space;
    const char *code;
    const char *target;
    const char *message;
} REFUSED[] = {
    {"{}", "OutOfRange", "ps", " must be an object with 1 to 256 parameters, got 0"},
    {"[]", "WrongType", "ps", " must be an object, got []"},
    {"{\"a\":5}", "WrongType", "ps.a", " " CONSTANT},
    {"{\"a\":\"uniform\"}", "WrongType", "ps.a", " " CONSTANT},
    {"{\"a\":null}", "WrongType", "ps.a", " " CONSTANT},
    {"{\"a\":[]}", "WrongType", "ps.a", " " CONSTANT},
    {"{\"a\":[1,2]}", "WrongType", "ps.a", " " CONSTANT},
    {"{\"a\":{}}", "Required", "ps.a.type", " is required"},
    {"{\"a\":{\"type\":7}}", "WrongType", "ps.a.type", " must be a string, got 7"},
    {"{\"a\":{\"type\":\"Uniform\"}}", "NotAllowed", "ps.a.type", " must be one of " TEN_NAMES ", got \"Uniform\""},
    {"{\"a\":[\"gauss\",[0,1]]}", "NotAllowed", "ps.a[0]", " must be one of " TEN_NAMES ", got \"gauss\""},
    {"{\"a\":[\"uniform\"]}", "Required", "ps.a[1]", " is required"},
    {"{\"a\":[\"uniform\",0,1]}", "WrongType", "ps.a[1]", " must be an array, got 0"},
    {"{\"a\":[\"uniform\",[0,1],2]}", "UnknownField", "ps.a[2]", " is not a known field"},
    {"{\"a\":[\"uniform\",[0,1,2]]}", "UnknownField", "ps.a[1][2]", " is not a known field"},
    {"{\"a\":[\"uniform\",[0]]}", "Required", "ps.a.max_value", " is required"},
    {"{\"a\":{\"type\":\"uniform\",\"max_value\":1}}", "Required", "ps.a.min_value", " is required"},
    {"{\"a\":{\"type\":\"uniform\",\"min_value\":0,\"max_value\":1,\"q\":1}}", "UnknownField", "ps.a.q", " is not a known field"},
    {"{\"a\":{\"type\":\"uniform\",\"min_value\":\"0\",\"max_value\":1}}", "WrongType", "ps.a.min_value", " must be a number, got \"0\""},
    {"{\"a\":{\"type\":\"uniform\",\"min_value\":\"NaN\",\"max_value\":1}}", "WrongType", "ps.a.min_value",
     " must be a number, got \"NaN\""},
    {"{\"a\":[\"uniform\",[0,null]]}", "WrongType", "ps.a.max_value", " must be a number, got null"},
    {"{\"a\":[\"uniform\",[2,1.5]]}", "OutOfRange", "ps.a.min_value", " must be at most 'max_value' (1.5), got 2"},
    {"{\"a\":[\"loguniform\",[2,1]]}", "OutOfRange", "ps.a.min_value", " must be at most 'max_value' (1), got 2"},
    {"{\"a\":[\"loguniform\",[0,710]]}", "OutOfRange", "ps.a.max_value",
     " must be an exponent for which the power of e is finite, got 710"},
    {"{\"a\":[\"quniform\",[0,1,0]]}", "OutOfRange", "ps.a.q", " must be greater than 0, got 0"},
    {"{\"a\":[\"qnormal\",[0,1,-0.5]]}", "OutOfRange", "ps.a.q", " must be greater than 0, got -0.5"},
    {"{\"a\":[\"quniform\",[0,1e10,1e-300]]}", "OutOfRange", "ps.a.q",
     " must be a step with which all multiples in reach are finite, got 1e-300"},
    {"{\"a\":[\"quniform\",[-1.7e308,1,1e308]]}", "OutOfRange", "ps.a.q",
     " must be a step with which all multiples in reach are finite, got 1e+308"},
    {"{\"a\":[\"normal\",[0,-1]]}", "OutOfRange", "ps.a.sigma", " must be 0 or more, got -1"},
    {"{\"a\":[\"lognormal\",[0,-0.1]]}", "OutOfRange", "ps.a.sigma", " must be 0 or more, got -0.1"},
    {"{\"a\":[\"lognormal\",[800,1]]}", "OutOfRange", "ps.a.mu", " must be an exponent for which the power of e is finite, got 800"},
    {"{\"a\":[\"randint\",[0]]}", "OutOfRange", "ps.a.upper", " must be between 1 and 9007199254740991, got 0"},
    {"{\"a\":[\"randint\",[9007199254740992]]}", "OutOfRange", "ps.a.upper",
     " must be between 1 and 9007199254740991, got 9007199254740992"},
    {"{\"a\":[\"randint\",[2.5]]}", "WrongType", "ps.a.upper", " must be an integer, got 2.5"},
    {"{\"a\":[\"randint\",[true]]}", "WrongType", "ps.a.upper", " must be an integer, got true"},
    {"{\"a\":[\"choice\",[[]]]}", "OutOfRange", "ps.a.values", " must be an array with 1 to 100000 values, got 0"},
    {"{\"a\":[\"choice\",[\"x\",\"y\"]]}", "WrongType", "ps.a.values", " must be an array, got \"x\""},
    {"{\"a\":[\"choice\",[]]}", "Required", "ps.a.values", " is required"},
    {"{\"a\":{\"type\":\"choice\",\"values\":7}}", "WrongType", "ps.a.values", " must be an array, got 7"},
    {"{\"a\":[\"choice\",[[1,9007199254740992]]]}", "OutOfRange", "ps.a.values[1]", " " SAFE ", got 9007199254740992"},
    {"{\"a\":[\"choice\",[[[1,-9007199254740992]]]]}", "OutOfRange", "ps.a.values[0][1]", " " SAFE ", got -9007199254740992"},
    {"{\"a\":[\"choice\",[[{\"b\":{\"c\":[\"uniform\",[1,0]]}}]]]}", "OutOfRange", "ps.a.values[0].b.c.min_value",
     " must be at most 'max_value' (0), got 1"},
    {"{\"\":[\"randint\",[1]]}", "InvalidName", "ps.", "parameter name '' is not valid: it must not be empty"},
    {"{\"--\":[\"randint\",[1]]}", "InvalidName", "ps.--",
     "parameter name '--' is not valid: it must have a letter or '_' after the dashes"},
    {"{\"1a\":[\"randint\",[1]]}", "InvalidName", "ps.1a",
     "parameter name '1a' is not valid: it must begin with a letter or '_' (dashes may come before)"},
    {"{\"-.a\":[\"randint\",[1]]}", "InvalidName", "ps.-.a",
     "parameter name '-.a' is not valid: it must begin with a letter or '_' (dashes may come before)"},
    {"{\"a b\":[\"randint\",[1]]}", "InvalidName", "ps.a b", "parameter name 'a b' is not valid: it must not contain white space"},
    {"{\"a\\u00a0b\":[\"randint\",[1]]}", "InvalidName",
     "ps.a\xc2\xa0"
     "b",
     "parameter name 'a\xc2\xa0"
     "b' is not valid: it must not contain white space"},
    {"{\"a\\u0007\":[\"randint\",[1]]}", "InvalidName", "ps.a\a",
     "parameter name 'a\a' is not valid: it must not contain control characters"},
    {"{\"a=b\":[\"randint\",[1]]}", "InvalidName", "ps.a=b", "parameter name 'a=b' is not valid: it must not contain '='"},
    {"{\"a'b\":[\"randint\",[1]]}", "InvalidName", "ps.a'b", "parameter name 'a'b' is not valid: it must not contain quotes"},
    {"{\"a\\\"b\":[\"randint\",[1]]}", "InvalidName", "ps.a\"b", "parameter name 'a\"b' is not valid: it must not contain quotes"},
    {"{\"a$\":[\"randint\",[1]]}", "InvalidName", "ps.a$", "parameter name 'a$' is not valid: it must not contain '$'"},
    {"{\"a{\":[\"randint\",[1]]}", "InvalidName", "ps.a{", "parameter name 'a{' is not valid: it must not contain braces"},
    {"{\"lr\":[\"randint\",[1]],\"--lr\":[\"randint\",[1]]}", "Duplicate", "ps.--lr",
     "parameters 'lr' and '--lr' have the same environment variable AZUREML_SWEEP_lr"},
    {"{\"a.b\":[\"randint\",[1]],\"x\":[\"randint\",[1]],\"a/b\":[\"randint\",[1]]}", "Duplicate", "ps.a/b",
     "parameters 'a.b' and 'a/b' have the same environment variable AZUREML_SWEEP_a_b"},
};

START_TEST(refused)
{
    ck_assert_ptr_null(compile(REFUSED[_i].space, M_E, false));
    ck_assert_uint_eq(errors.count, 1);
    ck_assert_str_eq(errors.list[0].code, REFUSED[_i].code);
    ck_assert_str_eq(errors.list[0].target, REFUSED[_i].target);
    char expected[512];
    const char *message = REFUSED[_i].message;
    snprintf(expected, sizeof expected, message[0] == ' ' ? "'%s'%s" : "%.0s%s", REFUSED[_i].target, message);
    ck_assert_str_eq(errors.list[0].message, expected);
    ck_assert_uint_eq(warnings.count, 0);
}
END_TEST

START_TEST(limits)
{
    struct hd_text text = {0};
    for (int count = 256; count <= 257; count++) {
        for (int i = 0; i < count; i++)
            hd_text_format(&text, "%s\"p%d\":[\"randint\",[2]]", i == 0 ? "{" : ",", i);
        hd_text_add_char(&text, '}');
        struct hd_space *space = compile(text.data, M_E, false);
        ck_assert_int_eq(space != NULL, count == 256);
        hd_space_free(space);
        hd_text_clear(&text);
    }
    ck_assert_str_eq(errors.list[0].message, "'ps' must be an object with 1 to 256 parameters, got 257");
    clear_problems();
    for (int count = 100000; count <= 100001; count++) {
        for (int i = 0; i < count; i++)
            hd_text_format(&text, "%s%d", i == 0 ? "{\"a\":[\"choice\",[[" : ",", i);
        hd_text_add_string(&text, "]]]}");
        struct hd_space *space = compile(text.data, M_E, true);
        ck_assert_int_eq(space != NULL, count == 100000);
        if (space != NULL)
            ck_assert_uint_eq(hd_space_size(space), 100000);
        hd_space_free(space);
        hd_text_clear(&text);
    }
    ck_assert_str_eq(errors.list[0].message, "'ps.a.values' must be an array with 1 to 100000 values, got 100001");
}
END_TEST

START_TEST(name_length)
{
    char text[400], name[130];
    for (int length = 128; length <= 129; length++) {
        memset(name, 'n', sizeof name);
        name[length] = '\0';
        snprintf(text, sizeof text, "{\"%s\":[\"randint\",[1]]}", name);
        struct hd_space *space = compile(text, M_E, false);
        ck_assert_int_eq(space != NULL, length == 128);
        hd_space_free(space);
    }
    snprintf(text, sizeof text, "parameter name '%s' is not valid: it must have at most 128 bytes", name);
    ck_assert_str_eq(errors.list[0].message, text);
}
END_TEST

START_TEST(branch_depth)
{
    for (int depth = 16; depth <= 17; depth++) {
        struct hd_text text = {0};
        hd_text_add_string(&text, "{\"x\":[\"choice\",[[");
        for (int i = 0; i < depth; i++)
            hd_text_add_string(&text, "{\"a\":");
        hd_text_add_char(&text, '1');
        for (int i = 0; i < depth; i++)
            hd_text_add_char(&text, '}');
        hd_text_add_string(&text, "]]]}");
        struct hd_space *space = compile(text.data, M_E, false);
        ck_assert_int_eq(space != NULL, depth == 16);
        hd_space_free(space);
        hd_text_clear(&text);
    }
    ck_assert_uint_eq(errors.count, 1);
    ck_assert_str_eq(errors.list[0].code, "OutOfRange");
    ck_assert_str_eq(errors.list[0].message,
                     "'ps.x.values[0].a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a' must be nested at most 16 branches deep, got 17");
}
END_TEST

/* All findings at once: names, then clashes, then expressions in document order, then what a grid does not allow. */
START_TEST(order_of_findings)
{
    static const char *const TARGETS[] = {"ps.b c",      "ps.-a", "ps.a.min_value", "ps.b c.type",
                                          "ps.-a.sigma", "ps.a",  "ps.-a",          "ps.d.values[0].e"};
    static const char TEXT[] = "{\"a\":[\"uniform\",[2,1]],\"b c\":{\"type\":\"x\"},\"-a\":[\"normal\",[0,-1]],"
                               "\"d\":[\"choice\",[[{\"e\":[\"randint\",[3]]}]]]}";
    ck_assert_ptr_null(compile(TEXT, M_E, true));
    ck_assert_uint_eq(errors.count, sizeof TARGETS / sizeof *TARGETS);
    for (size_t i = 0; i < errors.count; i++)
        ck_assert_str_eq(errors.list[i].target, TARGETS[i]);
    ck_assert_str_eq(errors.list[7].code, "NotAllowed");
    ck_assert_str_eq(errors.list[7].message, "'ps.d.values[0].e': grid sampling allows only choice, got randint");
}
END_TEST

START_TEST(variables_that_meet)
{
    static const struct {
        const char *space, *target, *message; /* without a target nothing is to be said */
    } SPACES[] = {
        {"{\"a\":[\"choice\",[[{\"x-y\":1,\"x_y\":2}]]]}", "ps.a.x_y",
         "parameters 'a.x-y' and 'a.x_y' have the same environment variable AZUREML_SWEEP_a__x_y: a child that has both finds one of them "
         "there"},
        {"{\"a\":[\"choice\",[[{\"b\":[\"uniform\",[0,1]]},3]]],\"--a__b\":[\"choice\",[[1]]]}", "ps.--a__b",
         "parameters 'a.b' and '--a__b' have the same environment variable AZUREML_SWEEP_a__b: a child that has both finds one of them "
         "there"},
        {"{\"a\":[\"choice\",[[{\"b\":{\"c\":1},\"b__c\":2},{\"b__c\":3}]]]}", "ps.a.b__c",
         "parameters 'a.b.c' and 'a.b__c' have the same environment variable AZUREML_SWEEP_a__b__c: a child that has both finds one of "
         "them there"},
        /* No child has two options of a choice. */
        {"{\"a\":[\"choice\",[[{\"x-y\":1},{\"x_y\":2},{\"x_y\":[\"choice\",[[{\"z\":1},{\"z\":2}]]]}]]],\"b\":[\"choice\",[[{\"x_y\":1}]]]"
         "}",
         NULL, NULL},
    };
    hd_space_free(compile(SPACES[_i].space, M_E, false));
    ck_assert_uint_eq(errors.count, 0);
    ck_assert_uint_eq(warnings.count, SPACES[_i].target != NULL ? 1 : 0);
    if (SPACES[_i].target != NULL) {
        ck_assert_str_eq(warnings.list[0].code, "Duplicate");
        ck_assert_str_eq(warnings.list[0].target, SPACES[_i].target);
        ck_assert_str_eq(warnings.list[0].message, SPACES[_i].message);
    }
}
END_TEST

/* As large as a space may be, in the time of a blink. */
START_TEST(variables_of_many_options)
{
    struct hd_text text = {0};
    hd_text_add_string(&text, "{\"a\":[\"choice\",[[");
    for (int i = 0; i < 30000; i++)
        hd_text_format(&text, "%s{\"lr\":%d,\"l%d\":{\"x\":1}}", i > 0 ? "," : "", i, i);
    hd_text_add_string(&text, "]]]}");
    ck_assert(!text.failed);
    hd_space_free(compile(text.data, M_E, false));
    hd_text_clear(&text);
    ck_assert_uint_eq(errors.count + warnings.count, 0);
}
END_TEST

START_TEST(warned)
{
    struct hd_space *space =
        compile("{\"a\":[\"choice\",[[\"x\",\"-x\",\"x\",\"-1\"]]],\"b\":[\"choice\",[[1,1.0,true,\"1\",1,{\"k\":[\"randint\","
                "[2]]},{\"k\":{\"type\":\"randint\",\"upper\":2.0}}]]]}",
                M_E, false);
    ck_assert_ptr_nonnull(space);
    static const struct {
        const char *code, *target, *message;
    } EXPECTED[] = {
        {"DashValue", "ps.a.values[1]", "'ps.a.values[1]' is \"-x\", which begins with '-': argument parsers may take it for an option"},
        {"DashValue", "ps.a.values[3]", "'ps.a.values[3]' is \"-1\", which begins with '-': argument parsers may take it for an option"},
        {"DuplicateChoice", "ps.a.values", "'ps.a.values' has \"x\" twice, at [0] and [2]; only the first is kept"},
        {"DuplicateChoice", "ps.b.values",
         "'ps.b.values' has values more than once, as 1.0 at [0] and [1]; only the first of equal values is kept, 3 are dropped"},
    };
    ck_assert_uint_eq(warnings.count, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_str_eq(warnings.list[i].code, EXPECTED[i].code);
        ck_assert_str_eq(warnings.list[i].target, EXPECTED[i].target);
        ck_assert_str_eq(warnings.list[i].message, EXPECTED[i].message);
    }
    char *json = print_and_delete(hd_space_json(space));
    ck_assert_str_eq(json,
                     "{\"a\":{\"type\":\"choice\",\"values\":[\"x\",\"-x\",\"-1\"]},\"b\":{\"type\":\"choice\",\"values\":[1,true,\"1\","
                     "{\"k\":{\"type\":\"randint\",\"upper\":2}}]}}");
    free(json);
    hd_space_free(space);
}
END_TEST

#define ALL_LISTS                                                                                                                          \
    "{\"a\":[\"choice\",[[1,2.0,[\"randint\",[3]]]]],\"b\":[\"randint\",[5.0]],\"c\":[\"uniform\",[0,1.50]],\"d\":[\"quniform\",[0,1,0.1]" \
    "],"                                                                                                                                   \
    "\"e\":[\"loguniform\",[-6,-1]],\"f\":[\"qloguniform\",[0,3,2]],\"g\":[\"normal\",[0,1]],\"h\":[\"qnormal\",[0,1,1]],"                 \
    "\"i\":[\"lognormal\",[0,1e0]],\"j\":[\"qlognormal\",[0,1,1]]}"
#define ALL_OBJECTS                                                                                                                        \
    "{\"a\":{\"type\":\"choice\",\"values\":[1,2.0,{\"type\":\"randint\",\"upper\":3}]},\"b\":{\"type\":\"randint\",\"upper\":5},"         \
    "\"c\":{\"type\":\"uniform\",\"min_value\":0,\"max_value\":1.5},\"d\":{\"type\":\"quniform\",\"min_value\":0,\"max_value\":1,\"q\":0." \
    "1},"                                                                                                                                  \
    "\"e\":{\"type\":\"loguniform\",\"min_value\":-6,\"max_value\":-1},"                                                                   \
    "\"f\":{\"type\":\"qloguniform\",\"min_value\":0,\"max_value\":3,\"q\":2},\"g\":{\"type\":\"normal\",\"mu\":0,\"sigma\":1},"           \
    "\"h\":{\"type\":\"qnormal\",\"mu\":0,\"sigma\":1,\"q\":1},\"i\":{\"type\":\"lognormal\",\"mu\":0,\"sigma\":1.0},"                     \
    "\"j\":{\"type\":\"qlognormal\",\"mu\":0,\"sigma\":1,\"q\":1}}"

START_TEST(notations_agree)
{
    struct hd_space *lists = compile(ALL_LISTS, M_E, false), *objects = compile(ALL_OBJECTS, M_E, false);
    ck_assert_ptr_nonnull(lists);
    ck_assert_ptr_nonnull(objects);
    char *from_lists = print_and_delete(hd_space_json(lists)), *from_objects = print_and_delete(hd_space_json(objects));
    ck_assert_str_eq(from_lists, ALL_OBJECTS);
    ck_assert_str_eq(from_objects, ALL_OBJECTS);
    for (uint64_t draw = 0; draw < 50; draw++) {
        char *a = print_and_delete(hd_space_draw(lists, 9, draw)), *b = print_and_delete(hd_space_draw(objects, 9, draw));
        ck_assert_str_eq(a, b);
        free(a);
        free(b);
    }
    free(from_lists);
    free(from_objects);
    hd_space_free(lists);
    hd_space_free(objects);
}
END_TEST

/* A branch whose `type` is none of the ten names is no expression, and neither is a list that only looks a little like one. */
START_TEST(lookalikes_are_constants)
{
    static const char TEXT[] =
        "{\"a\":{\"type\":\"choice\",\"values\":[{\"type\":\"sgd\",\"v\":[\"uniform\",1]},[\"uniform\",[0,1],2],[\"choice\"]]}}";
    struct hd_space *space = compile(TEXT, M_E, true);
    ck_assert_ptr_nonnull(space);
    ck_assert_uint_eq(hd_space_size(space), 3);
    char *json = print_and_delete(hd_space_json(space));
    ck_assert_str_eq(json, TEXT);
    free(json);
    hd_space_free(space);
}
END_TEST

START_TEST(names_and_paths)
{
    struct hd_space *space =
        compile("{\"--lr\":[\"uniform\",[0,1]],\"conv\":[\"choice\",[[{\"k\":3,\"in\":{\"x\":[\"choice\",[[1,{\"y\":2}]]]}},"
                "\"none\",{\"in.x\":{\"z\":1}}]]],\"\xc5\xbc.a\":[\"randint\",[2]]}",
                M_E, false);
    ck_assert_ptr_nonnull(space);
    ck_assert_int_eq(hd_space_parameters(space), 3);
    ck_assert_str_eq(hd_space_name(space, 0), "--lr");
    ck_assert_str_eq(hd_space_name(space, 2), "\xc5\xbc.a");
    static const char *const FOUND[] = {"--lr", "lr", "conv", "conv.k", "conv.in", "conv.in.x", "conv.in.x.y", "conv.in.x.z", "\xc5\xbc.a"};
    static const char *const MISSING[] = {"",       "-lr",      "lr.",         "lr.x", "con",      "conv.", "conv.in.y",
                                          "conv.z", "conv.k.k", "conv.in.x.k", "none", "\xc5\xbc", "k",     "---lr"};
    for (size_t i = 0; i < sizeof FOUND / sizeof *FOUND; i++)
        ck_assert_msg(hd_space_has_path(space, FOUND[i]), "%s", FOUND[i]);
    for (size_t i = 0; i < sizeof MISSING / sizeof *MISSING; i++)
        ck_assert_msg(!hd_space_has_path(space, MISSING[i]), "%s", MISSING[i]);
    hd_space_free(space);
}
END_TEST

static const struct {
    const char *space;
    double log_base;
    uint64_t size;
} SIZES[] = {
    {"{\"a\":[\"randint\",[9007199254740991]]}", M_E, UINT64_C(9007199254740991)},
    {"{\"a\":[\"randint\",[4503599627370496]],\"b\":[\"randint\",[2]]}", M_E, UINT64_C(9007199254740992)},
    {"{\"a\":[\"randint\",[9007199254740991]],\"b\":[\"randint\",[2]]}", M_E, 0},
    {"{\"a\":[\"randint\",[9007199254740991]],\"b\":[\"randint\",[9007199254740991]],\"c\":[\"randint\",[9007199254740991]]}", M_E, 0},
    {"{\"a\":[\"quniform\",[0,1e300,0.5]]}", M_E, 0},
    {"{\"a\":[\"quniform\",[-1,1,0.5]]}", M_E, 5},
    {"{\"a\":[\"loguniform\",[2,2]]}", M_E, 1},
    {"{\"a\":[\"lognormal\",[2,0]],\"b\":[\"qnormal\",[2,0,3]],\"c\":[\"qlognormal\",[2,0,3]]}", M_E, 1},
    {"{\"a\":[\"qloguniform\",[0,3,2]]}", 2, 5},
    {"{\"a\":[\"qloguniform\",[-3,0,2]]}", 0.5, 5},
    {"{\"a\":[\"choice\",[[[\"randint\",[3]],{\"k\":[\"randint\",[4]]},7]]],\"b\":[\"randint\",[2]]}", M_E, 16},
    {"{\"a\":[\"choice\",[[1,[\"uniform\",[0,1]]]]]}", M_E, 0},
};

/* Every configuration of a small space comes once, and none is equal to another. */
START_TEST(sizes)
{
    struct hd_space *space = compile(SIZES[_i].space, SIZES[_i].log_base, false);
    ck_assert_ptr_nonnull(space);
    uint64_t size = hd_space_size(space);
    ck_assert_uint_eq(size, SIZES[_i].size);
    for (uint64_t i = 0; size < 100 && i < size; i++) {
        for (uint64_t k = 0; k < i; k++) {
            cJSON *a = hd_space_at(space, i), *b = hd_space_at(space, k);
            ck_assert(!hd_json_equal(a, b));
            cJSON_Delete(a);
            cJSON_Delete(b);
        }
    }
    hd_space_free(space);
}
END_TEST

START_TEST(finite_spaces_ascend)
{
    static const char *const EXPECTED[] = {"{\"a\":-0.5,\"b\":0,\"c\":3.0}", "{\"a\":-0.5,\"b\":1,\"c\":3.0}",
                                           "{\"a\":0.0,\"b\":0,\"c\":3.0}",  "{\"a\":0.0,\"b\":1,\"c\":3.0}",
                                           "{\"a\":0.5,\"b\":0,\"c\":3.0}",  "{\"a\":0.5,\"b\":1,\"c\":3.0}"};
    struct hd_space *space = compile("{\"a\":[\"quniform\",[-0.5,0.5,0.5]],\"b\":[\"randint\",[2]],\"c\":[\"uniform\",[3,3]]}", M_E, false);
    ck_assert_uint_eq(hd_space_size(space), 6);
    for (uint64_t i = 0; i < 6; i++) {
        char *text = print_and_delete(hd_space_at(space, i));
        ck_assert_str_eq(text, EXPECTED[i]);
        free(text);
    }
    hd_space_free(space);
    space = compile("{\"a\":[\"qloguniform\",[-3,0,2]]}", 0.5, false); /* the powers of a base below 1 descend */
    static const char *const DESCENDING[] = {"{\"a\":0.0}", "{\"a\":2.0}", "{\"a\":4.0}", "{\"a\":6.0}", "{\"a\":8.0}"};
    for (uint64_t i = 0; i < 5; i++) {
        char *text = print_and_delete(hd_space_at(space, i));
        ck_assert_str_eq(text, DESCENDING[i]);
        free(text);
    }
    hd_space_free(space);
}
END_TEST

/* 4^40 combinations: more than can be counted, and still the first ones come in order. */
START_TEST(huge_grids_begin)
{
    struct hd_text text = {0};
    for (int i = 0; i < 40; i++)
        hd_text_format(&text, "%s\"p%d\":[\"choice\",[[0,1,2,3]]]", i == 0 ? "{" : ",", i);
    hd_text_add_char(&text, '}');
    struct hd_space *space = compile(text.data, M_E, true);
    hd_text_clear(&text);
    ck_assert_ptr_nonnull(space);
    ck_assert_uint_eq(hd_space_size(space), 0);
    struct hd_sampling sampling = {HD_GRID, 0};
    cJSON *configuration = NULL;
    ck_assert_int_eq(hd_sampling_draw(&sampling, space, 4 * 4 * 3 + 4 * 2 + 1, &configuration), 0);
    ck_assert_int_eq(cJSON_GetObjectItem(configuration, "p36")->valueint, 0);
    ck_assert_int_eq(cJSON_GetObjectItem(configuration, "p37")->valueint, 3);
    ck_assert_int_eq(cJSON_GetObjectItem(configuration, "p38")->valueint, 2);
    ck_assert_int_eq(cJSON_GetObjectItem(configuration, "p39")->valueint, 1);
    cJSON_Delete(configuration);
    hd_space_free(space);
}
END_TEST

START_TEST(samplings_by_name)
{
    ck_assert_int_eq(hd_sampling_parse("random"), HD_RANDOM);
    ck_assert_int_eq(hd_sampling_parse("GRID"), HD_GRID);
    ck_assert_int_eq(hd_sampling_parse("Bay_esian_"), HD_BAYESIAN);
    ck_assert_int_eq(hd_sampling_parse("_so_bol"), HD_SOBOL);
    ck_assert_int_eq(hd_sampling_parse("grids"), HD_SAMPLING_NONE);
    ck_assert_int_eq(hd_sampling_parse("gri"), HD_SAMPLING_NONE);
    ck_assert_int_eq(hd_sampling_parse(""), HD_SAMPLING_NONE);
    ck_assert_str_eq(hd_sampling_name(HD_BAYESIAN), "bayesian");
    ck_assert_ptr_null(hd_sampling_name(HD_SAMPLING_NONE));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("space");
    TCase *checks = tcase_create("checks");
    tcase_add_checked_fixture(checks, NULL, clear_problems);
    tcase_set_timeout(checks, 60);
    tcase_add_loop_test(checks, refused, 0, sizeof REFUSED / sizeof *REFUSED);
    tcase_add_test(checks, limits);
    tcase_add_test(checks, name_length);
    tcase_add_test(checks, branch_depth);
    tcase_add_test(checks, order_of_findings);
    tcase_add_test(checks, warned);
    tcase_add_loop_test(checks, variables_that_meet, 0, 4);
    tcase_add_test(checks, variables_of_many_options);
    suite_add_tcase(suite, checks);
    TCase *spaces = tcase_create("spaces");
    tcase_add_checked_fixture(spaces, NULL, clear_problems);
    tcase_add_test(spaces, notations_agree);
    tcase_add_test(spaces, lookalikes_are_constants);
    tcase_add_test(spaces, names_and_paths);
    tcase_add_loop_test(spaces, sizes, 0, sizeof SIZES / sizeof *SIZES);
    tcase_add_test(spaces, finite_spaces_ascend);
    tcase_add_test(spaces, huge_grids_begin);
    tcase_add_test(spaces, samplings_by_name);
    suite_add_tcase(suite, spaces);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
