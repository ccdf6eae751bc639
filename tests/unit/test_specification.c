/* Specifications: every finding of the reference, section 4.2, word by word; defaults; and the output as input. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "specification_fixture.h"

#define SPACE    "hyperparameter_sampling.parameter_space"
#define SAMPLING "hyperparameter_sampling"
#define GRID                                                                                                                               \
    {                                                                                                                                      \
        SAMPLING, "{\"type\": \"grid\", \"parameter_space\": {\"a\": [\"choice\", [[1, 2]]]}}"                                             \
    }
#define SEVENTY_EIGHT_X "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define COMMAND                                                                                                                            \
    {                                                                                                                                      \
        "run_config", "{\"command\": \"t ${{search_space.lr}} ${{search_space.layers}}\"}"                                                 \
    }

struct finding {
    const char *code;
    const char *target; /* NULL: none */
    const char *message;
};

/* A body that is refused: the changes that make it wrong, then all that is found. */
static const struct {
    struct change changes[FIXTURE_CHANGES];
    struct finding findings[5];
} refused[] = {
    /* General forms. */
    {{{SAMPLING, NULL}}, {{"Required", SAMPLING, "'hyperparameter_sampling' is required"}}},
    {{{SPACE, NULL}}, {{"Required", SPACE, "'" SPACE "' is required"}}},
    {{{SAMPLING ".type", NULL}}, {{"Required", SAMPLING ".type", "'hyperparameter_sampling.type' is required"}}},
    {{{"run_config", NULL}}, {{"Required", "run_config", "'run_config' is required"}}},
    {{{"max_total_runs", NULL}}, {{"Required", "max_total_runs", "'max_total_runs' is required"}}},
    {{{"max_runs", "3"}}, {{"UnknownField", "max_runs", "'max_runs' is not a known field"}}},
    {{{SAMPLING ".sampler", "3"}}, {{"UnknownField", SAMPLING ".sampler", "'hyperparameter_sampling.sampler' is not a known field"}}},
    {{{"run_config.target", "3"}}, {{"UnknownField", "run_config.target", "'run_config.target' is not a known field"}}},
    {{{"policy", "{\"type\": \"none\", \"slack_factor\": 0.1}"}},
     {{"UnknownField", "policy.slack_factor", "'policy.slack_factor' is not a known field"}}},
    {{{SPACE ".lr.q", "3"}}, {{"UnknownField", SPACE ".lr.q", "'" SPACE ".lr.q' is not a known field"}}},
    {{{"experiment", "5"}}, {{"WrongType", "experiment", "'experiment' must be a string, got 5"}}},
    {{{"experiment", "\"\""}},
     {{"OutOfRange", "experiment", "'experiment' must be 1 to 256 bytes long, without control characters, got \"\""}}},
    {{{"experiment", "\"a\\nb\""}},
     {{"OutOfRange", "experiment", "'experiment' must be 1 to 256 bytes long, without control characters, got \"a\\nb\""}}},
    {{{"experiment", "\"a\xc2\x9b"
                     "b\""}},
     {{"OutOfRange", "experiment",
       "'experiment' must be 1 to 256 bytes long, without control characters, got \"a\xc2\x9b"
       "b\""}}},
    {{{"experiment", "null"}}, {{"WrongType", "experiment", "'experiment' must be a string, got null"}}},
    {{{"name", "[1]"}}, {{"WrongType", "name", "'name' must be a string, got [1]"}}},
    {{{"description", "{\"" SEVENTY_EIGHT_X "xxxx\": 1}"}},
     {{"WrongType", "description", "'description' must be a string, got {\"" SEVENTY_EIGHT_X}}},
    {{{"tags", "[]"}}, {{"WrongType", "tags", "'tags' must be an object, got []"}}},
    {{{"tags", "{\"a\": \"b\", \"c\": 1}"}}, {{"WrongType", "tags.c", "'tags.c' must be a string, got 1"}}},
    {{{SAMPLING, "\"random\""}}, {{"WrongType", SAMPLING, "'hyperparameter_sampling' must be an object, got \"random\""}}},
    {{{SPACE, "[]"}}, {{"WrongType", SPACE, "'" SPACE "' must be an object, got []"}}},
    {{{"max_total_runs", "2.5"}}, {{"WrongType", "max_total_runs", "'max_total_runs' must be an integer, got 2.5"}}},
    {{{"max_total_runs", "true"}}, {{"WrongType", "max_total_runs", "'max_total_runs' must be an integer, got true"}}},
    {{{"max_duration_minutes", "\"1h\""}}, {{"WrongType", "max_duration_minutes", "'max_duration_minutes' must be a number, got \"1h\""}}},
    {{{"run_config.snapshot", "1"}}, {{"WrongType", "run_config.snapshot", "'run_config.snapshot' must be true or false, got 1"}}},
    {{{"run_config.arguments", "\"-x\""}}, {{"WrongType", "run_config.arguments", "'run_config.arguments' must be an array, got \"-x\""}}},
    {{{"policy", "\"bandit\""}}, {{"WrongType", "policy", "'policy' must be an object, got \"bandit\""}}},
    /* Specific ones, in the order of the reference. */
    {{{SAMPLING ".type", "\"hyperband\""}},
     {{"NotAllowed", SAMPLING ".type", "'hyperparameter_sampling.type' must be one of random, sobol, grid, bayesian, got \"hyperband\""}}},
    {{{SPACE, "{}"}},
     {{"OutOfRange", SPACE, "'hyperparameter_sampling.parameter_space' must be an object with 1 to 256 parameters, got 0"}}},
    {{{SPACE, "{\"a\": 1, \"b\": [\"choice\", [[]]]}"}},
     {{"WrongType", SPACE ".a", "'" SPACE ".a' must be an expression; for a constant use choice with one value"},
      {"OutOfRange", SPACE ".b.values", "'" SPACE ".b.values' must be an array with 1 to 100000 values, got 0"}}},
    {{{SPACE, "{\"a b\": [\"uniform\", [0, 1]], \"--\": [\"uniform\", [0, 1]]}"}},
     {{"InvalidName", SPACE ".a b", "parameter name 'a b' is not valid: it must not contain white space"},
      {"InvalidName", SPACE ".--", "parameter name '--' is not valid: it must have a letter or '_' after the dashes"}}},
    {{{SPACE, "{\"lr-x\": [\"uniform\", [0, 1]], \"lr_x\": [\"uniform\", [0, 1]]}"}},
     {{"Duplicate", SPACE ".lr_x", "parameters 'lr-x' and 'lr_x' have the same environment variable AZUREML_SWEEP_lr_x"}}},
    {{{SAMPLING ".type", "\"grid\""}}, {{"NotAllowed", SPACE ".lr", "'" SPACE ".lr': grid sampling allows only choice, got uniform"}}},
    {{{SAMPLING ".seed", "9007199254740992"}},
     {{"OutOfRange", SAMPLING ".seed",
       "'hyperparameter_sampling.seed' must be between -9007199254740991 and 9007199254740991, got 9007199254740992"}}},
    {{{SAMPLING ".seed", "-9007199254740992"}},
     {{"OutOfRange", SAMPLING ".seed",
       "'hyperparameter_sampling.seed' must be between -9007199254740991 and 9007199254740991, got -9007199254740992"}}},
    {{{SAMPLING ".seed", "\"7\""}}, {{"WrongType", SAMPLING ".seed", "'hyperparameter_sampling.seed' must be an integer, got \"7\""}}},
    {{GRID, {SAMPLING ".rule", "\"random\""}},
     {{"NotAllowed", SAMPLING ".rule", "'hyperparameter_sampling.rule' is only allowed with random sampling"}}},
    {{GRID, {SAMPLING ".logbase", "\"e\""}},
     {{"NotAllowed", SAMPLING ".logbase", "'hyperparameter_sampling.logbase' is only allowed with random sampling"}}},
    {{{SAMPLING ".type", "\"bayesian\""}, {SAMPLING ".rule", "\"random\""}, {SAMPLING ".logbase", "10"}},
     {{"NotAllowed", SAMPLING ".rule", "'hyperparameter_sampling.rule' is only allowed with random sampling"},
      {"NotAllowed", SAMPLING ".logbase", "'hyperparameter_sampling.logbase' is only allowed with random sampling"}}},
    {{GRID, {SAMPLING ".seed", "7"}},
     {{"NotAllowed", SAMPLING ".seed", "'hyperparameter_sampling.seed' is not allowed with grid sampling"}}},
    {{GRID, {SAMPLING ".seed", "7"}, {SAMPLING ".logbase", "0"}},
     {{"NotAllowed", SAMPLING ".logbase", "'hyperparameter_sampling.logbase' is only allowed with random sampling"},
      {"NotAllowed", SAMPLING ".seed", "'hyperparameter_sampling.seed' is not allowed with grid sampling"}}},
    {{{SAMPLING ".logbase", "1"}},
     {{"OutOfRange", SAMPLING ".logbase", "'hyperparameter_sampling.logbase' must be \"e\" or a number greater than 0 and not 1, got 1"}}},
    {{{SAMPLING ".logbase", "0"}},
     {{"OutOfRange", SAMPLING ".logbase", "'hyperparameter_sampling.logbase' must be \"e\" or a number greater than 0 and not 1, got 0"}}},
    {{{SAMPLING ".logbase", "\"10\""}},
     {{"OutOfRange", SAMPLING ".logbase",
       "'hyperparameter_sampling.logbase' must be \"e\" or a number greater than 0 and not 1, got \"10\""}}},
    {{{SAMPLING ".rule", "\"halton\""}},
     {{"NotAllowed", SAMPLING ".rule", "'hyperparameter_sampling.rule' must be one of random, sobol, got \"halton\""}}},
    {{{SAMPLING ".type", "\"Sobol\""}, {SAMPLING ".rule", "\"random\""}},
     {{"Conflict", SAMPLING ".rule", "'hyperparameter_sampling.rule' must be sobol or left out with sobol sampling"}}},
    {{{SAMPLING ".type", "\"sobol\""}, {SAMPLING ".rule", "\"halton\""}},
     {{"NotAllowed", SAMPLING ".rule", "'hyperparameter_sampling.rule' must be one of random, sobol, got \"halton\""}}},
    {{{"primary_metric_name", NULL}, {"primary_metric_goal", NULL}, {"policy", "{\"type\": \"MedianStopping\"}"}},
     {{"Required", "primary_metric_name", "'primary_metric_name' is required"},
      {"Required", "primary_metric_goal", "'primary_metric_goal' is required"}}},
    {{{"primary_metric_name", NULL}, {"primary_metric_goal", NULL}, {SAMPLING ".type", "\"bayesian\""}},
     {{"Required", "primary_metric_name", "'primary_metric_name' is required"},
      {"Required", "primary_metric_goal", "'primary_metric_goal' is required"}}},
    {{{"primary_metric_name", NULL}}, {{"Required", "primary_metric_name", "'primary_metric_name' is required"}}},
    {{{"primary_metric_goal", NULL}}, {{"Required", "primary_metric_goal", "'primary_metric_goal' is required"}}},
    {{{"primary_metric_name", "\"\""}},
     {{"OutOfRange", "primary_metric_name", "'primary_metric_name' must be 1 to 256 bytes long, got \"\""}}},
    {{{"primary_metric_goal", "\"max\""}},
     {{"NotAllowed", "primary_metric_goal", "'primary_metric_goal' must be one of maximize, minimize, got \"max\""}}},
    {{{"max_total_runs", "0"}}, {{"OutOfRange", "max_total_runs", "'max_total_runs' must be between 1 and 1000000, got 0"}}},
    {{{"max_total_runs", "1000001"}}, {{"OutOfRange", "max_total_runs", "'max_total_runs' must be between 1 and 1000000, got 1000001"}}},
    {{{"max_total_runs", NULL},
      {SAMPLING, "{\"type\": \"grid\", \"parameter_space\": {\"a\": [\"choice\", [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]]}}"},
      {SPACE, "{\"a\": [\"choice\", [[1,2,3,4,5,6,7,8,9,10]]], \"b\": [\"choice\", [[1,2,3,4,5,6,7,8,9,10]]], \"c\": [\"choice\", "
              "[[1,2,3,4,5,6,7,8,9,10]]], \"d\": [\"choice\", [[1,2,3,4,5,6,7,8,9,10]]], \"e\": [\"choice\", [[1,2,3,4,5,6,7,8,9,10]]], "
              "\"f\": [\"choice\", [[1,2,3,4,5,6,7,8,9,10]]], \"g\": [\"choice\", [[1,2]]]}"}},
     {{"OutOfRange", "max_total_runs", "the grid has 2000000 combinations; give 'max_total_runs'"}}},
    {{{"max_concurrent_runs", "0"}}, {{"OutOfRange", "max_concurrent_runs", "'max_concurrent_runs' must be between 1 and 1000000, got 0"}}},
    {{{"max_concurrent_runs", "1000001"}},
     {{"OutOfRange", "max_concurrent_runs", "'max_concurrent_runs' must be between 1 and 1000000, got 1000001"}}},
    {{{"max_duration_minutes", "0"}}, {{"OutOfRange", "max_duration_minutes", "'max_duration_minutes' must be greater than 0, got 0"}}},
    {{{"max_duration_minutes", "-1.5"}},
     {{"OutOfRange", "max_duration_minutes", "'max_duration_minutes' must be greater than 0, got -1.5"}}},
    {{{"max_duration_minutes", "\"NaN\""}},
     {{"OutOfRange", "max_duration_minutes", "'max_duration_minutes' must be greater than 0, got \"NaN\""}}},
    {{{"max_duration_minutes", "16000000001"}},
     {{"OutOfRange", "max_duration_minutes", "'max_duration_minutes' must be at most 16000000000, got 16000000001"}}},
    {{{"max_duration_minutes", "1e-9"}},
     {{"OutOfRange", "max_duration_minutes", "'max_duration_minutes' must be at least 2e-08 (a microsecond), got 1e-09"}}},
    {{{"max_duration_seconds", "0"}},
     {{"OutOfRange", "max_duration_seconds", "'max_duration_seconds' must be between 1 and 960000000000, got 0"}}},
    {{{"max_duration_seconds", "0.5"}}, {{"WrongType", "max_duration_seconds", "'max_duration_seconds' must be an integer, got 0.5"}}},
    {{{"max_duration_minutes", "1"}, {"max_duration_seconds", "61"}},
     {{"Conflict", "max_duration_minutes", "'max_duration_minutes' and 'max_duration_seconds' differ; give one of them"}}},
    {{{"trial_timeout_seconds", "0"}},
     {{"OutOfRange", "trial_timeout_seconds", "'trial_timeout_seconds' must be between 1 and 960000000000, got 0"}}},
    {{{"policy", "{\"type\": \"hyperband\"}"}},
     {{"NotAllowed", "policy.type",
       "'policy.type' must be one of none, bandit, median_stopping, truncation_selection, got \"hyperband\""}}},
    {{{"policy", "{}"}}, {{"Required", "policy.type", "'policy.type' is required"}}},
    {{{"policy", "{\"type\": \"bandit\", \"slack_factor\": 0.1, \"slack_amount\": 0.2}"}},
     {{"Conflict", "policy", "give either 'policy.slack_factor' or 'policy.slack_amount', not both"}}},
    {{{"policy", "{\"type\": \"Bandit\", \"slack_factor\": 0, \"slack_amount\": null}"}},
     {{"Required", "policy", "one of 'policy.slack_factor', 'policy.slack_amount' is required"}}},
    {{{"policy", "{\"type\": \"bandit\", \"slack_factor\": -0.1}"}},
     {{"OutOfRange", "policy.slack_factor", "'policy.slack_factor' must be 0 or more, got -0.1"}}},
    {{{"policy", "{\"type\": \"bandit\", \"slack_amount\": \"Infinity\"}"}},
     {{"OutOfRange", "policy.slack_amount", "'policy.slack_amount' must be 0 or more, got \"Infinity\""}}},
    {{{"policy", "{\"type\": \"median_stopping\", \"evaluation_interval\": -1, \"delay_evaluation\": -2}"}},
     {{"OutOfRange", "policy.evaluation_interval", "'policy.evaluation_interval' must be 0 or more, got -1"},
      {"OutOfRange", "policy.delay_evaluation", "'policy.delay_evaluation' must be 0 or more, got -2"}}},
    {{{"policy", "{\"type\": \"truncation_selection\", \"truncation_percentage\": 0}"}},
     {{"OutOfRange", "policy.truncation_percentage", "'policy.truncation_percentage' must be between 1 and 99, got 0"}}},
    {{{"policy", "{\"type\": \"TruncationSelection\", \"truncation_percentage\": 100}"}},
     {{"OutOfRange", "policy.truncation_percentage", "'policy.truncation_percentage' must be between 1 and 99, got 100"}}},
    {{{"policy", "{\"type\": \"truncation_selection\"}"}},
     {{"Required", "policy.truncation_percentage", "'policy.truncation_percentage' is required"}}},
    {{{"run_config", "{}"}}, {{"Conflict", "run_config", "give exactly one of 'run_config.script', 'run_config.command'"}}},
    {{{"run_config.command", "\"echo ${{search_space.lr}} ${{search_space.layers}}\""}},
     {{"Conflict", "run_config", "give exactly one of 'run_config.script', 'run_config.command'"}}},
    {{{"run_config.source_directory", "\"/nowhere\""}},
     {{"NotFound", "run_config.source_directory", "'run_config.source_directory': no such directory: /nowhere"}}},
    {{{"run_config.source_directory", "\"src\""}},
     {{"OutOfRange", "run_config.source_directory", "'run_config.source_directory' must be an absolute path, got \"src\""}}},
    {{{"run_config.source_directory", NULL}}, {{"Required", "run_config.source_directory", "'run_config.source_directory' is required"}}},
    {{{"run_config", "{\"command\": \"t ${{search_space.lr}} ${{search_space.layers}} ${{inputs.x}}\"}"}},
     {{"Undefined", "run_config.command", "'run_config.command' refers to ${{inputs.x}}, which is not defined"}}},
    {{{"run_config", "{\"command\": [\"t\", \"AZUREML_SWEEP_lr AZUREML_SWEEP_layers\", \"{outputs.y}\"]}"}},
     {{"Undefined", "run_config.command[2]", "'run_config.command[2]' refers to {outputs.y}, which is not defined"}}},
    {{{"run_config", "{\"command\": \"t ${{search_space.lr}} ${{search_space.layers\"}"}},
     {{"Undefined", "run_config.command", "'run_config.command' has a ${{ without the }} that closes it"}}},
    {{{"run_config.environment_variables", "{\"X\": \"${{run.id}}\"}"}},
     {{"Undefined", "run_config.environment_variables.X",
       "'run_config.environment_variables.X' refers to ${{run.id}}, which is not defined"}}},
    /* Further fields of the program. */
    {{{"run_config.script", "\"/bin/true\""}},
     {{"OutOfRange", "run_config.script",
       "'run_config.script' must be the relative path of a file inside 'run_config.source_directory', without .., got \"/bin/true\""}}},
    {{{"run_config.script", "\"a/../../b.py\""}},
     {{"OutOfRange", "run_config.script",
       "'run_config.script' must be the relative path of a file inside 'run_config.source_directory', without .., got \"a/../../b.py\""}}},
    {{{"run_config.script", "\"\""}},
     {{"OutOfRange", "run_config.script",
       "'run_config.script' must be the relative path of a file inside 'run_config.source_directory', without .., got \"\""}}},
    {{{"run_config.script", "[]"}}, {{"WrongType", "run_config.script", "'run_config.script' must be a string, got []"}}},
    {{{"run_config.interpreter", "\"\""}},
     {{"OutOfRange", "run_config.interpreter", "'run_config.interpreter' must be a string that is not empty, got \"\""}}},
    {{{"run_config.arguments", "[1, [2], 9007199254740993]"}},
     {{"WrongType", "run_config.arguments[1]", "'run_config.arguments[1]' must be a string, a number, true, false or null, got [2]"},
      {"OutOfRange", "run_config.arguments[2]",
       "'run_config.arguments[2]' must be between -9007199254740991 and 9007199254740991, got 9007199254740993"}}},
    {{{"run_config", "{\"command\": 5}"}},
     {{"WrongType", "run_config.command", "'run_config.command' must be a string or an array of strings, got 5"}}},
    {{{"run_config", "{\"command\": \" \\n\"}"}},
     {{"OutOfRange", "run_config.command", "'run_config.command' must be something to execute, got \" \\n\""}}},
    {{{"run_config", "{\"command\": []}"}},
     {{"OutOfRange", "run_config.command", "'run_config.command' must be something to execute, got []"}}},
    {{{"run_config", "{\"command\": [\"\", 3]}"}},
     {{"OutOfRange", "run_config.command[0]", "'run_config.command[0]' must be something to execute, got \"\""},
      {"WrongType", "run_config.command[1]", "'run_config.command[1]' must be a string, got 3"}}},
    {{{"run_config.environment_variables", "{\"A\": 1}"}},
     {{"WrongType", "run_config.environment_variables.A", "'run_config.environment_variables.A' must be a string, got 1"}}},
    {{{"run_config.environment_variables", "{\"A=B\": \"1\"}"}},
     {{"InvalidName", "run_config.environment_variables.A=B",
       "'run_config.environment_variables.A=B' is not the name of an environment variable: give a letter or _, then letters, digits and "
       "_"}}},
    {{{"run_config.environment_variables", "{\"HYPERDRIVE_URL\": \"1\"}"}},
     {{"NotAllowed", "run_config.environment_variables.HYPERDRIVE_URL",
       "'run_config.environment_variables.HYPERDRIVE_URL' is set by hyperdrived for each child; take another name"}}},
    {{{"run_config.environment_variables", "{\"AZUREML_RUN_ID\": \"1\", \"AZUREML_SWEEP_lr\": \"2\"}"}},
     {{"NotAllowed", "run_config.environment_variables.AZUREML_RUN_ID",
       "'run_config.environment_variables.AZUREML_RUN_ID' is set by hyperdrived for each child; take another name"},
      {"NotAllowed", "run_config.environment_variables.AZUREML_SWEEP_lr",
       "'run_config.environment_variables.AZUREML_SWEEP_lr' is set by hyperdrived for each child; take another name"}}},
    {{{"run_config.inputs", "{\"a b\": 1}"}},
     {{"InvalidName", "run_config.inputs.a b",
       "'run_config.inputs.a b' is not a valid name: give a letter or _, then letters, digits, _ and -, 128 bytes at most"}}},
    {{{"run_config.inputs", "{\"a\": [1]}"}},
     {{"WrongType", "run_config.inputs.a", "'run_config.inputs.a' must be a string, a number, true, false or an object, got [1]"}}},
    {{{"run_config.inputs", "{\"a\": {\"type\": \"uri_file\"}}"}},
     {{"Required", "run_config.inputs.a.path", "'run_config.inputs.a.path' is required"}}},
    {{{"run_config.inputs", "{\"a\": {\"path\": \"/data/none.csv\"}}"}},
     {{"NotFound", "run_config.inputs.a.path", "'run_config.inputs.a.path': no such file or directory: /data/none.csv"}}},
    {{{"run_config.inputs", "{\"a\": {\"path\": \"azureml://datastores/x\"}, \"b\": {\"path\": \"https://example.org/x\"}}"}},
     {{"Unsupported", "run_config.inputs.a.path",
       "'run_config.inputs.a.path': a remote address is not supported here; download the data and give a local path"},
      {"Unsupported", "run_config.inputs.b.path",
       "'run_config.inputs.b.path': a remote address is not supported here; download the data and give a local path"}}},
    {{{"run_config.inputs", "{\"a\": {\"path\": \"iris.csv\"}}"}},
     {{"OutOfRange", "run_config.inputs.a.path", "'run_config.inputs.a.path' must be an absolute path, got \"iris.csv\""}}},
    {{{"run_config.outputs", "{\"..\": {}}"}},
     {{"InvalidName", "run_config.outputs...",
       "'run_config.outputs...' is not a valid name: give a letter or _, then letters, digits, _ and -, 128 bytes at most"}}},
    {{{"run_config.outputs", "{\"a\": 1}"}}, {{"WrongType", "run_config.outputs.a", "'run_config.outputs.a' must be an object, got 1"}}},
    {{{"run_config.outputs", "{\"a\": {\"mode\": \"ro_mount\"}}"}},
     {{"NotAllowed", "run_config.outputs.a.mode", "'run_config.outputs.a.mode' must be one of rw_mount, upload, got \"ro_mount\""}}},
    {{{"run_config.max_run_duration_seconds", "0"}},
     {{"OutOfRange", "run_config.max_run_duration_seconds",
       "'run_config.max_run_duration_seconds' must be between 1 and 960000000000, got 0"}}},
    {{{"run_config.cpus_per_run", "-1"}},
     {{"OutOfRange", "run_config.cpus_per_run", "'run_config.cpus_per_run' must be 0 or more, got -1"}}},
    {{{"run_config.memory_limit_mb", "0"}},
     {{"OutOfRange", "run_config.memory_limit_mb", "'run_config.memory_limit_mb' must be between 1 and 1073741824, got 0"}}},
    {{{"run_config.memory_limit_mb", "\"2G\""}},
     {{"WrongType", "run_config.memory_limit_mb", "'run_config.memory_limit_mb' must be an integer, got \"2G\""}}},
    {{{"run_config.process_limit", "5000000"}},
     {{"OutOfRange", "run_config.process_limit", "'run_config.process_limit' must be between 1 and 4194304, got 5000000"}}},
    {{{"run_config.cpu_limit", "2"}}, {{"WrongType", "run_config.cpu_limit", "'run_config.cpu_limit' must be true or false, got 2"}}},
    {{{"run_config.cpu_limit", "true"}, {"run_config.cpus_per_run", "0"}},
     {{"Conflict", "run_config.cpu_limit", "'run_config.cpu_limit' holds a child to 'run_config.cpus_per_run', which is 0"}}},
    {{{"run_config.gpus_per_run", "1.5"}},
     {{"OutOfRange", "run_config.gpus_per_run", "'run_config.gpus_per_run' must be 0, a fraction below 1, or a whole number, got 1.5"}}},
    {{{"run_config.gpus_per_run", "-0.5"}},
     {{"OutOfRange", "run_config.gpus_per_run", "'run_config.gpus_per_run' must be 0 or more, got -0.5"}}},
    {{{"run_config.gpus_per_run", "\"Infinity\""}},
     {{"OutOfRange", "run_config.gpus_per_run", "'run_config.gpus_per_run' must be 0 or more, got \"Infinity\""}}},
    {{{"run_config.gpus_per_run", "\"all\""}},
     {{"WrongType", "run_config.gpus_per_run", "'run_config.gpus_per_run' must be a number, got \"all\""}}},
    {{{"run_config.environment_variables", "{\"CUDA_VISIBLE_DEVICES\": \"0\", \"HIP_VISIBLE_DEVICES\": \"1\"}"}},
     {{"NotAllowed", "run_config.environment_variables.CUDA_VISIBLE_DEVICES",
       "'run_config.environment_variables.CUDA_VISIBLE_DEVICES' is set by hyperdrived for each child; ask for GPUs with "
       "'run_config.gpus_per_run'"},
      {"NotAllowed", "run_config.environment_variables.HIP_VISIBLE_DEVICES",
       "'run_config.environment_variables.HIP_VISIBLE_DEVICES' is set by hyperdrived for each child; ask for GPUs with "
       "'run_config.gpus_per_run'"}}},
    {{{"run_config.launcher", "\"k8s\""}},
     {{"NotAllowed", "run_config.launcher", "'run_config.launcher' must be one of local, client, got \"k8s\""}}},
    {{{"initial_failure_limit", "-1"}},
     {{"OutOfRange", "initial_failure_limit", "'initial_failure_limit' must be between 0 and 1000000, got -1"}}},
    {{{"nested_arguments", "\"deep\""}},
     {{"NotAllowed", "nested_arguments", "'nested_arguments' must be one of json, flat, got \"deep\""}}},
    /* What later issues bring. */
    {{{"run_config.launcher", "\"slurm\""}},
     {{"Unsupported", "run_config.launcher",
       "'run_config.launcher': the slurm launcher is not supported here; leave it out or give local"}}},
    {{{"run_config.launcher", "\"client\""}, {"run_config.max_retries", "1"}},
     {{"Unsupported", "run_config.max_retries",
       "'run_config.max_retries': a retry is not supported here with the client launcher; let the client try again before it tells the "
       "end"}}},
    {{{"run_config", "{\"launcher\": \"client\", \"script\": \"a\", \"command\": \"b\"}"}},
     {{"Conflict", "run_config", "give exactly one of 'run_config.script', 'run_config.command'"}}},
    {{{"run_config.metrics_from_output", "[\"keras\"]"}},
     {{"Unsupported", "run_config.metrics_from_output",
       "'run_config.metrics_from_output': reading metrics from the output is not supported here; leave it out and report the metrics from "
       "the program"}}},
    {{{"run_config.environment", "{\"name\": \"AzureML-sklearn-1.5\"}"}, {"run_config.docker_runtime_config", "{\"use_docker\": true}"}},
     {{"Unsupported", "run_config.environment",
       "'run_config.environment': an environment is not supported here; leave it out, install what the program needs on the daemon's "
       "machine, "
       "and name another Python in 'run_config.interpreter'"},
      {"Unsupported", "run_config.docker_runtime_config",
       "'run_config.docker_runtime_config': a container is not supported here; leave it out, and install what the program needs on the "
       "daemon's machine"}}},
    {{{"run_config.distributed_job_config", "{\"node_count\": 2}"}, {"run_config.resume_from", "\"HD_1\""}},
     {{"Unsupported", "run_config.distributed_job_config",
       "'run_config.distributed_job_config': a distributed run is not supported here; leave it out, and start the launcher in "
       "'run_config.command'"},
      {"Unsupported", "run_config.resume_from",
       "'run_config.resume_from': an earlier run is not continued by this field here; give 'resume_child_runs' of the sweep"}}},
    {{{"estimator", "{\"a\": 1}"}, {"run_config", NULL}},
     {{"Unsupported", "estimator", "'estimator': an estimator is not supported here; give 'run_config'"}}},
    {{{"pipeline", "\"p\""}, {"run_config", NULL}},
     {{"Unsupported", "pipeline", "'pipeline': a pipeline is not supported here; give 'run_config'"}}},
    {{{"type", "\"sweep\""}, {"primary_metric_name", NULL}, {"primary_metric_goal", NULL}, {"max_total_runs", NULL}},
     {{"UnknownField", "hyperparameter_sampling", "'hyperparameter_sampling' is not a known field"},
      {"UnknownField", "run_config", "'run_config' is not a known field"},
      {"Required", "trial", "'trial' is required"},
      {"Required", "sampling_algorithm", "'sampling_algorithm' is required"},
      {"Required", "search_space", "'search_space' is required"}}},
    {{{"type", "\"pipeline\""}}, {{"Unsupported", "type", "'type': a pipeline job is not supported here; only sweep jobs are"}}},
    {{{"type", "1"}}, {{"WrongType", "type", "'type' must be a string, got 1"}}},
    /* All at once, in the order of the reference. */
    {{{"max_total_runs", "0"}, {SAMPLING ".type", "\"x\""}, {"run_config.source_directory", "\"/no\""}, {"zzz", "1"}},
     {{"UnknownField", "zzz", "'zzz' is not a known field"},
      {"NotAllowed", SAMPLING ".type", "'hyperparameter_sampling.type' must be one of random, sobol, grid, bayesian, got \"x\""},
      {"OutOfRange", "max_total_runs", "'max_total_runs' must be between 1 and 1000000, got 0"},
      {"NotFound", "run_config.source_directory", "'run_config.source_directory': no such directory: /no"}}},
};

