#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "settings_row.h"

/* The build says where it installs; what is compiled without it, as tests are, stands for an installation in /usr. */
#ifndef HD_LIBEXECDIR
#define HD_LIBEXECDIR "/usr/libexec"
#endif
#ifndef HD_SYSCONFDIR
#define HD_SYSCONFDIR "/etc"
#endif

/* The user's home folder: $HOME, else what the user database says. */
static char *home(void)
{
    const char *variable = getenv("HOME");
    if (variable != NULL && variable[0] == '/')
        return strdup(variable);
    char buffer[4096];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) != 0 || found == NULL || found->pw_dir[0] != '/')
        return NULL;
    return strdup(found->pw_dir);
}

/* $variable/rest, or HOME/fallback/rest. The XDG specification has relative paths ignored. */
static char *user_place(const char *variable, const char *fallback, const char *rest)
{
    const char *base = getenv(variable);
    char *path = NULL;
    if (base != NULL && base[0] == '/')
        return asprintf(&path, "%s/%s", base, rest) < 0 ? NULL : path;
    char *folder = home();
    if (folder == NULL || asprintf(&path, "%s/%s/%s", folder, fallback, rest) < 0)
        path = NULL;
    free(folder);
    return path;
}

/* An installation outside /usr puts its file under its own prefix: it counts as long as /etc has none. */
static char *system_file(void)
{
    static const char first[] = "/etc/hyperdrive/hyperdrived.conf", second[] = HD_SYSCONFDIR "/hyperdrive/hyperdrived.conf";
    return strdup(access(first, F_OK) != 0 && access(second, F_OK) == 0 ? second : first);
}

char *settings_place_of_file(void)
{
    if (geteuid() == 0)
        return system_file();
    return user_place("XDG_CONFIG_HOME", ".config", "hyperdrive/hyperdrived.conf");
}

char *settings_place_of_state(void)
{
    if (geteuid() == 0)
        return strdup("/var/lib/hyperdrive");
    return user_place("XDG_STATE_HOME", ".local/state", "hyperdrive");
}

/* The folder that this program lies in. */
static char *program_folder(void)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0)
        return NULL;
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return NULL;
    *slash = '\0';
    return strdup(path);
}

char *settings_place_of_monitor(void)
{
    static const char *const beside[] = {
        "launch/hyperdrive-monitor",                /* a build tree */
        "../libexec/hyperdrive/hyperdrive-monitor", /* an installation, wherever it was put */
    };
    char *folder = program_folder();
    char *found = NULL;
    for (size_t i = 0; folder != NULL && found == NULL && i < sizeof beside / sizeof beside[0]; i++) {
        char *path;
        if (asprintf(&path, "%s/%s", folder, beside[i]) < 0)
            break;
        found = realpath(path, NULL);
        free(path);
    }
    free(folder);
    return found != NULL ? found : strdup(HD_LIBEXECDIR "/hyperdrive/hyperdrive-monitor");
}
