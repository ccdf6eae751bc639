/* resume_from and resume_child_runs: every refusal of reference 8.5 and 8.6, and what becomes of right values. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "specification_fixture.h"

/* Sweeps A to G, all ended but `L`, which runs; each has children <sweep>_0 and <sweep>_1, of which L_1 runs. */
static bool find(void *context, const char *id, struct hd_earlier *ret)
{
    static char sweep[2];

    ck_assert_ptr_null(context);
    *ret = (struct hd_earlier){.kind = HD_EARLIER_NOTHING};
    if (id[0] == '?')
        return false;
    if (id[0] == '\0' || strchr("ABCDEFGLNX", id[0]) == NULL || strchr("_", id[1]) == NULL)
        return true;
    sweep[0] = id[0];
    ret->kind = id[1] == '_' ? HD_EARLIER_RUN : HD_EARLIER_SWEEP;
    ret->status = strcmp(id, "L") == 0 || strcmp(id, "L_1") == 0 ? HD_RUNNING : HD_FAILED;
    ret->sweep = id[0];
    ret->sweep_id = sweep;
    ret->metric = id[0] == 'N' ? NULL : id[0] == 'X' ? "Loss" : "Accuracy";
    ret->goal = id[0] == 'X' ? HD_MINIMIZE : HD_MAXIMIZE;
    return true;
}

static const struct hd_specification_options OPTIONS = {.seed = 1, .find_earlier = find};

/* Bodies with these changes; the findings, "code target message" each. */
static const struct {
    struct change changes[FIXTURE_CHANGES];
    const char *findings[4];
} REFUSED[] = {
    {{{"resume_from", "{}"}}, {"WrongType resume_from 'resume_from' must be a string or an array of strings, got {}"}},
    {{{"resume_from", "0"}}, {"WrongType resume_from 'resume_from' must be a string or an array of strings, got 0"}},
    {{{"resume_from", "false"}}, {"WrongType resume_from 'resume_from' must be a string or an array of strings, got false"}},
    {{{"resume_from", "[\"A\", 1, null]"}},
     {"WrongType resume_from[1] 'resume_from[1]' must be a string, got 1",
      "WrongType resume_from[2] 'resume_from[2]' must be a string, got null"}},
    {{{"resume_from", "[\"A\", \"B\", \"C\", \"D\", \"E\", \"F\"]"}},
     {"OutOfRange resume_from 'resume_from' must have at most 5 sweeps, got 6"}},
    {{{"resume_from", "[\"A\", \"B\", \"A\"]"}}, {"Duplicate resume_from 'resume_from': 'A' is given twice"}},
    {{{"resume_from", "\"nobody\""}}, {"NotFound resume_from 'resume_from': no sweep with id 'nobody'"}},
    {{{"resume_from", "[\"A_0\"]"}}, {"NotFound resume_from 'resume_from': no sweep with id 'A_0'"}},
    {{{"resume_from", "[\"L\"]"}}, {"Conflict resume_from 'resume_from': sweep 'L' has not ended (Running)"}},
    {{{"resume_from", "[\"X\", \"N\"]"}},
     {"Conflict resume_from 'resume_from': sweep 'X' has primary metric Loss (minimize)",
      "Conflict resume_from 'resume_from': sweep 'N' has no primary metric"}},
    {{{"resume_from", "\"A\""}, {"primary_metric_goal", "\"minimize\""}},
     {"Conflict resume_from 'resume_from': sweep 'A' has primary metric Accuracy (maximize)"}},
    {{{"resume_from", "\"A\""}, {"primary_metric_name", "\"accuracy\""}},
     {"Conflict resume_from 'resume_from': sweep 'A' has primary metric Accuracy (maximize)"}},
    {{{"resume_from", "\"A\""}, {"primary_metric_name", NULL}, {"primary_metric_goal", NULL}},
     {"Conflict resume_from 'resume_from': sweep 'A' has primary metric Accuracy (maximize)"}},
    /* A metric that is wrong itself is told of once. */
    {{{"resume_from", "\"A\""}, {"primary_metric_goal", "\"max\""}},
     {"NotAllowed primary_metric_goal 'primary_metric_goal' must be one of maximize, minimize, got \"max\""}},
    {{{"resume_child_runs", "{}"}}, {"WrongType resume_child_runs 'resume_child_runs' must be a string or an array of strings, got {}"}},
    {{{"resume_child_runs", "0"}}, {"WrongType resume_child_runs 'resume_child_runs' must be a string or an array of strings, got 0"}},
    {{{"resume_child_runs", "true"}},
     {"WrongType resume_child_runs 'resume_child_runs' must be a string or an array of strings, got true"}},
    {{{"resume_child_runs", "[[]]"}}, {"WrongType resume_child_runs[0] 'resume_child_runs[0]' must be a string, got []"}},
    {{{"resume_child_runs", "[\"A_0\", \"A_1\"]"}, {"max_total_runs", "1"}},
     {"OutOfRange resume_child_runs 'resume_child_runs' must have at most 1 runs, got 2"}},
    {{{"resume_child_runs", "[\"A_0\", \"B_0\", \"A_0\", \"A_0\"]"}},
     {"Duplicate resume_child_runs 'resume_child_runs': 'A_0' is given twice",
      "Duplicate resume_child_runs 'resume_child_runs': 'A_0' is given twice"}},
    {{{"resume_child_runs", "[\"nobody\", \"\"]"}},
     {"NotFound resume_child_runs 'resume_child_runs': 'nobody' does not exist",
      "NotFound resume_child_runs 'resume_child_runs': '' does not exist"}},
    {{{"resume_child_runs", "\"A\""}}, {"Conflict resume_child_runs 'resume_child_runs': 'A' is a sweep"}},
    {{{"resume_child_runs", "[\"L_0\", \"L_1\"]"}}, {"Conflict resume_child_runs 'resume_child_runs': 'L_1' has not ended (Running)"}},
    {{{"resume_child_runs", "[\"A_0\", \"B_0\", \"C_0\", \"A_1\", \"D_0\", \"E_0\", \"F_0\", \"G_0\"]"}},
     {"OutOfRange resume_child_runs 'resume_child_runs' must be of at most 5 sweeps, got 7"}},
    {{{"resume_child_runs", "[\"X_0\", \"X_1\"]"}},
     {"Conflict resume_child_runs 'resume_child_runs': sweep 'X' has primary metric Loss (minimize)"}},
    {{{"resume_child_runs", "[\"X_0\"]"}, {"resume_from", "[\"L\"]"}},
     {"Conflict resume_from 'resume_from': sweep 'L' has not ended (Running)",
      "Conflict resume_child_runs 'resume_child_runs': sweep 'X' has primary metric Loss (minimize)"}},
};

