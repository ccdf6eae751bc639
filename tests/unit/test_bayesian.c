/* Bayesian sampling: points of a space, and what is proposed. */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/bayesian.h"
#include "core/json.h"
#include "core/sampling.h"
#include "core/space_points.h"
#include "rounds.h"

#define ALL_TYPES                                                                                                                          \
    "{\"u\":[\"uniform\",[-3,3]],\"q\":[\"quniform\",[1,20,5]],\"l\":[\"loguniform\",[-7,0]],\"ql\":[\"qloguniform\",[0,5,2]],"            \
    "\"n\":[\"normal\",[1,2]],\"qn\":[\"qnormal\",[0,3,0.5]],\"ln\":[\"lognormal\",[0,1]],\"qln\":[\"qlognormal\",[1,1,1]],"               \
    "\"r\":[\"randint\",[7]],\"one\":[\"choice\",[[5]]],\"c\":[\"choice\",[[\"a\",\"b\",true,null]]],\"k\":[\"choice\",[[16,64,32]]],"     \
    "\"model\":[\"choice\",[[{\"name\":\"tree\",\"depth\":[\"randint\",[9]],\"in\":[\"choice\",[[{\"x\":[\"uniform\",[0,1]]},3]]]},"       \
    "{\"name\":\"svm\",\"c\":[\"loguniform\",[-3,3]]}]]]}"

static struct hd_space *compile(const char *text)
{
    struct hd_problems errors = {0}, warnings = {0};
    cJSON *json = hd_json_parse(text, strlen(text), &errors);
    const struct hd_space_options options = {.path = "space", .log_base = M_E};
    struct hd_space *space = hd_space_compile(json, &options, &errors, &warnings);
    ck_assert_msg(space != NULL, "%s", errors.count > 0 ? errors.list[0].message : "memory is short");
    cJSON_Delete(json);
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    return space;
}

static double number(const cJSON *configuration, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(configuration, name)->valuedouble;
}

/* --- Points ------------------------------------------------------------------------------------------------------------------------------
 */

/* Discrete values come back as they were, others within rounding; and a point that was snapped stays where it is. */
START_TEST(a_configuration_has_a_point_and_back)
{
    static const char *const EXACT[] = {"q", "ql", "qn", "qln", "r", "one", "c", "k"};
    struct hd_space *space = compile(ALL_TYPES);
    struct points points;
    double point[32], again[32];
    ck_assert(points_open(&points, space));
    for (uint64_t draw = 0; draw < rounds(2000); draw++) {
        cJSON *configuration = hd_space_draw(space, 5, draw);
        ck_assert_msg(points_find(&points, configuration, point), "draw %d", (int)draw);
        cJSON *back = points_configuration(&points, point);
        ck_assert(hd_space_contains(space, back));
        for (size_t i = 0; i < sizeof EXACT / sizeof *EXACT; i++)
            ck_assert_msg(
                hd_json_equal(cJSON_GetObjectItemCaseSensitive(configuration, EXACT[i]), cJSON_GetObjectItemCaseSensitive(back, EXACT[i])),
                "draw %d: %s", (int)draw, EXACT[i]);
        ck_assert_double_eq_tol(number(configuration, "u"), number(back, "u"), 1e-9);
        ck_assert_double_eq_tol(number(configuration, "l") / number(back, "l"), 1, 1e-9);
        memcpy(again, point, sizeof point);
        points_snap(&points, again);
        for (size_t i = 0; i < points.count; i++) {
            ck_assert_msg(again[i] == point[i], "draw %d, dimension %zu: %.17g becomes %.17g", (int)draw, i, point[i], again[i]);
            ck_assert(point[i] >= 0 && point[i] <= 1);
            ck_assert(points_is_drawn(&points, point, i) || point[i] == 0.5);
        }
        cJSON_Delete(configuration);
        cJSON_Delete(back);
    }
    points_close(&points);
    hd_space_free(space);
}
END_TEST

