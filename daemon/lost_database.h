/* A state folder whose database is gone while the files of its sweeps are there: a start would take all of them for garbage. */
#ifndef HYPERDRIVED_LOST_DATABASE_H
#define HYPERDRIVED_LOST_DATABASE_H

#include <stdbool.h>

#include "core/error.h"

/* HD_INVALID when the database at `path` is missing or empty although something in the state folder came from one. `ret_expected` says
 * whether there is something: then a database without our tables in it is not the right one either. */
int lost_database_check(const char *state_dir, const char *path, bool *ret_expected, struct hd_error *error);

#endif
