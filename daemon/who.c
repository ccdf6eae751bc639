#include "who.h"

#include <stdio.h>

#include "api/named_token.h"

static bool is_run(const struct tokens *tokens, struct store *store, const char *token, struct http_principal *ret_principal,
                   struct hd_error *error)
{
    struct store_found found;
    char *id = ret_principal->run_id;

    if (!token_run_id(token, id, sizeof ret_principal->run_id) || store_find(store_loop_reader(store), id, &found, error) != 0 ||
        found.what != STORE_RUN || !token_is_run(tokens, token, id, found.attempt))
        return false;
    ret_principal->role = HTTP_RUN;
    ret_principal->attempt = found.attempt;
    snprintf(ret_principal->who, sizeof ret_principal->who, "run %s", id);
    return true;
}

/* Each time from the store: a token that was revoked is so from the very next request on. */
static bool is_named(struct store *store, const char *token, struct http_principal *ret_principal, struct hd_error *error)
{
    char name[NAMED_TOKEN_NAME_MOST + 1];
    struct store_token_key key;

    if (!named_token_name(token, name) || store_find_token(store_loop_reader(store), name, &key, error) != 1 ||
        !named_token_matches(token, key.hash))
        return false;
    ret_principal->role = http_role_parse(key.role);
    snprintf(ret_principal->who, sizeof ret_principal->who, "token %s", name);
    return ret_principal->role != HTTP_NOBODY;
}

bool who_presents(const struct tokens *tokens, struct store *store, const char *token, struct http_principal *ret_principal,
                  struct hd_error *error)
{
    if (token_is_owner(tokens, token)) {
        ret_principal->role = HTTP_OWNER;
        snprintf(ret_principal->who, sizeof ret_principal->who, "owner");
        return true;
    }
    return is_run(tokens, store, token, ret_principal, error) || is_named(store, token, ret_principal, error);
}

bool who_connects(const struct socket_access *access, const struct http_request *request, struct http_principal *ret_principal)
{
    unsigned user = 0;

    ret_principal->role = socket_access_role(access, request, &user);
    snprintf(ret_principal->who, sizeof ret_principal->who, "uid %u", user);
    return ret_principal->role != HTTP_NOBODY;
}
