#include "token.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "state_file.h"

enum { MAC_HEX_SIZE = crypto_auth_BYTES * 2 + 1 };

/* A file that was copied, or restored from a backup, may have come back with other rights than it was made with. */
static int check_rights(int file, const char *path, mode_t allowed, struct hd_error *error)
{
    struct stat status;

    if (fstat(file, &status) != 0)
        return hd_error_system(error, HD_UNAVAILABLE, errno, "cannot look at %s", path);
    if (!S_ISREG(status.st_mode))
        return hd_error_set(error, HD_INVALID, "%s is no regular file: remove it, and a new one is made", path);
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return hd_error_set(error, HD_INVALID, "%s belongs to another user (uid %u), who knows it: remove it, and a new one is made", path,
                            (unsigned)status.st_uid);
    if ((status.st_mode & ~allowed & 077) == 0)
        return 0;
    if (fchmod(file, status.st_mode & allowed) != 0)
        return hd_error_system(error, HD_UNAVAILABLE, errno, "others may read %s, and that cannot be changed", path);
    log_line(LOG_LEVEL_WARNING, "others could read %s until now: if somebody may have, remove it and restart, and a new one is made", path);
    return 0;
}

/* Reads the one line of a file. 1: read, 0: there is no such file, negative: failed. */
static int read_line(const char *path, mode_t allowed, char *line, size_t size, struct hd_error *error)
{
    int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), result;
    ssize_t length;

    if (file < 0)
        return errno == ENOENT ? 0 : hd_error_system(error, HD_UNAVAILABLE, errno, "cannot read %s", path);
    result = check_rights(file, path, allowed, error);
    length = result == 0 ? read(file, line, size - 1) : 0;
    if (length < 0)
        result = hd_error_system(error, HD_UNAVAILABLE, errno, "cannot read %s", path);
    (void)close(file);
    if (result != 0)
        return result;
    line[length] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    return 1;
}

/* The file's hex line, made from random bytes when the file is missing. */
static int open_secret(const char *state_dir, const char *name, mode_t allowed, char *line, size_t size, bool *ret_new,
                       struct hd_error *error)
{
    unsigned char bytes[TOKEN_KEY_SIZE];
    char path[4096], content[TOKEN_KEY_SIZE * 2 + 2];
    int result;

    snprintf(path, sizeof path, "%s/%s", state_dir, name);
    result = read_line(path, allowed, line, size, error);
    if (result < 0)
        return result;
    *ret_new = result == 0;
    if (result == 1) {
        if (strlen(line) < TOKEN_KEY_SIZE)
            return hd_error_set(error, HD_INVALID, "%s is too short for a secret: remove it, and a new one is made", path);
        return 0;
    }
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2hex(content, sizeof content, bytes, sizeof bytes);
    snprintf(line, size, "%s", content);
    memcpy(content + strlen(content), "\n", 2);
    return state_file_write(state_dir, name, content, 0600, error);
}

/* Whatever mode and group the file has had. */
static int let_group_read(const char *state_dir, struct hd_error *error)
{
    char path[4096];
    int file, result = 0;

    snprintf(path, sizeof path, "%s/token", state_dir);
    file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return hd_error_system(error, HD_UNAVAILABLE, errno, "cannot open %s", path);
    if (fchown(file, (uid_t)-1, getegid()) != 0 || fchmod(file, 0640) != 0)
        result = hd_error_system(error, HD_UNAVAILABLE, errno, "cannot let the group read %s (setting 'group_token')", path);
    (void)close(file);
    return result;
}

int tokens_open(struct tokens *tokens, const char *state_dir, bool group_may_read, struct hd_error *error)
{
    char line[TOKEN_KEY_SIZE * 2 + 2];
    bool new_token;
    int result;

    if (sodium_init() < 0)
        return hd_error_set(error, HD_UNAVAILABLE, "the cryptography library does not start");
    result = open_secret(state_dir, "secret", 0600, line, sizeof line, &tokens->new_key, error);
    if (result == 0 && sodium_hex2bin(tokens->key, sizeof tokens->key, line, strlen(line), NULL, NULL, NULL) != 0)
        result = hd_error_set(error, HD_INVALID, "%s/secret is not the hex line that this program writes: remove it, and a new one is made",
                              state_dir);
    if (result == 0)
        result = open_secret(state_dir, "token", group_may_read ? 0640 : 0600, tokens->owner, sizeof tokens->owner, &new_token, error);
    if (result == 0 && group_may_read)
        result = let_group_read(state_dir, error);
    return result;
}

static void run_mac(const struct tokens *tokens, const char *run_id, int attempt, char hex[MAC_HEX_SIZE])
{
    unsigned char mac[crypto_auth_BYTES];
    char message[256];
    int length = snprintf(message, sizeof message, "%s/%d", run_id, attempt);

    crypto_auth(mac, (const unsigned char *)message, (unsigned long long)length, tokens->key);
    sodium_bin2hex(hex, MAC_HEX_SIZE, mac, sizeof mac);
}

void token_for_run(const struct tokens *tokens, const char *run_id, int attempt, char *buffer, size_t size)
{
    char hex[MAC_HEX_SIZE];

    run_mac(tokens, run_id, attempt, hex);
    snprintf(buffer, size, "r.%s.%s", run_id, hex);
}

/* In a time that depends on the lengths alone. */
static bool equal(const char *a, const char *b)
{
    size_t length = strlen(a);

    return length == strlen(b) && sodium_memcmp(a, b, length) == 0;
}

bool token_is_owner(const struct tokens *tokens, const char *token)
{
    return equal(tokens->owner, token);
}

bool token_run_id(const char *token, char *ret_run_id, size_t size)
{
    const char *dot = strrchr(token, '.');
    size_t length;

    if (strncmp(token, "r.", 2) != 0 || dot == NULL || dot < token + 3)
        return false;
    length = (size_t)(dot - token - 2);
    if (length >= size)
        return false;
    memcpy(ret_run_id, token + 2, length);
    ret_run_id[length] = '\0';
    return true;
}

bool token_is_run(const struct tokens *tokens, const char *token, const char *run_id, int attempt)
{
    char expected[256];

    token_for_run(tokens, run_id, attempt, expected, sizeof expected);
    return equal(expected, token);
}