enum { REFUSED = sizeof refused / sizeof refused[0] };

static void check_findings(const struct hd_problems *problems, const struct finding *findings, size_t most)
{
    size_t count = 0;

    while (count < most && findings[count].code != NULL) {
        count++;
    }
    for (size_t i = 0; i < problems->count && i < count; i++) {
        ck_assert_str_eq(problems->list[i].message, findings[i].message);
        ck_assert_str_eq(problems->list[i].code, findings[i].code);
        ck_assert_pstr_eq(problems->list[i].target, findings[i].target);
    }
    ck_assert_msg(problems->count == count, "%zu findings instead of %zu for '%s'; the last is: %s", problems->count, count,
                  findings[0].message, problems->count > 0 ? problems->list[problems->count - 1].message : "-");
}

START_TEST(every_fault_has_its_sentence)
{
    cJSON *body = fixture_changed_body(refused[_i].changes, FIXTURE_CHANGES);
    struct hd_problems errors = {0};
    struct hd_problems warnings = {0};
    struct hd_specification untouched = {.max_total_runs = 77};

    ck_assert_int_eq(hd_specification_parse(body, &fixture_options, &errors, &warnings, &untouched), -1);
    check_findings(&errors, refused[_i].findings, sizeof refused[_i].findings / sizeof refused[_i].findings[0]);
    ck_assert_int_eq(untouched.max_total_runs, 77);
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    cJSON_Delete(body);
}
END_TEST

