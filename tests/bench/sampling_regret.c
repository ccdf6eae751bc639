/* How good a sampling is: sampling_regret PROBLEM SAMPLING SEED TRIALS [TABLE].
 *
 * Runs so many trials one after the other, and prints the regret after each: how far the best trial's true value is above the least one. A
 * TABLE has the least value, the parameter space, and a value for each of its configurations in grid order, a line each. For `bayesian` the
 * mean time of a proposal goes to the standard error.
 *
 * SAMPLING may be `told`: another program samples. It is given the parameter space as a line of JSON, and for each configuration that it
 * tells, a line of JSON too, one line with the regret and the value that the trial reports. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bayesian.h"
#include "core/json.h"
#include "core/random.h"
#include "core/sampling.h"
#include "measure.h"
#include "tuning_problems.h"

enum { VARIABLES_MOST = 32, LINE_MOST = 4096 };

struct trials {
    const struct tuning_problem *problem; /* NULL: a table */
    struct hd_space *space;
    double least;
    double *table; /* by grid order */
    cJSON **grid;
    struct hd_sampling sampling;
    struct hd_bayesian *bayesian;
    int64_t first_draws, proposals, proposal_us;
    uint64_t draws;
    bool told; /* the configurations, by another program */
};

static cJSON *parse(const char *text)
{
    struct hd_problems problems = {0};
    cJSON *json = hd_json_parse(text, strlen(text), &problems);
    if (json == NULL)
        bench_fail("this is no JSON: %s", text);
    hd_problems_clear(&problems);
    return json;
}

static struct hd_space *compile(const char *text)
{
    struct hd_problems problems = {0}, warnings = {0};
    cJSON *json = parse(text);
    const struct hd_space_options options = {.path = "space", .log_base = M_E};
    struct hd_space *space = hd_space_compile(json, &options, &problems, &warnings);
    if (space == NULL)
        bench_fail("the space is not valid: %s", text);
    cJSON_Delete(json);
    hd_problems_clear(&problems);
    hd_problems_clear(&warnings);
    return space;
}

/* A line to the other program, which waits for it. */
static void tell(const char *line)
{
    printf("%s\n", line);
    fflush(stdout);
}

static void open_table(struct trials *trials, const char *path)
{
    static char line[LINE_MOST];
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(line, sizeof line, file) == NULL)
        bench_fail("%s cannot be read", path);
    trials->least = atof(line);
    if (fgets(line, sizeof line, file) == NULL)
        bench_fail("%s has no space", path);
    line[strcspn(line, "\n")] = '\0';
    trials->space = compile(line);
    if (trials->told)
        tell(line);
    uint64_t size = hd_space_size(trials->space);
    trials->table = calloc(size, sizeof *trials->table);
    trials->grid = calloc(size, sizeof *trials->grid);
    for (uint64_t i = 0; i < size; i++) {
        if (fgets(line, sizeof line, file) == NULL)
            bench_fail("%s has %" PRIu64 " values, its space %" PRIu64, path, i, size);
        trials->table[i] = atof(line);
        trials->grid[i] = hd_space_at(trials->space, i);
    }
    fclose(file);
}

static double true_value(const struct trials *trials, const cJSON *configuration)
{
    double x[VARIABLES_MOST];
    if (trials->problem != NULL) {
        tuning_read(configuration, x, VARIABLES_MOST);
        return trials->problem->value(x);
    }
    for (uint64_t i = 0;; i++)
        if (hd_json_equal(trials->grid[i], configuration))
            return trials->table[i];
}

/* What the trial reports. */
static double reported_value(const struct trials *trials, double value, uint64_t trial)
{
    double noise = trials->problem != NULL ? trials->problem->noise : 0;
    double first = hd_random_unit(trials->sampling.seed, trial, 0, UINT32_MAX - 1);
    double second = hd_random_unit(trials->sampling.seed, trial, 1, UINT32_MAX - 1);
    return value + noise * sqrt(-2 * log(first)) * cos(2 * M_PI * second);
}

static cJSON *propose(struct trials *trials, uint64_t trial)
{
    cJSON *configuration = NULL;
    int64_t begin = bench_clock_us();
    if (trials->bayesian == NULL || (int64_t)trial < trials->first_draws)
        return NULL;
    if (hd_bayesian_propose(trials->bayesian, trial, 1, &configuration) < 0)
        bench_fail("memory is short");
    trials->proposals++;
    trials->proposal_us += bench_clock_us() - begin;
    return configuration;
}

/* No sampling of a sweep repeats itself. */
static bool is_known(cJSON *const *configurations, uint64_t count, const cJSON *configuration)
{
    for (uint64_t i = 0; i < count; i++)
        if (hd_json_equal(configurations[i], configuration))
            return true;
    return false;
}

