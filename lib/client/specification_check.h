/* Checks a sweep file as the daemon would, without one. */
#ifndef HD_CLIENT_SPECIFICATION_CHECK_H
#define HD_CLIENT_SPECIFICATION_CHECK_H

#include <stdbool.h>

#include "core/error.h"
#include "core/specification.h"

struct specification_check {
    struct hd_problems errors; /* a file that cannot be read is one of them */
    struct hd_problems warnings;
    struct hd_specification specification; /* when there are no errors */
    struct hd_text source;                 /* the text of the file */
    bool seed_drawn;                       /* the file gives no seed where one is needed: a random one was taken */
};

/* 0, with what was found in *ret_check (the caller clears it); negative only when memory is short. */
int specification_check(const char *path, struct specification_check *ret_check, struct hd_error *error);
/* What was found, on stderr. */
void specification_check_say(const struct specification_check *check);
void specification_check_clear(struct specification_check *check);

#endif