START_TEST(a_body_that_is_no_object)
{
    static const char *const bodies[] = {"[]", "5", "null", "\"x\""};

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        cJSON *body = fixture_json(bodies[i]);
        struct hd_problems errors = {0};
        struct hd_problems warnings = {0};
        struct hd_specification specification;
        char expected[64];
        snprintf(expected, sizeof expected, "the body must be an object, got %s", bodies[i]);
        ck_assert_int_eq(hd_specification_parse(body, &fixture_options, &errors, &warnings, &specification), -1);
        check_findings(&errors, (struct finding[]){{"WrongType", NULL, expected}, {NULL, NULL, NULL}}, 2);
        hd_problems_clear(&errors);
        cJSON_Delete(body);
    }
}
END_TEST

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
     {{"Ignored", "run_config.compute_target", "'run_config.compute_target' is ignored: whoever asks for a child runs it"}}},
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

/* Equal in everything but the addresses. */
static void check_equal(const struct hd_specification *a, const struct hd_specification *b)
{
    char *first = fixture_print(a->config);
    char *second = fixture_print(b->config);

    ck_assert_str_eq(first, second);
    ck_assert_int_eq(a->max_duration_us, b->max_duration_us);
    ck_assert_int_eq(a->trial_timeout_us, b->trial_timeout_us);
    ck_assert_int_eq(a->sampling.type, b->sampling.type);
    ck_assert_int_eq(a->sampling.seed, b->sampling.seed);
    ck_assert_int_eq(a->goal, b->goal);
    ck_assert_pstr_eq(a->metric, b->metric);
    ck_assert_int_eq(a->max_total_runs, b->max_total_runs);
    ck_assert_int_eq(a->max_concurrent_runs, b->max_concurrent_runs);
    ck_assert_int_eq(a->initial_failure_limit, b->initial_failure_limit);
    ck_assert_int_eq(a->nested_flat, b->nested_flat);
    ck_assert_int_eq(hd_space_size(a->space), hd_space_size(b->space));
    free(first);
    free(second);
}

