/* Specifications that are taken: defaults, the output and its warnings; and the output as input. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "specification_fixture.h"

#define SPACE    "hyperparameter_sampling.parameter_space"
#define SAMPLING "hyperparameter_sampling"
#define GRID                                                                                                                               \
    {                                                                                                                                      \
        SAMPLING, "{\"type\": \"grid\", \"parameter_space\": {\"a\": [\"choice\", [[1, 2]]]}}"                                             \
    }
#define COMMAND                                                                                                                            \
    {                                                                                                                                      \
        "run_config", "{\"command\": \"t ${{search_space.lr}} ${{search_space.layers}}\"}"                                                 \
    }

/* A branch with so many expressions in all, one choice included. */
static cJSON *space_of_dimensions(int dimensions)
{
    cJSON *space = fixture_json("{\"a\": [\"choice\", [[{}, 1]]]}");
    cJSON *branch = cJSON_GetArrayItem(cJSON_GetArrayItem(cJSON_GetArrayItem(cJSON_GetObjectItem(space, "a"), 1), 0), 0);

    for (int i = 1; i < dimensions; i++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", i);
        ck_assert(cJSON_AddItemToObject(branch, name, fixture_json("[\"uniform\", [0, 1]]")));
    }
    return space;
}

START_TEST(sobol_has_so_many_dimensions)
{
    static const char *const given[] = {"type", "rule"};
    cJSON *body = fixture_body();
    cJSON *sampling = cJSON_GetObjectItem(body, SAMPLING);
    struct hd_problems errors = {0}, warnings = {0};
    struct hd_specification specification;

    fixture_change(body, given[_i] == given[0] ? SAMPLING ".type" : SAMPLING ".rule", "\"sobol\"");
    cJSON_ReplaceItemInObject(sampling, "parameter_space", space_of_dimensions(481));
    fixture_specification(body, NULL, &specification);
    ck_assert_int_eq(specification.sampling.type, HD_SOBOL);
    ck_assert_uint_eq(hd_space_dimensions(specification.space), 481);
    hd_specification_clear(&specification);
    cJSON_ReplaceItemInObject(sampling, "parameter_space", space_of_dimensions(482));
    ck_assert_int_eq(hd_specification_parse(body, &fixture_options, &errors, &warnings, &specification), -1);
    ck_assert_uint_eq(errors.count, 1);
    ck_assert_str_eq(errors.list[0].code, "OutOfRange");
    ck_assert_str_eq(errors.list[0].target, SPACE);
    ck_assert_str_eq(errors.list[0].message, "sobol sampling allows at most 481 dimensions, the space has 482");
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    cJSON_Delete(body);
}
END_TEST

