#include "sampling_types.h"

#include "sobol.h"

int sampling_bayesian_draw(const struct hd_sampling *sampling, const struct hd_space *space, uint64_t draw, cJSON **ret_configuration)
{
    if (hd_space_dimensions(space) > HD_SOBOL_DIMENSIONS)
        return sampling_random_draw(sampling, space, draw, ret_configuration);
    return sampling_sobol_draw(sampling, space, draw, ret_configuration);
}