/* What the output prints, sent again, makes an equal sweep, whatever seed would be drawn then. */
static void check_fixed_point(const struct hd_specification *specification)
{
    struct hd_specification_options options = fixture_options;
    struct hd_specification again;
    struct hd_problems errors = {0};
    struct hd_problems warnings = {0};
    char *text = fixture_print(specification->config);
    cJSON *body = fixture_json(text);

    options.seed = 1;
    int result = hd_specification_parse(body, &options, &errors, &warnings, &again);
    ck_assert_msg(result == 0, "%s: %s", errors.count > 0 ? errors.list[0].message : "?", text);
    check_equal(specification, &again);
    hd_specification_clear(&again);
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    cJSON_Delete(body);
    free(text);
}

START_TEST(right_bodies_their_output_and_their_warnings)
{
    cJSON *body = fixture_changed_body(accepted[_i].changes, FIXTURE_CHANGES);
    struct hd_problems warnings = {0};
    struct hd_specification specification;

    fixture_specification(body, &warnings, &specification);
    check_findings(&warnings, accepted[_i].warnings, sizeof accepted[_i].warnings / sizeof accepted[_i].warnings[0]);
    char *text = fixture_print(at_path(specification.config, accepted[_i].path));
    ck_assert_str_eq(text, accepted[_i].text);
    check_fixed_point(&specification);
    free(text);
    hd_specification_clear(&specification);
    hd_problems_clear(&warnings);
    cJSON_Delete(body);
}
END_TEST

