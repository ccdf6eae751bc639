/* Addresses of daemons that listen on a Unix socket: `http+unix://%2Frun%2Fhyperdrive%2Fsocket`. */
#ifndef HD_CLIENT_SOCKET_URL_H
#define HD_CLIENT_SOCKET_URL_H

#include <stdbool.h>
#include <stddef.h>

enum { HD_SOCKET_PATH_SIZE = 108 }; /* of the system's, with the NUL */

/* Whether the address is of this kind at all. */
bool hd_is_socket_url(const char *url);
/* The path of the socket, decoded, and what follows in the address ("/api/v1/..."). NULL when the path is no absolute one that a socket can
 * have. */
const char *hd_socket_url(const char *url, char path[HD_SOCKET_PATH_SIZE]);

#endif