static cJSON *read_configuration(const struct trials *trials)
{
    char line[LINE_MOST];
    if (fgets(line, sizeof line, stdin) == NULL)
        bench_fail("no further configuration is told");
    line[strcspn(line, "\n")] = '\0';
    cJSON *configuration = parse(line);
    if (!hd_space_contains(trials->space, configuration))
        bench_fail("this is not of the space: %s", line);
    return configuration;
}

static cJSON *next_configuration(struct trials *trials, cJSON *const *configurations, uint64_t trial)
{
    if (trials->told)
        return read_configuration(trials);
    cJSON *configuration = propose(trials, trial);
    while (configuration == NULL) {
        if (hd_sampling_draw(&trials->sampling, trials->space, trials->draws++, &configuration) != 0)
            bench_fail("the sampling has come to its end");
        if (!is_known(configurations, trial, configuration))
            break;
        cJSON_Delete(configuration);
        configuration = NULL;
    }
    return configuration;
}

/* Anew for each trial, as what was proposed is no longer pending. */
static void remember(struct trials *trials, cJSON *const *configurations, const double *reported, uint64_t count)
{
    hd_bayesian_close(trials->bayesian);
    trials->bayesian = hd_bayesian_open(trials->space, HD_MINIMIZE, trials->sampling.seed);
    for (uint64_t i = 0; i < count; i++)
        hd_bayesian_add(trials->bayesian, configurations[i], HD_KNOWN_VALUE, reported[i]);
}

static void run(struct trials *trials, uint64_t count)
{
    double best_reported = INFINITY, best = INFINITY;
    cJSON **configurations = calloc(count, sizeof *configurations);
    double *reported = calloc(count, sizeof *reported);
    for (uint64_t trial = 0; trial < count; trial++) {
        if (trials->bayesian != NULL)
            remember(trials, configurations, reported, trial);
        configurations[trial] = next_configuration(trials, configurations, trial);
        double value = true_value(trials, configurations[trial]);
        reported[trial] = reported_value(trials, value, trial);
        if (reported[trial] < best_reported) {
            best_reported = reported[trial];
            best = value;
        }
        printf("%.6g", best - trials->least);
        if (trials->told)
            printf(" %.17g", reported[trial]);
        tell("");
    }
    for (uint64_t i = 0; i < count; i++)
        cJSON_Delete(configurations[i]);
    free(configurations);
    free(reported);
}

static void open_problem(struct trials *trials, const char *name, const char *table)
{
    for (int i = 0; i < TUNING_PROBLEM_COUNT; i++)
        if (strcmp(TUNING_PROBLEMS[i].name, name) == 0)
            trials->problem = &TUNING_PROBLEMS[i];
    if (trials->problem == NULL && table == NULL)
        bench_fail("there is no problem '%s'", name);
    if (trials->problem == NULL) {
        open_table(trials, table);
        return;
    }
    trials->space = compile(trials->problem->space);
    trials->least = trials->problem->least;
    if (trials->told)
        tell(trials->problem->space);
}

static void open_sampling(struct trials *trials, const char *name, int64_t seed, uint64_t count)
{
    trials->sampling.seed = seed;
    if (trials->told)
        return;
    trials->sampling.type = hd_sampling_parse(name);
    if (trials->sampling.type == HD_BAYESIAN) {
        trials->bayesian = hd_bayesian_open(trials->space, HD_MINIMIZE, seed);
        trials->first_draws = hd_bayesian_first_draws(trials->space, (int64_t)count, 0);
        trials->sampling.type = HD_SOBOL;
    }
}

int main(int argc, char **argv)
{
    if (argc < 5)
        bench_fail("usage: sampling_regret PROBLEM SAMPLING SEED TRIALS [TABLE]");
    uint64_t count = (uint64_t)bench_number(argv[4]);
    struct trials trials = {.told = strcmp(argv[2], "told") == 0};
    open_problem(&trials, argv[1], argv[5]);
    open_sampling(&trials, argv[2], bench_number(argv[3]), count);
    run(&trials, count);
    if (trials.proposals > 0)
        fprintf(stderr, "%.2f ms\n", (double)trials.proposal_us / (double)trials.proposals / 1000);
    hd_bayesian_close(trials.bayesian);
    for (uint64_t i = 0; trials.grid != NULL && i < hd_space_size(trials.space); i++)
        cJSON_Delete(trials.grid[i]);
    free(trials.grid);
    free(trials.table);
    hd_space_free(trials.space);
    return 0;
}
