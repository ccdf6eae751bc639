/* What a named token looks like, and what is kept of it. */
#ifndef HYPERDRIVED_API_NAMED_TOKEN_H
#define HYPERDRIVED_API_NAMED_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

enum {
    NAMED_TOKEN_NAME_MOST = 64,
    NAMED_TOKEN_SIZE = 2 + NAMED_TOKEN_NAME_MOST + 1 + 64 + 1, /* with the NUL */
    NAMED_TOKEN_HASH = 32,
};

/* Letters, digits, '_' and '-', 1 to 64 of them; the first is no '-', which would look like an option. */
bool named_token_is_name(const char *name);
/* `t.<name>.<64 random hexadecimal digits>`. */
void named_token_make(const char *name, char token[NAMED_TOKEN_SIZE]);
/* The name in a token (not yet believed); false if it is no named token. */
bool named_token_name(const char *token, char ret_name[NAMED_TOKEN_NAME_MOST + 1]);
void named_token_hash(const char *token, unsigned char ret_hash[NAMED_TOKEN_HASH]);
/* In a time that depends on the token's length alone. */
bool named_token_matches(const char *token, const unsigned char hash[NAMED_TOKEN_HASH]);

#endif
