/* Small files that are there whole or not at all, whatever is killed when. */
#ifndef HYPERDRIVED_DURABLE_H
#define HYPERDRIVED_DURABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/text.h"

/* `folder` is a descriptor of a folder, or AT_FDCWD. All functions give 0 or the negative number of the system's error. */

/* Writes `<name>.tmp`, with exactly this mode whatever the umask is, and renames it to `name`. With `sync` both the file and the folder are
 * on disk when this returns. */
int durable_write(int folder, const char *name, const char *bytes, size_t length, mode_t mode, bool sync);
/* Makes the empty file `name` (mode 0600) in the place of what had this name: a descriptor for writing. Nothing is synced. */
int durable_create(int folder, const char *name);
/* fsync of the folder `path` below `folder`. */
int durable_sync_folder(int folder, const char *path);
/* Reads a regular file of at most `limit` bytes (-EFBIG if it is longer); links are not followed. The caller clears `text`. */
int durable_read(int folder, const char *name, size_t limit, struct hd_text *text);
/* The same for a file that must be our own: -EINVAL for what somebody else has put in its place. */
int durable_read_own(int folder, const char *name, size_t limit, struct hd_text *text);
/* Writes all bytes, however the system cuts them. */
int durable_write_all(int file, const char *bytes, size_t length);

#endif
