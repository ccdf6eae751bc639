/* The vectors of bandit.json, median.json, truncation.json and schedule.json. Expected values come from the files alone; how many cases
 * there are is written here, so that none can go missing; a member that the runner does not know fails its case. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/policy.h"

static cJSON *load(const char *name)
{
    char path[4096], block[4096];
    struct hd_text text = {0};
    FILE *file;
    cJSON *document;

    snprintf(path, sizeof path, "%s/%s", HD_VECTORS, name);
    file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s cannot be opened", path);
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;)
        hd_text_add(&text, block, got);
    fclose(file);
    document = hd_json_parse_own(text.data);
    ck_assert_msg(document != NULL, "%s is not JSON", path);
    hd_text_clear(&text);
    return document;
}

static void only_members(const cJSON *object, const char *const *known)
{
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        size_t i = 0;

        while (known[i] != NULL && strcmp(known[i], member->string) != 0)
            i++;
        ck_assert_msg(known[i] != NULL, "a case has the unknown member '%s'", member->string);
    }
}

static const cJSON *member(const cJSON *object, const char *name)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);

    ck_assert_msg(found != NULL, "a case lacks '%s'", name);
    return found;
}

static double number(const cJSON *item)
{
    double value = 0;

    ck_assert(hd_json_metric_number(item, &value));
    return value;
}

static double optional_number(const cJSON *object, const char *name)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);

    return found == NULL ? 0 : number(found);
}

static void count_cases(const char *file, const char *section, int expected, void (*run)(const cJSON *document, const cJSON *test_case))
{
    cJSON *document = load(file);
    int count = 0;

    for (const cJSON *test_case = member(document, section)->child; test_case != NULL; test_case = test_case->next, count++)
        run(document, test_case);
    printf("%s: %s: %d cases\n", file, section, count);
    fflush(stdout);
    ck_assert_int_eq(count, expected);
    cJSON_Delete(document);
}

/* The rule of a case, read from it as from a configuration. */
static struct hd_policy_rule rule_of(const cJSON *test_case, const char *type)
{
    static const char *const FIELDS[] = {"slack_factor", "slack_amount", "truncation_percentage", "exclude_finished_jobs"};
    struct hd_problems errors = {0}, warnings = {0};
    struct hd_policy_rule rule;
    cJSON *policy = cJSON_CreateObject();

    ck_assert(cJSON_AddStringToObject(policy, "type", type) != NULL);
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++)
        if (cJSON_HasObjectItem(test_case, FIELDS[i]))
            ck_assert(cJSON_AddItemToObject(policy, FIELDS[i], cJSON_Duplicate(member(test_case, FIELDS[i]), true)));
    ck_assert_int_eq(hd_policy_rule_parse(policy, hd_goal_parse(member(test_case, "goal")->valuestring), &errors, &warnings, &rule), 0);
    cJSON_Delete(policy);
    return rule;
}

/* --- bandit.json: formula -------------------------------------------------------------------------------------------------------------
 */

static void run_formula(const cJSON *document, const cJSON *test_case)
{
    struct hd_policy_rule rule = rule_of(test_case, "bandit");
    double slack;

    (void)document;
    only_members(test_case,
                 (const char *const[]){"goal", "best", "value", "slack_factor", "slack_amount", "cancel", "source", "note", NULL});
    ck_assert_msg(hd_bandit_stops(&rule, number(member(test_case, "best")), number(member(test_case, "value")), &slack) ==
                      cJSON_IsTrue(member(test_case, "cancel")),
                  "%s", cJSON_PrintUnformatted(test_case));
}

START_TEST(bandit_formula)
{
    count_cases("bandit.json", "formula", 38, run_formula);
}
END_TEST

/* --- A set of runs, of which each one is judged as the last that reports ---------------------------------------------------------------
 */

/* Only the last report is judged: an earlier one might have stopped the run already. */
static struct hd_decision feed(struct hd_policy *policy, const cJSON *run, int64_t key, int64_t limit)
{
    struct hd_decision decision = {0};
    int64_t fed = 0;

