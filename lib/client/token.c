/* `hyperdrive token`: tokens for others than the owner, made, listed and revoked. */
#include <string.h>

#include "client.h"
#include "core/json.h"

static int create(struct client *client, const char *name, struct hd_error *error)
{
    struct hd_text body = {0};
    struct rest_answer answer = {0};
    int result;

    hd_text_add_string(&body, "{\"name\":");
    hd_json_print_string(&body, name);
    hd_text_add_string(&body, ",\"role\":");
    hd_json_print_string(&body, client->arguments.value[OPTION_ROLE]);
    hd_text_add_char(&body, '}');
    result = body.failed
                 ? hd_error_set(error, HD_UNAVAILABLE, "memory is short")
                 : rest_call(client->rest, &(struct rest_request){.method = "POST", .path = "/tokens", .body = body.data}, &answer, error);
    if (result == 0 && client->arguments.value[OPTION_JSON] != NULL) {
        output_raw(&client->output, &answer.text);
    } else if (result == 0) {
        fprintf(client->output.file, "%s\n", member_text(answer.json, "token", ""));
        say("this is the only time that the token is shown; its user sets HYPERDRIVE_TOKEN to it, and HYPERDRIVE_URL to the daemon's "
            "address");
    }
    rest_answer_clear(&answer);
    hd_text_clear(&body);
    return result;
}

static int print_tokens(struct client *client, const cJSON *answer, struct hd_error *error)
{
    static const struct table_column columns[] = {
        {"TOKEN", false, true}, {"ROLE", false, true}, {"CREATED", false, true}, {"BY", false, false}};
    const cJSON *tokens = member(answer, "tokens"), *token;
    struct table table;

    if (cJSON_GetArraySize(tokens) == 0) {
        say("there are no tokens beside the owner's; make one with: hyperdrive token create NAME --role read|submit|admin");
        return EXIT_OK;
    }
    table_open(&table, client->output.file, client->output.width, client->output.colour, columns, sizeof(columns) / sizeof(columns[0]));
    cJSON_ArrayForEach(token, tokens)
    {
        struct hd_text created = {0};

        text_instant(&created, member(token, "created_utc"));
        table_add(&table, TABLE_PLAIN, member_text(token, "name", ""));
        table_add(&table, TABLE_PLAIN, member_text(token, "role", ""));
        table_add(&table, TABLE_PLAIN, created.data);
        table_add(&table, TABLE_PLAIN, member_text(token, "created_by", ""));
        table.failed = table.failed || created.failed;
        hd_text_clear(&created);
    }
    return table_close(&table) ? EXIT_OK : hd_error_set(error, HD_UNAVAILABLE, "memory is short");
}

static int list(struct client *client, struct hd_error *error)
{
    struct rest_answer answer = {0};
    int result = rest_get(client->rest, "/tokens", &answer, error);

    if (result == 0 && client->arguments.value[OPTION_JSON] != NULL) {
        output_raw(&client->output, &answer.text);
    } else if (result == 0) {
        result = print_tokens(client, answer.json, error);
    }
    rest_answer_clear(&answer);
    return result;
}

static int revoke_token(struct client *client, const char *name, struct hd_error *error)
{
    struct hd_text path = client_path("tokens", name, "");
    struct rest_request request = {.method = "DELETE", .path = path.data};
    struct rest_answer answer = {0};
    int result = path.failed ? hd_error_set(error, HD_UNAVAILABLE, "memory is short") : rest_call(client->rest, &request, &answer, error);

    if (result == 0 && client->arguments.value[OPTION_JSON] != NULL) {
        output_raw(&client->output, &answer.text);
    } else if (result == 0) {
        fprintf(client->output.file, "%s is revoked\n", member_text(answer.json, "name", name));
    }
    rest_answer_clear(&answer);
    hd_text_clear(&path);
    return result;
}

int command_token(struct client *client, struct hd_error *error)
{
    const struct arguments *arguments = &client->arguments;
    const char *what = arguments->operands[0];
    bool creates = strcmp(what, "create") == 0, revokes = strcmp(what, "revoke") == 0, lists = strcmp(what, "list") == 0;
    int result = 0;

    if (!creates && !revokes && !lists) {
        result = hd_error_set(error, HD_INVALID, "what is to be done with tokens is create, list or revoke, not '%.80s'", what);
    } else if (!lists && arguments->operand_count == 1) {
        result = hd_error_set(error, HD_INVALID, "token %s needs the NAME of a token", what);
    } else if (lists && arguments->operand_count > 1) {
        result = hd_error_set(error, HD_INVALID, "token list does not take '%.80s'", arguments->operands[1]);
    } else if (creates && arguments->value[OPTION_ROLE] == NULL) {
        result = hd_error_set(error, HD_INVALID, "token create needs --role: read (look), submit (and run sweeps), or admin (everything)");
    } else if (!creates && arguments->value[OPTION_ROLE] != NULL) {
        result = hd_error_set(error, HD_INVALID, "--role belongs to token create");
    }
    if (result == 0) {
        result = client_connect(client, error);
    }
    if (result < 0) {
        return result;
    }
    return lists ? list(client, error) : (creates ? create : revoke_token)(client, arguments->operands[1], error);
}
