/* Is an attempt of a child that did not go well followed by another one? (run_config.max_retries and retry_on) */
#ifndef HD_CORE_RETRY_H
#define HD_CORE_RETRY_H

#include <stdbool.h>

#include "specification.h"

struct hd_failure {
    enum { HD_FAILED_EXIT, HD_FAILED_SIGNAL, HD_FAILED_LOST } kind;
    bool out_of_memory; /* the kernel has killed processes of it for that, or probably has */
    int exit_code;      /* with HD_FAILED_EXIT: not 0 */
    const char *output; /* the last of what the attempt has printed */
};

/* Is this one of the causes? `attempt` is the one that failed, from 1. */
bool hd_retry_wanted(const struct hd_run_config *run, int attempt, const struct hd_failure *failure);

#endif
