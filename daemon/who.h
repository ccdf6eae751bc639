/* Who asks: what a token, or the lack of one, proves. */
#ifndef HYPERDRIVED_WHO_H
#define HYPERDRIVED_WHO_H

#include "http/http.h"
#include "store/store.h"
#include "token.h"

/* False for a token that is good for nothing. The loop's thread. */
bool who_presents(const struct tokens *tokens, struct store *store, const char *token, struct http_principal *ret_principal);

#endif