/* The complete output of the fixture's body. */
START_TEST(every_default_is_filled_in)
{
    cJSON *body = fixture_body();
    struct hd_specification specification;

    fixture_specification(body, NULL, &specification);
    char *config = fixture_print(specification.config);
    ck_assert_str_eq(
        config,
        "{\"experiment\": \"Default\", \"name\": null, \"display_name\": null, \"description\": null, \"tags\": {}, "
        "\"hyperparameter_sampling\": {\"type\": \"random\", \"parameter_space\": {\"lr\": {\"type\": \"uniform\", \"min_value\": 0, "
        "\"max_value\": 1}, \"--layers\": {\"type\": \"choice\", \"values\": [1, 2, 3]}}, \"properties\": {}, \"seed\": 4242, \"rule\": "
        "\"random\", \"logbase\": \"e\"}, \"primary_metric_name\": \"Accuracy\", \"primary_metric_goal\": \"maximize\", "
        "\"max_total_runs\": 20, \"max_concurrent_runs\": null, \"max_duration_minutes\": 10080, \"max_duration_seconds\": 604800, "
        "\"trial_timeout_seconds\": null, \"policy\": null, \"run_config\": {\"script\": \"train.py\", \"command\": null, "
        "\"source_directory\": \"/src\", \"arguments\": [], \"interpreter\": \"python3\", \"inputs\": {}, \"outputs\": {}, "
        "\"environment_variables\": {}, \"max_run_duration_seconds\": null, \"compute_target\": \"local\", \"snapshot\": true, "
        "\"gpus_per_run\": 0, \"cpus_per_run\": 1, \"memory_limit_mb\": null, \"process_limit\": null, \"cpu_limit\": false, "
        "\"max_retries\": 0, \"retry_on\": [\"lost\"], \"launcher\": \"local\", "
        "\"metrics_from_output\": null}, \"resume_from\": null, \"resume_child_runs\": null, \"initial_failure_limit\": 3, "
        "\"nested_arguments\": \"json\"}");
    ck_assert_str_eq(specification.experiment, "Default");
    ck_assert_ptr_null(specification.name);
    ck_assert_int_eq(specification.sampling.type, HD_RANDOM);
    ck_assert_int_eq(specification.sampling.seed, 4242);
    ck_assert_str_eq(specification.metric, "Accuracy");
    ck_assert_int_eq(specification.goal, HD_MAXIMIZE);
    ck_assert_int_eq(specification.max_total_runs, 20);
    ck_assert_int_eq(specification.max_concurrent_runs, 0);
    ck_assert_int_eq(specification.max_duration_us, INT64_C(604800000000));
    ck_assert_int_eq(specification.trial_timeout_us, 0);
    ck_assert_int_eq(specification.initial_failure_limit, 3);
    ck_assert(!specification.nested_flat);
    ck_assert_str_eq(specification.run.source_directory, "/src");
    ck_assert_str_eq(specification.run.script, "train.py");
    ck_assert_str_eq(specification.run.interpreter, "python3");
    ck_assert_ptr_null(specification.run.command);
    ck_assert(specification.run.snapshot);
    ck_assert(specification.run.gpus_per_run == 0 && specification.run.cpus_per_run == 1);
    ck_assert_int_eq(hd_space_parameters(specification.space), 2);
    free(config);
    hd_specification_clear(&specification);
    ck_assert_ptr_null(specification.config);
    cJSON_Delete(body);
}
END_TEST

#define NO_TRIAL_TIMEOUT                                                                                                                   \
    {                                                                                                                                      \
        "NoTrialTimeout", "trial_timeout_seconds",                                                                                         \
            "'trial_timeout_seconds' is not given: a child whose client vanishes runs for ever, and keeps its place among "                \
            "'max_concurrent_runs', until somebody tells its end or cancels the sweep"                                                     \
    }

/* Right bodies: the changes, a field of the output that they make, and the warnings. */
#define NO_PROGRAM " has no effect with the client launcher: whoever asks for a child runs it"

