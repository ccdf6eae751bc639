#include "old_logs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "launch/run_logs.h"
#include "log.h"
#include "sweep/sweep.h"

static int take_unknown(void *context, const struct store_run_log *log)
{
    struct old_logs *old = context;

    old->logs[old->count++] = *log;
    return 0;
}

static int take_oldest(void *context, const struct store_run_log *log)
{
    struct old_logs *old = context;

    old->logs[old->count++] = *log;
    old->above -= log->bytes;
    return old->above > 0 ? 0 : 1;
}

/* Runs that nobody has looked at. */
static int find_unknown(struct old_logs *old, struct store_reader *reader, struct hd_error *error)
{
    int result = store_read_logs(reader, false, OLD_LOGS_AT_ONCE, take_unknown, old, error);

    /* What ends meanwhile waits for its turn: else, where runs end all the time, nobody would come to look at the sum. */
    old->look_at_sum = result == 0 && old->count < OLD_LOGS_AT_ONCE;
    return result;
}

/* The oldest, if all together are above the limit. */
static int find_oldest(struct old_logs *old, struct store_reader *reader, struct hd_error *error)
{
    int64_t bytes = 0, above;
    int result = store_read_log_bytes(reader, &bytes, error);

    old->above = above = bytes - old->limit;
    if (result == 0 && above > 0)
        result = store_read_logs(reader, true, OLD_LOGS_AT_ONCE, take_oldest, old, error);
    old->above = above > 0 ? above : 0;
    old->settled = result == 0 && above <= 0;
    old->look_at_sum = result == 0 && above > 0;
    return result;
}

/* Finds what the pass has to do. */
static int find(struct old_logs *old, struct store_reader *reader, struct hd_error *error)
{
    int result = old->look_at_sum ? 0 : find_unknown(old, reader, error);

    if (result != 0 || old->count > 0)
        return result;
    old->look_at_sum = false;
    return old->settled ? 0 : find_oldest(old, reader, error);
}

/* What cannot be removed is not tried again and again: it is said, and counts no more. */
static bool remove_logs(struct store_run_log *log, const char *folder)
{
    int result = run_logs_remove(folder);

    if (result == -ENOMEM || result == -EMFILE || result == -ENFILE)
        return false;
    if (result != 0)
        log_line(LOG_LEVEL_WARNING, "the logs in %s could not be removed (keep_logs_mb): %s", folder, strerror(-result));
    log->bytes = STORE_LOGS_REMOVED;
    return true;
}

static bool measure_logs(struct store_run_log *log, const char *folder)
{
    log->bytes = run_logs_measure(folder);
    return log->bytes >= 0;
}

/* False: memory or descriptors are short. */
static bool deal_with(const struct old_logs *old, struct store_run_log *log)
{
    char *folder = sweeps_run_folder(old->state_dir, log->sweep_id, log->number);
    bool done = folder != NULL && (old->above > 0 ? remove_logs(log, folder) : measure_logs(log, folder));

    free(folder);
    return done;
}

int old_logs_pass(struct old_logs *old, struct hd_error *error)
{
    struct store_reader *reader = store_take_reader(old->store, error);
    int64_t done = 0;
    int result;

    old->count = old->above = 0;
    if (reader == NULL)
        return -(int)error->code;
    result = find(old, reader, error);
    store_give_reader(old->store, reader);
    while (result == 0 && done < old->count && !atomic_load(&old->stop) && deal_with(old, &old->logs[done]))
        done++;
    if (result == 0 && done == 0 && old->count > 0 && !atomic_load(&old->stop))
        result = hd_error_set(error, HD_UNAVAILABLE, "memory or descriptors are short");
    old->count = done;
    return result;
}
