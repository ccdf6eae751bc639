/* Argument lists, environments and placeholders: the vectors, what they leave open, and what a real shell makes of it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/program.h"
#include "specification_fixture.h"

static const struct hd_program_places places = {.outputs_directory = "/w/out"};

static cJSON *vectors(const char *section)
{
    FILE *file = fopen(HD_SOURCE_ROOT "/tests/vectors/expressions.json", "rb");
    struct hd_text text = {0};
    char chunk[4096];

    ck_assert_ptr_nonnull(file);
    for (size_t length = fread(chunk, 1, sizeof chunk, file); length > 0; length = fread(chunk, 1, sizeof chunk, file)) {
        hd_text_add(&text, chunk, length);
    }
    fclose(file);
    cJSON *all = fixture_json(text.data);
    cJSON *found = cJSON_DetachItemFromObjectCaseSensitive(all, section);
    ck_assert_ptr_nonnull(found);
    cJSON_Delete(all);
    hd_text_clear(&text);
    return found;
}

/* A case with a member that this test does not know is not run half: it fails. */
static void known_members(const cJSON *item, const char *names)
{
    for (const cJSON *member = item->child; member != NULL; member = member->next) {
        char choice[64];
        snprintf(choice, sizeof choice, " %s ", member->string);
        ck_assert_msg(strstr(names, choice) != NULL, "a case has the member %s, which the test does not know", member->string);
    }
}

static cJSON *copy_of(const cJSON *json)
{
    char *text = fixture_print(json);
    cJSON *copy = fixture_json(text);

    free(text);
    return copy;
}

/* A body whose space has exactly one configuration: the given one. */
static cJSON *body_for(const cJSON *configuration)
{
    cJSON *body = fixture_body();
    cJSON *space = cJSON_CreateObject();

    for (const cJSON *value = configuration->child; value != NULL; value = value->next) {
        cJSON *expression = cJSON_CreateObject();
        cJSON *values = cJSON_CreateArray();
        cJSON_AddItemToArray(values, copy_of(value));
        cJSON_AddItemToObject(expression, "type", cJSON_CreateString("choice"));
        cJSON_AddItemToObject(expression, "values", values);
        cJSON_AddItemToObject(space, value->string, expression);
    }
    cJSON *sampling = cJSON_GetObjectItemCaseSensitive(body, "hyperparameter_sampling");
    ck_assert(cJSON_ReplaceItemInObjectCaseSensitive(sampling, "parameter_space", space));
    fixture_change(body, "max_total_runs", "1");
    return body;
}

static void specification_of(cJSON *body, struct hd_specification *ret)
{
    struct hd_problems warnings = {0};

    fixture_specification(body, &warnings, ret);
    hd_problems_clear(&warnings);
    cJSON_Delete(body);
}

static void check_strings(const struct hd_strings *strings, const cJSON *expected)
{
    ck_assert_int_eq(strings->count, cJSON_GetArraySize(expected));
    for (int i = 0; i < strings->count; i++) {
        ck_assert_str_eq(strings->list[i], cJSON_GetArrayItem(expected, i)->valuestring);
    }
    ck_assert(strings->list == NULL || strings->list[strings->count] == NULL);
}

START_TEST(vectors_of_argument_lists)
{
    cJSON *cases = vectors("argument_lists");
    const cJSON *item;
    int count = 0;

    cJSON_ArrayForEach(item, cases)
    {
        known_members(item, " arguments hyperparameters nested_arguments resume_from_dir argv_after_script ");
        const cJSON *configuration = cJSON_GetObjectItemCaseSensitive(item, "hyperparameters");
        const cJSON *nested = cJSON_GetObjectItemCaseSensitive(item, "nested_arguments");
        struct hd_program_places with_resume = places;
        struct hd_strings arguments = {0};
        struct hd_specification specification;
        cJSON *body = body_for(configuration);
        cJSON_AddItemToObject(cJSON_GetObjectItemCaseSensitive(body, "run_config"), "arguments",
                              copy_of(cJSON_GetObjectItemCaseSensitive(item, "arguments")));
        if (nested != NULL) {
            cJSON_AddItemToObject(body, "nested_arguments", copy_of(nested));
        }
        with_resume.resume_directory = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "resume_from_dir"));
        specification_of(body, &specification);
        ck_assert_int_eq(hd_program_arguments(&specification, configuration, &with_resume, &arguments), 0);
        check_strings(&arguments, cJSON_GetObjectItemCaseSensitive(item, "argv_after_script"));
        hd_strings_clear(&arguments);
        hd_specification_clear(&specification);
        count++;
    }
    printf("expressions.json, argument_lists: %d cases\n", count);
    ck_assert_int_eq(count, 6);
    cJSON_Delete(cases);
}
END_TEST