static const struct {
    struct change changes[FIXTURE_CHANGES];
    const char *path; /* in the output */
    const char *text;
    struct finding warnings[6];
} accepted[] = {
    {{{"experiment", "\"iris\""}, {"name", "\"n\""}, {"description", "\"two\\nlines\""}}, "description", "\"two\\nlines\"", {{0}}},
    {{{"tags", "{\"a\": \"b\"}"}}, "tags", "{\"a\": \"b\"}", {{0}}},
    {{{SAMPLING ".type", "\"RANDOM\""}}, SAMPLING ".type", "\"random\"", {{0}}},
    {{{SAMPLING ".rule", "\"Sobol\""}}, SAMPLING ".rule", "\"sobol\"", {{0}}},
    {{{SAMPLING ".type", "\"Sobol\""}}, SAMPLING ".type", "\"random\"", {{0}}},
    {{{SAMPLING ".type", "\"sobol\""}, {SAMPLING ".seed", "3"}, {SAMPLING ".logbase", "2"}, {SPACE, "{\"a\": [\"uniform\", [0, 1]]}"}},
     SAMPLING,
     "{\"type\": \"random\", \"parameter_space\": {\"a\": {\"type\": \"uniform\", \"min_value\": 0, \"max_value\": 1}}, \"properties\": "
     "{}, "
     "\"seed\": 3, \"rule\": \"sobol\", \"logbase\": 2}",
     {{0}}},
    {{{SAMPLING ".type", "\"sobol\""}, {SAMPLING ".rule", "\"SOBOL\""}}, SAMPLING ".rule", "\"sobol\"", {{0}}},
    {{{SAMPLING ".seed", "-7.0"}}, SAMPLING ".seed", "-7", {{0}}},
    {{{SAMPLING ".seed", "9007199254740991"}}, SAMPLING ".seed", "9007199254740991", {{0}}},
    {{{SAMPLING ".logbase", "10"}}, SAMPLING ".logbase", "10", {{0}}},
    {{{SAMPLING ".properties", "{\"a\": [1.0, null]}"}}, SAMPLING ".properties", "{\"a\": [1.0, null]}", {{0}}},
    {{{"primary_metric_goal", "\"MINIMIZE\""}}, "primary_metric_goal", "\"minimize\"", {{0}}},
    {{{"primary_metric_name", NULL}, {"primary_metric_goal", NULL}}, "primary_metric_name", "null", {{0}}},
    {{{"primary_metric_name", "null"}, {"primary_metric_goal", "null"}}, "primary_metric_goal", "null", {{0}}},
    {{{"max_total_runs", "5.0"}}, "max_total_runs", "5", {{0}}},
    {{{"max_total_runs", "1000000"}}, "max_total_runs", "1000000", {{0}}},
    {{GRID, {"max_total_runs", NULL}}, "max_total_runs", "2", {{0}}},
    {{GRID, {"max_total_runs", "2"}},
     SAMPLING,
     "{\"type\": \"grid\", \"parameter_space\": {\"a\": {\"type\": \"choice\", \"values\": [1, 2]}}, \"properties\": {}}",
     {{0}}},
    {{{"max_duration_minutes", "1.5"}}, "max_duration_seconds", "90", {{0}}},
    {{{"max_duration_minutes", "0.001"}}, "max_duration_seconds", "0.06", {{0}}},
    {{{"max_duration_minutes", "1e9"}}, "max_duration_seconds", "60000000000", {{0}}},
    {{{"max_duration_seconds", "100"}}, "max_duration_minutes", "1.6666666666666667", {{0}}},
    {{{"max_duration_seconds", "5"}}, "max_duration_seconds", "5", {{0}}},
    {{{"max_duration_minutes", "2.0"}, {"max_duration_seconds", "120"}}, "max_duration_minutes", "2.0", {{0}}},
    {{{"max_duration_minutes", "0.001"}, {"max_duration_seconds", "0.06"}}, "max_duration_seconds", "0.06", {{0}}},
    {{{"policy", "{\"type\": \"None\"}"}}, "policy", "null", {{0}}},
    {{{"policy", "null"}}, "policy", "null", {{0}}},
    {{{"policy", "{\"type\": \"Bandit\", \"slack_amount\": 0.1, \"slack_factor\": 0}"}},
     "policy",
     "{\"type\": \"bandit\", \"slack_factor\": null, \"slack_amount\": 0.1, \"evaluation_interval\": 1, \"delay_evaluation\": 0}",
     {{0}}},
    {{{"policy", "{\"type\": \"MedianStopping\", \"delay_evaluation\": 5}"}},
     "policy",
     "{\"type\": \"median_stopping\", \"evaluation_interval\": 1, \"delay_evaluation\": 5}",
     {{0}}},
    {{{"policy", "{\"type\": \"TRUNCATION_SELECTION\", \"truncation_percentage\": 20.0}"}},
     "policy",
     "{\"type\": \"truncation_selection\", \"evaluation_interval\": 1, \"delay_evaluation\": 0, \"truncation_percentage\": 20, "
     "\"exclude_finished_jobs\": false}",
     {{0}}},
    {{{"run_config.interpreter", "null"}}, "run_config.interpreter", "null", {{0}}},
    {{{"run_config.environment", "null"}, {"run_config.docker_runtime_config", "{}"}}, "run_config.environment_variables", "{}", {{0}}},
    {{{"run_config.script", "\"a..b/..c/train.py\""}}, "run_config.script", "\"a..b/..c/train.py\"", {{0}}},
    {{{"run_config.inputs", "{\"d\": {\"path\": \"/data/iris.csv\", \"type\": \"uri_file\"}, \"A\": 0.5}"}},
     "run_config.inputs",
     "{\"d\": {\"type\": \"uri_file\", \"mode\": \"ro_mount\", \"path\": \"/data/iris.csv\"}, \"A\": 0.5}",
     {{0}}},
    {{{"run_config.inputs", "{\"u\": {\"path\": \"https://example.org/x\", \"mode\": \"direct\"}}"}},
     "run_config.inputs.u.mode",
     "\"direct\"",
     {{0}}},
    {{{"run_config.outputs", "{\"model\": {}}"}},
     "run_config.outputs",
     "{\"model\": {\"type\": \"uri_folder\", \"mode\": \"rw_mount\"}}",
     {{0}}},
    {{{"run_config.cpus_per_run", "0.5"}}, "run_config.cpus_per_run", "0.5", {{0}}},
    {{{"run_config.memory_limit_mb", "512"}}, "run_config.memory_limit_mb", "512", {{0}}},
    {{{"run_config.cpu_limit", "true"}}, "run_config.cpu_limit", "true", {{0}}},
    {{{"run_config.gpus_per_run", "0.25"}}, "run_config.gpus_per_run", "0.25", {{0}}},
    {{{"run_config.gpus_per_run", "2.0"}}, "run_config.gpus_per_run", "2.0", {{0}}},
    {{{"resume_from", "[]"}}, "resume_from", "[]", {{0}}},
    {{{"initial_failure_limit", "0"}}, "initial_failure_limit", "0", {{0}}},
    {{{"nested_arguments", "\"flat\""}}, "nested_arguments", "\"flat\"", {{0}}},
    {{COMMAND}, "run_config.interpreter", "null", {{0}}},
    {{COMMAND, {"run_config.source_directory", "\"/src\""}, {"run_config.script", "null"}}, "run_config.script", "null", {{0}}},
    /* Warnings. */
    {{GRID, {"max_total_runs", "1"}}, "max_total_runs", "1", {{"GridTruncated", "max_total_runs", "1 of 2 combinations will not be run"}}},
    {{{"hyperparameter_sampling.parameter_space", "{\"lr\": {\"type\": \"choice\", \"values\": [1]}}"}, {"max_total_runs", "3"}},
     "max_total_runs",
     "3",
     {{"SpaceSmallerThanBudget", "max_total_runs",
       "the space has only 1 configuration: the sweep ends after it, before 'max_total_runs' (3)"}}},
    {{GRID, {"max_total_runs", "3"}},
     "max_total_runs",
     "3",
     {{"SpaceSmallerThanBudget", "max_total_runs",
       "the space has only 2 configurations: the sweep ends after them, before 'max_total_runs' (3)"}}},
    {{{SPACE, "{\"a\": [\"randint\", [10]]}"}},
     "max_total_runs",
     "20",
     {{"SpaceSmallerThanBudget", "max_total_runs",
       "the space has only 10 configurations: the sweep ends after them, before 'max_total_runs' (20)"}}},
    {{{"max_concurrent_runs", "21"}},
     "max_concurrent_runs",
     "21",
     {{"ConcurrencyAboveTotal", "max_concurrent_runs", "'max_concurrent_runs' (21) is more than 'max_total_runs' (20) and acts as that"}}},
    {{{"run_config.compute_target", "\"gpu-cluster\""}},
     "run_config.compute_target",
     "\"gpu-cluster\"",
     {{"Ignored", "run_config.compute_target", "'run_config.compute_target' is ignored: children run on the machine of the daemon"}}},
    {{{"debug_flag", "{\"x\": 1}"}},
     "nested_arguments",
     "\"json\"",
     {{"Ignored", "debug_flag", "'debug_flag' is accepted for compatibility and has no effect"}}},
    {{{"run_config.arguments", "[\"--lr\", 0.5, \"--layers=3\", \"--lrx\", \"lr\"]"}},
     "nested_arguments",
     "\"json\"",
     {{"ArgumentOverlap", "run_config.arguments",
       "'run_config.arguments' and the parameter space both give --lr, --layers; the swept value comes last and usually wins"}}},
    {{{"run_config", "{\"launcher\": \"Client\"}"}}, "run_config.launcher", "\"client\"", {NO_TRIAL_TIMEOUT}},
    {{{"run_config", "{\"launcher\": \"client\"}"}, {"trial_timeout_seconds", "60"}}, "run_config.launcher", "\"client\"", {{0}}},
    {{{"run_config", "{\"launcher\": \"client\", \"max_run_duration_seconds\": 60}"}}, "run_config.launcher", "\"client\"", {{0}}},
    {{{"run_config", "{\"launcher\": \"client\", \"command\": \"t $AZUREML_SWEEP_lr $AZUREML_SWEEP_layers\", \"snapshot\": false, "
                     "\"gpus_per_run\": 8, \"cpus_per_run\": 1.0, \"memory_limit_mb\": 5, \"cpu_limit\": true, \"interpreter\": null}"},
      {"trial_timeout_seconds", "60"}},
     "run_config.gpus_per_run",
     "8",
     {{"Ignored", "run_config.command", "'run_config.command'" NO_PROGRAM},
      {"Ignored", "run_config.snapshot", "'run_config.snapshot'" NO_PROGRAM},
      {"Ignored", "run_config.gpus_per_run", "'run_config.gpus_per_run'" NO_PROGRAM},
      {"Ignored", "run_config.memory_limit_mb", "'run_config.memory_limit_mb'" NO_PROGRAM},
      {"Ignored", "run_config.cpu_limit", "'run_config.cpu_limit'" NO_PROGRAM}}},
    {{{"run_config", "{\"launcher\": \"client\", \"inputs\": {\"a\": 1}, \"outputs\": {}, \"environment_variables\": {\"X\": \"\"}, "
                     "\"retry_on\": [\"signal\"]}"},
      {"trial_timeout_seconds", "60"}},
     "run_config.retry_on",
     "[\"signal\"]",
     {{"Ignored", "run_config.inputs", "'run_config.inputs'" NO_PROGRAM},
      {"Ignored", "run_config.environment_variables", "'run_config.environment_variables'" NO_PROGRAM},
      {"Ignored", "run_config.retry_on", "'run_config.retry_on'" NO_PROGRAM}}},
    {{{"run_config", "{\"launcher\": \"client\", \"compute_target\": \"gpu-cluster\"}"}},
     "run_config.compute_target",
     "\"gpu-cluster\"",
     {{"Ignored", "run_config.compute_target", "'run_config.compute_target' is ignored: whoever asks for a child runs it"},
      NO_TRIAL_TIMEOUT}},
    {{{"run_config.retry_on", "[\"signal\"]"}},
     "run_config.retry_on",
     "[\"signal\"]",
     {{"Ignored", "run_config.retry_on",
       "'run_config.retry_on' has no effect while 'run_config.max_retries' is 0; say there how often a child may be started again"}}},
    {{{"run_config.retry_on", "[\"lost\"]"}}, "run_config.retry_on", "[\"lost\"]", {{0}}},
    {{{"run_config.retry_on", "[]"}}, "run_config.retry_on", "[]", {{0}}},
    {{{"run_config.launcher", "\"client\""}, {"run_config.source_directory", "\"/elsewhere\""}},
     "run_config.script",
     "\"train.py\"",
     {{"Ignored", "run_config.script", "'run_config.script' has no effect with the client launcher: whoever asks for a child runs it"},
      {"Ignored", "run_config.source_directory",
       "'run_config.source_directory' has no effect with the client launcher: whoever asks for a child runs it"},
      NO_TRIAL_TIMEOUT}},
    {{COMMAND, {"run_config.arguments", "[1]"}, {"run_config.interpreter", "\"perl\""}},
     "run_config.arguments",
     "[1]",
     {{"Ignored", "run_config.arguments", "'run_config.arguments' has no effect with 'run_config.command', which is executed as it is"},
      {"Ignored", "run_config.interpreter",
       "'run_config.interpreter' has no effect with 'run_config.command', which names its own program"}}},
    {{{"run_config", "{\"command\": \"t {search_space.lr} {search_space.lr}\"}"}},
     "run_config.source_directory",
     "null",
     {{"SingleBrace", "run_config.command",
       "'run_config.command' has the old placeholder form {search_space.lr}; write ${{search_space.lr}}"},
      {"ParameterNotReferenced", "run_config.command",
       "'run_config.command' mentions parameter '--layers' neither as ${{search_space.layers}} nor as AZUREML_SWEEP_layers"}}},
    {{{"run_config", "{\"command\": [\"t\", \"$AZUREML_SWEEP_lr2\", \"${{inputs.layers}}\"]}"}},
     "run_config.command",
     "[\"t\", \"$AZUREML_SWEEP_lr2\", \"${{inputs.layers}}\"]",
     {{"ParameterNotReferenced", "run_config.command",
       "'run_config.command' mentions parameter 'lr' neither as ${{search_space.lr}} nor as AZUREML_SWEEP_lr"}}},
    {{{"run_config", "{\"command\": \"t $AZUREML_SWEEP_lr $X\", \"environment_variables\": {\"X\": \"${{search_space.--layers}}\"}}"}},
     "run_config.environment_variables",
     "{\"X\": \"${{search_space.--layers}}\"}",
     {{0}}},
};

