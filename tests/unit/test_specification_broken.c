/* Specifications that are broken at random: whatever comes is survived. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "specification_fixture.h"

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
        fixture_check_fixed_point(&specification);
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
        for (uint32_t j = 0; j <= fixture_random(&state) % 3; j++) {
            text[fixture_random(&state) % length] = bytes[fixture_random(&state) % (sizeof bytes - 1)];
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
    int index = (int)(fixture_random(state) % (uint32_t)(count - 1));
    int place = 0;
    cJSON *parent = parent_of(body, &index, &place);

    if (fixture_random(state) % 4 == 0) {
        cJSON_DeleteItemFromArray(parent, place);
        return;
    }
    cJSON *value = fixture_json(values[fixture_random(state) % (sizeof values / sizeof values[0])]);
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
        for (uint32_t j = 0; j <= fixture_random(&state) % 3 && body->child != NULL; j++) {
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
    Suite *suite = suite_create("specification_broken");
    TCase *cases = tcase_create("specification_broken");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, broken_texts_are_survived);
    tcase_add_test(cases, broken_trees_are_survived);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