START_TEST(what_the_space_does_not_contain_has_no_point)
{
    struct hd_space *space = compile("{\"x\":[\"uniform\",[0,1]],\"c\":[\"choice\",[[1,2]]]}");
    static const char *const OTHERS[] = {"{\"x\":2,\"c\":1}",       "{\"x\":0.5}", "{\"x\":0.5,\"c\":3}", "{\"x\":0.5,\"c\":1,\"d\":0}",
                                         "{\"x\":\"0.5\",\"c\":1}", "[]"};
    struct hd_bayesian *bayesian = hd_bayesian_open(space, HD_MINIMIZE, 1);
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++) {
        cJSON *configuration = hd_json_parse_own(OTHERS[i]);
        ck_assert_int_eq(hd_bayesian_add(bayesian, configuration, HD_KNOWN_VALUE, 1), 1);
        cJSON_Delete(configuration);
    }
    hd_bayesian_close(bayesian);
    hd_space_free(space);
}
END_TEST

/* --- Proposals ---------------------------------------------------------------------------------------------------------------------------
 */

enum { TRIALS_MOST = 64 };

struct search {
    struct hd_space *space;
    enum hd_goal goal;
    int64_t seed;
    cJSON *configurations[TRIALS_MOST];
    double metrics[TRIALS_MOST];
    enum hd_known known[TRIALS_MOST];
    int count;
};

static struct hd_bayesian *model(const struct search *search)
{
    struct hd_bayesian *bayesian = hd_bayesian_open(search->space, search->goal, search->seed);
    for (int i = 0; i < search->count; i++)
        ck_assert_int_eq(hd_bayesian_add(bayesian, search->configurations[i], search->known[i], search->metrics[i]), 0);
    return bayesian;
}

static void remember(struct search *search, cJSON *configuration, enum hd_known known, double metric)
{
    search->configurations[search->count] = configuration;
    search->known[search->count] = known;
    search->metrics[search->count++] = metric;
}

static void draw(struct search *search, int count, double (*metric)(const cJSON *configuration))
{
    const struct hd_sampling sampling = {.type = HD_BAYESIAN, .seed = search->seed};
    for (int i = 0; i < count; i++) {
        cJSON *configuration;
        ck_assert_int_eq(hd_sampling_draw(&sampling, search->space, (uint64_t)i, &configuration), 0);
        remember(search, configuration, HD_KNOWN_VALUE, metric(configuration));
    }
}

static void run(struct search *search, int until, double (*metric)(const cJSON *configuration))
{
    while (search->count < until) {
        struct hd_bayesian *bayesian = model(search);
        cJSON *configuration;
        ck_assert_int_eq(hd_bayesian_propose(bayesian, (uint64_t)search->count, 1, &configuration), 1);
        remember(search, configuration, HD_KNOWN_VALUE, metric(configuration));
        hd_bayesian_close(bayesian);
    }
}

static double best(const struct search *search)
{
    double value = NAN;
    for (int i = 0; i < search->count; i++)
        if (search->known[i] == HD_KNOWN_VALUE && hd_goal_better(search->goal, search->metrics[i], value))
            value = search->metrics[i];
    return value;
}

static void clear(struct search *search)
{
    for (int i = 0; i < search->count; i++)
        cJSON_Delete(search->configurations[i]);
    hd_space_free(search->space);
}

static double bowl(const cJSON *configuration)
{
    double x = number(configuration, "x") - 0.3, y = log(number(configuration, "y")) + 2;
    return x * x + y * y / 20 + 1;
}

static double hill(const cJSON *configuration)
{
    return -1e-6 * bowl(configuration);
}

#define BOWL "{\"x\":[\"uniform\",[-1,1]],\"y\":[\"loguniform\",[-6,3]]}"

START_TEST(a_bowl_is_walked_down)
{
    struct search search = {.space = compile(BOWL), .goal = HD_MINIMIZE, .seed = _i};
    draw(&search, 5, bowl);
    run(&search, 25, bowl);
    ck_assert_double_lt(best(&search) - 1, 1e-4);
    clear(&search);
}
END_TEST

/* The other goal, and metrics that are small. */
START_TEST(a_hill_is_climbed)
{
    struct search search = {.space = compile(BOWL), .goal = HD_MAXIMIZE, .seed = _i};
    draw(&search, 5, hill);
    run(&search, 25, hill);
    ck_assert_double_gt(best(&search) + 1e-6, -1e-10);
    clear(&search);
}
END_TEST

static double spoilt_bowl(const cJSON *configuration)
{
    double x = number(configuration, "x");
    return x < -0.6 ? 1e6 : x > 0.8 ? INFINITY : bowl(configuration);
}

