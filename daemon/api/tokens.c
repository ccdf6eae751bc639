/* Named tokens: made, listed, revoked. A token is shown once, in the answer that makes it. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "core/json.h"
#include "handlers.h"
#include "named_token.h"
#include "resource.h"

_Static_assert((int)NAMED_TOKEN_HASH == (int)STORE_TOKEN_HASH, "the store keeps whole hashes");

static void refuse_for_memory(struct http_request *request)
{
    struct hd_error error = {0};

    hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
    http_reply_error(request, &error);
}

/* The object is left open. */
static void print_token(struct hd_text *text, const struct store_token *token)
{
    hd_text_add_string(text, "{\"name\":");
    hd_json_print_string(text, token->name);
    resource_string(text, "role", token->role);
    resource_instant(text, "created_utc", token->created_us);
    resource_string(text, "created_by", token->created_by);
}

/* --- List --------------------------------------------------------------------------------------------------------------------------------
 */

static int print_row(void *context, const struct store_token *token)
{
    struct hd_text *text = context;

    if (text->data[text->length - 1] == '}')
        hd_text_add_char(text, ',');
    print_token(text, token);
    hd_text_add_char(text, '}');
    return text->failed ? -1 : 0;
}

/* On the loop: there are few. */
void api_list_tokens(struct http_request *request, void *context)
{
    struct api *api = context;
    struct hd_text text = {0};
    struct hd_error error = {0};

    hd_text_add_string(&text, "{\"tokens\":[");
    if (!text.failed && store_read_tokens(store_loop_reader(api->store), print_row, &text, &error) != 0 && !text.failed) {
        http_reply_error(request, &error);
        hd_text_clear(&text);
        return;
    }
    hd_text_add_string(&text, "]}");
    http_reply_json(request, 200, &text);
    hd_text_clear(&text);
}

/* --- Create ------------------------------------------------------------------------------------------------------------------------------
 */

struct creating {
    struct store_create_token request; /* first: the write comes back as this */
    struct http_request *http;
    char name[NAMED_TOKEN_NAME_MOST + 1];
    char token[NAMED_TOKEN_SIZE];
};

static void free_creating(struct creating *creating)
{
    sodium_memzero(creating->token, sizeof creating->token);
    free(creating);
}

static void on_created(struct store_write *write)
{
    struct creating *creating = (struct creating *)write;
    struct hd_text text = {0};

    if (write->result != 0) {
        http_reply_error(creating->http, &write->error);
    } else {
        audit_set_target(creating->http, creating->name);
        print_token(&text, &(struct store_token){.name = creating->name,
                                                 .role = creating->request.role,
                                                 .created_us = creating->request.ret_created_us,
                                                 .created_by = creating->request.created_by});
        resource_string(&text, "token", creating->token);
        hd_text_add_char(&text, '}');
        http_reply_json(creating->http, 201, &text);
        hd_text_clear(&text);
    }
    free_creating(creating);
}

static const char *read_member(const cJSON *body, const char *name, struct hd_problems *problems)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, name);

    if (item == NULL)
        hd_problems_add(problems, "Required", name, "'%s' is required", name);
    else if (!cJSON_IsString(item))
        hd_problems_add(problems, "WrongType", name, "'%s' must be a string", name);
    return cJSON_GetStringValue(item);
}

static void read_body(const cJSON *body, struct creating *creating, struct hd_problems *problems)
{
    const char *name = read_member(body, "name", problems), *role = read_member(body, "role", problems);

    for (const cJSON *item = body->child; item != NULL; item = item->next)
        if (strcmp(item->string, "name") != 0 && strcmp(item->string, "role") != 0)
            hd_problems_add(problems, "UnknownField", item->string, "'%s' is not a known field; a token has a 'name' and a 'role'",
                            item->string);
    if (name != NULL && !named_token_is_name(name))
        hd_problems_add(problems, "NotAllowed", "name",
                        "'name' must have 1 to %d letters, digits, '_' or '-', and begin with one of the first three",
                        NAMED_TOKEN_NAME_MOST);
    if (role != NULL && http_role_parse(role) == HTTP_NOBODY)
        hd_problems_add(problems, "NotAllowed", "role", "'role' must be read, submit or admin");
    if (!hd_problems_none(problems))
        return;
    snprintf(creating->name, sizeof creating->name, "%s", name);
    creating->request.name = creating->name;
    creating->request.role = http_role_name(http_role_parse(role));
}

void api_create_token(struct http_request *request, void *context)
{
    struct api *api = context;
    struct hd_problems problems = {0};
    struct hd_error error = {0};
    cJSON *body = http_body_json(request, false);
    struct creating *creating = body != NULL ? calloc(1, sizeof *creating) : NULL;

    if (body == NULL)
        return;
    if (creating != NULL)
        read_body(body, creating, &problems);
    cJSON_Delete(body);
    if (creating == NULL) {
        refuse_for_memory(request);
        return;
    }
    creating->http = request;
    creating->request.created_by = http_principal(request)->who;
    creating->request.write.done = on_created;
    if (!hd_problems_none(&problems)) {
        http_reply_problems(request, &problems);
        free_creating(creating);
    } else {
        named_token_make(creating->name, creating->token);
        named_token_hash(creating->token, creating->request.hash);
        if (store_create_token(api->store, &creating->request, &error) != 0) {
            http_reply_error(request, &error);
            free_creating(creating);
        }
    }
    hd_problems_clear(&problems);
}

/* --- Revoke ------------------------------------------------------------------------------------------------------------------------------
 */

struct revoking {
    struct store_revoke_token request; /* first: the write comes back as this */
    struct http_request *http;
    struct api *api;
};

static void on_revoked(struct store_write *write)
{
    struct revoking *revoking = (struct revoking *)write;
    struct http_request *request = revoking->http;
    const char *name = http_part(request, 0);
    struct hd_text text = {0};
    char who[HTTP_WHO_SIZE];

    if (write->result != 0) {
        http_reply_error(request, &write->error);
        free(revoking);
        return;
    }
    /* Every request looks its token up when it begins; this is for those that have begun. */
    snprintf(who, sizeof who, "token %.*s", NAMED_TOKEN_NAME_MOST, name);
    http_revoke(revoking->api->http, who);
    hd_text_add_string(&text, "{\"name\":");
    hd_json_print_string(&text, name);
    hd_text_add_string(&text, ",\"revoked\":true}");
    http_reply_json(request, 200, &text);
    hd_text_clear(&text);
    free(revoking);
}

void api_revoke_token(struct http_request *request, void *context)
{
    struct api *api = context;
    struct hd_error error = {0};
    struct revoking *revoking;

    if (!api_expect_no_body(request))
        return;
    revoking = calloc(1, sizeof *revoking);
    if (revoking == NULL) {
        refuse_for_memory(request);
        return;
    }
    *revoking = (struct revoking){.request = {.write = {.done = on_revoked}, .name = http_part(request, 0)}, .http = request, .api = api};
    if (store_revoke_token(api->store, &revoking->request, &error) != 0) {
        http_reply_error(request, &error);
        free(revoking);
    }
}
