#include "finish.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "prepare.h"
#include "remains.h"

/* No process outlives the machine's restart. */
static bool is_of_this_boot(const struct started *started)
{
    char boot_id[IDENTITY_BOOT_ID_SIZE];
    bool known = started->monitor.boot_id[0] != '\0' && identity_boot_id(boot_id) == 0;
    return !known || strcmp(boot_id, started->monitor.boot_id) == 0;
}

/* False while something of a lost run is left that does not die: it may still use what the run was given. */
static bool end_remains(const char *run_id, const struct started *started)
{
    return !is_of_this_boot(started) || remains_kill(run_id);
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
    if (finished.outcome == FINISH_LOST && !end_remains(run_id, &finished.started))
        finished.outcome = FINISH_LINGERING;
    if (finished.outcome <= FINISH_LOST && run >= 0)
        finished.last_output = output_tail(run, attempt);
    if (run >= 0)
        close(run);
    *ret_finished = finished;
}