START_TEST(huge_and_infinite_losses_blind_nobody)
{
    struct search search = {.space = compile(BOWL), .goal = HD_MINIMIZE, .seed = _i};
    draw(&search, 5, spoilt_bowl);
    run(&search, 30, spoilt_bowl);
    ck_assert_double_lt(best(&search) - 1, 1e-2);
    clear(&search);
}
END_TEST

/* Programs that say the largest number there is where they fail. */
static double capped_bowl(const cJSON *configuration)
{
    double x = number(configuration, "x");
    return x < -0.2 ? DBL_MAX : bowl(configuration);
}

START_TEST(the_largest_number_blinds_nobody)
{
    struct search search = {.space = compile(BOWL), .goal = HD_MINIMIZE, .seed = _i};
    draw(&search, 5, capped_bowl);
    run(&search, 30, capped_bowl);
    ck_assert_double_lt(best(&search) - 1, 1e-2);
    clear(&search);
}
END_TEST

/* Who has come to the ground looks elsewhere, too, and not for ever for its lowest point: there may be a lower one. */
START_TEST(a_ground_that_was_found_is_left)
{
    struct search search = {.space = compile(BOWL), .goal = HD_MINIMIZE, .seed = _i};
    int far = 0;
    draw(&search, 5, bowl);
    run(&search, 60, bowl);
    for (int i = 30; i < 60; i++)
        far += search.metrics[i] - 1 > 0.002;
    ck_assert_int_ge(far, 8);
    ck_assert_double_lt(best(&search) - 1, 1e-6);
    clear(&search);
}
END_TEST

/* Gentle waves, and one narrow hollow that is far deeper than they are high. */
static double deep_hollow(const cJSON *configuration)
{
    double x = number(configuration, "x"), y = number(configuration, "y"), a = x + 0.5, b = y - 0.4;
    return 0.3 * sin(5 * x) * cos(4 * y) - 20 * exp(-(a * a + b * b) / 0.002);
}

static bool in_hollow(const cJSON *configuration)
{
    return fabs(number(configuration, "x") + 0.5) < 0.1 && fabs(number(configuration, "y") - 0.4) < 0.1;
}

/* How many of the proposals go there, after its ground is known. */
static int draw_back(int64_t seed, int proposals)
{
    enum { AROUND = 10 };
    struct search search = {.space = compile("{\"x\":[\"uniform\",[-1,1]],\"y\":[\"uniform\",[-1,1]]}"), .goal = HD_MINIMIZE, .seed = seed};
    int back = 0;
    draw(&search, 24, deep_hollow);
    for (int i = 0; i < AROUND; i++) {
        cJSON *configuration = cJSON_CreateObject();
        double angle = 2 * M_PI * i / AROUND, radius = i == 0 ? 0 : 0.002 * (i % 4 + 1);
        cJSON_AddNumberToObject(configuration, "x", -0.5 + radius * cos(angle));
        cJSON_AddNumberToObject(configuration, "y", 0.4 + radius * sin(angle));
        remember(&search, configuration, HD_KNOWN_VALUE, deep_hollow(configuration));
    }
    run(&search, search.count + proposals, deep_hollow);
    for (int i = search.count - proposals; i < search.count; i++)
        back += in_hollow(search.configurations[i]);
    clear(&search);
    return back;
}

/* The depth of a hollow must not hide what the waves elsewhere say. */
START_TEST(a_deep_hollow_draws_nobody_back)
{
    enum { SEEDS = 6, PROPOSALS = 16 };
    int back = 0;
    for (int64_t seed = 0; seed < SEEDS; seed++)
        back += draw_back(seed, PROPOSALS);
    ck_assert_int_le(back, SEEDS * PROPOSALS / 2);
}
END_TEST

/* One branch is soon known; the other is better, but only in a part of it. */
static double branches(const cJSON *configuration)
{
    const cJSON *model = cJSON_GetObjectItemCaseSensitive(configuration, "model");
    bool is_tree = strcmp(cJSON_GetObjectItemCaseSensitive(model, "name")->valuestring, "tree") == 0;
    double a = number(model, "a") - 0.3, b = is_tree ? 0 : number(model, "b") - 0.7, c = is_tree ? 0 : number(model, "c") - 0.2;
    return is_tree ? 0.14 + 0.5 * a * a : 0.1 + 3 * (a * a + b * b + c * c);
}

