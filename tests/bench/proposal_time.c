/* Time of a bayesian proposal: proposal_time OBSERVATIONS PARAMETERS [ROUNDS]. Prints the mean and the longest in milliseconds. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bayesian.h"
#include "core/json.h"
#include "core/sampling.h"
#include "core/text.h"
#include "measure.h"

static struct hd_space *make_space(int64_t parameters)
{
    struct hd_text text = {0};
    struct hd_problems problems = {0};
    const struct hd_space_options options = {.path = "space", .log_base = M_E};
    hd_text_add_char(&text, '{');
    for (int64_t i = 0; i < parameters; i++)
        hd_text_format(&text, "%s\"x%" PRId64 "\":[\"uniform\",[0,1]]", i > 0 ? "," : "", i);
    hd_text_add_char(&text, '}');
    cJSON *json = hd_json_parse(text.data, text.length, &problems);
    struct hd_space *space = hd_space_compile(json, &options, &problems, &problems);
    if (space == NULL)
        bench_fail("the space is not valid");
    cJSON_Delete(json);
    hd_text_clear(&text);
    return space;
}

/* Several valleys, and more of a slope in some dimensions than in others. */
static double value_of(const cJSON *configuration)
{
    double sum = 0, weight = 1;
    for (const cJSON *item = configuration->child; item != NULL; item = item->next, weight *= 0.8)
        sum += weight * ((item->valuedouble - 0.4) * (item->valuedouble - 0.4) + 0.02 * cos(15 * item->valuedouble));
    return sum;
}

static double propose_once(const struct hd_space *space, int64_t observations, int64_t round)
{
    const struct hd_sampling sampling = {.type = HD_RANDOM, .seed = round};
    struct hd_bayesian *bayesian = hd_bayesian_open(space, HD_MINIMIZE, round);
    cJSON *configuration;
    for (int64_t i = 0; i < observations; i++) {
        if (hd_sampling_draw(&sampling, space, (uint64_t)i, &configuration) != 0 ||
            hd_bayesian_add(bayesian, configuration, HD_KNOWN_VALUE, value_of(configuration)) != 0)
            bench_fail("memory is short");
        cJSON_Delete(configuration);
    }
    int64_t begin = bench_clock_us();
    if (hd_bayesian_propose(bayesian, (uint64_t)observations, 1, &configuration) != 1)
        bench_fail("nothing was proposed");
    double took = (double)(bench_clock_us() - begin) / 1000;
    cJSON_Delete(configuration);
    hd_bayesian_close(bayesian);
    return took;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        bench_fail("usage: proposal_time OBSERVATIONS PARAMETERS [ROUNDS]");
    int64_t observations = bench_number(argv[1]), rounds = argc > 3 ? bench_number(argv[3]) : 10;
    struct hd_space *space = make_space(bench_number(argv[2]));
    double sum = 0, longest = 0;
    for (int64_t round = 0; round < rounds; round++) {
        double took = propose_once(space, observations, round);
        sum += took;
        longest = fmax(longest, took);
    }
    printf("%" PRId64 " observations: %.1f ms on average, %.1f ms at most\n", observations, sum / (double)rounds, longest);
    hd_space_free(space);
    return 0;
}
