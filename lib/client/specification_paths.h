/* What a sweep file means by where it lies: its relative paths, and the experiment of a sweep job. */
#ifndef HD_CLIENT_SPECIFICATION_PATHS_H
#define HD_CLIENT_SPECIFICATION_PATHS_H

#include <cjson/cJSON.h>

#include "core/error.h"

/* Makes relative local paths of code and data absolute, from the folder of the file `path` (`-`: the current one), and names the experiment
 * of a sweep job that names none after that folder. Addresses and paths that do not exist are left to whoever checks the specification. */
int specification_paths_resolve(cJSON *specification, const char *path, struct hd_error *error);

#endif
