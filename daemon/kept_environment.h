/* What children get of the daemon's own environment. */
#ifndef HYPERDRIVED_KEPT_ENVIRONMENT_H
#define HYPERDRIVED_KEPT_ENVIRONMENT_H

#include "core/error.h"

/* The variables that `keep` names (names, or beginnings and `*`; ends in NULL). The caller frees the list; the strings are environ's. */
int kept_environment(char *const *keep, char ***ret_environment, struct hd_error *error);

#endif
