/* The numbered migrations of schema/, compiled in. */
#ifndef HYPERDRIVED_STORE_MIGRATION_H
#define HYPERDRIVED_STORE_MIGRATION_H

#include <stdbool.h>

#include "core/error.h"

struct database;

extern const char *const store_migrations[]; /* SQL of 001, 002, ... */
extern const int store_migration_count;

/* Brings the database to this program's version, one transaction per migration. A database of a newer program is refused, and
 * an empty one where a filled one is `expected`. */
int migration_apply(struct database *database, bool expected, struct hd_error *error);

#endif
