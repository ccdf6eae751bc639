#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/json.h"
#include "internal.h"

const char *http_part(const struct http_request *request, int index)
{
    return index >= 0 && index < request->part_count ? request->parts[index] : NULL;
}

const char *http_header(const struct http_request *request, const char *name)
{
    return request->connection != NULL ? MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name) : NULL;
}

const char *http_body(const struct http_request *request, size_t *ret_length)
{
    if (ret_length != NULL)
        *ret_length = request->body_length;
    return request->body != NULL ? request->body : "";
}

const struct http_principal *http_principal(const struct http_request *request)
{
    return &request->principal;
}

const char *http_method(const struct http_request *request)
{
    return request->method;
}

const char *http_route_path(const struct http_request *request)
{
    return request->route->path;
}

void http_client_address(const struct http_request *request, char ret_address[HTTP_CLIENT_ADDRESS_SIZE])
{
    const union MHD_ConnectionInfo *info =
        request->connection != NULL ? MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS) : NULL;
    const struct sockaddr *address = info != NULL ? info->client_addr : NULL;
    socklen_t size = address != NULL && address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    bool is_internet = address != NULL && (address->sa_family == AF_INET || address->sa_family == AF_INET6);
    if (request->server != NULL && request->server->local)
        snprintf(ret_address, HTTP_CLIENT_ADDRESS_SIZE, "unix");
    else if (!is_internet || getnameinfo(address, size, ret_address, HTTP_CLIENT_ADDRESS_SIZE, NULL, 0, NI_NUMERICHOST) != 0)
        snprintf(ret_address, HTTP_CLIENT_ADDRESS_SIZE, "unknown");
}

void http_when_answered(struct http_request *request, void (*answered)(void *data, int status), void *data)
{
    request->when_answered = answered;
    request->when_answered_data = data;
}

void *http_answered_data(const struct http_request *request)
{
    return request->when_answered != NULL ? request->when_answered_data : NULL;
}

cJSON *http_body_parse(const struct http_request *request, bool may_be_empty, struct hd_problems *problems)
{
    size_t length;
    const char *body = http_body(request, &length);
    cJSON *tree = length == 0 && may_be_empty ? cJSON_CreateObject() : hd_json_parse(body, length, problems);
    if (tree == NULL && problems->count == 0)
        problems->out_of_memory = true;
    if (tree == NULL || cJSON_IsObject(tree))
        return tree;
    char *got = hd_json_excerpt(tree);
    if (got != NULL)
        hd_problems_add(problems, "WrongType", NULL, "'body' must be an object, got %s", got);
    else
        problems->out_of_memory = true;
    free(got);
    cJSON_Delete(tree);
    return NULL;
}

cJSON *http_body_json(struct http_request *request, bool may_be_empty)
{
    struct hd_problems problems = {0};
    struct hd_error error = {0};
    size_t length;
    (void)http_body(request, &length);
    if (length > HTTP_SMALL_BODY) {
        hd_error_set(&error, HD_TOO_LARGE, "the body has %zu bytes; for this request at most %d are taken", length, (int)HTTP_SMALL_BODY);
        http_reply_error(request, &error);
        return NULL;
    }
    cJSON *tree = http_body_parse(request, may_be_empty, &problems);
    if (tree == NULL)
        http_reply_problems(request, &problems);
    hd_problems_clear(&problems);
    return tree;
}
