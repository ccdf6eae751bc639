/* Puts a snapshot into a run folder, and takes out again what nobody changed. */
#ifndef HYPERDRIVED_PLACE_H
#define HYPERDRIVED_PLACE_H

#include <stdbool.h>

#include "core/error.h"

enum { PLACE_COPY_BYTES = 10 * 1000 * 1000, PLACE_COPY_FILES = 1000 };

/* True for names at the top of a run folder that belong to the daemon and its monitors: no snapshot may bring them. */
bool place_is_reserved(const char *name);
/* True for folders that the daemon makes in every run folder (outputs, logs, user_logs): a snapshot may bring files below them. */
bool place_is_common_folder(const char *name);

/* Up to PLACE_COPY_BYTES and PLACE_COPY_FILES (folders and links count as files) the run folder gets copies of its own, which the program
 * may change; they replace what stands there. Above that it gets one symbolic link into the read-only snapshot for each entry at the top.
 * `run` is a descriptor of the run folder, `snapshot` an absolute path. */
int place_in(int run, const char *snapshot, struct hd_error *error);

/* Removes files whose content, mode and time of modification are those of the snapshot, links that are still the same, and folders left
 * empty that the snapshot brought. Everything else stays. What cannot be removed stays, too. */
void place_out(int run, const char *snapshot);

#endif
