/* `hyperdrive logs`: a file of a run, or the log of a sweep; always from a known offset on, so that following loses and repeats nothing. */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "core/status.h"

enum {
    AGAIN_MS = 500,
    PATIENCE_MS = 120000, /* how long a daemon may be away, as for its restart */
};

static const char standard_log[] = "user_logs/std_log.txt";

struct log {
    struct client *client;
    struct hd_text item;   /* path of the run or sweep, whose status says when it is over */
    struct hd_text file;   /* path of the log */
    struct hd_text tail;   /* path of the log as it grows */
    int64_t offset;        /* bytes printed so far */
    bool exists;           /* the log was there once */
    int64_t away_since_ms; /* 0: the daemon answers */
};

static bool print_part(void *data, const char *bytes, size_t length)
{
    struct log *log = data;
    size_t written = fwrite(bytes, 1, length, log->client->output.file);

    log->offset += (int64_t)written;
    return written == length;
}

/* The log has grown beyond its limit meanwhile. */
static void skip_gone(void *data, int64_t offset)
{
    struct log *log = data;

    if (offset > log->offset) {
        say("%lld bytes of the log are not kept", (long long)(offset - log->offset));
        log->offset = offset;
    }
}

/* Prints what is there beyond the offset. A log that is not there yet has nothing. */
static int print_more(struct log *log, struct hd_error *error)
{
    struct rest_request request = {.path = log->file.data, .range_from = log->offset, .sink = print_part, .placed = skip_gone, .data = log};
    int result = rest_call(log->client->rest, &request, NULL, error);

    fflush(log->client->output.file);
    log->exists = log->exists || result == 0 || result == -HD_RANGE;
    return result == -HD_RANGE || result == -HD_NOT_FOUND ? 0 : result;
}

static bool print_part_now(void *data, const char *bytes, size_t length)
{
    struct log *log = data;

    return print_part(log, bytes, length) && fflush(log->client->output.file) == 0;
}

/* Prints what is added until the log ends, or the connection. */
static int print_tail(struct log *log, struct hd_error *error)
{
    struct rest_request request = {
        .path = log->tail.data, .range_from = log->offset, .sink = print_part_now, .placed = skip_gone, .data = log, .endless = true};
    int result = rest_call(log->client->rest, &request, NULL, error);

    if (result == -HD_RANGE) {
        say("the log has become shorter: it is printed from its beginning");
        log->offset = 0;
    }
    return result == -HD_RANGE || result == -HD_NOT_FOUND ? 0 : result;
}

/* The status is asked for first: when it says that all is over, what is printed then is all there will be. */
static int print_round(struct log *log, bool *ret_ended, struct hd_error *error)
{
    struct rest_answer answer = {0};
    int result = rest_get(log->client->rest, log->item.data, &answer, error);

    if (result == 0) {
        log->away_since_ms = 0;
        *ret_ended = hd_status_ended(hd_status_parse(member_text(answer.json, "status", "")));
        rest_answer_clear(&answer);
        result = *ret_ended ? print_more(log, error) : print_tail(log, error);
    }
    return result;
}

static bool may_come_back(struct log *log, int result, const struct hd_error *error)
{
    int64_t now_ms = client_now_ms();

    if (result != -HD_UNAVAILABLE && result != -HD_TIMEOUT) {
        return false;
    }
    if (log->away_since_ms == 0) {
        log->away_since_ms = now_ms;
        say("%s", error->message);
        say("trying again for up to %d s", PATIENCE_MS / 1000);
    }
    return now_ms - log->away_since_ms < PATIENCE_MS;
}

static int follow(struct log *log, struct hd_error *error)
{
    bool ended = false;

    for (;;) {
        int64_t before = log->offset;
        int result = print_round(log, &ended, error);

        if (result == -HD_UNAVAILABLE && log->offset > before) {
            continue; /* most likely the daemon lets go of one who is too slow for the log: whether it is there is asked next */
        }
        if (result != 0 && !may_come_back(log, result, error)) {
            return result;
        }
        if (result == 0 && ended) {
            return EXIT_OK;
        }
        if (result != 0 || log->offset == before) {
            client_pause(AGAIN_MS);
        }
    }
}