START_TEST(refusals)
{
    cJSON *body = fixture_changed_body(REFUSED[_i].changes, FIXTURE_CHANGES);
    struct hd_problems errors = {0}, warnings = {0};
    struct hd_specification specification;
    size_t count = 0;

    ck_assert_int_eq(hd_specification_parse(body, &OPTIONS, &errors, &warnings, &specification), -1);
    for (; count < 4 && REFUSED[_i].findings[count] != NULL; count++) {
        struct hd_text found = {0};

        ck_assert_uint_lt(count, errors.count);
        hd_text_format(&found, "%s %s %s", errors.list[count].code, errors.list[count].target, errors.list[count].message);
        ck_assert_str_eq(found.data, REFUSED[_i].findings[count]);
        hd_text_clear(&found);
    }
    ck_assert_uint_eq(errors.count, count);
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    cJSON_Delete(body);
}
END_TEST

static const struct {
    const char *given, *shown;
    int64_t count;
    const char *first;
} ACCEPTED[] = {
    {NULL, "null", 0, NULL},
    {"null", "null", 0, NULL},
    {"[]", "[]", 0, NULL},
    {"\"A_1\"", "[\"A_1\"]", 1, "A_1"},
    {"[\"L_0\", \"A_0\", \"B_0\", \"C_0\", \"D_0\", \"A_1\"]", "[\"L_0\", \"A_0\", \"B_0\", \"C_0\", \"D_0\", \"A_1\"]", 6, "L_0"},
};

/* What is shown, given again, makes an equal specification, also where nobody can be asked. */
START_TEST(right_values)
{
    const struct change change = {"resume_child_runs", ACCEPTED[_i].given};
    cJSON *body = fixture_changed_body(&change, 1);

    for (int round = 0; round < 2; round++) {
        const struct hd_specification_options alone = {.seed = 1};
        struct hd_problems errors = {0}, warnings = {0};
        struct hd_specification specification;
        char *shown;

        ck_assert_int_eq(hd_specification_parse(body, round == 0 ? &OPTIONS : &alone, &errors, &warnings, &specification), 0);
        shown = fixture_print(cJSON_GetObjectItemCaseSensitive(specification.config, "resume_child_runs"));
        ck_assert_str_eq(shown, ACCEPTED[_i].shown);
        ck_assert_int_eq(specification.resumed_count, ACCEPTED[_i].count);
        if (ACCEPTED[_i].count > 0)
            ck_assert_str_eq(specification.resume_child_runs[0], ACCEPTED[_i].first);
        cJSON_Delete(body);
        body = cJSON_Duplicate(specification.config, true);
        free(shown);
        hd_specification_clear(&specification);
        hd_problems_clear(&errors);
        hd_problems_clear(&warnings);
    }
    cJSON_Delete(body);
}
END_TEST

/* The asker knows why; nothing is said of the ids. */
START_TEST(nobody_can_tell)
{
    const struct change change = {"resume_child_runs", "[\"?\", \"nobody\"]"};
    cJSON *body = fixture_changed_body(&change, 1);
    struct hd_problems errors = {0}, warnings = {0};
    struct hd_specification specification;

    ck_assert_int_eq(hd_specification_parse(body, &OPTIONS, &errors, &warnings, &specification), 0);
    hd_specification_clear(&specification);
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    cJSON_Delete(body);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("specification_resume");
    TCase *tests = tcase_create("specification_resume");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tests, refusals, 0, sizeof REFUSED / sizeof REFUSED[0]);
    tcase_add_loop_test(tests, right_values, 0, sizeof ACCEPTED / sizeof ACCEPTED[0]);
    tcase_add_test(tests, nobody_can_tell);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
