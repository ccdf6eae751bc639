#include "finish.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/text.h"
#include "output.h"
#include "prepare.h"
#include "processes.h"

/* No process outlives the machine's restart. */
static bool is_of_this_boot(const struct started *started)
{
    char boot_id[IDENTITY_BOOT_ID_SIZE];
    bool known = started->monitor.boot_id[0] != '\0' && identity_boot_id(boot_id) == 0;
    return !known || strcmp(boot_id, started->monitor.boot_id) == 0;
}

/* False when memory is short: then it must be done later, for what is left has the device. */
static bool kill_left(const char *run_id, const struct started *started)
{
    if (!is_of_this_boot(started))
        return true;
    struct hd_text entry = {0};
    hd_text_format(&entry, "HYPERDRIVE_RUN_ID=%s", run_id);
    bool good = !entry.failed;
    if (good)
        processes_kill_marked(entry.data);
    hd_text_clear(&entry);
    return good;
}

static bool is_shortage(int result)
{
    return result == -EMFILE || result == -ENFILE || result == -ENOMEM;
}

/* There is none, or it says nothing: all other failures may pass. */
static bool is_certain(int result)
{
    return result == 0 || result == -ENOENT || result == -ENOTDIR || result == -EPROTO;
}

void finish(const char *folder, const char *run_id, int attempt, bool claimed, bool last_try, struct finished *ret_finished)
{
    struct finished finished = {.outcome = FINISH_LOST};
    int run = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = run < 0 ? -errno : record_read(run, attempt, &finished.record);
    int found = run < 0 ? result : started_read(run, attempt, &finished.started);
    if (is_shortage(result) || is_shortage(found) || (!last_try && (!is_certain(result) || !is_certain(found))))
        finished.outcome = FINISH_AGAIN;
    else if (result == 0)
        finished.outcome = FINISH_RECORDED;
    else if (!claimed && found == -ENOENT)
        finished.outcome = prepare_revoke(folder, attempt) ? FINISH_NOT_STARTED : FINISH_AGAIN;
    if (finished.outcome == FINISH_LOST && !kill_left(run_id, &finished.started))
        finished.outcome = FINISH_AGAIN;
    if (finished.outcome != FINISH_AGAIN && run >= 0)
        finished.last_output = output_tail(run, attempt);
    if (run >= 0)
        close(run);
    *ret_finished = finished;
}