enum { ACCEPTED = sizeof accepted / sizeof accepted[0] };

static const cJSON *at_path(const cJSON *config, const char *path)
{
    char *copy = strdup(path);
    char *rest = copy;

    for (char *part = strsep(&rest, "."); part != NULL; part = strsep(&rest, ".")) {
        config = cJSON_GetObjectItemCaseSensitive(config, part);
    }
    free(copy);
    return config;
}

START_TEST(right_bodies_their_output_and_their_warnings)
{
    cJSON *body = fixture_changed_body(accepted[_i].changes, FIXTURE_CHANGES);
    struct hd_problems warnings = {0};
    struct hd_specification specification;

    fixture_specification(body, &warnings, &specification);
    fixture_check_findings(&warnings, accepted[_i].warnings, sizeof accepted[_i].warnings / sizeof accepted[_i].warnings[0]);
    char *text = fixture_print(at_path(specification.config, accepted[_i].path));
    ck_assert_str_eq(text, accepted[_i].text);
    fixture_check_fixed_point(&specification);
    free(text);
    hd_specification_clear(&specification);
    hd_problems_clear(&warnings);
    cJSON_Delete(body);
}
END_TEST

START_TEST(the_warnings_of_the_space_come_too)
{
    cJSON *body = fixture_body();
    struct hd_problems warnings = {0};
    struct hd_specification specification;

    fixture_change(body, SPACE, "{\"a\": [\"choice\", [[1, 1.0, \"-x\"]]], \"b\": [\"uniform\", [0, 1]]}");
    fixture_specification(body, &warnings, &specification);
    ck_assert_int_eq(warnings.count, 2);
    ck_assert_str_eq(warnings.list[0].code, "DashValue");
    ck_assert_str_eq(warnings.list[1].code, "DuplicateChoice");
    fixture_check_fixed_point(&specification);
    hd_specification_clear(&specification);
    hd_problems_clear(&warnings);
    cJSON_Delete(body);
}
END_TEST

