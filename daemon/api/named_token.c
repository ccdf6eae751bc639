#include "named_token.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

bool named_token_is_name(const char *name)
{
    size_t length = strlen(name);

    return length >= 1 && length <= NAMED_TOKEN_NAME_MOST && name[0] != '-' && strspn(name, LETTERS) == length;
}

void named_token_make(const char *name, char token[NAMED_TOKEN_SIZE])
{
    unsigned char bytes[32];
    char hex[2 * sizeof bytes + 1];

    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2hex(hex, sizeof hex, bytes, sizeof bytes);
    snprintf(token, NAMED_TOKEN_SIZE, "t.%s.%s", name, hex);
    sodium_memzero(bytes, sizeof bytes);
    sodium_memzero(hex, sizeof hex);
}

bool named_token_name(const char *token, char ret_name[NAMED_TOKEN_NAME_MOST + 1])
{
    const char *dot = strncmp(token, "t.", 2) == 0 ? strchr(token + 2, '.') : NULL;
    size_t length = dot != NULL ? (size_t)(dot - token - 2) : 0;

    if (length < 1 || length > NAMED_TOKEN_NAME_MOST)
        return false;
    memcpy(ret_name, token + 2, length);
    ret_name[length] = '\0';
    return named_token_is_name(ret_name);
}

/* A fast hash without salt is enough: it hides 256 random bits, which nobody finds by trying, and which are in no list of passwords. A slow
 * one would let whoever sends wrong tokens keep the daemon busy. */
void named_token_hash(const char *token, unsigned char ret_hash[NAMED_TOKEN_HASH])
{
    (void)crypto_generichash(ret_hash, NAMED_TOKEN_HASH, (const unsigned char *)token, strlen(token), NULL, 0);
}

bool named_token_matches(const char *token, const unsigned char hash[NAMED_TOKEN_HASH])
{
    unsigned char own[NAMED_TOKEN_HASH];

    named_token_hash(token, own);
    return sodium_memcmp(own, hash, NAMED_TOKEN_HASH) == 0;
}
