/* The files in a run's log folders, and ranges of their bytes. Files are named by their path from the run folder.
 * For pool threads, apart from the ranges. */
#ifndef HYPERDRIVED_API_LOG_FILE_H
#define HYPERDRIVED_API_LOG_FILE_H

#include <stdint.h>

/* One of the run's log folders, which must not be a link itself; -1: there is none. */
int log_folder_open(const char *run_folder, const char *name);
/* The regular file behind the name `FOLDER/PATH`, for reading; -1: there is none. Of the program's output the beginning may be gone. */
int log_file_open(const char *run_folder, const char *name, int64_t *ret_size, int64_t *ret_kept_from);
/* Where what is kept of a log begins, whose name is that. */
int64_t log_file_kept_from(const char *name, int file, int64_t size);

/* Reads `bytes=FROM-`, `bytes=FROM-TO`, `bytes=-LAST`. 1: a range, 0: none that we know (all is sent), -1: not satisfiable. */
int log_range_read(const char *header, int64_t total, int64_t *ret_offset, int64_t *ret_length);
/* The beginning alone, for a file that grows: `bytes=FROM-` (up to its end), `bytes=-LAST`. The same results. */
int log_range_read_begin(const char *header, int64_t size, int64_t *ret_offset);

#endif
