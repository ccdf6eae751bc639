/* A state folder whose files do not belong together: the database is gone while the files of its sweeps are there, which a start would take
 * for garbage; or a backup was put beside the log of another database, which SQLite would play over it. */
#ifndef HYPERDRIVED_LOST_DATABASE_H
#define HYPERDRIVED_LOST_DATABASE_H

#include <stdbool.h>

#include "core/error.h"

/* HD_INVALID when the database at `path` is missing or empty although something in the state folder came from one, or when it is a backup
 * with another's log beside it. `ret_expected` says whether there is something: then a database without our tables in it is not the right
 * one either. */
int lost_database_check(const char *state_dir, const char *path, bool *ret_expected, struct hd_error *error);

#endif
