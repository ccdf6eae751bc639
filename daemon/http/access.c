#include <string.h>
#include <strings.h>

#include "internal.h"

static const char INVALID_TOKEN[] = "the token is not valid, or no longer";

static bool refuse(struct http_request *request, enum hd_code code, const char *message)
{
    struct hd_error error = {0};
    hd_error_set(&error, code, "%s", message);
    http_reply_error(request, &error);
    return false;
}

/* The token behind `Bearer `; NULL if the field has another form. */
static const char *bearer_token(const char *authorization)
{
    static const char SCHEME[] = "Bearer ";
    if (strncasecmp(authorization, SCHEME, sizeof SCHEME - 1) != 0)
        return NULL;
    const char *token = authorization + sizeof SCHEME - 1;
    token += strspn(token, " ");
    return *token != '\0' ? token : NULL;
}

static bool authenticate(struct http_request *request, const char *authorization)
{
    const struct http_settings *settings = &request->server->settings;
    struct http_principal principal = {0};
    struct hd_error error = {0};
    if (authorization == NULL && request->server->local && settings->authenticate != NULL &&
        settings->authenticate(settings->context, request, NULL, &principal, &error) && principal.role != HTTP_NOBODY) {
        request->principal = principal;
        return true;
    }
    if (authorization == NULL)
        return refuse(request, HD_UNAUTHORIZED,
                      "a token is needed here: send 'Authorization: Bearer TOKEN' (the owner's token is in the file 'token' of the "
                      "daemon's state folder)");
    const char *token = bearer_token(authorization);
    if (token == NULL)
        return refuse(request, HD_UNAUTHORIZED, "'Authorization' must be 'Bearer TOKEN'");
    principal = (struct http_principal){0};
    bool known = settings->authenticate != NULL && settings->authenticate(settings->context, request, token, &principal, &error);
    if (known && principal.role != HTTP_NOBODY) {
        request->principal = principal;
        return true;
    }
    if (error.code == HD_NO_ERROR)
        return refuse(request, HD_UNAUTHORIZED, INVALID_TOKEN);
    http_reply_error(request, &error);
    return false;
}

static bool authorize(struct http_request *request)
{
    const struct http_principal *principal = &request->principal;
    const char *needed = http_role_name(request->route->role);
    struct hd_error error = {0};
    if (principal->role >= request->route->role)
        return true;
    if (principal->role == HTTP_RUN && (request->route->flags & HTTP_OWN_RUN) != 0) {
        const char *run_id = http_part(request, 0);
        if (run_id != NULL && strcmp(run_id, principal->run_id) == 0)
            return true;
        return refuse(request, HD_FORBIDDEN, "a run's token is good for its own run only");
    }
    if (principal->role == HTTP_RUN)
        hd_error_set(&error, HD_FORBIDDEN, "a run's token is not enough here: one with the role %s, or the owner's, is needed", needed);
    else
        hd_error_set(&error, HD_FORBIDDEN, "this needs the role %s; %s has the role %s", needed, principal->who,
                     http_role_name(principal->role));
    http_reply_error(request, &error);
    return false;
}

static bool answer_without_route(struct http_request *request, const struct http_match *match)
{
    struct hd_error error = {0};
    if (match->path == NULL) {
        hd_error_set(&error, HD_NOT_FOUND, "there is nothing at this address");
        http_reply_error(request, &error);
        return false;
    }
    http_reply_header(request, "Allow", match->allow);
    if (strcmp(request->method, "OPTIONS") == 0) {
        http_reply_empty(request, MHD_HTTP_NO_CONTENT);
        return false;
    }
    hd_error_set(&error, HD_METHOD_NOT_ALLOWED, "%s is not possible at this address; possible: %s",
                 request->method[0] != '\0' ? request->method : "this method", match->allow);
    http_reply_error(request, &error);
    return false;
}

/* Everything below /api needs a token, also what does not exist: a stranger cannot find out which addresses there are. */
static bool needs_token(const struct http_request *request, const struct http_match *match)
{
    const struct http_route *row = match->route != NULL ? match->route : match->path;
    if (row != NULL)
        return row->role != HTTP_OPEN;
    return strcmp(request->target.segments[0], "api") == 0;
}

bool http_access_admit(struct http_request *request, const char *authorization)
{
    struct http_match match;
    http_router_find(request->server, &request->target, request->method, &match);
    if (needs_token(request, &match) && !authenticate(request, authorization))
        return false;
    if (match.route == NULL)
        return answer_without_route(request, &match);
    request->route = match.route;
    http_router_take_parts(request);
    return request->route->role == HTTP_OPEN || authorize(request);
}

void http_revoke(struct http_server *server, const char *who)
{
    for (struct http_request *request = server->requests; request != NULL; request = request->next) {
        if (strcmp(request->principal.who, who) != 0)
            continue;
        request->revoked = true;
        if (request->stream != NULL)
            http_stream_cut(request->stream);
    }
}

bool http_access_refuse_revoked(struct http_request *request)
{
    return request->revoked && !refuse(request, HD_UNAUTHORIZED, INVALID_TOKEN);
}
