/* Problems on which samplings are compared: standard test functions over search spaces of all kinds, and tables of recorded trainings. All
 * are minimised; the least value is known. */
#ifndef HYPERDRIVED_BENCH_TUNING_PROBLEMS_H
#define HYPERDRIVED_BENCH_TUNING_PROBLEMS_H

#include <cjson/cJSON.h>

struct tuning_problem {
    const char *name;
    const char *kind;  /* continuous, log, mixed, noisy, table */
    const char *space; /* JSON of the parameter space; for {...} in it see tuning_space() */
    double (*value)(const double *x);
    double least;
    double noise; /* standard deviation of what is reported */
};

extern const struct tuning_problem TUNING_PROBLEMS[];
extern const int TUNING_PROBLEM_COUNT;

/* The hyperparameters as numbers in the order of the space, choices as the number of their option; returns how many. */
int tuning_read(const cJSON *configuration, double *ret_x, int most);

#endif
