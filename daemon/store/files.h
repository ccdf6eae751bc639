/* Whether the database's files are still the ones that were opened. Internal to the store.
 *
 * SQLite writes on into a file whose name was removed or given to another, and all of it is gone with the process. */
#ifndef HYPERDRIVED_STORE_FILES_H
#define HYPERDRIVED_STORE_FILES_H

#include <sys/types.h>

#include "database.h"

struct files {
    struct file_place {
        const char *path; /* SQLite's, as long as the connection is open */
        dev_t device;
        ino_t inode; /* 0: not known */
    } main, log;
};

/* Remembers them: of an open database in which something was read. */
void files_note(struct files *files, struct database *database);
/* 0, or -HD_UNAVAILABLE when others, or none, have their names. */
int files_check(const struct files *files, struct hd_error *error);

#endif
