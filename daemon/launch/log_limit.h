/* Keeps the log of a child below its limit: when it is longer its head is given back to the file system. Its size and all offsets in it
 * stay what they are; what was given back reads as nothing. */
#ifndef HYPERDRIVED_LOG_LIMIT_H
#define HYPERDRIVED_LOG_LIMIT_H

#include <stdint.h>

/* Looks at user_logs/std_log.txt in the folder. 0, or the negative number of the system's error: -EOPNOTSUPP where the file system cannot
 * do it. A log that is not there is no failure. */
int log_limit_keep(int folder, int64_t limit);

/* Where the kept part of a log begins: 0 when all of it is there. */
int64_t log_kept_from(int file, int64_t size);

#endif
