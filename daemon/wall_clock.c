#include "wall_clock.h"

#include <time.h>

static const int64_t DAY_US = INT64_C(86400) * 1000000;

static int64_t read_us(clockid_t clock)
{
    struct timespec now = {0};

    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void wall_clock_open(struct wall_clock *clock)
{
    *clock = (struct wall_clock){.began_us = read_us(CLOCK_REALTIME), .began_steady_us = read_us(CLOCK_BOOTTIME)};
}

int64_t wall_clock_us(const struct wall_clock *clock, bool *ret_believed)
{
    int64_t now_us = read_us(CLOCK_REALTIME), expected_us = clock->began_us + read_us(CLOCK_BOOTTIME) - clock->began_steady_us;

    *ret_believed = now_us <= expected_us + DAY_US;
    return *ret_believed ? now_us : expected_us;
}
