#include "reporter_name.h"

#include <stdio.h>
#include <sys/random.h>

bool hd_reporter_name(char name[HD_REPORTER_NAME_SIZE])
{
    unsigned char random[(HD_REPORTER_NAME_SIZE - 1) / 2];

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(random); i++) {
        snprintf(name + 2 * i, 3, "%02x", random[i]);
    }
    return true;
}
