/* The end of a run's log. */
#ifndef HYPERDRIVED_OUTPUT_H
#define HYPERDRIVED_OUTPUT_H

enum { OUTPUT_TAIL = 4096 };

/* The last OUTPUT_TAIL bytes at most of user_logs/std_log.txt as valid UTF-8; "" if there is none. `folder` is a descriptor of the run
 * folder. The caller frees; NULL when memory is short. */
char *output_tail(int folder);

#endif
