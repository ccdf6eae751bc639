/* hyperdrived --check-database: says whether a database is whole. */
#ifndef HYPERDRIVED_CHECK_DATABASE_H
#define HYPERDRIVED_CHECK_DATABASE_H

#include "settings.h"

/* Prints a sentence for every fault, and what was looked through. The exit code: 0 it is whole, 1 it is not, or could not be read. */
int check_database(const struct settings *settings);

#endif
