/* Small files of the state folder: there whole or not at all, with the rights that they should have, whatever lay there. */
#ifndef HYPERDRIVED_STATE_FILE_H
#define HYPERDRIVED_STATE_FILE_H

#include <sys/types.h>

#include "core/error.h"

/* Writes STATE/name with exactly this mode, whatever the umask is. File and name are on the disk when this returns. */
int state_file_write(const char *state_dir, const char *name, const char *text, mode_t mode, struct hd_error *error);
/* One that is not there is well. */
int state_file_remove(const char *state_dir, const char *name, struct hd_error *error);

#endif
