/* A transient unit of systemd, a scope, that holds one attempt and its monitor to limits. */
#ifndef HYPERDRIVED_SCOPE_H
#define HYPERDRIVED_SCOPE_H

#include <stdbool.h>

#include "core/program.h"
#include "core/text.h"
#include "run_limits.h"

struct scope {
    const char *program; /* systemd-run */
    bool user;
    const char *run_id;
    struct launch_limits limits;
};

/* Appends the unit's name. */
void scope_name(struct hd_text *text, const char *run_id, int attempt);
/* What executes a program, whose own arguments are to follow, in the scope: 0, or -1 when memory is short. */
int scope_arguments(const struct scope *scope, int attempt, struct hd_strings *ret_arguments);

#endif