START_TEST(vectors_of_environments)
{
    cJSON *cases = vectors("environments");
    const cJSON *item;
    int count = 0;

    cJSON_ArrayForEach(item, cases)
    {
        known_members(item, " hyperparameters environment ");
        const cJSON *configuration = cJSON_GetObjectItemCaseSensitive(item, "hyperparameters");
        const cJSON *expected = cJSON_GetObjectItemCaseSensitive(item, "environment");
        struct hd_strings environment = {0};
        struct hd_specification specification;
        specification_of(body_for(configuration), &specification);
        ck_assert_int_eq(hd_program_environment(&specification, configuration, &places, &environment), 0);
        ck_assert_int_eq(environment.count, cJSON_GetArraySize(expected));
        for (int i = 0; i < environment.count; i++) {
            char *equals = strchr(environment.list[i], '=');
            ck_assert_ptr_nonnull(equals);
            *equals = '\0';
            ck_assert_pstr_eq(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(expected, environment.list[i])), equals + 1);
        }
        hd_strings_clear(&environment);
        hd_specification_clear(&specification);
        count++;
    }
    printf("expressions.json, environments: %d cases\n", count);
    ck_assert_int_eq(count, 2);
    cJSON_Delete(cases);
}
END_TEST

/* The inputs of the vectors: a path is an input like any other literal. */
static cJSON *placeholder_body(const cJSON *values, const char *command)
{
    cJSON *body = body_for(cJSON_GetObjectItemCaseSensitive(values, "search_space"));
    cJSON *run = fixture_json("{}");
    cJSON *outputs = cJSON_CreateObject();

    for (const cJSON *output = cJSON_GetObjectItemCaseSensitive(values, "outputs")->child; output != NULL; output = output->next) {
        char expected[128];
        snprintf(expected, sizeof expected, "%s/%s", places.outputs_directory, output->string);
        ck_assert_str_eq(output->valuestring, expected);
        cJSON_AddItemToObject(outputs, output->string, cJSON_CreateObject());
    }
    cJSON_AddItemToObject(run, "command", cJSON_CreateString(command));
    cJSON_AddItemToObject(run, "inputs", copy_of(cJSON_GetObjectItemCaseSensitive(values, "inputs")));
    cJSON_AddItemToObject(run, "outputs", outputs);
    ck_assert(cJSON_ReplaceItemInObjectCaseSensitive(body, "run_config", run));
    return body;
}

static void check_placeholder_error(cJSON *body, const char *code)
{
    struct hd_problems errors = {0};
    struct hd_problems warnings = {0};
    struct hd_specification specification;

    ck_assert_int_eq(hd_specification_parse(body, &fixture_options, &errors, &warnings, &specification), -1);
    ck_assert_int_eq(errors.count, 1);
    ck_assert_str_eq(errors.list[0].code, code);
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    cJSON_Delete(body);
}

START_TEST(vectors_of_placeholders)
{
    cJSON *values = vectors("placeholder_values");
    cJSON *cases = vectors("placeholders");
    const cJSON *item;
    int count = 0;

    known_members(values, " search_space inputs outputs ");
    cJSON_ArrayForEach(item, cases)
    {
        known_members(item, " command result note error ");
        const char *result = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "result"));
        const char *error = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "error"));
        cJSON *body = placeholder_body(values, cJSON_GetObjectItemCaseSensitive(item, "command")->valuestring);
        count++;
        ck_assert((result == NULL) != (error == NULL));
        if (error != NULL) {
            check_placeholder_error(body, error);
            continue;
        }
        struct hd_specification specification;
        struct hd_strings argv = {0};
        specification_of(body, &specification);
        ck_assert_int_eq(hd_program_argv(&specification, cJSON_GetObjectItemCaseSensitive(values, "search_space"), &places, &argv), 0);
        ck_assert_int_eq(argv.count, 3);
        ck_assert_str_eq(argv.list[0], "/bin/sh");
        ck_assert_str_eq(argv.list[1], "-c");
        ck_assert_str_eq(argv.list[2], result);
        hd_strings_clear(&argv);
        hd_specification_clear(&specification);
    }
    printf("expressions.json, placeholders: %d cases\n", count);
    ck_assert_int_eq(count, 15);
    cJSON_Delete(cases);
    cJSON_Delete(values);
}
END_TEST

