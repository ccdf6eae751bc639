/* Which sweeps have folders prepared for children to come: those that run one and will run another. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "core/program.h"
#include "core/text.h"
#include "launch/ahead.h"
#include "live.h"

int folders_output_names(const struct hd_specification *specification, struct hd_strings *names)
{
    int result = 0;

    for (const cJSON *output = specification->run.outputs != NULL ? specification->run.outputs->child : NULL; output != NULL && result == 0;
         output = output->next)
        result = hd_strings_add(names, output->string);
    return result;
}

int folders_snapshot(const struct live_sweep *sweep, char **ret_path)
{
    struct hd_text text = {0};

    *ret_path = NULL;
    if (sweep->specification.run.source_directory == NULL || !sweep->specification.run.snapshot)
        return 0;
    hd_text_format(&text, "%s/snapshots/%s", sweep->sweeps->settings.state_dir, sweep->id);
    *ret_path = hd_text_take(&text);
    return *ret_path != NULL ? 0 : -HD_UNAVAILABLE;
}

/* The time keeps it apart from what an earlier daemon has left, which leftovers.c removes meanwhile. */
static struct launch_ahead *open_ahead(const struct live_sweep *sweep)
{
    char *snapshot;
    struct hd_strings outputs = {0};
    struct hd_text place = {0};
    struct launch_ahead *ahead = NULL;
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    hd_text_format(&place, "%s/" FOLDERS_AHEAD "/%s.%" PRId64 ".%09ld", sweep->sweeps->settings.state_dir, sweep->id, (int64_t)now.tv_sec,
                   now.tv_nsec);
    /* A folder that is prepared ahead belongs to nobody yet. */
    if (folders_snapshot(sweep, &snapshot) == 0 && !place.failed && sweep->specification.run.run_as == NULL &&
        folders_output_names(&sweep->specification, &outputs) == 0)
        ahead = launch_ahead_open(sweep->sweeps->launch, place.data, snapshot, (const char *const *)outputs.list);
    hd_strings_clear(&outputs);
    hd_text_clear(&place);
    free(snapshot);
    return ahead;
}

void folders_forget(struct live_sweep *sweep)
{
    if (sweep->ahead != NULL)
        launch_ahead_close(sweep->ahead);
    sweep->ahead = NULL;
}

static bool will_start_more(const struct live_sweep *sweep)
{
    bool more = sweep->generation == HD_GENERATING || sweep->waiting != NULL;

    return more && sweep->status == HD_RUNNING && !sweep->sweeps->closing && !sweep->sweeps->ending;
}

void folders_settle(struct live_sweep *sweep)
{
    if (!will_start_more(sweep))
        folders_forget(sweep);
}

void folders_prepare(struct live_sweep *sweep)
{
    folders_settle(sweep);
    if (sweep->ahead == NULL && will_start_more(sweep))
        sweep->ahead = open_ahead(sweep);
    if (sweep->ahead != NULL) /* without memory each child makes its folder when it starts */
        launch_ahead_want(sweep->ahead, sweep->slots < LAUNCH_AHEAD_MAX ? (int)sweep->slots : LAUNCH_AHEAD_MAX);
}
