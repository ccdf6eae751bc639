#include "find.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/text.h"
#include "socket_url.h"

enum { SMALL_FILE = 4096 };

/* First line of a small file, without white space at its end. 0, or the negative errno. */
static int read_line(const char *folder, const char *name, char **ret_line)
{
    char line[SMALL_FILE];
    struct hd_text path = {0};
    FILE *file;
    int number = 0;

    hd_text_format(&path, "%s/%s", folder, name);
    if (path.failed) {
        hd_text_clear(&path);
        return -ENOMEM;
    }
    errno = 0;
    file = fopen(path.data, "re");
    number = file == NULL ? errno : 0;
    hd_text_clear(&path);
    if (file == NULL) {
        return -number;
    }
    if (fgets(line, sizeof(line), file) == NULL) {
        number = ferror(file) ? EIO : ENODATA;
    } else {
        line[strcspn(line, " \t\r\n")] = '\0';
        number = line[0] == '\0' ? ENODATA : 0;
    }
    (void)fclose(file);
    if (number != 0) {
        return -number;
    }
    *ret_line = strdup(line);
    return *ret_line != NULL ? 0 : -ENOMEM;
}

/* Address and token from a state folder. */
static int read_folder(const char *folder, struct address *address, struct hd_error *error)
{
    struct hd_text source = {0};
    int number = read_line(folder, "url", &address->url);

    if (number < 0) {
        if (number == -ENOENT) {
            return hd_error_set(error, HD_UNAVAILABLE, "no daemon has ever run with the state folder %s (it has no file 'url')", folder);
        }
        return hd_error_system(error, number == -EACCES ? HD_FORBIDDEN : HD_UNAVAILABLE, -number, "cannot read %s/url", folder);
    }
    number = read_line(folder, "token", &address->token);
    if (number == -EACCES && hd_is_socket_url(address->url)) {
        number = 0; /* the user may be enough */
    }
    if (number < 0) {
        return hd_error_system(error, number == -EACCES ? HD_FORBIDDEN : HD_UNAVAILABLE, -number, "cannot read %s/token", folder);
    }
    hd_text_format(&source, "state folder %s", folder);
    address->source = hd_text_take(&source);
    address->folder = strdup(folder);
    return 0;
}

static bool has_url(const char *folder)
{
    char *url = NULL;
    int result = read_line(folder, "url", &url);

    free(url);
    return result == 0 || result == -EACCES; /* one that may not be read is the right one, and its error says why it fails */
}

static const char system_folder[] = "/var/lib/hyperdrive";

/* Empty for root, and without a home folder. */
static struct hd_text own_folder(void)
{
    const char *state_home = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    struct hd_text own = {0};

    if (geteuid() != 0 && state_home != NULL && state_home[0] == '/') {
        hd_text_format(&own, "%s/hyperdrive", state_home);
    } else if (geteuid() != 0 && home != NULL && home[0] == '/') {
        hd_text_format(&own, "%s/.local/state/hyperdrive", home);
    }
    return own;
}

char *find_state_folder(const char *state_dir)
{
    struct hd_text own = own_folder();

    if (state_dir == NULL && own.length > 0 && !own.failed && (has_url(own.data) || !has_url(system_folder))) {
        return hd_text_take(&own);
    }
    hd_text_clear(&own);
    return strdup(state_dir != NULL ? state_dir : system_folder);
}

bool find_is_own_folder(const char *folder)
{
    struct hd_text own = own_folder();
    struct stat ours, theirs;
    bool same = own.data != NULL && !own.failed && stat(own.data, &ours) == 0 && stat(folder, &theirs) == 0 &&
                ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;

    hd_text_clear(&own);
    return same;
}

static int read_default_folders(struct address *address, struct hd_error *error)
{
    struct hd_text own = own_folder();
    int result;

    if (own.data != NULL && !own.failed && has_url(own.data)) {
        result = read_folder(own.data, address, error);
    } else if (has_url(system_folder)) {
        result = read_folder(system_folder, address, error);
    } else {
        result = hd_error_set(error, HD_UNAVAILABLE,
                              "no daemon found in %s%s%s; start hyperdrived, or say where it is with --state-dir DIR, or with "
                              "HYPERDRIVE_URL and HYPERDRIVE_TOKEN",
                              own.data != NULL ? own.data : "", own.data != NULL ? " or " : "", system_folder);
    }
    hd_text_clear(&own);
    return result;
}

