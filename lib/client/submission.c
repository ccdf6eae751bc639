/* A sweep is created once, also over a connection that breaks: its submission has a key, so it can be sent again. */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "core/json.h"
#include "reporter_name.h"

enum { PATIENCE_MS = 30000, PAUSE_MS = 250 };

/* Only when the daemon may have it already: one that does not answer at all is said at once. A connection may have waited for long before
 * it broke, since a large source is copied before the answer. */
static int send_until_answered(struct client *client, const struct rest_request *request, struct rest_answer *ret_answer,
                               struct hd_error *error)
{
    int64_t deadline_ms = 0; /* counts from when it may have arrived; 0: it has not */

    for (;;) {
        int result = rest_call(client->rest, request, ret_answer, error);

        if (result < 0 && deadline_ms == 0 && rest_may_have_arrived(client->rest)) {
            deadline_ms = client_now_ms() + PATIENCE_MS;
        }
        if (result == 0 || deadline_ms == 0 || !rest_may_pass(client->rest)) {
            return result;
        }
        if (client_now_ms() > deadline_ms) {
            return hd_error_wrap(error, "whether the sweep was created is not known ('hyperdrive list' tells)");
        }
        client_pause(PAUSE_MS);
    }
}

int client_submit(struct client *client, const cJSON *specification, struct rest_answer *ret_answer, struct hd_error *error)
{
    char key[HD_REPORTER_NAME_SIZE];
    struct hd_text body = {0};
    struct rest_request request = {.method = "POST", .path = "/sweeps", .idempotency_key = key};
    int result;

    if (!hd_reporter_name(key)) {
        return hd_error_set(error, HD_INTERNAL, "the system gives no random numbers");
    }
    hd_json_print(&body, specification, HD_JSON_COMPACT);
    request.body = body.data;
    result =
        body.failed ? hd_error_set(error, HD_UNAVAILABLE, "memory is short") : send_until_answered(client, &request, ret_answer, error);
    hd_text_clear(&body);
    return result;
}