START_TEST(a_branch_that_is_hardly_known_is_tried)
{
    struct search search = {.space = compile("{\"model\":[\"choice\",[[{\"name\":\"tree\",\"a\":[\"uniform\",[0,1]]},"
                                             "{\"name\":\"net\",\"a\":[\"uniform\",[0,1]],\"b\":[\"uniform\",[0,1]],"
                                             "\"c\":[\"uniform\",[0,1]]}]]]}"),
                            .goal = HD_MINIMIZE,
                            .seed = _i};
    draw(&search, 6, branches);
    run(&search, 60, branches);
    ck_assert_double_lt(best(&search), 0.13);
    clear(&search);
}
END_TEST

/* Where x is large every run fails: few of the later proposals go there, and none of them has a value. */
START_TEST(failures_are_avoided)
{
    struct search search = {.space = compile(BOWL), .goal = HD_MINIMIZE, .seed = 3};
    int failed = 0;
    draw(&search, 6, bowl);
    for (int i = 0; i < search.count; i++)
        if (number(search.configurations[i], "x") > 0.35)
            search.known[i] = HD_KNOWN_BAD;
    while (search.count < 40) {
        struct hd_bayesian *bayesian = model(&search);
        cJSON *configuration;
        ck_assert_int_eq(hd_bayesian_propose(bayesian, (uint64_t)search.count, 1, &configuration), 1);
        bool fails = number(configuration, "x") > 0.35;
        failed += fails;
        remember(&search, configuration, fails ? HD_KNOWN_BAD : HD_KNOWN_VALUE, fails ? NAN : bowl(configuration));
        hd_bayesian_close(bayesian);
    }
    ck_assert_int_lt(failed, 17);
    ck_assert_double_lt(best(&search) - 1, 0.01);
    clear(&search);
}
END_TEST

/* Equal knowledge, equal proposals; and another seed or number others. */
START_TEST(proposals_are_a_function_of_what_is_known)
{
    struct search search = {.space = compile(BOWL), .goal = HD_MINIMIZE, .seed = 9};
    cJSON *first[3], *second[3];
    draw(&search, 8, bowl);
    for (int i = 0; i < 2; i++) {
        struct hd_bayesian *bayesian = model(&search);
        ck_assert_int_eq(hd_bayesian_propose(bayesian, 8, 3, i == 0 ? first : second), 3);
        hd_bayesian_close(bayesian);
    }
    for (int i = 0; i < 3; i++) {
        ck_assert(hd_json_equal(first[i], second[i]));
        cJSON_Delete(first[i]);
        cJSON_Delete(second[i]);
    }
    clear(&search);
}
END_TEST

static double waves(const cJSON *configuration)
{
    return bowl(configuration) + 0.3 * sin(9 * number(configuration, "x")) * cos(3 * log(number(configuration, "y")));
}

/* Those proposed together, and those that run, are no reason to try the same place again. */
START_TEST(pending_points_are_kept_clear_of)
{
    enum { TOGETHER = 6 };
    struct search search = {.space = compile(BOWL), .goal = HD_MINIMIZE, .seed = 4};
    cJSON *together[TOGETHER];
    draw(&search, 10, waves);
    struct hd_bayesian *bayesian = model(&search);
    ck_assert_int_eq(hd_bayesian_propose(bayesian, 10, TOGETHER, together), TOGETHER);
    for (int i = 0; i < TOGETHER; i++)
        for (int j = 0; j < i; j++) {
            double x = number(together[i], "x") - number(together[j], "x");
            double y = (log(number(together[i], "y")) - log(number(together[j], "y"))) / 9;
            ck_assert_msg(sqrt(x * x + y * y) > 0.01, "%d and %d are at the same place", i, j);
        }
    for (int i = 0; i < TOGETHER; i++)
        cJSON_Delete(together[i]);
    hd_bayesian_close(bayesian);
    clear(&search);
}
END_TEST

static double mixed(const cJSON *configuration)
{
    return number(configuration, "r") + number(configuration, "k") / 64 + (cJSON_IsTrue(cJSON_GetObjectItem(configuration, "c")) ? 0 : 1);
}

