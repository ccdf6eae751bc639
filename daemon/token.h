/* Who may ask: the owner's token, and a token for each attempt of a run (decisions, "Exactly once" 6). */
#ifndef HYPERDRIVED_TOKEN_H
#define HYPERDRIVED_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/error.h"

enum { TOKEN_KEY_SIZE = 32, TOKEN_OWNER_SIZE = 72 };

struct tokens {
    unsigned char key[TOKEN_KEY_SIZE]; /* STATE/secret: signs the tokens of runs */
    char owner[TOKEN_OWNER_SIZE];      /* STATE/token */
    bool new_key;                      /* there was no STATE/secret */
};

/* Reads STATE/secret and STATE/token, and makes them (0600) when they are missing. With `group_may_read` the token is 0640 and of our
 * group. Files that more may read are made so too; those of other users are refused. */
int tokens_open(struct tokens *tokens, const char *state_dir, bool group_may_read, struct hd_error *error);

/* `r.<run id>.<HMAC of run id and attempt>`. */
void token_for_run(const struct tokens *tokens, const char *run_id, int attempt, char *buffer, size_t size);
bool token_is_owner(const struct tokens *tokens, const char *token);
/* The run id that a run's token names (not yet believed); false if it is no token of a run. */
bool token_run_id(const char *token, char *ret_run_id, size_t size);
bool token_is_run(const struct tokens *tokens, const char *token, const char *run_id, int attempt);

#endif