/* Command lines: run_config, the configuration, and the whole list that is executed, as JSON. */
static const struct {
    const char *run_config;
    const char *configuration;
    const char *argv;
} programs[] = {
    {"{\"source_directory\": \"/src\", \"script\": \"train.py\"}", "{\"lr\": 0.5}", "[\"python3\", \"train.py\", \"--lr\", \"0.5\"]"},
    {"{\"source_directory\": \"/src\", \"script\": \"a/run\", \"interpreter\": null}", "{\"lr\": 1}", "[\"./a/run\", \"--lr\", \"1\"]"},
    {"{\"source_directory\": \"/src\", \"script\": \"-c.py\", \"interpreter\": \"/usr/bin/perl\"}", "{\"-l\": 1}",
     "[\"/usr/bin/perl\", \"./-c.py\", \"-l\", \"1\"]"},
    /* Nothing is substituted in arguments. */
    {"{\"source_directory\": \"/src\", \"script\": \"t\", \"arguments\": [\"${{search_space.lr}}\", \"{inputs.x}\"]}", "{\"lr\": -1e-05}",
     "[\"python3\", \"t\", \"${{search_space.lr}}\", \"{inputs.x}\", \"--lr\", \"-0.00001\"]"},
    /* A command is executed as it is; in an array nothing is quoted, and a value stays one word. */
    {"{\"command\": [\"t\", \"--x=${{search_space.x}}\", \"a b\", \"\\\\${{ search_space.x }}'\", \"# {search_space.x}\"]}",
     "{\"x\": \"it's $5\"}", "[\"t\", \"--x=it's $5\", \"a b\", \"\\\\it's $5'\", \"# it's $5\"]"},
    /* Nothing is substituted twice. */
    {"{\"command\": \"t ${{search_space.a}} ${{search_space.b}}\"}", "{\"a\": \"${{search_space.b}}\", \"b\": \"{search_space.a}\"}",
     "[\"/bin/sh\", \"-c\", \"t '${{search_space.b}}' '{search_space.a}'\"]"},
    /* Names with dots, and the names of members behind them. */
    {"{\"command\": [\"${{search_space.a.b}}\", \"${{search_space.a.b.c}}\", \"${{inputs.a.b.c}}\"]}", "{\"a.b\": {\"c\": 5}}",
     "[\"{\\\"c\\\":5}\", \"5\", \"5\"]"},
    /* Shells' own braces are left alone. */
    {"{\"command\": \"t ${HOME} {a,b} ${inputs.x} {search_space.} {search_space} { inputs.y } ${{search_space.lr}}\", \"inputs\": {\"y\": "
     "2}}",
     "{\"lr\": 1}", "[\"/bin/sh\", \"-c\", \"t ${HOME} {a,b} ${inputs.x} {search_space.} {search_space} 2 1\"]"},
    /* A backslash takes a placeholder its meaning; a comment has none. */
    {"{\"command\": \"t \\\\${{search_space.lr}} \\\"\\\\${{search_space.lr}}\\\" a#${{search_space.lr}} # don't ${{search_space.lr}}\\nu "
     "${{search_space.m}}\"}",
     "{\"lr\": 1, \"m\": \"x y\"}",
     "[\"/bin/sh\", \"-c\", \"t \\\\${{search_space.lr}} \\\"\\\\${{search_space.lr}}\\\" a#1 # don't ${{search_space.lr}}\\nu 'x y'\"]"},
    /* Inputs and outputs. */
    {"{\"command\": [\"${{inputs.d}}\", \"${{inputs.t}}\", \"${{outputs.m}}\", \"${{outputs.f}}\", \"$AZUREML_SWEEP_lr\"], \"inputs\": "
     "{\"d\": {\"path\": "
     "\"/data/iris.csv\"}, \"t\": true}, \"outputs\": {\"m\": {}, \"f\": {\"type\": \"uri_file\"}}}",
     "{\"lr\": 1}", "[\"/data/iris.csv\", \"True\", \"/w/out/m\", \"/w/out/f/f\", \"$AZUREML_SWEEP_lr\"]"},
};

