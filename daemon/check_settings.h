/* What is wrong with settings on this machine, beyond what each value is like by itself: for the start, and for --check-config. */
#ifndef HYPERDRIVED_CHECK_SETTINGS_H
#define HYPERDRIVED_CHECK_SETTINGS_H

#include "core/error.h"
#include "settings.h"

/* What a start looks at before all else: users, certificates and control groups that the settings name. HD_INVALID with file and line of
 * the setting, if the file has it; HD_FORBIDDEN for what another user may do or see; HD_UNAVAILABLE for what may be over in a moment. */
int check_settings(const struct settings *settings, struct hd_error *error);
/* That, and what a start sees when it goes on: the address, the state folder, the monitor; and users that are gone. Nothing is made or
 * changed. */
int check_settings_all(const struct settings *settings, struct hd_error *error);
/* Whether there are all of `run_as_users`. */
int check_users(const struct settings *settings, struct hd_error *error);
/* Without its monitor the daemon could start nothing, and every sweep would fail: better to say so at the start. */
int check_monitor(const struct settings *settings, struct hd_error *error);

/* --check-config: says what is wrong, or that nothing is. The exit status. */
int check_settings_and_tell(const struct settings *settings);

#endif