/* `before`, then `part` so many times, then `after`. */
static char *long_text(const char *before, const char *part, int count, const char *after)
{
    struct hd_text text = {0};

    hd_text_add_string(&text, before);
    for (int i = 0; i < count; i++) {
        hd_text_add_string(&text, part);
    }
    hd_text_add_string(&text, after);
    return hd_text_take(&text);
}

/* Limits on length: what is as long as the limit is taken, one more is not. */
START_TEST(too_long_values)
{
    static const struct {
        const char *path, *before, *part, *after;
        int most;
        const char *target, *range;
    } limits[] = {
        {"name", "\"", "x", "\"", 256, "name", "at most 256 bytes long, without control characters"},
        {"display_name", "\"", "x", "\"", 1024, "display_name", "at most 1024 bytes long, without control characters"},
        {"description", "\"", "x", "\"", 65536, "description", "at most 65536 bytes long"},
        {"experiment", "\"", "x", "\"", 256, "experiment", "1 to 256 bytes long, without control characters"},
        {"primary_metric_name", "\"", "x", "\"", 256, "primary_metric_name", "1 to 256 bytes long"},
        {"run_config.arguments", "[\"", "x", "\"]", 131071, "run_config.arguments[0]", "at most 131071 bytes long"},
        {"run_config", "{\"command\": \"${{search_space.lr}}${{search_space.layers}}", "x", "\"}", 131071 - 44, "run_config.command",
         "at most 131071 bytes long"},
        {"run_config.retry_on", "[\"lost\"", ", \"lost\"", "]", 99, "run_config.retry_on", "an array of at most 100 causes"},
    };

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        for (int more = 0; more < 2; more++) {
            char *value = long_text(limits[i].before, limits[i].part, limits[i].most + more, limits[i].after);
            cJSON *body = fixture_body();
            struct hd_problems errors = {0}, warnings = {0};
            struct hd_specification specification;

            fixture_change(body, limits[i].path, value);
            int result = hd_specification_parse(body, &fixture_options, &errors, &warnings, &specification);
            if (more == 0) {
                ck_assert_msg(result == 0, "%s: %s", limits[i].path, errors.count > 0 ? errors.list[0].message : "?");
                hd_specification_clear(&specification);
            } else {
                struct hd_text beginning = {0};

                ck_assert_msg(result == -1, "%s is taken", limits[i].path);
                ck_assert_uint_eq(errors.count, 1);
                ck_assert_str_eq(errors.list[0].code, "OutOfRange");
                ck_assert_str_eq(errors.list[0].target, limits[i].target);
                hd_text_format(&beginning, "'%s' must be %s, got ", limits[i].target, limits[i].range);
                ck_assert_msg(strncmp(errors.list[0].message, beginning.data, beginning.length) == 0, "%s\n instead of %s",
                              errors.list[0].message, beginning.data);
                hd_text_clear(&beginning);
            }
            hd_problems_clear(&errors);
            hd_problems_clear(&warnings);
            cJSON_Delete(body);
            free(value);
        }
    }
}
END_TEST