START_TEST(whole_command_lines)
{
    cJSON *configuration = fixture_json(programs[_i].configuration);
    cJSON *expected = fixture_json(programs[_i].argv);
    cJSON *body = body_for(configuration);
    struct hd_specification specification;
    struct hd_strings argv = {0};

    fixture_change(body, "run_config", programs[_i].run_config);
    specification_of(body, &specification);
    ck_assert_int_eq(hd_program_argv(&specification, configuration, &places, &argv), 0);
    check_strings(&argv, expected);
    hd_strings_clear(&argv);
    hd_specification_clear(&specification);
    cJSON_Delete(expected);
    cJSON_Delete(configuration);
}
END_TEST

START_TEST(arguments_of_a_command_are_the_command)
{
    cJSON *configuration = fixture_json("{\"lr\": 0.5}");
    cJSON *expected = fixture_json("[\"/bin/sh\", \"-c\", \"t 0.5\"]");
    cJSON *body = body_for(configuration);
    struct hd_program_places resumed = {.outputs_directory = "/w", .resume_directory = "/old"};
    struct hd_specification specification;
    struct hd_strings arguments = {0};
    struct hd_strings environment = {0};

    fixture_change(body, "run_config", "{\"command\": \"t ${{search_space.lr}}\"}");
    specification_of(body, &specification);
    ck_assert_int_eq(hd_program_arguments(&specification, configuration, &resumed, &arguments), 0);
    check_strings(&arguments, expected);
    ck_assert_int_eq(hd_program_environment(&specification, configuration, &resumed, &environment), 0);
    ck_assert_int_eq(environment.count, 2);
    ck_assert_str_eq(environment.list[0], "AZUREML_SWEEP_lr=0.5");
    ck_assert_str_eq(environment.list[1], "AZUREML_DATAREFERENCE_MODEL_LOCATION=/old");
    hd_strings_clear(&environment);
    hd_strings_clear(&arguments);
    hd_specification_clear(&specification);
    cJSON_Delete(expected);
    cJSON_Delete(configuration);
}
END_TEST

START_TEST(a_branch_that_was_not_drawn_is_empty)
{
    cJSON *body = fixture_body();
    cJSON *drawn = fixture_json("{\"conv\": {\"k\": 3}}");
    cJSON *not_drawn = fixture_json("{\"conv\": \"none\"}");
    struct hd_specification specification;
    struct hd_strings argv = {0};

    fixture_change(body, "hyperparameter_sampling.parameter_space", "{\"conv\": [\"choice\", [[\"none\", {\"k\": 3}]]]}");
    fixture_change(body, "run_config",
                   "{\"command\": \"t ${{search_space.conv.k}} \\\"${{search_space.conv.k}}\\\" '${{search_space.conv.k}}'\"}");
    specification_of(body, &specification);
    ck_assert_int_eq(hd_program_argv(&specification, drawn, &places, &argv), 0);
    ck_assert_str_eq(argv.list[2], "t 3 \"3\" '3'");
    hd_strings_clear(&argv);
    ck_assert_int_eq(hd_program_argv(&specification, not_drawn, &places, &argv), 0);
    ck_assert_str_eq(argv.list[2], "t '' \"\" ''");
    hd_strings_clear(&argv);
    hd_specification_clear(&specification);
    cJSON_Delete(drawn);
    cJSON_Delete(not_drawn);
}
END_TEST

START_TEST(environment_variables_come_first_with_their_values)
{
    cJSON *configuration = fixture_json("{\"--lr\": 0.5, \"c\": {\"d.e\": [1, \"x\"]}}");
    cJSON *expected = fixture_json("[\"A=0.5 {\\\"d.e\\\":[1,\\\"x\\\"]} '/w/out/m'\", \"B=\", \"AZUREML_SWEEP_lr=0.5\", "
                                   "\"AZUREML_SWEEP_c={\\\"d.e\\\":[1,\\\"x\\\"]}\", \"AZUREML_SWEEP_c__d_e=[1,\\\"x\\\"]\"]");
    cJSON *body = body_for(configuration);
    struct hd_specification specification;
    struct hd_strings environment = {0};

    fixture_change(body, "run_config.outputs", "{\"m\": {}}");
    fixture_change(body, "run_config.environment_variables", "{\"A\": \"${{inputs.lr}} ${{search_space.c}} '{outputs.m}'\", \"B\": \"\"}");
    specification_of(body, &specification);
    ck_assert_int_eq(hd_program_environment(&specification, configuration, &places, &environment), 0);
    check_strings(&environment, expected);
    hd_strings_clear(&environment);
    hd_specification_clear(&specification);
    cJSON_Delete(expected);
    cJSON_Delete(configuration);
}
END_TEST

