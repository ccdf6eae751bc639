/* Files in a run's spool: what their names say, and the order in which their reports are taken in. lib/client/spool.h has the format. */
#ifndef HD_CORE_SPOOL_FILES_H
#define HD_CORE_SPOOL_FILES_H

#include <stddef.h>
#include <stdint.h>

struct hd_spool_file {
    char *name;             /* owned; begins with that of the reporter */
    size_t reporter_length; /* of the reporter's name */
    int64_t sequence;
    int64_t kept_ns; /* when it was written, since 1970; hd_spool_files_order() raises it to that of the reporter's file before it */
};

struct hd_spool_files {
    struct hd_spool_file *list; /* owned */
    size_t count, capacity;
};

/* Adds what `<reporter>.<sequence>.json` names; leaves out every other name. 0, or -1 when memory is short. A zeroed struct is an empty
 * list. */
int hd_spool_files_add(struct hd_spool_files *files, const char *name, int64_t kept_ns);

/* In the order in which they were written, but those of one reporter always by their sequences: a higher one taken in first would make the
 * lower ones duplicates. */
void hd_spool_files_order(struct hd_spool_files *files);

void hd_spool_files_clear(struct hd_spool_files *files);

#endif