    for (const cJSON *report = member(run, "reports")->child; report != NULL && fed < limit; report = report->next, fed++)
        ck_assert_int_eq(hd_policy_report(policy, key, number(report), fed + 1 == limit, &decision), 0);
    return decision;
}

static bool contains(const cJSON *list, const char *id)
{
    for (const cJSON *element = list->child; element != NULL; element = element->next)
        if (strcmp(element->valuestring, id) == 0)
            return true;
    return false;
}

static bool has_ended(const cJSON *run)
{
    return strcmp(member(run, "status")->valuestring, "Running") != 0;
}

/* What the policy decides when `judged` reports for the interval, all others having reported all they have. */
static struct hd_decision judge(const struct hd_policy_rule *rule, const cJSON *runs, const cJSON *judged, int64_t interval)
{
    struct hd_memory memory = {.limit = INT64_MAX};
    struct hd_policy *policy = hd_policy_new(rule, &memory);
    struct hd_decision decision;
    int64_t key = 0;

    ck_assert_ptr_nonnull(policy);
    for (const cJSON *run = runs->child; run != NULL; run = run->next, key++) {
        only_members(run, (const char *const[]){"id", "status", "reports", NULL});
        if (run == judged)
            continue;
        feed(policy, run, key, INT64_MAX);
        if (has_ended(run))
            hd_policy_end(policy, key);
    }
    decision = feed(policy, judged, key, interval);
    hd_policy_free(policy);
    ck_assert_int_eq(memory.used, 0);
    return decision;
}

typedef void check_numbers(const cJSON *test_case, const struct hd_decision *decision);

static void check_case(const struct hd_policy_rule *rule, const cJSON *runs, const cJSON *test_case, check_numbers *check)
{
    int64_t interval = (int64_t)number(member(test_case, "interval"));
    const cJSON *values = member(test_case, "values"), *stopped = member(test_case, "cancel_if_judged_now");
    int stops = 0;

    for (const cJSON *run = runs->child; run != NULL; run = run->next) {
        const char *id = member(run, "id")->valuestring;
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(values, id);
        struct hd_decision decision;

        if (has_ended(run) || cJSON_GetArraySize(member(run, "reports")) < interval)
            continue;
        decision = judge(rule, runs, run, interval);
        ck_assert_int_eq(decision.no_metric, value == NULL);
        ck_assert_msg(decision.stop == contains(stopped, id), "%s", id);
        stops += decision.stop;
        if (value == NULL)
            continue;
        ck_assert_double_eq(decision.value, number(value));
        ck_assert_int_eq(decision.interval, interval);
        check(test_case, &decision);
    }
    ck_assert_int_eq(stops, cJSON_GetArraySize(stopped));
}

static void check_bandit(const cJSON *test_case, const struct hd_decision *decision)
{
    ck_assert_double_eq(decision->best, number(member(test_case, "best")));
    ck_assert_int_eq(decision->runs, cJSON_GetArraySize(member(test_case, "reference_set")));
}

static void run_evaluation(const cJSON *document, const cJSON *test_case)
{
    struct hd_policy_rule rule = rule_of(test_case, "bandit");

    only_members(test_case, (const char *const[]){"goal", "interval", "slack_factor", "slack_amount", "reference_set", "best", "values",
                                                  "cancel_if_judged_now", NULL});
    check_case(&rule, member(document, "runs"), test_case, check_bandit);
}

START_TEST(bandit_evaluations)
{
    cJSON *document = load("bandit.json");

    only_members(document, (const char *const[]){"about", "formula", "runs", "about_evaluations", "evaluations", NULL});
    cJSON_Delete(document);
    count_cases("bandit.json", "evaluations", 4, run_evaluation);
}
END_TEST

static void check_median(const cJSON *test_case, const struct hd_decision *decision)
{
    double median = number(member(test_case, "median"));

    ck_assert_double_le(fabs(decision->threshold - median), fabs(median) * 1e-12);
    ck_assert_int_eq(decision->runs, cJSON_GetArraySize(member(test_case, "averages")));
}

