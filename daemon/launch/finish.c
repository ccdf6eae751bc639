#include "finish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "output.h"
#include "prepare.h"
#include "remains.h"
#include "scope.h"
#include "shortage.h"
#include "user.h"

enum { EMPTY_WAIT_MS = 2000 };

/* No process outlives the machine's restart. */
static bool is_of_this_boot(const struct started *started)
{
    char boot_id[IDENTITY_BOOT_ID_SIZE];
    bool known = started->monitor.boot_id[0] != '\0' && identity_boot_id(boot_id) == 0;
    return !known || strcmp(boot_id, started->monitor.boot_id) == 0;
}

/* Is `cgroup` right below the one of the transient unit that was made for this attempt? Then all of the unit is its own: what has moved out
 * of `cgroup` is there. `cgroup` becomes the unit's. */
static void widen_to_unit(const struct order *order, char *cgroup)
{
    struct hd_text unit = {0};
    char *end = strrchr(cgroup, '/');
    scope_name(&unit, order->run_id, order->attempt);
    if (end != NULL && !unit.failed) {
        *end = '\0';
        const char *name = strrchr(cgroup, '/');
        if (name == NULL || strcmp(name + 1, unit.data) != 0)
            *end = '/';
    }
    hd_text_clear(&unit);
}

/* False while something of a lost run is left that does not die: it may still use what the run was given. `cgroup` is where its monitor put
 * it, which leads to what has cleared its environment. */
static bool end_remains(const struct order *order, const struct started *started, const char *cgroup)
{
    if (!is_of_this_boot(started))
        return true;
    if (cgroup != NULL)
        cgroup_kill(cgroup);
    bool none = remains_kill(order->run_id) && (cgroup == NULL || cgroup_await_empty(cgroup, EMPTY_WAIT_MS));
    if (none && cgroup != NULL)
        cgroup_remove(cgroup);
    return none;
}

/* As the monitor has noted it, else (the note is damaged, or an earlier version's) as it was ordered. NULL: none; the caller frees it. */
static int find_cgroup(int run, const struct order *order, char **ret_cgroup)
{
    char *cgroup = NULL;
    int result = run < 0 ? -ENOENT : started_read_cgroup(run, order->attempt, &cgroup);
    if (is_shortage(-result))
        return result;
    if (cgroup == NULL && order->cgroup != NULL && (cgroup = strdup(order->cgroup)) == NULL)
        return -ENOMEM;
    if (cgroup != NULL)
        widen_to_unit(order, cgroup);
    *ret_cgroup = cgroup;
    return 0;
}

/* There is none, or it says nothing: all other failures may pass. */
static bool is_certain(int result)
{
    return result == 0 || result == -ENOENT || result == -ENOTDIR || result == -EPROTO;
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

void finish(const char *folder, const struct order *order, bool claimed, bool last_try, struct finished *ret_finished)
{
    int attempt = order->attempt;
    struct finished finished = {.outcome = FINISH_LOST};
    int run = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = run < 0 ? -errno : record_read(run, attempt, &finished.record);
    int found = run < 0 ? result : started_read(run, attempt, &finished.started);
    char *cgroup = NULL;
    int sought = find_cgroup(run, order, &cgroup);
    if (is_shortage(-result) || is_shortage(-found) || is_shortage(-sought) || (!last_try && (!is_certain(result) || !is_certain(found))))
        finished.outcome = FINISH_AGAIN;
    else if (result == 0)
        finished.outcome = FINISH_RECORDED;
    else if (!claimed && found == -ENOENT)
        finished.outcome = prepare_revoke(folder, attempt) ? FINISH_NOT_STARTED : FINISH_AGAIN;
    if (finished.outcome == FINISH_LOST && !end_remains(order, &finished.started, cgroup))
        finished.outcome = FINISH_LINGERING;
    if (finished.outcome <= FINISH_LOST && run >= 0)
        finished.last_output = read_output(run, attempt);
    free(cgroup);
    if (run >= 0)
        close(run);
    *ret_finished = finished;
}
