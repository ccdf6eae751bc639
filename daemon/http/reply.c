#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/json.h"
#include "internal.h"

struct MHD_Response *http_reply_short_of_memory(void)
{
    static const char BODY[] = "{\"error\":{\"code\":\"Unavailable\",\"message\":\"memory is short; try again later\",\"target\":null,"
                               "\"details\":[]}}";
    struct MHD_Response *response = MHD_create_response_from_buffer(sizeof BODY - 1, (void *)BODY, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return NULL;
    if (MHD_add_response_header(response, "Content-Type", "application/json") == MHD_NO ||
        MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_NO ||
        MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_NO ||
        MHD_add_response_header(response, "Retry-After", "1") == MHD_NO) {
        MHD_destroy_response(response);
        return NULL;
    }
    return response;
}

void http_reply_header(struct http_request *request, const char *name, const char *value)
{
    struct http_reply_field *field = malloc(sizeof *field + strlen(name) + 1);
    char *copy = strdup(value);
    if (field == NULL || copy == NULL) {
        free(field);
        free(copy);
        request->failed = true;
        return;
    }
    memcpy(field->name, name, strlen(name) + 1);
    field->value = copy;
    field->next = request->fields;
    request->fields = field;
}

bool http_reply_settle(struct http_request *request, int status)
{
    bool was_answered = request->answered;
    void (*when_answered)(void *data, int status) = request->when_answered;
    assert(request->owed || !was_answered);
    request->owed = false;
    request->when_answered = NULL;
    if (when_answered != NULL)
        when_answered(request->when_answered_data, status);
    if (was_answered && request->connection == NULL)
        http_request_free(request);
    return !was_answered;
}

/* What has no tag is never kept. What has one may be, by the client alone, and is asked for again each time. */
static bool dress_for_caches(const struct http_request *request, struct MHD_Response *response, int status)
{
    char tag[HTTP_TAG_SIZE + 2];
    if (request->tag[0] == '\0' || (status != MHD_HTTP_OK && status != MHD_HTTP_NOT_MODIFIED))
        return MHD_add_response_header(response, "Cache-Control", "no-store") != MHD_NO;
    snprintf(tag, sizeof tag, "\"%s\"", request->tag);
    return MHD_add_response_header(response, "ETag", tag) != MHD_NO &&
           MHD_add_response_header(response, "Cache-Control", "private, no-cache") != MHD_NO;
}

static bool dress(struct http_request *request, struct MHD_Response *response, int status)
{
    bool ok =
        dress_for_caches(request, response, status) && MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") != MHD_NO;
    if (request->varies)
        ok = ok && MHD_add_response_header(response, "Vary", "Accept-Encoding") != MHD_NO;
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
        ok = ok && MHD_add_response_header(response, "Retry-After", "1") != MHD_NO;
    if (status == MHD_HTTP_UNAUTHORIZED)
        ok = ok && MHD_add_response_header(response, "WWW-Authenticate", "Bearer") != MHD_NO;
    if (request->server->phase != HTTP_SERVING)
        ok = ok && MHD_add_response_header(response, "Connection", "close") != MHD_NO;
    for (const struct http_reply_field *field = request->fields; ok && field != NULL; field = field->next)
        ok = MHD_add_response_header(response, field->name, field->value) != MHD_NO;
    return ok && !request->failed;
}

void http_reply_response(struct http_request *request, struct MHD_Response *response, int status)
{
    struct http_server *server = request->server;
    if (response != NULL && !dress(request, response, status)) {
        MHD_destroy_response(response);
        response = NULL;
    }
    request->response = response != NULL ? response : server->short_of_memory;
    request->status = response != NULL ? status : MHD_HTTP_SERVICE_UNAVAILABLE;
    request->answered = true;
    if (!request->suspended)
        return; /* exchange.c queues it when the call that we are in returns to it */
    request->next_answered = NULL;
    if (server->answered_last != NULL)
        server->answered_last->next_answered = request;
    else
        server->answered = request;
    server->answered_last = request;
    http_loop_kick(server);
}

static void answer_text(struct http_request *request, int status, const char *content_type, struct hd_text *text)
{
    size_t length = text->length;
    char *bytes = hd_text_take(text);
    struct MHD_Response *response = bytes != NULL ? MHD_create_response_from_buffer(length, bytes, MHD_RESPMEM_MUST_FREE) : NULL;
    if (response == NULL)
        free(bytes);
    else if (MHD_add_response_header(response, "Content-Type", content_type) == MHD_NO)
        request->failed = true;
    http_reply_response(request, response, status);
}

void http_reply_json(struct http_request *request, int status, struct hd_text *text)
{
    if (http_reply_settle(request, status))
        answer_text(request, status, "application/json", text);
    else
        hd_text_clear(text);
}

void http_reply_text(struct http_request *request, int status, const char *content_type, struct hd_text *text)
{
    if (http_reply_settle(request, status))
        answer_text(request, status, content_type, text);
    else
        hd_text_clear(text);
}

void http_reply_empty(struct http_request *request, int status)
{
    if (http_reply_settle(request, status))
        http_reply_response(request, MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT), status);
}

