/* What a crash leaves behind: a snapshot, whole or in part, whose sweep was never stored; folders that were prepared for children to come.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

/* A submission that was never stored has none. */
static bool has_runs(struct sweeps *sweeps, const char *name)
{
    struct hd_text path = {0};
    struct stat status;
    bool has;

    hd_text_format(&path, "%s/runs/%s", sweeps->settings.state_dir, name);
    has = path.failed || stat(path.data, &status) == 0 || errno != ENOENT;
    hd_text_clear(&path);
    return has;
}

/* Nothing can be submitted yet, so a snapshot without a sweep is nobody's, unless the database is an older one than the files beside it. */
static bool is_needed_snapshot(struct sweeps *sweeps, const char *name)
{
    struct store_found found;
    struct hd_error error = {0};

    if (store_find(store_loop_reader(sweeps->store), name, &found, &error) != 0 || found.what == STORE_SWEEP)
        return true;
    if (!has_runs(sweeps, name))
        return false;
    log_line(LOG_LEVEL_WARNING,
             "the database does not know the sweep %s, whose files are in %s: is it an older one? nothing is removed of runs/%s and "
             "snapshots/%s",
             name, sweeps->settings.state_dir, name, name);
    return true;
}

/* Nothing is prepared yet: what is there was prepared by an earlier daemon. */
static bool is_needed_ahead(struct sweeps *sweeps, const char *name)
{
    (void)sweeps, (void)name;
    return false;
}

/* Adds what is not needed any more in a folder of the state folder. */
static void collect(struct leftovers *leftovers, const char *name, bool (*is_needed)(struct sweeps *sweeps, const char *name))
{
    struct hd_text folder_path = {0};
    struct dirent *entry;
    DIR *folder;

    hd_text_format(&folder_path, "%s/%s", leftovers->sweeps->settings.state_dir, name);
    folder = folder_path.failed ? NULL : opendir(folder_path.data);
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        struct hd_text path = {0};

        if (entry->d_name[0] == '.' || is_needed(leftovers->sweeps, entry->d_name))
            continue;
        hd_text_format(&path, "%s/%s", folder_path.data, entry->d_name);
        if (!path.failed)
            (void)hd_strings_add(&leftovers->paths, path.data); /* without memory it stays until the next start */
        hd_text_clear(&path);
    }
    if (folder != NULL)
        (void)closedir(folder);
    hd_text_clear(&folder_path);
}

void leftovers_remove(struct sweeps *sweeps)
{
    struct leftovers *leftovers = calloc(1, sizeof *leftovers);

    if (leftovers == NULL)
        return;
    leftovers->sweeps = sweeps;
    leftovers->work.data = leftovers;
    collect(leftovers, "snapshots", is_needed_snapshot);
    collect(leftovers, FOLDERS_AHEAD, is_needed_ahead);
    if (leftovers->paths.count > 0 && uv_queue_work(sweeps->loop, &leftovers->work, remove_all, on_removed) == 0) {
        sweeps->submissions++;
        return;
    }
    hd_strings_clear(&leftovers->paths);
    free(leftovers);
}