/* Objects whose members people name. */
START_TEST(too_many_members)
{
    static const char *const paths[] = {"tags", "run_config.environment_variables", "run_config.inputs"};

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        for (int count = 1000; count <= 1001; count++) {
            cJSON *body = fixture_body();
            struct hd_problems errors = {0}, warnings = {0};
            struct hd_specification specification;
            struct hd_text members = {0}, beginning = {0};

            for (int j = 0; j < count; j++) {
                hd_text_format(&members, "%s\"m%d\": \"x\"", j == 0 ? "{" : ", ", j);
            }
            hd_text_add_char(&members, '}');
            fixture_change(body, paths[i], members.data);
            int result = hd_specification_parse(body, &fixture_options, &errors, &warnings, &specification);
            ck_assert_int_eq(result, count == 1000 ? 0 : -1);
            if (result == 0) {
                hd_specification_clear(&specification);
            } else {
                hd_text_format(&beginning, "'%s' must be an object with at most 1000 members, got ", paths[i]);
                ck_assert_uint_eq(errors.count, 1);
                ck_assert_msg(strncmp(errors.list[0].message, beginning.data, beginning.length) == 0, "%s", errors.list[0].message);
            }
            hd_problems_clear(&errors);
            hd_problems_clear(&warnings);
            hd_text_clear(&members);
            hd_text_clear(&beginning);
            cJSON_Delete(body);
        }
    }
}
END_TEST

