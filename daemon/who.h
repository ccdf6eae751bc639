/* Who asks: what a token, or the lack of one, proves. */
#ifndef HYPERDRIVED_WHO_H
#define HYPERDRIVED_WHO_H

#include "http/http.h"
#include "socket_access.h"
#include "store/store.h"
#include "token.h"

/* False for a token that is good for nothing; with `error` when the store cannot be read, so that it is not known. The loop's thread. */
bool who_presents(const struct tokens *tokens, struct store *store, const char *token, struct http_principal *ret_principal,
                  struct hd_error *error);
/* Who asks without a token, over a Unix socket; false if that is nobody who may do anything. A token counts before the user: programs that
 * the daemon starts run as its own user, and send their own tokens. */
bool who_connects(const struct socket_access *access, const struct http_request *request, struct http_principal *ret_principal);

#endif
