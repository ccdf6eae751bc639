/* Executes the program that a monitor watches. */
#ifndef HYPERDRIVED_MONITOR_PROGRAM_H
#define HYPERDRIVED_MONITOR_PROGRAM_H

#include <stddef.h>
#include <sys/types.h>

#include "order.h"

/* Executes in a new process, in a session of its own, with output appended to user_logs/std_log.txt below the current folder. Returns the
 * process id once the program really runs; the negative number of the system's error, after filling `reason` with a sentence, if it could
 * not be executed. */
pid_t program_start(const struct order *order, char *reason, size_t size);

#endif