START_TEST(an_interval_of_zero_is_remarked)
{
    cJSON *body = fixture_body();
    struct hd_problems errors = {0};
    struct hd_problems warnings = {0};
    struct hd_specification specification;

    fixture_change(body, "policy", "{\"type\": \"median_stopping\", \"evaluation_interval\": 0}");
    ck_assert_int_eq(hd_specification_parse(body, &fixture_options, &errors, &warnings, &specification), 0);
    ck_assert_int_eq(specification.policy.type, HD_MEDIAN_STOPPING);
    ck_assert_int_eq(specification.policy.interval, 1);
    fixture_check_findings(
        &warnings,
        (struct finding[]){{"IntervalZero", "policy.evaluation_interval", "'policy.evaluation_interval' is 0 and is treated as 1"},
                           {NULL, NULL, NULL}},
        2);
    hd_specification_clear(&specification);
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    cJSON_Delete(body);
}
END_TEST

START_TEST(a_grid_beyond_counting)
{
    cJSON *body = fixture_body();
    struct hd_problems errors = {0};
    struct hd_problems warnings = {0};
    struct hd_specification specification;
    struct hd_text space = {0};

    hd_text_add_char(&space, '{');
    for (int i = 0; i < 60; i++) {
        hd_text_format(&space, "%s\"p%d\": [\"choice\", [[1, 2]]]", i == 0 ? "" : ", ", i);
    }
    hd_text_add_char(&space, '}');
    fixture_change(body, SAMPLING ".type", "\"grid\"");
    fixture_change(body, SPACE, space.data);
    fixture_specification(body, &warnings, &specification);
    fixture_check_findings(
        &warnings,
        (struct finding[]){{"GridTruncated", "max_total_runs",
                            "the grid has more than 9007199254740991 combinations; all but the first 20 will not be run"},
                           {NULL, NULL, NULL}},
        2);
    hd_specification_clear(&specification);
    fixture_change(body, "max_total_runs", NULL);
    ck_assert_int_eq(hd_specification_parse(body, &fixture_options, &errors, &warnings, &specification), -1);
    fixture_check_findings(
        &errors,
        (struct finding[]){{"OutOfRange", "max_total_runs", "the grid has more than 9007199254740991 combinations; give 'max_total_runs'"},
                           {NULL, NULL, NULL}},
        2);
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    hd_text_clear(&space);
    cJSON_Delete(body);
}
END_TEST

