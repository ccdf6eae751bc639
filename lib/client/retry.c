/* `hyperdrive retry`: what failed runs again, as a new sweep with the same configuration. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "core/json.h"
#include "core/status.h"

struct retry {
    struct client *client;
    char *sweep;   /* owned; id of the sweep whose children run again */
    bool canceled; /* those that were cancelled by a user or a limit, too */
    cJSON *ids;    /* owned; array of the children */
};

static int short_of_memory(struct hd_error *error)
{
    return hd_error_set(error, HD_UNAVAILABLE, "memory is short");
}

static bool given(const struct client *client, enum option_id option)
{
    return client->arguments.value[option] != NULL;
}

/* A child that a policy has stopped was judged: that is no accident. */
static bool is_wanted(const struct retry *retry, const cJSON *run)
{
    const char *status = member_text(run, "status", "");

    if (strcmp(status, hd_status_name(HD_CANCELED)) == 0) {
        return retry->canceled && strcmp(member_text(member(run, "stop_reason"), "kind", ""), "policy") != 0;
    }
    return strcmp(status, hd_status_name(HD_FAILED)) == 0;
}

static int add(struct retry *retry, const cJSON *run, struct hd_error *error)
{
    cJSON *id = cJSON_CreateString(member_text(run, "run_id", ""));

    if (id == NULL || !cJSON_AddItemToArray(retry->ids, id)) {
        cJSON_Delete(id);
        return short_of_memory(error);
    }
    return 0;
}

/* --- All of a sweep ------------------------------------------------------------------------------------------------------------------ */

static int take_child(void *data, const cJSON *run, struct hd_error *error)
{
    struct retry *retry = data;

    return is_wanted(retry, run) ? add(retry, run, error) : 0;
}

static int add_sweep(struct retry *retry, struct hd_error *error)
{
    return client_children(retry->client, retry->sweep, take_child, retry, error);
}

/* --- Runs that are named ----------------------------------------------------------------------------------------------------------------
 */

static int check_run(const struct retry *retry, const cJSON *run, struct hd_error *error)
{
    const char *id = member_text(run, "run_id", ""), *status = member_text(run, "status", "");

    if (is_wanted(retry, run)) {
        return 0;
    }
    if (strcmp(status, hd_status_name(HD_CANCELED)) == 0 && !retry->canceled) {
        return hd_error_set(error, HD_CONFLICT, "run %s was Canceled; --canceled runs it again", id);
    }
    return hd_error_set(error, HD_CONFLICT, "run %s is not one that failed: %s", id,
                        strcmp(status, hd_status_name(HD_CANCELED)) == 0 ? "a policy has stopped it" : status);
}

/* Takes the sweep of the first run; all others must be of the same, whose configuration the new sweep gets. */
static int add_run(struct retry *retry, const cJSON *run, struct hd_error *error)
{
    const char *sweep = member_text(run, "sweep_id", "");

    if (retry->sweep == NULL && (retry->sweep = strdup(sweep)) == NULL) {
        return short_of_memory(error);
    }
    if (strcmp(retry->sweep, sweep) != 0) {
        return hd_error_set(error, HD_INVALID, "%s is no run of %s as those before it are; retry the runs of each sweep by themselves",
                            member_text(run, "run_id", ""), retry->sweep);
    }
    int result = check_run(retry, run, error);
    return result == 0 ? add(retry, run, error) : result;
}

static int read_operand(struct retry *retry, int operand, struct hd_error *error)
{
    struct rest_answer answer = {0};
    char *id = NULL;
    bool is_run;
    int result = client_id(retry->client, operand, &id, error);

    if (result == 0) {
        result = client_find(retry->client, id, &is_run, &answer, error);
    }
    if (result == 0 && is_run) {
        result = add_run(retry, answer.json, error);
    } else if (result == 0 && retry->client->arguments.operand_count > 1) {
        result = hd_error_set(error, HD_INVALID, "%s is a sweep: name one sweep, or runs", id);
    } else if (result == 0) {
        assert(retry->sweep == NULL); /* a sweep is named alone */
        retry->sweep = id;
        id = NULL;
        result = add_sweep(retry, error);
    }
    rest_answer_clear(&answer);
    free(id);
    return result;
}

