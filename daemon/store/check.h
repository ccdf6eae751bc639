/* Is the database whole? Questions that a whole one answers with nothing. */
#ifndef HYPERDRIVED_STORE_CHECK_H
#define HYPERDRIVED_STORE_CHECK_H

#include "store.h"

/* Takes a sentence about one fault. */
typedef void store_fault(void *context, const char *sentence);

/* Looks through the file (every page; `with_indexes` also whether they have what the tables have), on a pool thread: it may take long, and
 * until it is done the write-ahead log is not begun anew. 0 when it could be looked through, whatever was found. */
int store_check_file(struct store_reader *reader, bool with_indexes, store_fault *fault, void *context, struct hd_error *error);

/* A whole database, of which a daemon may be using: file, references, and what rows say of each other. */
struct store_checked {
    int64_t sweeps, runs, points;
    int version;  /* of the database */
    bool skipped; /* it is older or newer than this program, which can check its file only */
};
int store_check(const char *path, store_fault *fault, void *context, struct store_checked *ret_checked, struct hd_error *error);

#endif