/* What a machine has is asked only where there is one. */
START_TEST(no_more_than_the_machine_has)
{
    static const struct hd_machine machine = {.gpus = 2, .cpus = 8}, none = {.gpus = 0, .cpus = 8},
                                   bare = {.cpus = 8, .no_limits = "there is nothing that could"};
    static const struct {
        const char *name, *value;
        const struct hd_machine *machine;
        const char *message; /* NULL: taken */
    } cases[] = {
        {"gpus_per_run", "2", &machine, NULL},
        {"gpus_per_run", "3", &machine, "'run_config.gpus_per_run' must be at most 2, the number of GPUs that there are, got 3"},
        {"gpus_per_run", "3", NULL, NULL},
        {"gpus_per_run", "0", &none, NULL},
        {"gpus_per_run", "0.5", &none, "'run_config.gpus_per_run' must be 0, since there are no GPUs to hand out, got 0.5"},
        {"cpus_per_run", "8", &machine, NULL},
        {"cpus_per_run", "8.5", &machine, "'run_config.cpus_per_run' must be at most 8, the number of CPUs that there are, got 8.5"},
        {"memory_limit_mb", "5", &machine, NULL},
        {"memory_limit_mb", "null", &bare, NULL},
        {"memory_limit_mb", "5", &bare,
         "'run_config.memory_limit_mb': children cannot be held to limits here, since there is nothing that could"},
        {"process_limit", "5", &bare,
         "'run_config.process_limit': children cannot be held to limits here, since there is nothing that could"},
        {"cpu_limit", "true", &bare, "'run_config.cpu_limit': children cannot be held to limits here, since there is nothing that could"},
        {"cpu_limit", "false", &bare, NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hd_specification_options options = fixture_options;
        struct hd_problems errors = {0}, warnings = {0};
        struct hd_specification specification = {0};
        cJSON *body = fixture_body();
        char path[64];

        options.machine = cases[i].machine;
        snprintf(path, sizeof path, "run_config.%s", cases[i].name);
        fixture_change(body, path, cases[i].value);
        int result = hd_specification_parse(body, &options, &errors, &warnings, &specification);
        ck_assert_int_eq(result, cases[i].message != NULL ? -1 : 0);
        if (cases[i].message != NULL)
            ck_assert_str_eq(errors.list[0].message, cases[i].message);
        else
            hd_specification_clear(&specification);
        hd_problems_clear(&errors);
        hd_problems_clear(&warnings);
        cJSON_Delete(body);
    }
}
END_TEST

/* A sweep that is in the store was accepted by the rules of its time. */
START_TEST(younger_rules_do_not_refuse_what_is_stored)
{
    struct hd_specification_options options = fixture_options;
    struct hd_problems errors = {0}, warnings = {0};
    struct hd_specification specification;
    cJSON *body = fixture_body();

    fixture_change(body, "run_config.environment_variables", "{\"CUDA_VISIBLE_DEVICES\": \"0\"}");
    ck_assert_int_eq(hd_specification_parse(body, &options, &errors, &warnings, &specification), -1);
    hd_problems_clear(&errors);
    options.stored = true;
    ck_assert_int_eq(hd_specification_parse(body, &options, &errors, &warnings, &specification), 0);
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
    check_fixed_point(&specification);
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
    check_findings(
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
    check_findings(&warnings,
                   (struct finding[]){{"GridTruncated", "max_total_runs",
                                       "the grid has more than 9007199254740991 combinations; all but the first 20 will not be run"},
                                      {NULL, NULL, NULL}},
                   2);
    hd_specification_clear(&specification);
    fixture_change(body, "max_total_runs", NULL);
    ck_assert_int_eq(hd_specification_parse(body, &fixture_options, &errors, &warnings, &specification), -1);
    check_findings(
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
        check_fixed_point(&specification);
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
        check_fixed_point(&specification);
        hd_specification_clear(&specification);
        cJSON_Delete(body);
    }
}
END_TEST

/* A number sequence that is the same on every machine. */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * UINT32_C(1664525) + UINT32_C(1013904223);
    return *state >> 8;
}

START_TEST(durations_are_fixed_points)
{
    uint32_t state = 1;

    for (int i = 0; i < 500; i++) {
        char value[40];
        cJSON *body = fixture_body();
        struct hd_specification specification;
        if (i % 2 == 0) {
            snprintf(value, sizeof value, "%" PRIu32, 1 + next_random(&state));
        } else {
            snprintf(value, sizeof value, "%.17g", (1.0 + next_random(&state)) / (1.0 + next_random(&state)));
        }
        fixture_change(body, i % 2 == 0 ? "max_duration_seconds" : "max_duration_minutes", value);
        fixture_specification(body, NULL, &specification);
        check_fixed_point(&specification);
        hd_specification_clear(&specification);
        cJSON_Delete(body);
    }
}
END_TEST

/* Bodies to be broken; between them they have every field. */
static const char *const seeds[] = {
    "{\"experiment\": \"e\", \"name\": \"n\", \"display_name\": \"d\", \"description\": \"x\", \"tags\": {\"a\": \"b\"}, "
    "\"hyperparameter_sampling\": {\"type\": \"random\", \"seed\": 42, \"rule\": \"random\", \"logbase\": 10, \"properties\": {}, "
    "\"parameter_space\": {\"C\": {\"type\": \"uniform\", \"min_value\": 0, \"max_value\": 20}, \"n\": [\"quniform\", [10, 250, 1]], "
    "\"conv\": {\"type\": \"choice\", \"values\": [1, {\"k\": 3, \"in\": {\"x\": [\"uniform\", [0, 1]]}}]}}}, "
    "\"primary_metric_name\": \"Accuracy\", \"primary_metric_goal\": \"maximize\", \"max_total_runs\": 100, \"max_concurrent_runs\": 4, "
    "\"max_duration_minutes\": 5, \"max_duration_seconds\": 300, \"trial_timeout_seconds\": 9, \"policy\": {\"type\": \"none\"}, "
    "\"run_config\": {\"source_directory\": \"/src\", \"script\": \"train.py\", \"arguments\": [\"--data\", 1, true, null, 2.5], "
    "\"interpreter\": null, \"inputs\": {\"A\": 1, \"d\": {\"path\": \"/data/iris.csv\"}}, \"outputs\": {\"m\": {\"type\": \"uri_file\"}}, "
    "\"environment_variables\": {\"E\": \"${{inputs.A}} {outputs.m}\"}, \"max_run_duration_seconds\": 8, \"compute_target\": \"local\", "
    "\"snapshot\": false, \"gpus_per_run\": 0, \"cpus_per_run\": 2, \"memory_limit_mb\": 512, "
    "\"process_limit\": 9, \"cpu_limit\": true, \"max_retries\": 0, \"retry_on\": [\"lost\"], \"launcher\": \"local\", "
    "\"metrics_from_output\": null}, \"resume_from\": null, \"resume_child_runs\": null, \"initial_failure_limit\": 3, "
    "\"nested_arguments\": \"flat\", \"debug_flag\": 1}",
    "{\"hyperparameter_sampling\": {\"type\": \"grid\", \"parameter_space\": {\"a\": [\"choice\", [[1, \"x\", null]]], \"-b\": "
    "[\"choice\", "
    "[[{\"c\": 1}, {\"d\": [\"choice\", [[1, 2]]]}]]]}}, \"run_config\": {\"command\": \"t ${{search_space.a}} '{inputs.b.c}' \\\"${{ "
    "outputs.o }}\\\" # ${{x}}\", \"outputs\": {\"o\": {}}}, \"policy\": {\"type\": \"bandit\", \"slack_factor\": 0.1, \"slack_amount\": "
    "null, \"evaluation_interval\": 1, \"delay_evaluation\": 0}}",
    "{\"hyperparameter_sampling\": {\"type\": \"random\", \"parameter_space\": {\"a\": [\"lognormal\", [0, 1]], \"s\": [\"choice\", "
    "[[\"x\", "
    "\"y\"]]]}}, \"max_total_runs\": 3, \"run_config\": {\"command\": [\"t\", \"${{search_space.a}}\", \"${{inputs.s}}\"]}}",
    "{\"$schema\": \"x\", \"type\": \"sweep\", \"experiment_name\": \"e\", \"name\": \"n\", \"sampling_algorithm\": {\"type\": \"random\", "
    "\"seed\": 3, \"rule\": \"sobol\", \"logbase\": 2}, \"search_space\": {\"lr\": {\"type\": \"loguniform\", \"min_value\": -3, "
    "\"max_value\": 0}, \"conv\": [\"choice\", [[\"x\", {\"k\": [\"randint\", [5]]}]]]}, \"objective\": {\"primary_metric\": \"m\", "
    "\"goal\": \"Maximize\"}, \"early_termination\": {\"type\": \"none\"}, \"limits\": {\"max_total_trials\": 9, "
    "\"max_concurrent_trials\": 3, \"timeout\": 60, \"trial_timeout\": 5}, \"compute\": \"gpu\", \"inputs\": {\"A\": 1, \"d\": {\"type\": "
    "\"uri_file\", \"path\": \"/data/iris.csv\"}}, \"outputs\": {\"o\": null}, \"trial\": {\"code\": \"/src\", \"command\": \"t "
    "${{search_space.lr}} '{inputs.A}' ${{inputs.B}} ${{outputs.o}}\", \"environment\": {\"image\": \"i\"}, \"environment_variables\": "
    "{\"E\": \"${{search_space.conv.k}}\", \"F\": 1.5}, \"distribution\": {\"type\": \"mpi\", \"process_count_per_instance\": 1}, "
    "\"resources\": {\"instance_count\": 1, \"shm_size\": \"2g\"}, \"limits\": {\"timeout\": 5}, \"inputs\": {\"B\": true, \"A\": 2}, "
    "\"outputs\": {\"p\": {\"mode\": \"upload\"}}}, \"resources\": {\"instance_count\": 1}, \"identity\": {}, \"queue_settings\": {}, "
    "\"hyperdrived\": {\"initial_failure_limit\": 2, \"nested_arguments\": \"flat\"}}",
};

enum { SEEDS = sizeof seeds / sizeof seeds[0] };

/* Whatever comes: no crash, a reason for every refusal, and what is taken is a fixed point. */
static bool survives(const cJSON *body)
{
    struct hd_problems errors = {0};
    struct hd_problems warnings = {0};
    struct hd_specification specification = {0};
    bool taken = hd_specification_parse(body, &fixture_options, &errors, &warnings, &specification) == 0;

    ck_assert_int_eq(taken, hd_problems_none(&errors));
    if (taken) {
        check_fixed_point(&specification);
        hd_specification_clear(&specification);
    }
    for (size_t i = 0; i < errors.count; i++) {
        ck_assert(errors.list[i].message[0] != '\0');
    }
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    return taken;
}

START_TEST(broken_texts_are_survived)
{
    static const char bytes[] = "{}[],:\"0123456789eE+-.truefalsn\\ ${}'#_";
    uint32_t state = 7;
    int parsed = 0;

    for (int i = 0; i < 6000; i++) {
        char *text = strdup(seeds[i % SEEDS]);
        size_t length = strlen(text);
        for (uint32_t j = 0; j <= next_random(&state) % 3; j++) {
            text[next_random(&state) % length] = bytes[next_random(&state) % (sizeof bytes - 1)];
        }
        struct hd_problems errors = {0};
        cJSON *body = hd_json_parse(text, length, &errors);
        ck_assert_int_eq(body == NULL, errors.count > 0);
        if (body != NULL) {
            parsed++;
            survives(body);
        }
        hd_problems_clear(&errors);
        cJSON_Delete(body);
        free(text);
    }
    ck_assert_int_gt(parsed, 1000); /* else the test looks at the JSON parser alone */
}
END_TEST

static int count_items(const cJSON *item)
{
    int count = 1;

    for (const cJSON *child = item->child; child != NULL; child = child->next) {
        count += count_items(child);
    }
    return count;
}

/* The parent of the index-th item below `item`, in document order; `*ret_index` becomes its place there. */
static cJSON *parent_of(cJSON *item, int *index, int *ret_index)
{
    int place = 0;

    for (cJSON *child = item->child; child != NULL; child = child->next, place++) {
        if ((*index)-- == 0) {
            *ret_index = place;
            return item;
        }
        cJSON *parent = parent_of(child, index, ret_index);
        if (parent != NULL) {
            return parent;
        }
    }
    return NULL;
}

/* Takes one item out, or puts another in its place. */
static void mutate(cJSON *body, uint32_t *state)
{
    static const char *const values[] = {"null",
                                         "true",
                                         "0",
                                         "-1",
                                         "1",
                                         "2.5",
                                         "1e308",
                                         "\"\"",
                                         "\"x\"",
                                         "[]",
                                         "{}",
                                         "[1]",
                                         "[[]]",
                                         "{\"a\":1}",
                                         "\"-\"",
                                         "1e-320",
                                         "\"NaN\"",
                                         "9007199254740992",
                                         "\"none\"",
                                         "\"grid\"",
                                         "\"sobol\"",
                                         "5.0",
                                         "\"${{\"",
                                         "[\"choice\",[[1,2]]]",
                                         "\"${{inputs.C}}\"",
                                         "\"/src\"",
                                         "1000000"};
    int count = count_items(body);
    int index = (int)(next_random(state) % (uint32_t)(count - 1));
    int place = 0;
    cJSON *parent = parent_of(body, &index, &place);

    if (next_random(state) % 4 == 0) {
        cJSON_DeleteItemFromArray(parent, place);
        return;
    }
    cJSON *value = fixture_json(values[next_random(state) % (sizeof values / sizeof values[0])]);
    if (cJSON_IsObject(parent)) {
        char *name = strdup(cJSON_GetArrayItem(parent, place)->string);
        ck_assert(cJSON_ReplaceItemInObjectCaseSensitive(parent, name, value));
        free(name);
    } else {
        ck_assert(cJSON_ReplaceItemInArray(parent, place, value));
    }
}

START_TEST(broken_trees_are_survived)
{
    uint32_t state = 11;
    int taken = 0;

    for (int i = 0; i < 6000; i++) {
        cJSON *body = fixture_json(seeds[i % SEEDS]);
        for (uint32_t j = 0; j <= next_random(&state) % 3 && body->child != NULL; j++) {
            mutate(body, &state);
        }
        taken += survives(body);
        cJSON_Delete(body);
    }
    ck_assert_int_gt(taken, 300);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("specification");
    TCase *cases = tcase_create("specification");

    printf("specification: %d refused bodies, %d accepted ones\n", REFUSED, ACCEPTED);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, every_fault_has_its_sentence, 0, REFUSED);
    tcase_add_test(cases, a_body_that_is_no_object);
    tcase_add_loop_test(cases, sobol_has_so_many_dimensions, 0, 2);
    tcase_add_test(cases, every_default_is_filled_in);
    tcase_add_loop_test(cases, right_bodies_their_output_and_their_warnings, 0, ACCEPTED);
    tcase_add_test(cases, too_long_values);
    tcase_add_test(cases, too_many_members);
    tcase_add_test(cases, no_more_than_the_machine_has);
    tcase_add_test(cases, younger_rules_do_not_refuse_what_is_stored);
    tcase_add_test(cases, the_warnings_of_the_space_come_too);
    tcase_add_test(cases, an_interval_of_zero_is_remarked);
    tcase_add_test(cases, a_grid_beyond_counting);
    tcase_add_test(cases, the_smaller_timeout_counts);
    tcase_add_test(cases, microseconds_are_exact_and_never_overflow);
    tcase_add_test(cases, durations_are_fixed_points);
    tcase_add_test(cases, broken_texts_are_survived);
    tcase_add_test(cases, broken_trees_are_survived);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
