/* The samplings that sampling.c has a row for: each one's file promises what hd_sampling_draw does. For lib/core only. */
#ifndef HD_CORE_SAMPLING_TYPES_H
#define HD_CORE_SAMPLING_TYPES_H

#include "sampling.h"

int sampling_random_draw(const struct hd_sampling *sampling, const struct hd_space *space, uint64_t draw, cJSON **ret_configuration);
int sampling_sobol_draw(const struct hd_sampling *sampling, const struct hd_space *space, uint64_t draw, cJSON **ret_configuration);
/* What it begins with, and goes on with where nothing can be proposed. */
int sampling_bayesian_draw(const struct hd_sampling *sampling, const struct hd_space *space, uint64_t draw, cJSON **ret_configuration);
int sampling_grid_draw(const struct hd_sampling *sampling, const struct hd_space *space, uint64_t draw, cJSON **ret_configuration);

#endif
