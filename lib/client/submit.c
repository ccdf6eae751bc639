/* `hyperdrive submit`: a file becomes a sweep. */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "specification_file.h"

static void print_warnings(const cJSON *sweep)
{
    const cJSON *warning;

    cJSON_ArrayForEach(warning, member(sweep, "warnings"))
    {
        say("warning: %s (%s)", member_text(warning, "message", ""), member_text(warning, "code", "Warning"));
    }
}

int command_submit(struct client *client, struct hd_error *error)
{
    bool json = client->arguments.value[OPTION_JSON] != NULL, watch = client->arguments.value[OPTION_WATCH] != NULL;
    cJSON *specification = specification_file_read(client->arguments.operands[0], &client->source, error);
    struct rest_answer answer = {0};
    char *id;
    int result;

    if (specification == NULL) {
        return -(int)error->code;
    }
    result = client_connect(client, error);
    if (result == 0) {
        result = client_submit(client, specification, &answer, error);
    }
    cJSON_Delete(specification);
    if (result < 0) {
        return result;
    }
    hd_text_clear(&client->source); /* what fails from here on is not about the file */
    print_warnings(answer.json);
    if (json) {
        output_raw(&client->output, &answer.text);
    } else {
        fprintf(client->output.file, "%s\n", member_text(answer.json, "run_id", ""));
    }
    fflush(client->output.file);
    if (client->output.terminal && !watch && !json) {
        say("watch it with: hyperdrive watch %s", member_text(answer.json, "run_id", "last"));
    }
    id = strdup(member_text(answer.json, "run_id", ""));
    rest_answer_clear(&answer);
    if (id == NULL) {
        return hd_error_set(error, HD_UNAVAILABLE, "memory is short");
    }
    result = watch ? watch_sweep(client, id, error) : EXIT_OK;
    free(id);
    return result;
}
