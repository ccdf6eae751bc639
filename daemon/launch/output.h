/* The end of a run's log. */
#ifndef HYPERDRIVED_OUTPUT_H
#define HYPERDRIVED_OUTPUT_H

enum { OUTPUT_TAIL = 4096 };

/* A line of the log, with the number of the attempt, in front of what a later attempt than the first prints. */
#define OUTPUT_ATTEMPT "[hyperdrive] attempt %d\n"

/* The last OUTPUT_TAIL bytes at most of what this attempt has printed to user_logs/std_log.txt, as valid UTF-8; "" if there is none.
 * `folder` is a descriptor of the run folder. The caller frees; NULL when memory is short. */
char *output_tail(int folder, int attempt);

#endif
