#include "confinement.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "kernel_file.h"

static const char *const controllers[] = {"memory", "pids", "cpu"};

enum { CONTROLLERS = sizeof controllers / sizeof *controllers };

static bool exists(const char *root, const char *path, int mode)
{
    char whole[PATH_MAX];
    int length = snprintf(whole, sizeof whole, "%s%s", strcmp(root, "/") == 0 ? "" : root, path);
    return length > 0 && (size_t)length < sizeof whole && access(whole, mode) == 0;
}

static bool base_has_controllers(const char *base)
{
    for (int i = 0; i < CONTROLLERS; i++) {
        if (!cgroup_has_controller(base, controllers[i]))
            return false;
    }
    return true;
}

/* Those that the service manager may hand on: of the whole machine, or of the user. */
static bool manager_has_controllers(const char *root, bool user)
{
    char path[PATH_MAX];
    if (user)
        snprintf(path, sizeof path, "%s/sys/fs/cgroup/user.slice/user-%u.slice/user@%u.service/cgroup.controllers", root,
                 (unsigned)geteuid(), (unsigned)geteuid());
    else
        snprintf(path, sizeof path, "%s/sys/fs/cgroup/cgroup.controllers", root);
    for (int i = 0; i < CONTROLLERS; i++) {
        if (!kernel_file_has_word(path, controllers[i]))
            return false;
    }
    return true;
}

static void choose_limits(const struct confinement_settings *settings, struct confinement *confinement)
{
    bool user = geteuid() != 0;
    confinement->base_limits = confinement->base != NULL && base_has_controllers(confinement->base);
    if (confinement->base_limits)
        return;
    if (strcmp(settings->cgroup, "no") == 0)
        confinement->no_limits = "the setting 'cgroup' of the daemon is 'no'";
    else if (!exists(settings->root, "/run/systemd/system", F_OK))
        confinement->no_limits = "the daemon has no control group with the controllers memory, pids and cpu, and systemd is not running";
    else if (!manager_has_controllers(settings->root, user))
        confinement->no_limits = user ? "the daemon's user has no service manager of its own with the controllers memory, pids and cpu"
                                      : "this machine's control groups (version 2) do not have the controllers memory, pids and cpu";
    else if (user && getenv("XDG_RUNTIME_DIR") == NULL)
        confinement->no_limits = "XDG_RUNTIME_DIR, which leads to the user's service manager, is not in the daemon's environment";
    else if (access(settings->systemd_run, X_OK) < 0)
        confinement->no_limits = "the program of the setting 'systemd_run' cannot be executed";
    if (confinement->no_limits != NULL)
        return;
    confinement->scope_by = settings->systemd_run;
    confinement->is_user_scope = user;
}

static int use_delegated(struct confinement *confinement, struct hd_error *error)
{
    char path[PATH_MAX];
    if (cgroup_find_delegated(path, sizeof path) < 0 || cgroup_move_aside(path) < 0)
        return 0;
    confinement->base = strdup(path);
    return confinement->base != NULL ? 0 : hd_error_set(error, HD_UNAVAILABLE, "out of memory");
}

static bool is_word(const char *cgroup)
{
    return strcmp(cgroup, "auto") == 0 || strcmp(cgroup, "no") == 0;
}

int confinement_check(const char *path, struct hd_error *error)
{
    char procs[PATH_MAX];
    if (is_word(path))
        return 0;
    int length = snprintf(procs, sizeof procs, "%s/cgroup.procs", path);
    if (length < 0 || (size_t)length >= sizeof procs)
        return hd_error_set(error, HD_INVALID, "the path of the setting 'cgroup' is too long");
    if (access(procs, W_OK) < 0 || access(path, W_OK) < 0)
        return hd_error_system(error, errno == EACCES ? HD_FORBIDDEN : HD_INVALID, errno,
                               "cannot make control groups below '%s' (setting 'cgroup')", path);
    return 0;
}

static int use_given(const char *path, struct confinement *confinement, struct hd_error *error)
{
    if (confinement_check(path, error) != 0)
        return -(int)error->code;
    confinement->base = strdup(path);
    return confinement->base != NULL ? 0 : hd_error_set(error, HD_UNAVAILABLE, "out of memory");
}

int confinement_open(const struct confinement_settings *settings, struct confinement *ret, struct hd_error *error)
{
    struct confinement confinement = {.base = NULL};
    int result = 0;
    if (strcmp(settings->cgroup, "auto") == 0)
        result = use_delegated(&confinement, error);
    else if (!is_word(settings->cgroup))
        result = use_given(settings->cgroup, &confinement, error);
    if (result < 0)
        return result;
    choose_limits(settings, &confinement);
    *ret = confinement;
    return 0;
}

void confinement_clear(struct confinement *confinement)
{
    free(confinement->base);
    *confinement = (struct confinement){.base = NULL};
}