static int use_url(const char *url, const char *token, const char *source, struct address *address)
{
    free(address->url);
    address->url = strdup(url);
    address->source = strdup(source);
    if (token != NULL && token[0] != '\0' && address->token == NULL) {
        address->token = strdup(token);
        if (address->token == NULL) {
            return -1;
        }
    }
    return address->url != NULL ? 0 : -1;
}

static int check_address(struct address *address, struct hd_error *error)
{
    size_t length;

    assert(address->url != NULL);
    length = strlen(address->url);
    if (hd_is_socket_url(address->url)) {
        char path[HD_SOCKET_PATH_SIZE];

        if (hd_socket_url(address->url, path) == NULL) {
            return hd_error_set(error, HD_INVALID,
                                "the address '%s' does not name a socket; write http+unix:// and its absolute path with %%2F for /, as in "
                                "http+unix://%%2Frun%%2Fhyperdrive%%2Fsocket",
                                address->url);
        }
    } else if (strncasecmp(address->url, "http://", 7) != 0 && strncasecmp(address->url, "https://", 8) != 0) {
        return hd_error_set(error, HD_INVALID, "the address '%s' must begin with http://, https:// or http+unix://", address->url);
    }
    while (length > 0 && address->url[length - 1] == '/') {
        address->url[--length] = '\0';
    }
    /* A control character would end the header line that carries the token. */
    for (const char *at = address->token; at != NULL && *at != '\0'; at++) {
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7F) {
            return hd_error_set(error, HD_INVALID, "the token of %s has a character that no token has", address->source);
        }
    }
    return 0;
}

/* False when memory is short. */
static bool find_authorities(const char *state_dir, struct address *address)
{
    const char *named = getenv("HYPERDRIVE_CA_FILE"), *folder = address->folder != NULL ? address->folder : state_dir;
    struct hd_text path = {0};

    if (strncasecmp(address->url, "https://", 8) != 0) {
        return true;
    }
    if (named != NULL && named[0] != '\0') {
        address->authorities = strdup(named);
        return address->authorities != NULL;
    }
    if (folder == NULL) {
        return true;
    }
    hd_text_format(&path, "%s/ca.pem", folder);
    if (!path.failed && access(path.data, F_OK) != 0) {
        hd_text_clear(&path);
        return true;
    }
    address->authorities = hd_text_take(&path);
    return address->authorities != NULL;
}

int find_daemon(const char *state_dir, const char *url, struct address *ret_address, struct hd_error *error)
{
    const char *environment_url = getenv("HYPERDRIVE_URL"), *environment_token = getenv("HYPERDRIVE_TOKEN");
    struct address address = {0};
    int result = 0;

    if (state_dir != NULL && url != NULL) {
        int number = read_line(state_dir, "token", &address.token);

        if (number < 0) {
            return hd_error_system(error, number == -EACCES ? HD_FORBIDDEN : HD_UNAVAILABLE, -number, "cannot read %s/token", state_dir);
        }
    } else if (state_dir != NULL) {
        result = read_folder(state_dir, &address, error);
    }
    if (url != NULL) {
        result = use_url(url, environment_token, "--url", &address);
    } else if (state_dir == NULL && environment_url != NULL && environment_url[0] != '\0') {
        result = use_url(environment_url, environment_token, "HYPERDRIVE_URL", &address);
    } else if (state_dir == NULL) {
        result = read_default_folders(&address, error);
    }
    if (result == -1 || (result == 0 && address.source == NULL)) {
        result = hd_error_set(error, HD_UNAVAILABLE, "memory is short");
    }
    if (result == 0) {
        result = check_address(&address, error);
    }
    if (result == 0 && !find_authorities(state_dir, &address)) {
        result = hd_error_set(error, HD_UNAVAILABLE, "memory is short");
    }
    if (result < 0) {
        address_clear(&address);
        return result;
    }
    *ret_address = address;
    return 0;
}

void address_clear(struct address *address)
{
    free(address->url);
    free(address->token);
    free(address->source);
    free(address->folder);
    free(address->authorities);
    *address = (struct address){0};
}
