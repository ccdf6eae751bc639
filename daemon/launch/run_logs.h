/* The logs of a run that has ended: what they take on the disk, and their removal, with the rights of whose run folder it is. For the pool.
 */
#ifndef HYPERDRIVED_RUN_LOGS_H
#define HYPERDRIVED_RUN_LOGS_H

#include <stdint.h>

/* The folders that hold logs, in each run folder; ends in NULL. */
extern const char *const run_log_folders[];

/* Bytes on the disk of all that lies in the log folders of `folder`, a run folder; what cannot be looked at counts nothing. Negative: the
 * system's error when it is short of something, so that it has to be asked again. */
int64_t run_logs_measure(const char *folder);
/* Removes the log folders with all that is in them. 0 as well if they are gone, or the negative number of the system's error. */
int run_logs_remove(const char *folder);

#endif