START_TEST(names_of_variables)
{
    static const struct {
        const char *parameter, *name;
    } names[] = {{"lr", "lr"},
                 {"--learning-rate", "learning_rate"},
                 {"-k", "k"},
                 {"a/b.c", "a_b_c"},
                 {"caf\303\251", "caf_"},
                 {"\360\237\231\202", "_"},
                 {"x_9", "x_9"}};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *name = hd_environment_name(names[i].parameter);
        ck_assert_str_eq(name, names[i].name);
        free(name);
    }
}
END_TEST

/* What a real shell hands on: every value arrives as one word with exactly its bytes, wherever its placeholder stands. */
START_TEST(no_value_is_ever_code)
{
    static const char *const values[] = {
        "plain",       "",         "two words",  "it's", "\"quoted\"", "$HOME",   "`id`",     "$(id)", "a\\b", "\\",
        "'",           "''",       "\"",         ";id",  "&&id",       "|id",     ">x",       "*",     "~",    "#x",
        "-n",          "a\tb",     "{a,b}",      "!x",   "\\'",        "'\"'\"'", "$",        "\\$",   "a=b",  "\303\251",
        "${{inputs}}", "x'; id #", "\"; id; \"", "%s%n", "line\nfeed", "\\n",     "`'\"$(\\", "[x]",   "?",    "a'b\"c$d`e\\f",
    };
    static const char command[] =
        "printf '<%s>' ${{search_space.x}} \"${{search_space.x}}\" '${{search_space.x}}' \"a'\"${{search_space.x}}'\"'"
        " # it's a comment ${{search_space.x}}\nprintf '<%s>' ${{search_space.x}}\\'";
    int count = 0;

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        cJSON *configuration = cJSON_CreateObject();
        struct hd_specification specification;
        struct hd_strings argv = {0};
        struct hd_text output = {0};
        struct hd_text expected = {0};
        cJSON_AddStringToObject(configuration, "x", values[i]);
        cJSON *body = body_for(configuration);
        cJSON *run = fixture_json("{}");
        cJSON_AddItemToObject(run, "command", cJSON_CreateString(command));
        ck_assert(cJSON_ReplaceItemInObjectCaseSensitive(body, "run_config", run));
        specification_of(body, &specification);
        ck_assert_int_eq(hd_program_argv(&specification, configuration, &places, &argv), 0);
        FILE *shell = popen(argv.list[2], "r");
        ck_assert_ptr_nonnull(shell);
        for (int byte = fgetc(shell); byte != EOF; byte = fgetc(shell)) {
            hd_text_add_char(&output, (char)byte);
        }
        ck_assert_int_eq(pclose(shell), 0);
        hd_text_format(&expected, "<%s><%s><%s><a'%s\"><%s'>", values[i], values[i], values[i], values[i], values[i]);
        ck_assert_str_eq(output.data, expected.data);
        hd_text_clear(&output);
        hd_text_clear(&expected);
        hd_strings_clear(&argv);
        hd_specification_clear(&specification);
        cJSON_Delete(configuration);
        count++;
    }
    ck_assert_int_eq(count, 40);
}
END_TEST

START_TEST(lists_of_strings)
{
    struct hd_strings strings = {0};

    hd_strings_clear(&strings);
    for (int i = 0; i < 100; i++) {
        char number[8];
        snprintf(number, sizeof number, "%d", i);
        ck_assert_int_eq(hd_strings_add(&strings, number), 0);
        ck_assert_int_eq(strings.count, i + 1);
        ck_assert_ptr_null(strings.list[i + 1]);
        ck_assert_str_eq(strings.list[i], number);
    }
    hd_strings_clear(&strings);
    ck_assert_ptr_null(strings.list);
    ck_assert_int_eq(strings.count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("program");
    TCase *cases = tcase_create("program");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, vectors_of_argument_lists);
    tcase_add_test(cases, vectors_of_environments);
    tcase_add_test(cases, vectors_of_placeholders);
    tcase_add_loop_test(cases, whole_command_lines, 0, sizeof programs / sizeof programs[0]);
    tcase_add_test(cases, arguments_of_a_command_are_the_command);
    tcase_add_test(cases, a_branch_that_was_not_drawn_is_empty);
    tcase_add_test(cases, environment_variables_come_first_with_their_values);
    tcase_add_test(cases, names_of_variables);
    tcase_add_test(cases, no_value_is_ever_code);
    tcase_add_test(cases, lists_of_strings);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