/* --- The new sweep ------------------------------------------------------------------------------------------------------------------- */

static bool put(cJSON *object, const char *name, cJSON *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, name);
    if (value != NULL && cJSON_AddItemToObject(object, name, value)) {
        return true;
    }
    cJSON_Delete(value);
    return false;
}

/* The old configuration with these children and no others, and a tag that says whose they are. */
static bool change(struct retry *retry, cJSON *config)
{
    cJSON *tags = cJSON_GetObjectItemCaseSensitive(config, "tags");
    int count = cJSON_GetArraySize(retry->ids);
    cJSON *ids = retry->ids;

    retry->ids = NULL;
    if (!cJSON_IsObject(tags) && (!put(config, "tags", tags = cJSON_CreateObject()) || tags == NULL)) {
        cJSON_Delete(ids);
        return false;
    }
    return put(config, "resume_child_runs", ids) && put(config, "max_total_runs", hd_json_new_integer(count)) &&
           put(tags, "retry_of", cJSON_CreateString(retry->sweep));
}

static int read_config(struct retry *retry, cJSON **ret_config, struct hd_error *error)
{
    struct hd_text path = client_path("sweeps", retry->sweep, "/config");
    struct rest_answer answer = {0};
    int result = path.failed ? short_of_memory(error) : rest_get(retry->client->rest, path.data, &answer, error);

    hd_text_clear(&path);
    if (result == 0) {
        *ret_config = answer.json;
        answer.json = NULL;
    }
    rest_answer_clear(&answer);
    return result;
}

static int submit(struct retry *retry, struct rest_answer *ret_answer, struct hd_error *error)
{
    cJSON *config = NULL;
    int result = read_config(retry, &config, error);

    if (result < 0) {
        return result;
    }
    result = change(retry, config) ? client_submit(retry->client, config, ret_answer, error) : short_of_memory(error);
    cJSON_Delete(config);
    return result;
}

static int nothing(const struct retry *retry)
{
    say("nothing of %s is to be run again: no run of it has failed%s", retry->sweep,
        retry->canceled ? ", and none was cancelled by a user or a limit" : "");
    return EXIT_NOT_FOUND;
}

static int run_again(struct retry *retry, struct hd_error *error)
{
    struct client *client = retry->client;
    int count = cJSON_GetArraySize(retry->ids);
    struct rest_answer answer = {0};
    int result = submit(retry, &answer, error);

    if (result < 0) {
        return result;
    }
    char *id = strdup(member_text(answer.json, "run_id", ""));
    say("%d run%s of %s run%s again as %s", count, count == 1 ? "" : "s", retry->sweep, count == 1 ? "s" : "", id != NULL ? id : "?");
    if (given(client, OPTION_JSON)) {
        output_raw(&client->output, &answer.text);
    } else {
        fprintf(client->output.file, "%s\n", member_text(answer.json, "run_id", ""));
    }
    fflush(client->output.file);
    rest_answer_clear(&answer);
    if (id == NULL) {
        return short_of_memory(error);
    }
    result = given(client, OPTION_WATCH) ? watch_sweep(client, id, error) : EXIT_OK;
    free(id);
    return result;
}

int command_retry(struct client *client, struct hd_error *error)
{
    struct retry retry = {.client = client, .canceled = given(client, OPTION_CANCELED), .ids = cJSON_CreateArray()};
    int result = retry.ids == NULL ? short_of_memory(error) : 0;

    for (int operand = 0; operand < client->arguments.operand_count && result == 0; operand++) {
        result = read_operand(&retry, operand, error);
    }
    if (result == 0) {
        result = cJSON_GetArraySize(retry.ids) == 0 ? nothing(&retry) : run_again(&retry, error);
    }
    cJSON_Delete(retry.ids);
    free(retry.sweep);
    return result;
}
