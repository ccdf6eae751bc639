#include <string.h>

#include "client.h"

enum { PAGE = 1000 };

static int give(const cJSON *children, client_child *take, void *data, struct hd_error *error)
{
    const cJSON *run;

    cJSON_ArrayForEach(run, children)
    {
        int result = take(data, run, error);

        if (result < 0) {
            return result;
        }
    }
    return 0;
}

int client_children(struct client *client, const char *sweep, client_child *take, void *data, struct hd_error *error)
{
    double after = -1;
    bool more = true;
    int result = 0;

    while (more && result == 0) {
        struct hd_text path = client_path("sweeps", sweep, "/children");
        struct rest_answer answer = {0};

        hd_text_format(&path, "?limit=%d", PAGE);
        if (after >= 0) {
            hd_text_format(&path, "&after=%.0f", after);
        }
        result = path.failed ? hd_error_set(error, HD_UNAVAILABLE, "memory is short") : rest_get(client->rest, path.data, &answer, error);
        hd_text_clear(&path);
        if (result < 0) {
            return result;
        }
        more = cJSON_IsNumber(member(answer.json, "next"));
        after = more ? member(answer.json, "next")->valuedouble : after;
        result = give(member(answer.json, "children"), take, data, error);
        rest_answer_clear(&answer);
    }
    return result;
}
