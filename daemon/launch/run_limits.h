/* What a child may use at most, where control groups can hold it to that. */
#ifndef HYPERDRIVED_RUN_LIMITS_H
#define HYPERDRIVED_RUN_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

/* 0: no limit. */
struct launch_limits {
    int64_t memory;    /* bytes; the child then has no swap */
    int64_t processes; /* and threads, at once */
    double cpus;
};

static inline bool limits_are_set(const struct launch_limits *limits)
{
    return limits->memory > 0 || limits->processes > 0 || limits->cpus > 0;
}

#endif
