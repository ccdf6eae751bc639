/* Deletion of a sweep that has ended: hidden at once, then its folders go on the pool and its rows little by little, and then the space. A
 * crash in between is taken up at the next start. */
#include <stdio.h>
#include <stdlib.h>

#include "core/text.h"
#include "launch/snapshot.h"
#include "live.h"
#include "log.h"

struct removal {
    union {
        struct store_write write; /* the writes come back as this */
        struct store_delete_sweep hide;
        struct store_purge purge;
        struct store_give_back give_back;
    };
    struct lane_job work;
    struct sweeps *sweeps;
    bool unable; /* for want of memory */
    int64_t sweep;
    char id[64];
    sweeps_change_answer *answer;
    void *data;
};

static void finish(struct removal *removal)
{
    struct sweeps *sweeps = removal->sweeps;

    free(removal);
    sweeps->submissions--;
    close_when_quiet(sweeps);
}

/* --- Rows, little by little ---------------------------------------------------------------------------------------------------------- */

static void purge(struct removal *removal);
static void give_back(struct removal *removal);

static void on_given_back(struct store_write *write)
{
    struct removal *removal = (struct removal *)write;

    if (write->result != 0 || removal->give_back.ret_done || removal->sweeps->closing)
        finish(removal);
    else
        give_back(removal);
}

/* What cannot be given back now is with the next deletion. */
static void give_back(struct removal *removal)
{
    struct hd_error error = {0};

    removal->give_back = (struct store_give_back){.write = {.done = on_given_back}};
    if (store_give_back(removal->sweeps->store, &removal->give_back, &error) != 0)
        finish(removal);
}

static void on_purged(struct store_write *write)
{
    struct removal *removal = (struct removal *)write;

    if (write->result != 0)
        log_line(LOG_LEVEL_WARNING, "sweep %s: the rest of it is deleted at the next start: %s", removal->id, write->error.message);
    if (write->result != 0 || removal->sweeps->closing)
        finish(removal);
    else if (removal->purge.ret_done)
        give_back(removal);
    else
        purge(removal);
}

static void purge(struct removal *removal)
{
    struct hd_error error = {0};

    removal->purge = (struct store_purge){.sweep = removal->sweep, .write = {.done = on_purged}};
    if (store_purge(removal->sweeps->store, &removal->purge, &error) == 0)
        return;
    log_line(LOG_LEVEL_WARNING, "sweep %s: the rest of it is deleted at the next start: %s", removal->id, error.message);
    finish(removal);
}

/* --- Folders, on the pool ------------------------------------------------------------------------------------------------------------ */

static void remove_folders(uv_work_t *work)
{
    static const char *const PARTS[] = {"runs", "snapshots"};
    struct removal *removal = work->data;

    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        struct hd_text path = {0};
        struct hd_error error = {0};

        hd_text_format(&path, "%s/%s/%s", removal->sweeps->settings.state_dir, PARTS[i], removal->id);
        removal->unable |= path.failed;
        if (!path.failed && snapshot_remove(path.data, &error) != 0)
            log_line(LOG_LEVEL_WARNING, "sweep %s was deleted, but not all of its files: %s", removal->id, error.message);
        hd_text_clear(&path);
    }
}

static void on_removed(uv_work_t *work, int status)
{
    struct removal *removal = work->data;

    if (removal->unable)
        log_line(LOG_LEVEL_WARNING, "sweep %s: the rest of it is deleted at the next start: out of memory", removal->id);
    if (status != 0 || removal->unable || removal->sweeps->closing)
        finish(removal);
    else
        purge(removal);
}

/* Folders before rows: rows that are left lead the next start to folders that are left. */
static void remove_all(struct removal *removal)
{
    removal->work.work.data = removal;
    if (lane_queue(&removal->sweeps->removals, &removal->work, remove_folders, on_removed) != 0)
        finish(removal);
}

/* --- What is asked for --------------------------------------------------------------------------------------------------------------- */

static struct removal *make_removal(struct sweeps *sweeps, int64_t sweep, const char *id)
{
    struct removal *removal = calloc(1, sizeof *removal);

    if (removal == NULL)
        return NULL;
    removal->sweeps = sweeps;
    removal->sweep = sweep;
    snprintf(removal->id, sizeof removal->id, "%s", id);
    sweeps->submissions++;
    return removal;
}

static void on_hidden(struct store_write *write)
{
    struct removal *removal = (struct removal *)write;

    removal->answer(removal->data, write->result != 0 ? &write->error : NULL);
    if (write->result != 0 || removal->sweeps->closing) {
        finish(removal);
        return;
    }
    log_line(LOG_LEVEL_INFO, "sweep %s deleted", removal->id);
    remove_all(removal);
}

void sweeps_delete(struct sweeps *sweeps, int64_t sweep, const char *id, sweeps_change_answer *answer, void *data)
{
    struct removal *removal = make_removal(sweeps, sweep, id);
    struct hd_error error = {0};

    if (removal == NULL) {
        hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
        answer(data, &error);
        return;
    }
    removal->answer = answer;
    removal->data = data;
    removal->hide = (struct store_delete_sweep){.sweep = sweep, .id = removal->id, .write = {.done = on_hidden}};
    if (store_delete_sweep(sweeps->store, &removal->hide, &error) != 0) {
        answer(data, &error);
        finish(removal);
    }
}

static int take_up(void *context, const struct store_sweep *sweep)
{
    struct removal *removal = make_removal(context, sweep->key, sweep->id);

    if (removal != NULL) /* without memory it is taken up at the next start */
        remove_all(removal);
    return 0;
}

int delete_take_up(struct sweeps *sweeps, struct hd_error *error)
{
    return store_read_deleting_sweeps(store_loop_reader(sweeps->store), take_up, sweeps, error);
}
