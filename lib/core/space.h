/* The search space: named expressions, nested to branches (reference, section 5), compiled from JSON once and then only read. */
#ifndef HD_CORE_SPACE_H
#define HD_CORE_SPACE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "problems.h"

struct hd_space;

struct hd_space_options {
    const char *path; /* of the object, for messages: "hyperparameter_sampling.parameter_space" */
    double log_base;  /* B of the log types; M_E by default */
    bool grid;        /* only choice is allowed */
};

/* Checks names and expressions; every fault goes to `errors` with its path, remarks (DuplicateChoice, DashValue) to `warnings`.
 * NULL if there was any fault. The space owns copies: `object` may be freed. */
struct hd_space *hd_space_compile(const cJSON *object, const struct hd_space_options *options, struct hd_problems *errors,
                                  struct hd_problems *warnings);
void hd_space_free(struct hd_space *space);

/* The parameter space again, every expression in object form with the v2 field names; NULL when memory is short. */
cJSON *hd_space_json(const struct hd_space *space);
int hd_space_parameters(const struct hd_space *space);
const char *hd_space_name(const struct hd_space *space, int parameter);
/* Does any configuration of the space have this dotted path (`conv.in.x`)? The first name may be given without its leading dashes. */
bool hd_space_has_path(const struct hd_space *space, const char *dotted);

/* Number of distinct configurations (5.6); 0 when not finite. */
uint64_t hd_space_size(const struct hd_space *space);
/* The configuration at `index` of a finite space in grid order: the last parameter varies fastest, numbers ascend. NULL when memory is
 * short. The caller frees it. */
cJSON *hd_space_at(const struct hd_space *space, uint64_t index);
/* Could the space have drawn this configuration? It has exactly the space's parameters, and each value can be drawn, bounds within a part
 * in 10^9 (reference 8.5). */
bool hd_space_contains(const struct hd_space *space, const cJSON *configuration);
/* The draw-th random configuration for this seed (6.1, 6.2). NULL when memory is short. */
cJSON *hd_space_draw(const struct hd_space *space, int64_t seed, uint64_t draw);
/* How many expressions there are, nested ones included whether they are drawn or not: each takes a dimension of the Sobol sequence. */
uint32_t hd_space_dimensions(const struct hd_space *space);
/* The draw-th configuration of the Sobol sequence for this seed, mapped by the inverse distributions (6.2). NULL when memory is short.
 * The space has at most HD_SOBOL_DIMENSIONS dimensions. */
cJSON *hd_space_draw_sobol(const struct hd_space *space, int64_t seed, uint64_t draw);

#endif