START_TEST(the_smaller_timeout_counts)
{
    static const struct {
        const char *trial, *run;
        int64_t expected_us;
    } timeouts[] = {{"5", "7", 5000000}, {"7", "5", 5000000}, {"5", "null", 5000000}, {"null", "7", 7000000}, {"null", "null", 0}};

    for (size_t i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
        cJSON *body = fixture_body();
        struct hd_specification specification;
        fixture_change(body, "trial_timeout_seconds", timeouts[i].trial);
        fixture_change(body, "run_config.max_run_duration_seconds", timeouts[i].run);
        fixture_specification(body, NULL, &specification);
        ck_assert_int_eq(specification.trial_timeout_us, timeouts[i].expected_us);
        fixture_check_fixed_point(&specification);
        hd_specification_clear(&specification);
        cJSON_Delete(body);
    }
}
END_TEST

START_TEST(microseconds_are_exact_and_never_overflow)
{
    static const struct {
        const char *field, *value;
        int64_t expected_us;
    } durations[] = {
        {"max_duration_minutes", "0.001", 60000},
        {"max_duration_minutes", "0.0000001", 6},
        {"max_duration_minutes", "2e-08", 1},
        {"max_duration_minutes", "0.1", 6000000},
        {"max_duration_minutes", "16000000000", INT64_C(960000000000000000)},
        {"max_duration_seconds", "960000000000", INT64_C(960000000000000000)},
        {"max_duration_seconds", "86399", INT64_C(86399000000)},
    };

    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        cJSON *body = fixture_body();
        struct hd_specification specification;
        fixture_change(body, durations[i].field, durations[i].value);
        fixture_specification(body, NULL, &specification);
        ck_assert_int_eq(specification.max_duration_us, durations[i].expected_us);
        fixture_check_fixed_point(&specification);
        hd_specification_clear(&specification);
        cJSON_Delete(body);
    }
}
END_TEST

