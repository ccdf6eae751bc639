/* Specifications that are refused: every finding of the reference, section 4.2, word by word, and limits on length and number. */
#include <check.h>
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
#define SEVENTY_EIGHT_X "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

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

START_TEST(every_fault_has_its_sentence)
{
    cJSON *body = fixture_changed_body(refused[_i].changes, FIXTURE_CHANGES);
    struct hd_problems errors = {0};
    struct hd_problems warnings = {0};
    struct hd_specification untouched = {.max_total_runs = 77};

    ck_assert_int_eq(hd_specification_parse(body, &fixture_options, &errors, &warnings, &untouched), -1);
    fixture_check_findings(&errors, refused[_i].findings, sizeof refused[_i].findings / sizeof refused[_i].findings[0]);
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
        fixture_check_findings(&errors, (struct finding[]){{"WrongType", NULL, expected}, {NULL, NULL, NULL}}, 2);
        hd_problems_clear(&errors);
        cJSON_Delete(body);
    }
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

int main(void)
{
    Suite *suite = suite_create("specification_refused");
    TCase *cases = tcase_create("specification_refused");

    printf("specification: %d refused bodies\n", REFUSED);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, every_fault_has_its_sentence, 0, REFUSED);
    tcase_add_test(cases, a_body_that_is_no_object);
    tcase_add_test(cases, too_long_values);
    tcase_add_test(cases, too_many_members);
    tcase_add_test(cases, no_more_than_the_machine_has);
    tcase_add_test(cases, younger_rules_do_not_refuse_what_is_stored);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
