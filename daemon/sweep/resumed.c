/* Children that are run again go on from what those before them have left (reference 8.6). */
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "live.h"
#include "log.h"

char *sweeps_resumed_folder(const char *state_dir, const char *sweep_id, int64_t number)
{
    struct hd_text path = {0};
    char *folder = sweeps_run_folder(state_dir, sweep_id, number);

    hd_text_format(&path, "%s/" LAUNCH_RESUMED, folder != NULL ? folder : "");
    path.failed |= folder == NULL;
    free(folder);
    return hd_text_take(&path);
}

struct place {
    const char *state_dir;
    char *folder; /* of the run */
};

static int take_folder(void *context, const struct store_run *run)
{
    struct place *place = context;

    place->folder = sweeps_run_folder(place->state_dir, run->sweep_id, run->number);
    return 0;
}

int resumed_outputs(const struct live_run *run, char **ret_folder)
{
    const struct hd_specification *specification = &run->sweep->specification;
    struct sweeps *sweeps = run->sweep->sweeps;
    struct store_reader *reader = store_loop_reader(sweeps->store);
    struct place place = {.state_dir = sweeps->settings.state_dir};
    struct hd_text path = {0};
    struct hd_error error = {0};
    struct store_found found;

    if (run->number >= specification->resumed_count)
        return 0;
    /* The earlier sweep cannot be deleted as long as this one has not ended. */
    if (store_find(reader, specification->resume_child_runs[run->number], &found, &error) != 0 ||
        store_read_run(reader, found.run, take_folder, &place, &error) != 0) {
        log_line(LOG_LEVEL_ERROR, "run %s: what it goes on from cannot be looked up: %s", run->id, error.message);
        return -(int)error.code;
    }
    hd_text_format(&path, "%s/outputs", place.folder != NULL ? place.folder : "");
    if (place.folder == NULL)
        path.failed = true;
    free(place.folder);
    *ret_folder = hd_text_take(&path);
    return *ret_folder != NULL ? 0 : -HD_UNAVAILABLE;
}