START_TEST(durations_are_fixed_points)
{
    uint32_t state = 1;

    for (int i = 0; i < 500; i++) {
        char value[40];
        cJSON *body = fixture_body();
        struct hd_specification specification;
        if (i % 2 == 0) {
            snprintf(value, sizeof value, "%" PRIu32, 1 + fixture_random(&state));
        } else {
            snprintf(value, sizeof value, "%.17g", (1.0 + fixture_random(&state)) / (1.0 + fixture_random(&state)));
        }
        fixture_change(body, i % 2 == 0 ? "max_duration_seconds" : "max_duration_minutes", value);
        fixture_specification(body, NULL, &specification);
        fixture_check_fixed_point(&specification);
        hd_specification_clear(&specification);
        cJSON_Delete(body);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("specification");
    TCase *cases = tcase_create("specification");

    printf("specification: %d accepted bodies\n", ACCEPTED);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, sobol_has_so_many_dimensions, 0, 2);
    tcase_add_test(cases, every_default_is_filled_in);
    tcase_add_loop_test(cases, right_bodies_their_output_and_their_warnings, 0, ACCEPTED);
    tcase_add_test(cases, the_warnings_of_the_space_come_too);
    tcase_add_test(cases, an_interval_of_zero_is_remarked);
    tcase_add_test(cases, a_grid_beyond_counting);
    tcase_add_test(cases, the_smaller_timeout_counts);
    tcase_add_test(cases, microseconds_are_exact_and_never_overflow);
    tcase_add_test(cases, durations_are_fixed_points);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
