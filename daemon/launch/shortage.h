/* What failures of the system mean for what was to be done. */
#ifndef HYPERDRIVED_SHORTAGE_H
#define HYPERDRIVED_SHORTAGE_H

#include <errno.h>
#include <stdbool.h>

#include "core/error.h"

/* The system's number says that memory, descriptors or processes are short just now: it is tried again. */
static inline bool is_shortage(int number)
{
    return number == EAGAIN || number == ENOMEM || number == EMFILE || number == ENFILE;
}

static inline enum hd_code code_of(int number)
{
    if (number == ENOSPC || number == EDQUOT)
        return HD_STORAGE_FULL;
    return is_shortage(number) ? HD_UNAVAILABLE : HD_INTERNAL;
}

#endif
