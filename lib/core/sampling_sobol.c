#include "sampling_types.h"

int sampling_sobol_draw(const struct hd_sampling *sampling, const struct hd_space *space, uint64_t draw, cJSON **ret_configuration)
{
    cJSON *configuration = hd_space_draw_sobol(space, sampling->seed, draw);
    if (configuration == NULL)
        return -1;
    *ret_configuration = configuration;
    return 0;
}
