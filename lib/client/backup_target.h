/* The name that a backup is to get: what may lie there, and how the name is given. */
#ifndef HD_CLIENT_BACKUP_TARGET_H
#define HD_CLIENT_BACKUP_TARGET_H

#include <stdbool.h>

#include "core/error.h"

/* Whether a backup may be made at `path`: nothing is there, or with `replace` an earlier backup. Never a folder, a link, a device, another
 * kind of file, or the database of a state folder. */
int backup_target_check(const char *path, bool replace, struct hd_error *error);
/* Gives the file `temporary` the name `path`, durably. Without `replace` what has got this name meanwhile stays. */
int backup_target_name(const char *temporary, const char *path, bool replace, struct hd_error *error);

#endif