/* A finite space: each configuration once, then no more. */
START_TEST(a_finite_space_is_not_repeated)
{
    struct search search = {.space = compile("{\"r\":[\"randint\",[4]],\"k\":[\"choice\",[[16,32,64]]],\"c\":[\"choice\",[[true,false]]]}"),
                            .goal = HD_MINIMIZE,
                            .seed = 2};
    draw(&search, 1, mixed);
    search.known[0] = HD_KNOWN_VALUE;
    cJSON *other = hd_space_at(search.space, 23);
    remember(&search, other, HD_KNOWN_VALUE, mixed(other));
    for (;;) {
        struct hd_bayesian *bayesian = model(&search);
        cJSON *configuration;
        int proposed = hd_bayesian_propose(bayesian, (uint64_t)search.count, 1, &configuration);
        hd_bayesian_close(bayesian);
        if (proposed == 0)
            break;
        for (int i = 0; i < search.count; i++)
            ck_assert(!hd_json_equal(search.configurations[i], configuration));
        remember(&search, configuration, HD_KNOWN_VALUE, mixed(configuration));
    }
    ck_assert_double_eq(best(&search), 0.25);
    ck_assert_int_ge(search.count, 20); /* what the search may overlook at the end is drawn in grid order */
    clear(&search);
}
END_TEST

/* Every type of expression at once, for the sanitizers; and every proposal is of the space. */
START_TEST(all_types_are_proposed)
{
    struct search search = {.space = compile(ALL_TYPES), .goal = HD_MINIMIZE, .seed = 6};
    draw(&search, 14, mixed);
    for (int i = 0; i < 6; i++) {
        struct hd_bayesian *bayesian = model(&search);
        cJSON *configuration;
        ck_assert_int_eq(hd_bayesian_propose(bayesian, (uint64_t)search.count, 1, &configuration), 1);
        ck_assert(hd_space_contains(search.space, configuration));
        remember(&search, configuration, HD_KNOWN_VALUE, mixed(configuration));
        hd_bayesian_close(bayesian);
    }
    clear(&search);
}
END_TEST

START_TEST(too_little_is_no_model)
{
    struct hd_space *space = compile(BOWL), *single = compile("{\"x\":[\"choice\",[[1]]]}");
    struct search search = {.space = space, .goal = HD_MINIMIZE};
    cJSON *configuration;
    draw(&search, 1, bowl);
    struct hd_bayesian *bayesian = model(&search);
    ck_assert_int_eq(hd_bayesian_propose(bayesian, 1, 1, &configuration), 0);
    hd_bayesian_close(bayesian);
    bayesian = hd_bayesian_open(single, HD_MINIMIZE, 1);
    ck_assert_int_eq(hd_bayesian_propose(bayesian, 0, 1, &configuration), 0);
    hd_bayesian_close(bayesian);
    hd_space_free(single);
    ck_assert_int_eq(hd_bayesian_first_draws(space, 100, 0), 5);
    ck_assert_int_eq(hd_bayesian_first_draws(space, 6, 0), 3);
    ck_assert_int_eq(hd_bayesian_first_draws(space, 100, 2), 3);
    ck_assert_int_eq(hd_bayesian_first_draws(space, 100, 7), 0);
    clear(&search);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bayesian");
    TCase *tests = tcase_create("bayesian");
    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, a_configuration_has_a_point_and_back);
    tcase_add_test(tests, what_the_space_does_not_contain_has_no_point);
    tcase_add_loop_test(tests, a_bowl_is_walked_down, 0, 3);
    tcase_add_loop_test(tests, a_hill_is_climbed, 0, 2);
    tcase_add_loop_test(tests, huge_and_infinite_losses_blind_nobody, 0, 3);
    tcase_add_loop_test(tests, the_largest_number_blinds_nobody, 0, 3);
    tcase_add_loop_test(tests, a_ground_that_was_found_is_left, 0, 2);
    tcase_add_test(tests, a_deep_hollow_draws_nobody_back);
    tcase_add_loop_test(tests, a_branch_that_is_hardly_known_is_tried, 7, 10);
    tcase_add_test(tests, failures_are_avoided);
    tcase_add_test(tests, proposals_are_a_function_of_what_is_known);
    tcase_add_test(tests, pending_points_are_kept_clear_of);
    tcase_add_test(tests, a_finite_space_is_not_repeated);
    tcase_add_test(tests, all_types_are_proposed);
    tcase_add_test(tests, too_little_is_no_model);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
