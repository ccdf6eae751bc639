/* What a crash in the middle of a submission leaves behind: a snapshot, whole or in part, whose sweep was never stored. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "core/program.h"
#include "core/text.h"
#include "launch/snapshot.h"
#include "live.h"
#include "log.h"

struct leftovers {
    uv_work_t work;
    struct sweeps *sweeps;
    struct hd_strings paths;
};

static void remove_all(uv_work_t *work)
{
    struct leftovers *leftovers = work->data;

    for (int i = 0; i < leftovers->paths.count; i++) {
        struct hd_error error = {0};

        if (snapshot_remove(leftovers->paths.list[i], &error) != 0)
            log_line(LOG_LEVEL_WARNING, "%s", error.message);
    }
}

static void on_removed(uv_work_t *work, int status)
{
    struct leftovers *leftovers = work->data;
    struct sweeps *sweeps = leftovers->sweeps;

    (void)status;
    hd_strings_clear(&leftovers->paths);
    free(leftovers);
    sweeps->submissions--;
    close_when_quiet(sweeps);
}

/* Adds what no stored sweep has. Nothing can be submitted yet, so a snapshot without a sweep is nobody's. */
static void collect(struct leftovers *leftovers, const char *folder_path, DIR *folder)
{
    struct dirent *entry;

    while ((entry = readdir(folder)) != NULL) {
        struct store_found found;
        struct hd_error error = {0};
        struct hd_text path = {0};

        if (entry->d_name[0] == '.' || store_find(store_loop_reader(leftovers->sweeps->store), entry->d_name, &found, &error) != 0 ||
            found.what == STORE_SWEEP)
            continue;
        hd_text_format(&path, "%s/%s", folder_path, entry->d_name);
        if (!path.failed)
            (void)hd_strings_add(&leftovers->paths, path.data); /* without memory it stays until the next start */
        hd_text_clear(&path);
    }
}

void leftovers_remove(struct sweeps *sweeps)
{
    struct leftovers *leftovers = calloc(1, sizeof *leftovers);
    struct hd_text path = {0};
    DIR *folder = NULL;

    hd_text_format(&path, "%s/snapshots", sweeps->settings.state_dir);
    if (leftovers != NULL && !path.failed)
        folder = opendir(path.data);
    if (folder != NULL) {
        leftovers->sweeps = sweeps;
        leftovers->work.data = leftovers;
        collect(leftovers, path.data, folder);
        (void)closedir(folder);
    }
    hd_text_clear(&path);
    if (folder != NULL && leftovers->paths.count > 0 && uv_queue_work(sweeps->loop, &leftovers->work, remove_all, on_removed) == 0) {
        sweeps->submissions++;
        return;
    }
    if (leftovers != NULL)
        hd_strings_clear(&leftovers->paths);
    free(leftovers);
}
