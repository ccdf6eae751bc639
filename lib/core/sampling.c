#include "sampling.h"

#include <string.h>
#include <strings.h>

#include "sampling_types.h"

static const struct {
    const char *name;
    int (*draw)(const struct hd_sampling *sampling, const struct hd_space *space, uint64_t draw, cJSON **ret_configuration);
} SAMPLINGS[] = {
    [HD_RANDOM] = {"random", sampling_random_draw},
    [HD_GRID] = {"grid", sampling_grid_draw},
    [HD_SOBOL] = {"sobol", sampling_sobol_draw},
    [HD_BAYESIAN] = {"bayesian", sampling_bayesian_draw},
};
enum { SAMPLING_COUNT = sizeof SAMPLINGS / sizeof *SAMPLINGS };

const char *hd_sampling_name(enum hd_sampling_type type)
{
    return SAMPLINGS[type].name;
}

static bool same_name(const char *a, const char *b)
{
    for (;;) {
        a += strspn(a, "_");
        b += strspn(b, "_");
        if (*a == '\0' || *b == '\0')
            return *a == *b;
        if (strncasecmp(a++, b++, 1) != 0)
            return false;
    }
}

enum hd_sampling_type hd_sampling_parse(const char *name)
{
    for (int type = HD_SAMPLING_NONE + 1; type < SAMPLING_COUNT; type++) {
        if (same_name(SAMPLINGS[type].name, name))
            return (enum hd_sampling_type)type;
    }
    return HD_SAMPLING_NONE;
}

int hd_sampling_draw(const struct hd_sampling *sampling, const struct hd_space *space, uint64_t draw, cJSON **ret_configuration)
{
    return SAMPLINGS[sampling->type].draw(sampling, space, draw, ret_configuration);
}
