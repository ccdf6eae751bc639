#include "finish.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/text.h"
#include "output.h"
#include "prepare.h"
#include "processes.h"
#include "user.h"

/* No process outlives the machine's restart. */
static bool is_of_this_boot(const struct started *started)
{
    char boot_id[IDENTITY_BOOT_ID_SIZE];
    bool known = started->monitor.boot_id[0] != '\0' && identity_boot_id(boot_id) == 0;
    return !known || strcmp(boot_id, started->monitor.boot_id) == 0;
}

static void kill_left(const char *run_id, const struct started *started)
{
    if (!is_of_this_boot(started))
        return;
    struct hd_text entry = {0};
    hd_text_format(&entry, "HYPERDRIVE_RUN_ID=%s", run_id);
    if (!entry.failed)
        processes_kill_marked(entry.data);
    hd_text_clear(&entry);
}

/* With the rights of whose folder it is. */
static char *read_output(int run, int attempt)
{
    struct user_stay stay;
    if (user_enter_owner(run, &stay) < 0)
        return NULL;
    char *output = output_tail(run, attempt);
    user_leave(&stay);
    return output;
}

void finish(const char *folder, const char *run_id, int attempt, bool claimed, struct finished *ret_finished)
{
    struct finished finished = {.outcome = FINISH_LOST};
    int run = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = run < 0 ? -errno : record_read(run, attempt, &finished.record);
    int found = run < 0 ? result : started_read(run, attempt, &finished.started);
    if (result == -EMFILE || result == -ENFILE || result == -ENOMEM || found == -ENOMEM)
        finished.outcome = FINISH_AGAIN;
    else if (result == 0)
        finished.outcome = FINISH_RECORDED;
    else if (!claimed && found == -ENOENT)
        finished.outcome = prepare_revoke(folder, attempt) ? FINISH_NOT_STARTED : FINISH_AGAIN;
    if (finished.outcome == FINISH_LOST)
        kill_left(run_id, &finished.started);
    if (finished.outcome != FINISH_AGAIN && run >= 0)
        finished.last_output = read_output(run, attempt);
    if (run >= 0)
        close(run);
    *ret_finished = finished;
}
