/* `hyperdrive cancel`: a sweep with all its children, or one run. */
#include <stdlib.h>
#include <string.h>

#include "client.h"

static int ask(struct client *client, const char *collection, const char *id, struct rest_answer *ret_answer, struct hd_error *error)
{
    struct hd_text path = client_path(collection, id, "/cancel");
    struct rest_request request = {.method = "POST", .path = path.data, .body = "{}"};
    int result =
        path.failed ? hd_error_set(error, HD_UNAVAILABLE, "memory is short") : rest_call(client->rest, &request, ret_answer, error);

    hd_text_clear(&path);
    return result;
}

int command_cancel(struct client *client, struct hd_error *error)
{
    struct rest_answer answer = {0};
    char *id = NULL;
    int result = client_id(client, 0, &id, error);

    if (result == 0) {
        result = ask(client, "sweeps", id, &answer, error);
        if (result == -HD_NOT_FOUND) {
            result = ask(client, "runs", id, &answer, error);
        }
        if (result == -HD_NOT_FOUND) {
            result = hd_error_set(error, HD_NOT_FOUND, "there is no sweep and no run with id '%.200s'", id);
        }
    }
    if (result == 0 && client->arguments.value[OPTION_JSON] != NULL) {
        output_raw(&client->output, &answer.text);
    }
    if (result == 0 && !cJSON_IsTrue(member(answer.json, "canceled"))) {
        result = hd_error_set(error, HD_CONFLICT, "'%s' is not cancelled: it is %s already", id,
                              member_text(answer.json, "status", "at its end"));
    } else if (result == 0 && client->arguments.value[OPTION_JSON] == NULL) {
        fprintf(client->output.file, "%s is %s\n", id, member_text(answer.json, "status", "CancelRequested"));
    }
    rest_answer_clear(&answer);
    free(id);
    return result;
}
