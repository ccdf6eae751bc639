/* The daemon as a whole: the order in which its rooms are opened and closed. */
#ifndef HYPERDRIVED_DAEMON_H
#define HYPERDRIVED_DAEMON_H

#include "core/error.h"
#include "settings.h"

/* Runs until a signal asks for the end; SIGHUP may change the settings. 0, or negative with `error` when it could not start. */
int daemon_run(struct settings *settings, struct hd_error *error);

#endif
