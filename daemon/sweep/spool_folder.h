/* What lies in the spool of the run whose folder `run` is. For the pool, and with the rights of whose run it is. No link is followed: what
 * is taken in is removed, and must be the run's own.
 *
 * HD_UNAVAILABLE: it cannot be known now, for want of descriptors or memory above all, and is to be looked at again. Any other failure
 * stays. */
#ifndef HYPERDRIVED_SPOOL_FOLDER_H
#define HYPERDRIVED_SPOOL_FOLDER_H

#include "core/error.h"
#include "core/spool_files.h"

/* The reports, in the order in which they are taken in. Where there is no folder there are none. 0 or a negative code. */
int spool_folder_list(int run, struct hd_spool_files *ret_files, struct hd_error *error);

/* A report's text, which the caller frees. 0 or a negative code. */
int spool_folder_read(int run, const char *name, char **ret_content, size_t *ret_length, struct hd_error *error);

/* 0 or the system's number. */
int spool_folder_remove(int run, const char *name);

/* -HD_UNAVAILABLE if what has failed with this number of the system may go another time, else -HD_INVALID. */
int spool_folder_failed(int number, struct hd_error *error);

#endif