/* Which files the run has, for somebody who named one that it has not. */
static int no_such_log(struct client *client, const char *id, const char *name, struct hd_error *error)
{
    struct hd_text path = client_path("runs", id, "/logs"), names = {0};
    struct rest_answer answer = {0};
    struct hd_error ignored = {0};
    const cJSON *file;
    int result;

    if (!path.failed && rest_get(client->rest, path.data, &answer, &ignored) == 0) {
        cJSON_ArrayForEach(file, member(answer.json, "logs"))
        {
            hd_text_format(&names, "%s%s", names.length > 0 ? ", " : "", member_text(file, "name", ""));
        }
    }
    result =
        hd_error_set(error, HD_NOT_FOUND, "run '%s' has no log '%s'; it has: %s", id, name, names.length > 0 ? names.data : "none yet");
    rest_answer_clear(&answer);
    hd_text_clear(&path);
    hd_text_clear(&names);
    return result;
}

/* Where what is kept of a log begins; 0 when that cannot be told, or the log is not there yet. */
static int64_t find_begin(struct client *client, const char *id, const char *name)
{
    struct hd_text path = client_path("runs", id, "/logs");
    struct rest_answer answer = {0};
    struct hd_error ignored = {0};
    const cJSON *file;
    double begin = 0;

    if (!path.failed && rest_get(client->rest, path.data, &answer, &ignored) == 0) {
        cJSON_ArrayForEach(file, member(answer.json, "logs"))
        {
            begin = strcmp(member_text(file, "name", ""), name) == 0 ? member_count(file, "kept_from") : begin;
        }
    }
    rest_answer_clear(&answer);
    hd_text_clear(&path);
    return (int64_t)begin;
}

static int print_log(struct log *log, const char *id, const char *name, struct hd_error *error)
{
    int result;

    if (log->item.failed || log->file.failed || log->tail.failed) {
        return hd_error_set(error, HD_UNAVAILABLE, "memory is short");
    }
    result = log->client->arguments.value[OPTION_FOLLOW] != NULL ? follow(log, error) : print_more(log, error);
    if (result == 0 && !log->exists) {
        result = no_such_log(log->client, id, name, error);
    }
    return result;
}

int command_logs(struct client *client, struct hd_error *error)
{
    const char *name = client->arguments.operand_count > 1 ? client->arguments.operands[1] : standard_log;
    struct log log = {.client = client};
    struct rest_answer answer = {0};
    char *id = NULL;
    bool run = false;
    int result = client_id(client, 0, &id, error);

    if (result == 0) {
        result = client_find(client, id, &run, &answer, error);
    }
    rest_answer_clear(&answer);
    if (result == 0 && client->arguments.value[OPTION_JSON] != NULL) {
        struct hd_text path = client_path(run ? "runs" : "sweeps", id, run ? "/logs" : "/log");

        result = client_print_json(client, &path, error);
    } else if (result == 0 && !run && client->arguments.operand_count > 1) {
        result =
            hd_error_set(error, HD_INVALID, "'%s' is a sweep, which has one log only; give the id of a run with the name of a log", id);
    } else if (result == 0) {
        log.item = client_path(run ? "runs" : "sweeps", id, "");
        log.file = client_path(run ? "runs" : "sweeps", id, run ? "/logs/" : "/log");
        if (run) {
            rest_path_part(&log.file, name, true);
            log.offset = find_begin(client, id, name);
        }
        if (log.offset > 0) {
            say("the first %lld bytes of the log are not kept", (long long)log.offset);
        }
        hd_text_add_string(&log.tail, log.file.data != NULL ? log.file.data : "");
        rest_path_query(&log.tail, "follow", "true");
        result = print_log(&log, id, run ? name : "of the sweep", error);
    }
    hd_text_clear(&log.item);
    hd_text_clear(&log.file);
    hd_text_clear(&log.tail);
    free(id);
    return result;
}
