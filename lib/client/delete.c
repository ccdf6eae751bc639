/* `hyperdrive delete`: a sweep that has ended goes, with its runs and their files. */
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "client.h"
#include "core/status.h"

/* Asks on the terminal whether it is meant. False, with a sentence, if it is not. */
static bool confirm(const char *id, const cJSON *sweep)
{
    double runs = member_count(member(sweep, "children"), "total");
    struct hd_text question = {0};
    char *line = NULL;
    size_t size = 0;
    bool yes;

    hd_text_format(&question, "Delete %s, %s, with %.0f run%s and all files? [y/N] ", id, member_text(sweep, "status", ""), runs,
                   runs == 1 ? "" : "s");
    fputs(question.data != NULL ? question.data : "Delete it? [y/N] ", stderr);
    fflush(stderr);
    hd_text_clear(&question);
    yes = getline(&line, &size, stdin) > 0 && (strcasecmp(line, "y\n") == 0 || strcasecmp(line, "yes\n") == 0);
    free(line);
    if (!yes) {
        say("nothing is deleted");
    }
    return yes;
}

static int ask(struct client *client, const char *method, const char *id, struct rest_answer *ret_answer, struct hd_error *error)
{
    struct hd_text path = client_path("sweeps", id, "");
    struct rest_request request = {.method = method, .path = path.data};
    int result =
        path.failed ? hd_error_set(error, HD_UNAVAILABLE, "memory is short") : rest_call(client->rest, &request, ret_answer, error);

    hd_text_clear(&path);
    return result;
}

/* 0: go on. EXIT_REFUSED: the answer was no. */
static int ask_first(struct client *client, const char *id, struct hd_error *error)
{
    struct rest_answer answer = {0};
    int result = ask(client, "GET", id, &answer, error);

    /* Nobody is asked about what the daemon will refuse. */
    if (result == 0 && hd_status_ended(hd_status_parse(member_text(answer.json, "status", ""))) && !confirm(id, answer.json)) {
        result = EXIT_REFUSED;
    }
    rest_answer_clear(&answer);
    return result;
}

int command_delete(struct client *client, struct hd_error *error)
{
    bool sure = client->arguments.value[OPTION_YES] != NULL || isatty(STDIN_FILENO) != 1;
    struct rest_answer answer = {0};
    char *id = NULL;
    int result = client_id(client, 0, &id, error);

    if (result == 0 && !sure) {
        result = ask_first(client, id, error);
    }
    if (result == 0) {
        result = ask(client, "DELETE", id, &answer, error);
        if (result == 0 && client->arguments.value[OPTION_JSON] != NULL) {
            output_raw(&client->output, &answer.text);
        } else if (result == 0) {
            fprintf(client->output.file, "%s is deleted\n", id);
        }
    }
    rest_answer_clear(&answer);
    free(id);
    return result;
}
