/* Bayesian sampling (reference 6.4): the next configurations to try, from what is known about others.
 *
 * A Gaussian process (gaussian_process.h) is fitted to the metrics in the space where hyperparameters are drawn, and the configuration
 * with the largest expected improvement is proposed. A pure function of the space, the seed, what was added in its order, and the number of
 * the proposal; the same on one binary and kind of processor. Above a few hundred configurations the model is made of some of them: the
 * best, and others spread over the rest, so that a proposal costs about the same however many are known. */
#ifndef HD_CORE_BAYESIAN_H
#define HD_CORE_BAYESIAN_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "goal.h"
#include "space.h"

struct hd_bayesian;

enum hd_known {
    HD_KNOWN_VALUE,   /* its metric is known; infinite values are clipped to the finite ones, NaN is bad */
    HD_KNOWN_BAD,     /* it has ended without one, or failed */
    HD_KNOWN_PENDING, /* it has not ended; its metric so far, or NaN */
};

/* The space must live as long. NULL when memory is short. */
struct hd_bayesian *hd_bayesian_open(const struct hd_space *space, enum hd_goal goal, int64_t seed);
void hd_bayesian_close(struct hd_bayesian *bayesian); /* NULL is allowed */

/* 0, 1 when the space does not contain the configuration (nothing is added), -1 when memory is short. */
int hd_bayesian_add(struct hd_bayesian *bayesian, const cJSON *configuration, enum hd_known known, double metric);

/* Up to `count` configurations that differ from each other and from all that were added; each is added as pending. `number` tells one
 * proposal of a sweep from another: that of the first child it is for. Their number is returned (the caller frees them; 0 when too little
 * is known for a model, or the space has too many dimensions for one), -1 when memory is short. */
int hd_bayesian_propose(struct hd_bayesian *bayesian, uint64_t number, int count, cJSON **ret_configurations);

/* With so many draws of the Sobol sequence a sweep begins, before anything is proposed; `known`: how many metrics are known from others. */
int64_t hd_bayesian_first_draws(const struct hd_space *space, int64_t max_total_runs, int64_t known);

#endif
