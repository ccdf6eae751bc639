/* A sweep's frozen copy of its source folder (reference 8.3, decisions "Snapshot and run folder"). Blocking: for the thread pool. */
#ifndef HYPERDRIVED_SNAPSHOT_H
#define HYPERDRIVED_SNAPSHOT_H

#include <stdint.h>

#include "core/error.h"

struct user;

/* Copies `source` to `target` (which must not exist; parents are made), leaving out what .amlignore (else .gitignore) at its root names,
 * makes it read-only and syncs everything. HD_INVALID with target "run_config.source_directory" when it is over `limit` bytes (the message
 * names the size and the largest entries), when it is no readable directory, when something in it is neither file, folder nor link, or when
 * it has an entry of a name that the run folder needs. On failure nothing is left at `target`.
 *
 * A folder called .git is left out always: it is large, changes while nobody edits code, and no training reads it. Symbolic links stay
 * links: those into the source folder point to the copy of what they name, those out of it to the same place as before, which is not
 * frozen.
 *
 * With `user` (else NULL) the source is read with his rights, and the copy is his; nobody else may look into it. */
int snapshot_take(const char *source, const char *target, int64_t limit, const struct user *user, struct hd_error *error);
/* Removes a tree, read-only folders too. A missing one is no error. */
int snapshot_remove(const char *path, struct hd_error *error);

#endif
