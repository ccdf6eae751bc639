/* Unix users as whom programs run, where the daemon is root: who they are, and doing what they ask for on the disk with their rights only.
 *
 * What lies in a user's folder may be replaced by him at any moment, by a link to what he may not touch above all. So whatever the daemon
 * does there it does as that user: then the kernel refuses what he may not do himself. */
#ifndef HYPERDRIVED_USER_H
#define HYPERDRIVED_USER_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/error.h"

struct user {
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* owned: all that the user is in, `gid` too */
    int group_count;
    char *name, *home, *shell; /* owned */
};

/* Looks into the user database, which may take long: for the thread pool. HD_INVALID when there is no such user. */
int user_find(const char *name, struct user *ret_user, struct hd_error *error);
void user_clear(struct user *user);

/* What this thread was before. */
struct user_stay {
    bool entered;
    gid_t *groups;
    int group_count;
};

/* From here to user_leave() this thread reads and writes with this user's rights; other threads do not. 0 or the negative number of the
 * system's error. Needs a daemon that is root. */
int user_enter(const struct user *user, struct user_stay *ret_stay);
/* The same for whoever owns the folder, without further groups. Nothing happens, and nothing fails, if we are not root, or if it is root's.
 */
int user_enter_owner(int folder, struct user_stay *ret_stay);
void user_leave(struct user_stay *stay);

#endif
