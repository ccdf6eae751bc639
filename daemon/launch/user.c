#include "user.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ENTRY_SIZE = 64 * 1024, GROUPS_FIRST = 64 };

static int find_groups(struct user *user)
{
    int count = GROUPS_FIRST;
    for (int tries = 0; tries < 2; tries++) {
        gid_t *groups = reallocarray(user->groups, (size_t)count, sizeof *groups);
        if (groups == NULL)
            return -ENOMEM;
        user->groups = groups;
        if (getgrouplist(user->name, user->gid, groups, &count) >= 0) {
            user->group_count = count;
            return 0;
        }
    }
    return -EAGAIN;
}

static int fill(const struct passwd *entry, struct user *user)
{
    user->uid = entry->pw_uid;
    user->gid = entry->pw_gid;
    user->name = strdup(entry->pw_name);
    user->home = strdup(entry->pw_dir);
    user->shell = strdup(entry->pw_shell[0] != '\0' ? entry->pw_shell : "/bin/sh");
    return user->name != NULL && user->home != NULL && user->shell != NULL ? find_groups(user) : -ENOMEM;
}

int user_find(const char *name, struct user *ret_user, struct hd_error *error)
{
    struct user user = {0};
    struct passwd entry, *found = NULL;
    char *space = malloc(ENTRY_SIZE);
    int number = space == NULL ? ENOMEM : getpwnam_r(name, &entry, space, ENTRY_SIZE, &found);
    if (number == 0 && found != NULL)
        number = -fill(found, &user);
    free(space);
    if (number == 0 && found != NULL) {
        *ret_user = user;
        return 0;
    }
    user_clear(&user);
    if (number == 0)
        return hd_error_set(error, HD_INVALID, "there is no user '%s' on this machine", name);
    return hd_error_system(error, HD_UNAVAILABLE, number, "cannot find out who the user '%s' is", name);
}

void user_clear(struct user *user)
{
    free(user->groups);
    free(user->name);
    free(user->home);
    free(user->shell);
    *user = (struct user){0};
}

/* The C library's setgroups() is for all threads; the system call is for the one that makes it, like setfsuid(). */
static int set_groups(int count, const gid_t *groups)
{
    return syscall(SYS_setgroups, (size_t)count, groups) < 0 ? -errno : 0;
}

static bool is_now(uid_t uid, gid_t gid)
{
    return (uid_t)setfsuid((uid_t)-1) == uid && (gid_t)setfsgid((gid_t)-1) == gid;
}

static int enter(uid_t uid, gid_t gid, int count, const gid_t *groups, struct user_stay *ret_stay)
{
    struct user_stay stay = {.group_count = getgroups(0, NULL)};
    if (stay.group_count < 0)
        return -errno;
    stay.groups = calloc((size_t)stay.group_count + 1, sizeof *stay.groups);
    if (stay.groups == NULL)
        return -ENOMEM;
    int result = getgroups(stay.group_count, stay.groups) < 0 ? -errno : set_groups(count, groups);
    if (result < 0) {
        free(stay.groups);
        return result;
    }
    stay.entered = true;
    setfsgid(gid);
    setfsuid(uid);
    if (!is_now(uid, gid)) {
        user_leave(&stay);
        return -EPERM;
    }
    *ret_stay = stay;
    return 0;
}

int user_enter(const struct user *user, struct user_stay *ret_stay)
{
    return enter(user->uid, user->gid, user->group_count, user->groups, ret_stay);
}

int user_enter_owner(int folder, struct user_stay *ret_stay)
{
    struct stat info;
    *ret_stay = (struct user_stay){0};
    if (geteuid() != 0)
        return 0;
    if (fstat(folder, &info) < 0)
        return -errno;
    return info.st_uid == 0 ? 0 : enter(info.st_uid, info.st_gid, 0, NULL, ret_stay);
}

void user_leave(struct user_stay *stay)
{
    if (!stay->entered)
        return;
    setfsuid(geteuid());
    setfsgid(getegid());
    /* A thread that has lost its own rights would do the next job with somebody else's. */
    if (!is_now(geteuid(), getegid()) || set_groups(stay->group_count, stay->groups) < 0)
        abort();
    free(stay->groups);
    *stay = (struct user_stay){0};
}