static void add_member(struct hd_text *text, const char *name, const char *value)
{
    hd_text_format(text, "\"%s\":", name);
    if (value != NULL && *value != '\0')
        hd_json_print_string(text, value);
    else
        hd_text_add_string(text, "null");
}

static void add_finding(struct hd_text *text, const char *code, const char *message, const char *target)
{
    add_member(text, "code", code);
    hd_text_add_char(text, ',');
    add_member(text, "message", message);
    hd_text_add_char(text, ',');
    add_member(text, "target", target);
}

void http_reply_error_text(struct hd_text *text, const char *code, const char *message, const char *target,
                           const struct hd_problems *problems)
{
    hd_text_add_string(text, "{\"error\":{");
    add_finding(text, code, message, target);
    hd_text_add_string(text, ",\"details\":[");
    size_t count = problems != NULL ? problems->count : 0;
    for (size_t i = 0; i < count; i++) {
        const struct hd_problem *problem = &problems->list[i];
        hd_text_add_string(text, i > 0 ? ",{" : "{");
        add_finding(text, problem->code, problem->message, problem->target);
        hd_text_add_char(text, '}');
    }
    if (problems != NULL && problems->dropped > 0) {
        char more[80];
        snprintf(more, sizeof more, "%zu further findings are not shown", problems->dropped);
        hd_text_add_string(text, ",{");
        add_finding(text, "More", more, NULL);
        hd_text_add_char(text, '}');
    }
    hd_text_add_string(text, "]}}");
}

void http_reply_in_place(struct http_request *request, enum hd_code code, const char *message)
{
    struct hd_text text = {0};
    http_reply_error_text(&text, hd_code_name(code), message, NULL, NULL);
    answer_text(request, hd_code_status(code), "application/json", &text);
}

void http_reply_error(struct http_request *request, const struct hd_error *error)
{
    /* An error without a code is a fault of the caller, but the client must hear something. */
    enum hd_code code = error->code != HD_NO_ERROR ? error->code : HD_INTERNAL;
    if (!http_reply_settle(request, hd_code_status(code)))
        return;
    struct hd_text text = {0};
    http_reply_error_text(&text, hd_code_name(code), error->message, error->target, NULL);
    answer_text(request, hd_code_status(code), "application/json", &text);
}

void http_reply_problems(struct http_request *request, const struct hd_problems *problems)
{
    if (!http_reply_settle(request, hd_code_status(HD_INVALID)))
        return;
    if (problems->out_of_memory || problems->count == 0) {
        http_reply_response(request, NULL, 0);
        return;
    }
    struct hd_text text = {0};
    http_reply_error_text(&text, hd_code_name(HD_INVALID), problems->list[0].message, problems->list[0].target, problems);
    answer_text(request, hd_code_status(HD_INVALID), "application/json", &text);
}

/* The header fields of a file's answer. */
static bool describe_file(struct MHD_Response *response, const char *content_type, int64_t offset, int64_t length, bool partial,
                          int64_t total)
{
    if (MHD_add_response_header(response, "Content-Type", content_type) == MHD_NO)
        return false;
    if (!partial)
        return true;
    char range[80];
    snprintf(range, sizeof range, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, offset, offset + length - 1, total);
    return MHD_add_response_header(response, "Content-Range", range) != MHD_NO;
}

void http_reply_file(struct http_request *request, const char *content_type, int fd, int64_t offset, int64_t length, bool partial,
                     int64_t total)
{
    if (!http_reply_settle(request, partial ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK)) {
        close(fd);
        return;
    }
    struct MHD_Response *response;
    if (length > 0) {
        response = MHD_create_response_from_fd_at_offset64((uint64_t)length, fd, (uint64_t)offset);
        if (response == NULL)
            close(fd);
    } else {
        /* libmicrohttpd 0.9.75 takes a length of 0 for "not known". No range is empty, so this is the whole of an empty file. */
        response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
        partial = false;
        close(fd);
    }
    if (response != NULL && !describe_file(response, content_type, offset, length, partial, total))
        request->failed = true;
    http_reply_response(request, response, partial ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK);
}

enum MHD_Result http_reply_queue(struct http_request *request)
{
    struct MHD_Response *response = request->response;
    enum MHD_Result result = MHD_queue_response(request->connection, (unsigned)request->status, response);
    request->response = NULL;
    if (response != request->server->short_of_memory)
        MHD_destroy_response(response);
    return result;
}
