/* Samplings: which configuration comes next. One row of a table and one file each. */
#ifndef HD_CORE_SAMPLING_H
#define HD_CORE_SAMPLING_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "space.h"

/* Stored in databases: never renumber. */
enum hd_sampling_type { HD_SAMPLING_NONE = 0, HD_RANDOM = 1, HD_GRID = 2, HD_SOBOL = 3, HD_BAYESIAN = 4 };

struct hd_sampling {
    enum hd_sampling_type type;
    int64_t seed;
};

const char *hd_sampling_name(enum hd_sampling_type type);
/* Without regard to case and underscores; HD_SAMPLING_NONE if there is no such. */
enum hd_sampling_type hd_sampling_parse(const char *name);

/* A sweep skips draws that it has already. After so many in a row the first unused configuration in grid order is taken (reference 6.2). */
enum { HD_SAMPLING_SKIPS = 1000 };

/* The draw-th configuration: a pure function of its arguments. 0 and *ret_configuration (owned by the caller), 1 when the sampling has no
 * such draw (a grid's end), -1 when memory is short. */
int hd_sampling_draw(const struct hd_sampling *sampling, const struct hd_space *space, uint64_t draw, cJSON **ret_configuration);

/* Key under which a configuration is known in its sweep: two configurations that are equal by hd_json_equal have the same. 128 bits of
 * a hash over a canonical text (numbers by value, so 1 and 1.0 agree; members sorted). False when memory is short. */
bool hd_configuration_digest(const cJSON *configuration, unsigned char ret_digest[16]);

#endif
