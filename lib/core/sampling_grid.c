#include "sampling_types.h"
#include "space_tree.h"

/* Not hd_space_size: a grid beyond 2^53 combinations can be begun all the same, under a budget. */
int sampling_grid_draw(const struct hd_sampling *sampling, const struct hd_space *space, uint64_t draw, cJSON **ret_configuration)
{
    (void)sampling;
    if (draw >= space->root->count)
        return 1;
    cJSON *configuration = hd_space_at(space, draw);
    if (configuration == NULL)
        return -1;
    *ret_configuration = configuration;
    return 0;
}
