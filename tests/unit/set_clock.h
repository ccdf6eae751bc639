/* A wall clock that is set, for tests linked with --wrap=clock_gettime. */
#ifndef HD_TESTS_SET_CLOCK_H
#define HD_TESTS_SET_CLOCK_H

#include <stdint.h>

/* By so much it goes ahead of the machine's. */
extern int64_t set_forward_seconds;

#endif
