#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int client_connect(struct client *client, struct hd_error *error)
{
    struct address address = {0};
    int result;

    if (client->rest != NULL) {
        return 0;
    }
    result = find_daemon(client->arguments.value[OPTION_STATE_DIR], client->arguments.value[OPTION_URL], &address, error);
    if (result < 0) {
        return result;
    }
    result = rest_open(&client->rest, &address, error);
    address_clear(&address);
    return result;
}

static int newest_sweep(struct client *client, char **ret_id, struct hd_error *error)
{
    struct rest_answer answer = {0};
    const char *id;
    int result = rest_get(client->rest, "/sweeps?limit=1", &answer, error);

    if (result < 0) {
        return result;
    }
    id = member_text(cJSON_GetArrayItem(member(answer.json, "sweeps"), 0), "run_id", NULL);
    if (id == NULL) {
        result = hd_error_set(error, HD_NOT_FOUND, "there is no sweep yet; submit one with: hyperdrive submit FILE");
    } else {
        *ret_id = strdup(id);
        result = *ret_id != NULL ? 0 : hd_error_set(error, HD_UNAVAILABLE, "memory is short");
    }
    rest_answer_clear(&answer);
    return result;
}

int client_id(struct client *client, int operand, char **ret_id, struct hd_error *error)
{
    const char *given = operand < client->arguments.operand_count ? client->arguments.operands[operand] : "last";
    int result = client_connect(client, error);

    if (result < 0) {
        return result;
    }
    if (strcmp(given, "last") == 0) {
        return newest_sweep(client, ret_id, error);
    }
    if (given[0] == '\0') {
        return hd_error_set(error, HD_INVALID, "an id must not be empty");
    }
    *ret_id = strdup(given);
    return *ret_id != NULL ? 0 : hd_error_set(error, HD_UNAVAILABLE, "memory is short");
}

struct hd_text client_path(const char *collection, const char *id, const char *rest)
{
    struct hd_text path = {0};

    hd_text_format(&path, "/%s/", collection);
    rest_path_part(&path, id, false);
    hd_text_add_string(&path, rest);
    return path;
}

static int get_one(struct client *client, const char *collection, const char *id, struct rest_answer *ret_answer, struct hd_error *error)
{
    struct hd_text path = client_path(collection, id, "");
    int result =
        path.failed ? hd_error_set(error, HD_UNAVAILABLE, "memory is short") : rest_get(client->rest, path.data, ret_answer, error);

    hd_text_clear(&path);
    return result;
}

int client_find(struct client *client, const char *id, bool *ret_run, struct rest_answer *ret_answer, struct hd_error *error)
{
    int result = get_one(client, "sweeps", id, ret_answer, error);

    *ret_run = false;
    /* A child's own token may not ask for sweeps, but for its run. */
    if (result == -HD_NOT_FOUND || result == -HD_FORBIDDEN) {
        result = get_one(client, "runs", id, ret_answer, error);
        *ret_run = result == 0;
    }
    return result == -HD_NOT_FOUND ? hd_error_set(error, HD_NOT_FOUND, "there is no sweep and no run with id '%.200s'", id) : result;
}

struct raw_print {
    FILE *file;
    char last;
};

static bool print_bytes(void *data, const char *bytes, size_t length)
{
    struct raw_print *print = data;

    if (length > 0) {
        print->last = bytes[length - 1];
    }
    return fwrite(bytes, 1, length, print->file) == length;
}

int client_print_json(struct client *client, struct hd_text *path, struct hd_error *error)
{
    struct raw_print print = {client->output.file, '\0'};
    struct rest_request request = {.path = path->data, .sink = print_bytes, .data = &print};
    int result = path->failed ? hd_error_set(error, HD_UNAVAILABLE, "memory is short") : rest_call(client->rest, &request, NULL, error);

    hd_text_clear(path);
    if (print.last != '\0' && print.last != '\n') {
        fputc('\n', client->output.file);
    }
    return result;
}

static int exit_code(enum hd_code code)
{
    static const struct {
        enum hd_code code;
        int exit_code;
    } codes[] = {
        {HD_INVALID, EXIT_USAGE},     {HD_TOO_LARGE, EXIT_USAGE},           {HD_UNSUPPORTED_MEDIA, EXIT_USAGE},
        {HD_RANGE, EXIT_USAGE},       {HD_NOT_FOUND, EXIT_NOT_FOUND},       {HD_GONE, EXIT_NOT_FOUND},
        {HD_CONFLICT, EXIT_CONFLICT}, {HD_UNAVAILABLE, EXIT_NO_CONNECTION}, {HD_TIMEOUT, EXIT_NO_CONNECTION},
    };

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (codes[i].code == code) {
            return codes[i].exit_code;
        }
    }
    return EXIT_REFUSED;
}

int client_fail(const struct client *client, const struct hd_error *error)
{
    const struct hd_problems *details = client->rest != NULL ? rest_details(client->rest) : NULL;

    /* One finding is the message itself, and the path stands in it. */
    if (details == NULL || details->count == 0 || (details->count == 1 && client->source.length == 0)) {
        say("%s", error->message);
    } else {
        say_problems(details, &client->source);
    }
    return exit_code(error->code);
}

void client_pause(long milliseconds)
{
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};

    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

int64_t client_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
