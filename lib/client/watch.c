/* `hyperdrive watch`: asks for the sweep again and again until it has ended. */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "core/status.h"
#include "progress.h"

enum {
    POLL_MS = 500,
    PATIENCE_MS = 120000, /* how long a daemon may be away, as for its restart */
};

struct watch {
    struct client *client;
    struct progress progress;
    struct hd_text path;
    char *best_id;         /* owned; the child whose configuration is kept */
    cJSON *best;           /* owned; the answer about that child */
    char *last_json;       /* owned; with --json: what was printed last */
    int64_t away_since_ms; /* 0: the daemon answers */
};

/* The configuration of a child never changes: it is asked for when another child becomes the best. */
static void learn_best(struct watch *watch, const cJSON *sweep)
{
    const char *id = member_text(sweep, "best_child_run_id", NULL);
    struct rest_answer answer = {0};
    struct hd_error ignored = {0};
    struct hd_text path;

    if (id == NULL || (watch->best_id != NULL && strcmp(watch->best_id, id) == 0)) {
        return;
    }
    free(watch->best_id);
    watch->best_id = NULL;
    cJSON_Delete(watch->best);
    watch->best = NULL;
    path = client_path("runs", id, "");
    if (!path.failed && rest_get(watch->client->rest, path.data, &answer, &ignored) == 0) {
        watch->best = answer.json;
        answer.json = NULL;
        watch->best_id = strdup(id);
    }
    rest_answer_clear(&answer);
    hd_text_clear(&path);
}

static bool show_json(struct watch *watch, const struct hd_text *text)
{
    if (watch->last_json != NULL && strcmp(watch->last_json, text->data) == 0) {
        return true;
    }
    output_raw(&watch->client->output, text);
    fflush(watch->client->output.file);
    free(watch->last_json);
    watch->last_json = strdup(text->data);
    return watch->last_json != NULL;
}

static bool show(struct watch *watch, const struct rest_answer *answer)
{
    if (watch->client->arguments.value[OPTION_JSON] != NULL) {
        return show_json(watch, &answer->text);
    }
    learn_best(watch, answer->json);
    return progress_show(&watch->progress, answer->json, member(watch->best, "hyperparameters"));
}

/* After a failed request: 0 to ask again, negative to give up. */
static int bear(struct watch *watch, int result, struct hd_error *error)
{
    int64_t now_ms = client_now_ms();

    if (result != -HD_UNAVAILABLE && result != -HD_TIMEOUT) {
        return result;
    }
    if (watch->away_since_ms == 0) {
        watch->away_since_ms = now_ms;
        progress_erase(&watch->progress);
        fflush(watch->client->output.file);
        say("%s", error->message);
        say("the sweep's children do not depend on that; trying again for up to %d s", PATIENCE_MS / 1000);
    }
    return now_ms - watch->away_since_ms < PATIENCE_MS ? 0 : result;
}

/* The one warning that comes while a sweep runs: without it nobody who watches would know why there is no best run. */
static void tell_unreported(const cJSON *sweep)
{
    const cJSON *warning;

    cJSON_ArrayForEach(warning, member(sweep, "warnings"))
    {
        if (strcmp(member_text(warning, "code", ""), "MetricNeverReported") == 0) {
            say("warning: %s", member_text(warning, "message", ""));
        }
    }
}

static int outcome(const cJSON *sweep)
{
    const char *status = member_text(sweep, "status", "");

    tell_unreported(sweep);
    if (strcmp(status, hd_status_name(HD_COMPLETED)) == 0) {
        return EXIT_OK;
    }
    say("the sweep ended %s: %s", status, member_text(member(sweep, "status_reason"), "message", "no reason is known"));
    return EXIT_NOT_COMPLETED;
}

static int poll_until_ended(struct watch *watch, struct hd_error *error)
{
    for (;;) {
        struct rest_answer answer = {0};
        int result = rest_get(watch->client->rest, watch->path.data, &answer, error);

        if (result == 0) {
            enum hd_status status = hd_status_parse(member_text(answer.json, "status", ""));
            bool ended = hd_status_ended(status);

            watch->away_since_ms = 0;
            result = show(watch, &answer) ? 0 : hd_error_set(error, HD_UNAVAILABLE, "memory is short");
            result = result == 0 && ended ? outcome(answer.json) : result;
            rest_answer_clear(&answer);
            if (ended || result < 0) {
                return result;
            }
        } else {
            result = bear(watch, result, error);
            if (result < 0) {
                return result;
            }
        }
        client_pause(POLL_MS);
    }
}

int watch_sweep(struct client *client, const char *id, struct hd_error *error)
{
    struct watch watch = {.client = client, .progress = {.output = &client->output}, .path = client_path("sweeps", id, "")};
    int result;

    if (client->output.terminal && client->arguments.value[OPTION_JSON] == NULL) {
        say("Ctrl-C ends the watching, not the sweep");
    }
    result = watch.path.failed ? hd_error_set(error, HD_UNAVAILABLE, "memory is short") : poll_until_ended(&watch, error);
    progress_close(&watch.progress);
    hd_text_clear(&watch.path);
    free(watch.best_id);
    cJSON_Delete(watch.best);
    free(watch.last_json);
    return result;
}

int command_watch(struct client *client, struct hd_error *error)
{
    char *id = NULL;
    int result = client_id(client, 0, &id, error);

    if (result == 0) {
        result = watch_sweep(client, id, error);
    }
    free(id);
    return result;
}
