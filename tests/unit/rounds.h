/* How often a test repeats what it tries with numbers drawn at random. */
#ifndef HD_TESTS_ROUNDS_H
#define HD_TESTS_ROUNDS_H

#include <stdint.h>
#include <stdlib.h>

/* `count`, but a twentieth under valgrind (the setup of that name in meson.build): it is 50 times as slow, and memory that is misused is so in few
 * rounds as in many. */
static inline uint64_t rounds(uint64_t count)
{
    return getenv("HD_VALGRIND") == NULL ? count : (count + 19) / 20;
}

#endif
