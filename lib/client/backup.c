/* `hyperdrive backup`: a copy of the daemon's database in a file, which is there whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup_target.h"
#include "client.h"
#include "core/json.h"

struct copy {
    int file;
    int64_t length;
    int number; /* of the system's error; 0: none */
};

static bool take_part(void *data, const char *bytes, size_t length)
{
    struct copy *copy = data;

    while (length > 0) {
        ssize_t written = write(copy->file, bytes, length);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            copy->number = errno;
            return false;
        }
        bytes += written;
        length -= (size_t)written;
        copy->length += written;
    }
    return true;
}

static int download(struct client *client, struct copy *copy, const char *path, struct hd_error *error)
{
    /* The daemon makes the copy before it sends it: for a large one nothing comes for a long time. */
    struct rest_request request = {.method = "POST", .path = "/backup", .sink = take_part, .data = copy, .endless = true};
    int result = rest_call(client->rest, &request, NULL, error);

    if (copy->number != 0) {
        result = hd_error_system(error, HD_INVALID, copy->number, "the backup cannot be written to %s", path);
    }
    return result;
}

static void print_result(struct client *client, const char *path, const struct copy *copy)
{
    if (client->arguments.value[OPTION_JSON] != NULL) {
        struct hd_text text = {0};

        hd_text_add_string(&text, "{\"file\":");
        hd_json_print_string(&text, path);
        hd_text_format(&text, ",\"bytes\":%" PRId64 "}", copy->length);
        output_raw(&client->output, &text);
        hd_text_clear(&text);
    } else {
        fprintf(client->output.file, "%s has the database, %" PRId64 " bytes\n", path, copy->length);
    }
}

/* Into a file beside `path`, which gets this name when all of it is on the disk. */
static int copy_to(struct client *client, const char *path, bool replace, struct hd_error *error)
{
    struct hd_text temporary = {0};
    struct copy copy = {.file = -1};
    int result;

    hd_text_format(&temporary, "%s.XXXXXX", path);
    if (temporary.failed) {
        return hd_error_set(error, HD_UNAVAILABLE, "memory is short");
    }
    copy.file = mkostemp(temporary.data, O_CLOEXEC); /* 0600 */
    if (copy.file < 0) {
        result = hd_error_system(error, HD_INVALID, errno, "cannot make a file beside %s", path);
        hd_text_clear(&temporary);
        return result;
    }
    result = download(client, &copy, path, error);
    if (result == 0 && fsync(copy.file) != 0) {
        result = hd_error_system(error, HD_INVALID, errno, "the backup cannot be written to %s", path);
    }
    if (result == 0) {
        result = backup_target_name(temporary.data, path, replace, error);
    }
    if (result == 0) {
        print_result(client, path, &copy);
    } else {
        unlink(temporary.data);
    }
    close(copy.file);
    hd_text_clear(&temporary);
    return result;
}

int command_backup(struct client *client, struct hd_error *error)
{
    const char *path = client->arguments.operands[0];
    bool replace = client->arguments.value[OPTION_REPLACE] != NULL;
    int result = backup_target_check(path, replace, error);

    if (result == 0) {
        result = client_connect(client, error);
    }
    return result == 0 ? copy_to(client, path, replace, error) : result;
}
