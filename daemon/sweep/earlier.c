#include "earlier.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"

static int take_metric(void *context, const struct store_sweep *sweep)
{
    struct earlier *earlier = context;

    free(earlier->metric);
    earlier->metric = sweep->metric != NULL ? strdup(sweep->metric) : NULL;
    earlier->goal = sweep->goal;
    return sweep->metric != NULL && earlier->metric == NULL ? hd_error_set(&earlier->error, HD_UNAVAILABLE, "out of memory") : 0;
}

/* Most ids are of the same sweep as the ones before. */
static bool has_string(const struct hd_strings *strings, const char *string)
{
    for (int i = strings->count - 1; i >= 0; i--)
        if (strcmp(strings->list[i], string) == 0)
            return true;
    return false;
}

/* Of more sweeps than are allowed one is noted, so that this stays short. */
static bool note(struct earlier *earlier, struct hd_strings *strings, const char *id)
{
    enum { ENOUGH = 6 };

    if (strings->count >= ENOUGH || has_string(strings, id) || hd_strings_add(strings, id) == 0)
        return true;
    hd_error_set(&earlier->error, HD_UNAVAILABLE, "out of memory");
    return false;
}

bool earlier_find(void *context, const char *id, struct hd_earlier *ret_earlier)
{
    struct earlier *earlier = context;
    struct store_found *found = &earlier->last;
    int64_t before = found->sweep;

    if (earlier->reader == NULL && (earlier->reader = store_take_reader(earlier->store, &earlier->error)) == NULL)
        return false;
    if (store_find(earlier->reader, id, found, &earlier->error) != 0)
        return false;
    if (found->what == STORE_NOTHING) {
        *ret_earlier = (struct hd_earlier){.kind = HD_EARLIER_NOTHING};
        return true;
    }
    if (found->sweep != before && store_read_sweep(earlier->reader, found->sweep, take_metric, earlier, &earlier->error) != 0)
        return false;
    *ret_earlier = (struct hd_earlier){
        .kind = found->what == STORE_SWEEP ? HD_EARLIER_SWEEP : HD_EARLIER_RUN,
        .status = found->status,
        .sweep = found->sweep,
        .sweep_id = found->what == STORE_SWEEP ? id : found->sweep_id,
        .metric = earlier->metric,
        .goal = earlier->goal,
    };
    return note(earlier, found->what == STORE_SWEEP ? &earlier->inherited : &earlier->resumed, ret_earlier->sweep_id);
}

void earlier_end(struct earlier *earlier)
{
    if (earlier->reader != NULL)
        store_give_reader(earlier->store, earlier->reader);
    earlier->reader = NULL;
}

void earlier_clear(struct earlier *earlier)
{
    earlier_end(earlier);
    hd_strings_clear(&earlier->inherited);
    hd_strings_clear(&earlier->resumed);
    free(earlier->metric);
    earlier->metric = NULL;
}

/* --- Points of another space ------------------------------------------------------------------------------------------------------------
 */

struct counting {
    const struct hd_space *space;
    int64_t outside;
    struct hd_error *error;
};

static int count_outside(void *context, const struct store_run *run)
{
    struct counting *counting = context;
    cJSON *configuration = hd_json_parse_own(run->configuration);

    if (configuration == NULL)
        return hd_error_set(counting->error, HD_UNAVAILABLE, "out of memory");
    counting->outside += !hd_space_contains(counting->space, configuration);
    cJSON_Delete(configuration);
    return 0;
}

void earlier_warn(struct earlier *earlier, const struct hd_specification *specification, struct hd_problems *warnings)
{
    struct counting counting = {.space = specification->space, .error = &earlier->error};

    if (specification->sampling.type != HD_BAYESIAN)
        return;
    for (int i = 0; i < earlier->inherited.count; i++) {
        struct store_found found;

        if (store_find(earlier->reader, earlier->inherited.list[i], &found, &earlier->error) != 0 ||
            (found.what == STORE_SWEEP &&
             store_read_runs(earlier->reader, found.sweep, -1, 0, count_outside, &counting, &earlier->error) != 0))
            return;
    }
    if (counting.outside > 0)
        hd_problems_add(
            warnings, "ResumePointsSkipped", "resume_from",
            "%" PRId64 " of the inherited children %s that the parameter space cannot have; the sampling does not learn from %s",
            counting.outside, counting.outside == 1 ? "has a configuration" : "have configurations", counting.outside == 1 ? "it" : "them");
}
