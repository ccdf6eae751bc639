/* Where the daemon is and what proves who asks: options, a state folder, the environment, the default folders. */
#ifndef HD_CLIENT_FIND_H
#define HD_CLIENT_FIND_H

#include <stdbool.h>

#include "core/error.h"

struct address {
    char *url;         /* owned, without a slash at its end */
    char *token;       /* owned; NULL: none */
    char *source;      /* owned; where it was found, for error sentences */
    char *folder;      /* owned; the state folder that it was found in; NULL: none */
    char *authorities; /* owned; PEM file by which the daemon is verified; NULL: what the system trusts */
};

/* `state_dir` and `url` are the options of the command line, or NULL.
 *
 * The address is that of --url, of --state-dir, of HYPERDRIVE_URL, or of the first default folder that has one. The token is that of the
 * same place (for --url: of --state-dir, else HYPERDRIVE_TOKEN), so that no token is ever sent to an address that it does not belong to.
 * The authorities are those of HYPERDRIVE_CA_FILE, else of the state folder. */
int find_daemon(const char *state_dir, const char *url, struct address *ret_address, struct hd_error *error);
/* The state folder that would be looked into: `state_dir`, else the default one that has an address, else the user's own. NULL when memory
 * is short. */
char *find_state_folder(const char *state_dir);
/* Whether this is the default folder of a daemon of the user's own. */
bool find_is_own_folder(const char *folder);
void address_clear(struct address *address);

#endif
