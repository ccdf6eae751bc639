#include "prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "durable.h"
#include "hand_over.h"
#include "monitor.h"
#include "path.h"
#include "place.h"
#include "record.h"
#include "shortage.h"
#include "tree.h"
#include "user.h"

/* A descriptor that holds the run's lock; -EWOULDBLOCK if a monitor or another preparation does. */
static int take_lock(int run)
{
    int lock = openat(run, MONITOR_LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (lock < 0)
        return -errno;
    if (flock(lock, LOCK_EX | LOCK_NB) == 0)
        return lock;
    int number = errno;
    close(lock);
    return -number;
}

/* Unlocked by name: a process that another thread spawns at this moment has a copy of the descriptor until its exec, and would keep the
 * lock if it was only closed. */
static void release_lock(int lock)
{
    flock(lock, LOCK_UN);
    close(lock);
}

static int make_below(int run, const char *name, struct hd_error *error)
{
    int made = tree_make_folder(run, name);
    if (made < 0)
        hd_error_system(error, code_of(-made), -made, "cannot make the run's folder '%s'", name);
    return made;
}

/* An output's name may have slashes: then each component is made. */
static int make_output(int outputs, const char *name, struct hd_error *error)
{
    char normal[1024];
    int result = path_join("/", name, normal, sizeof normal);
    if (result < 0)
        return hd_error_system(error, HD_INVALID, -result, "cannot make the folder of output '%s'", name);
    int folder = dup(outputs);
    char *saved = NULL;
    for (char *part = strtok_r(normal, "/", &saved); folder >= 0 && part != NULL; part = strtok_r(NULL, "/", &saved)) {
        int below = make_below(folder, part, error);
        close(folder);
        folder = below;
        if (below < 0)
            return below;
    }
    if (folder < 0)
        return hd_error_system(error, code_of(errno), errno, "cannot make the folder of output '%s'", name);
    close(folder);
    return 0;
}

static int make_folders(int run, char *const *output_directories, struct hd_error *error)
{
    int logs = make_below(run, "logs", error);
    if (logs < 0)
        return logs;
    close(logs);
    int outputs = make_below(run, "outputs", error);
    int result = outputs < 0 ? outputs : 0;
    for (size_t i = 0; result == 0 && output_directories != NULL && output_directories[i] != NULL; i++)
        result = make_output(outputs, output_directories[i], error);
    if (outputs >= 0)
        close(outputs);
    return result;
}

static int open_log(int run, struct hd_error *error)
{
    int folder = make_below(run, "user_logs", error);
    if (folder < 0)
        return folder;
    int log = openat(folder, "std_log.txt", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (log < 0)
        hd_error_system(error, code_of(errno), errno, "cannot open the run's log user_logs/std_log.txt");
    close(folder);
    return log;
}

/* What the attempt before has left for the daemon is dealt with, since its end is committed. A report in its spool that could not be taken
 * in, or not be removed, must not be taken for one of this attempt. */
static int put_away_earlier(int run, int attempt, struct hd_error *error)
{
    char aside[32];
    int result = attempt > 1 ? record_remove(run, attempt - 1) : 0;
    snprintf(aside, sizeof aside, "spool.%d", attempt - 1);
    if (result == 0 && attempt > 1 && renameat(run, "spool", run, aside) < 0 && errno != ENOENT)
        result = -errno;
    return result < 0 ? hd_error_system(error, code_of(-result), -result, "cannot put away what attempt %d has left", attempt - 1) : 0;
}

int prepare_ahead(const char *folder, const char *snapshot, char *const *output_directories)
{
    int run = path_make_folder(folder);
    if (run < 0)
        return run;
    int log = open_log(run, NULL);
    int lock = log < 0 ? log : take_lock(run);
    int result = lock < 0 ? lock : 0;
    if (result == 0 && snapshot != NULL)
        result = place_in(run, snapshot, NULL);
    if (result == 0)
        result = make_folders(run, output_directories, NULL);
    if (lock >= 0)
        release_lock(lock);
    if (log >= 0)
        close(log);
    close(run);
    if (result < 0)
        tree_remove(AT_FDCWD, folder);
    return result;
}

/* Moves a prepared folder to the run's place: false if there is none, or if the place is taken, by an earlier try or before a crash.
 * Durable with the sync of the folder above, which comes before the program runs. */
static bool move_in(const struct plan *plan)
{
    char parent[PATH_MAX];
    const char *name;
    if (plan->ahead == NULL)
        return false;
    int above = path_make_parent(plan->folder, parent, sizeof parent, &name);
    bool moved = above >= 0 && renameat(AT_FDCWD, plan->ahead, above, name) == 0;
    if (above >= 0)
        close(above);
    if (!moved)
        tree_remove(AT_FDCWD, plan->ahead);
    return moved;
}

/* A user may go through the folders above his own, and see in none of them what there is. They are ours, so no link is in the way. */
static int open_ways(int run)
{
    static const char *const ABOVE[] = {"..", "../.."}; /* runs/<sweep>/<n/1000>/<n> */
    for (size_t i = 0; i < sizeof ABOVE / sizeof *ABOVE; i++) {
        int folder = openat(run, ABOVE[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int result = folder < 0 || fchmod(folder, 0711) < 0 ? -errno : 0;
        if (folder >= 0)
            close(folder);
        if (result < 0)
            return result;
    }
    return 0;
}

static int give_folder(int run, const struct user *user, struct hd_error *error)
{
    int result = open_ways(run);
    if (result == 0 && fchown(run, user->uid, user->gid) < 0)
        result = -errno;
    return result < 0 ? hd_error_system(error, code_of(-result), -result, "cannot give the run folder to the user '%s'", user->name) : 0;
}

/* What is of the user's folder itself, with his rights: by an attempt before he may have put links to anything there. */
static int enter_user(const struct user *user, struct user_stay *ret_stay, struct hd_error *error)
{
    if (user == NULL)
        return 0;
    int result = user_enter(user, ret_stay);
    return result < 0 ? hd_error_system(error, code_of(-result), -result, "cannot prepare the run folder as the user '%s'", user->name) : 0;
}

static bool has_variable(char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (; *environment != NULL; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return true;
    return false;
}

enum { USER_VARIABLES = 4 };

/* Writes launch.json with the user, and with what tells a program who that is; what the sweep says itself stands. */
static int write_order_as(int run, struct order order, const struct user *user)
{
    const struct {
        const char *name, *value;
    } variables[USER_VARIABLES] = {{"HOME", user->home}, {"USER", user->name}, {"LOGNAME", user->name}, {"SHELL", user->shell}};
    char *added[USER_VARIABLES] = {NULL};
    size_t count = 0;
    int result = 0;
    while (order.environment[count] != NULL)
        count++;
    char **environment = calloc(count + USER_VARIABLES + 1, sizeof *environment);
    if (environment == NULL)
        return -ENOMEM;
    memcpy(environment, order.environment, count * sizeof *environment);
    for (size_t i = 0; i < USER_VARIABLES && result == 0; i++) {
        if (has_variable(order.environment, variables[i].name))
            continue;
        if (asprintf(&added[i], "%s=%s", variables[i].name, variables[i].value) < 0)
            added[i] = NULL;
        result = added[i] == NULL ? -ENOMEM : 0;
        environment[count++] = added[i];
    }
    order.environment = environment;
    order.as_user = true;
    order.uid = user->uid;
    order.gid = user->gid;
    order.groups = user->groups;
    order.group_count = user->group_count;
    if (result == 0)
        result = order_write(run, &order);
    for (size_t i = 0; i < USER_VARIABLES; i++)
        free(added[i]);
    free(environment);
    return result;
}

/* All that a monitor needs, with the lock held; `moved`: what every run of the sweep has is there. The attempt's record cannot be there
 * before its monitor was. */
static int place_all(const struct plan *plan, int run, bool moved, const atomic_bool *stop, struct hd_error *error)
{
    int result = put_away_earlier(run, plan->order.attempt, error);
    if (result == 0 && plan->snapshot != NULL && !moved && !atomic_load(stop))
        result = place_in(run, plan->snapshot, error);
    if (result == 0 && plan->resumed != NULL)
        result = hand_over(run, plan->resumed, stop, error);
    if (result == 0 && !moved)
        result = make_folders(run, plan->output_directories, error);
    return result;
}

static int fill_folder(const struct plan *plan, const struct user *user, int run, bool moved, const atomic_bool *stop,
                       struct hd_error *error)
{
    struct user_stay stay = {0};
    int result = enter_user(user, &stay, error);
    if (result == 0)
        result = place_all(plan, run, moved, stop, error);
    user_leave(&stay);
    if (result < 0)
        return result;
    struct order order = plan->order;
    order.folder_is_synced = durable_sync_folder(run, "..") == 0;
    result = user != NULL ? write_order_as(run, order, user) : order_write(run, &order);
    return result < 0 ? hd_error_system(error, code_of(-result), -result, "cannot write the run's launch.json") : 0;
}

/* True when `ret` is settled: the attempt was claimed before, or one cannot say. */
static bool look_for_claim(int run, int attempt, bool locked, struct prepared *ret)
{
    int result = started_read(run, attempt, &ret->started);
    if (result == -ENOENT || (result == -EPROTO && !locked))
        return false;
    if (result == -EPROTO) {
        ret->started = (struct started){0}; /* damaged, and its monitor is gone: its record decides */
        result = 0;
    }
    ret->outcome = result == 0 ? PREPARE_FOUND : PREPARE_AGAIN;
    return true;
}

/* Why a monitor cannot be started is never the run's fault: it would fail one run after the other. So it is waited for, and told when it
 * does not pass by itself; a run that is to end needs no monitor. */
static void spawn_into(const struct plan *plan, int log, bool stop, bool last_try, struct prepared *ret)
{
    const struct order *order = &plan->order;
    const struct scope scope = {.program = plan->scope_by, .user = plan->is_user_scope, .run_id = order->run_id, .limits = order->limits};
    const struct monitor_call call = {.monitor = plan->monitor,
                                      .folder = plan->folder,
                                      .attempt = order->attempt,
                                      .stopped = stop,
                                      .scope = order->in_scope ? &scope : NULL};
    int result = spawn_monitor(&call, log, &ret->spawned, &ret->error);
    ret->outcome = result == 0 ? PREPARE_SPAWNED : PREPARE_AGAIN;
    ret->is_short = result < 0 && is_shortage(-result);
    if (result == 0 || (ret->is_short && !last_try))
        return;
    ret->error.code = HD_UNAVAILABLE;
    if (stop && prepare_revoke(plan->folder, plan->order.attempt))
        ret->outcome = PREPARE_FAILED;
}

/* A full disk is waited for, as it would fail one run after the other, a shortage for some seconds; a run that is to end needs no disk. */
static void settle_failure(struct prepared *prepared, const atomic_bool *stop, bool last_try)
{
    enum hd_code code = prepared->error.code;
    prepared->is_short = code == HD_UNAVAILABLE;
    prepared->outcome =
        (prepared->is_short && !last_try) || (code == HD_STORAGE_FULL && !atomic_load(stop)) ? PREPARE_AGAIN : PREPARE_FAILED;
}

static int open_log_as(int run, const struct user *user, struct hd_error *error)
{
    struct user_stay stay = {0};
    int result = enter_user(user, &stay, error);
    int log = result < 0 ? result : open_log(run, error);
    user_leave(&stay);
    return log;
}

static void prepare_locked(const struct plan *plan, int run, int lock, bool moved, const atomic_bool *stop, bool last_try,
                           struct prepared *ret)
{
    struct user found = {0};
    const struct user *user = plan->user != NULL ? &found : NULL;
    int log = user != NULL && (user_find(plan->user, &found, &ret->error) < 0 || give_folder(run, user, &ret->error) < 0)
                  ? -1
                  : open_log_as(run, user, &ret->error);
    if (log < 0 || fill_folder(plan, user, run, moved, stop, &ret->error) < 0) {
        /* A monitor of an earlier daemon may still be about to take the lock: without launch.json it runs nothing. */
        unlinkat(run, ORDER_FILE, 0);
        settle_failure(ret, stop, last_try);
        release_lock(lock);
    } else {
        release_lock(lock);
        spawn_into(plan, log, atomic_load(stop), last_try, ret);
    }
    if (log >= 0)
        close(log);
    user_clear(&found);
}

void prepare(const struct plan *plan, const atomic_bool *stop, bool last_try, struct prepared *ret_prepared)
{
    struct prepared prepared = {.outcome = PREPARE_FAILED};
    bool moved = move_in(plan);
    int run = path_make_folder(plan->folder);
    if (run < 0) {
        hd_error_system(&prepared.error, code_of(-run), -run, "cannot make the run folder '%s'", plan->folder);
        settle_failure(&prepared, stop, last_try);
        *ret_prepared = prepared;
        return;
    }
    if (!look_for_claim(run, plan->order.attempt, false, &prepared)) {
        int lock = take_lock(run);
        if (lock == -EWOULDBLOCK) {
            prepared.outcome = PREPARE_AGAIN;
        } else if (lock < 0) {
            hd_error_system(&prepared.error, code_of(-lock), -lock, "cannot lock the run folder '%s'", plan->folder);
            settle_failure(&prepared, stop, last_try);
        } else if (look_for_claim(run, plan->order.attempt, true, &prepared)) {
            release_lock(lock);
        } else {
            prepare_locked(plan, run, lock, moved, stop, last_try, &prepared);
        }
    }
    close(run);
    *ret_prepared = prepared;
}

bool prepare_revoke(const char *folder, int attempt)
{
    int run = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run < 0)
        return errno == ENOENT || errno == ENOTDIR;
    int lock = take_lock(run);
    struct started started;
    bool revoked = lock >= 0 && started_read(run, attempt, &started) == -ENOENT && (unlinkat(run, ORDER_FILE, 0) == 0 || errno == ENOENT);
    if (lock >= 0)
        release_lock(lock);
    close(run);
    return revoked;
}

/* Removes empty folders below, at any depth; others stay. */
static void remove_empty(int folder, const char *name, int depth)
{
    int opened = depth > TREE_DEPTH_MAX ? -1 : tree_open_folder(folder, name);
    if (opened < 0)
        return;
    struct tree_names names = {0};
    if (tree_list(opened, &names) == 0) {
        for (size_t i = 0; i < names.count; i++)
            remove_empty(opened, names.list[i], depth + 1);
        tree_names_clear(&names);
    }
    close(opened);
    unlinkat(folder, name, AT_REMOVEDIR);
}

/* True unless launch.json is there for another attempt: then what is in the folder is that attempt's. */
static bool is_last_attempt(int run, int attempt)
{
    struct order order = {0};
    int result = order_read(run, &order);
    bool last = result == -ENOENT || (result == 0 && order.attempt == attempt);
    order_clear(&order);
    return last;
}

static void tidy_as_owner(int run, const char *snapshot)
{
    struct user_stay stay;
    if (user_enter_owner(run, &stay) < 0)
        return;
    if (snapshot != NULL)
        place_out(run, snapshot);
    hand_over_take_back(run);
    remove_empty(run, "outputs", 0);
    remove_empty(run, "logs", 0);
    user_leave(&stay);
}

void prepare_tidy(const char *folder, int attempt, const char *snapshot)
{
    int run = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run < 0)
        return;
    record_remove(run, attempt);
    int lock = take_lock(run);
    if (lock >= 0 && is_last_attempt(run, attempt)) {
        unlinkat(run, ORDER_FILE, 0);
        tidy_as_owner(run, snapshot);
    }
    if (lock >= 0)
        release_lock(lock);
    close(run);
}
