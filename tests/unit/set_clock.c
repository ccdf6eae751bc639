#include "set_clock.h"

#include <time.h>

int64_t set_forward_seconds;

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = __real_clock_gettime(clock, time);

    if (result == 0 && clock == CLOCK_REALTIME)
        time->tv_sec += set_forward_seconds;
    return result;
}