static void run_median(const cJSON *document, const cJSON *test_case)
{
    struct hd_policy_rule rule = rule_of(test_case, "median_stopping");

    only_members(document, (const char *const[]){"about", "cases", NULL});
    only_members(test_case,
                 (const char *const[]){"note", "goal", "interval", "runs", "averages", "median", "values", "cancel_if_judged_now", NULL});
    check_case(&rule, member(test_case, "runs"), test_case, check_median);
}

START_TEST(median_cases)
{
    count_cases("median.json", "cases", 8, run_median);
}
END_TEST

static void check_truncation(const cJSON *test_case, const struct hd_decision *decision)
{
    ck_assert_double_eq((double)decision->runs, number(member(test_case, "n")));
    ck_assert_double_eq((double)decision->quota, number(member(test_case, "quota")));
}

static void run_truncation(const cJSON *document, const cJSON *test_case)
{
    struct hd_policy_rule rule = rule_of(test_case, "truncation_selection");

    only_members(document, (const char *const[]){"about", "cases", NULL});
    only_members(test_case, (const char *const[]){"note", "goal", "interval", "truncation_percentage", "exclude_finished_jobs", "runs", "n",
                                                  "quota", "values", "cancel_if_judged_now", NULL});
    check_case(&rule, member(test_case, "runs"), test_case, check_truncation);
}

START_TEST(truncation_cases)
{
    count_cases("truncation.json", "cases", 13, run_truncation);
}
END_TEST

/* --- schedule.json ---------------------------------------------------------------------------------------------------------------------
 */

static struct hd_policy_rule schedule_of(const cJSON *test_case)
{
    return (struct hd_policy_rule){.type = HD_MEDIAN_STOPPING,
                                   .goal = HD_MAXIMIZE,
                                   .interval = (int64_t)optional_number(test_case, "evaluation_interval"),
                                   .delay = (int64_t)optional_number(test_case, "delay_evaluation")};
}

static bool has_number(const cJSON *list, int64_t wanted)
{
    for (const cJSON *element = list->child; element != NULL; element = element->next)
        if ((int64_t)number(element) == wanted)
            return true;
    return false;
}

static void run_first_12(const cJSON *document, const cJSON *test_case)
{
    struct hd_policy_rule rule = schedule_of(test_case);
    struct hd_memory memory = {.limit = INT64_MAX};
    struct hd_policy *policy = hd_policy_new(&rule, &memory);

    only_members(document, (const char *const[]){"about", "first_12", "points", NULL});
    only_members(test_case, (const char *const[]){"evaluation_interval", "delay_evaluation", "applied_at", "source", NULL});
    for (int64_t report = 1; report <= 12; report++) {
        bool applied = has_number(member(test_case, "applied_at"), report);
        struct hd_decision decision;

        ck_assert_int_eq(hd_policy_applies(&rule, report), applied);
        ck_assert_int_eq(hd_policy_report(policy, 1, 0.5, true, &decision), 0);
        ck_assert_int_eq(decision.interval, applied ? report : 0);
    }
    hd_policy_free(policy);
    ck_assert_int_eq(memory.used, 0);
}

static void run_points(const cJSON *document, const cJSON *test_case)
{
    struct hd_policy_rule rule = schedule_of(test_case);

    (void)document;
    only_members(test_case, (const char *const[]){"evaluation_interval", "delay_evaluation", "applied", "not_applied", NULL});
    for (const cJSON *report = member(test_case, "applied")->child; report != NULL; report = report->next)
        ck_assert(hd_policy_applies(&rule, (int64_t)number(report)));
    for (const cJSON *report = member(test_case, "not_applied")->child; report != NULL; report = report->next)
        ck_assert(!hd_policy_applies(&rule, (int64_t)number(report)));
}

START_TEST(schedule)
{
    count_cases("schedule.json", "first_12", 10, run_first_12);
    count_cases("schedule.json", "points", 3, run_points);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy vectors");
    TCase *vectors = tcase_create("vectors");
    SRunner *runner;
    int failed;

    tcase_add_test(vectors, bandit_formula);
    tcase_add_test(vectors, bandit_evaluations);
    tcase_add_test(vectors, median_cases);
    tcase_add_test(vectors, truncation_cases);
    tcase_add_test(vectors, schedule);
    suite_add_tcase(suite, vectors);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
