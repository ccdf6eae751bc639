#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

/* Header fields that we act upon. One given twice is read one way by us and another way by a proxy before us: refused. */
enum field { HOST, CONTENT_LENGTH, TRANSFER_ENCODING, AUTHORIZATION, CONTENT_TYPE, CONTENT_ENCODING, EXPECT, ORIGIN, FETCH_SITE, FIELDS };

static const char *const FIELD_NAMES[FIELDS] = {
    "Host",   "Content-Length", "Transfer-Encoding", "Authorization", "Content-Type", "Content-Encoding",
    "Expect", "Origin",         "Sec-Fetch-Site",
};

struct fields {
    const char *values[FIELDS];
    struct hd_error *error; /* code HD_NO_ERROR as long as all is well */
};

/* RFC 9110, 5.6.2. */
static bool is_token(const char *name)
{
    static const char MARKS[] = "!#$%&'*+-.^_`|~";
    if (*name == '\0')
        return false;
    for (; *name != '\0'; name++) {
        bool letter = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z');
        if (!letter && !(*name >= '0' && *name <= '9') && strchr(MARKS, *name) == NULL)
            return false;
    }
    return true;
}

static bool is_clean(const char *value)
{
    for (const unsigned char *byte = (const unsigned char *)value; *byte != '\0'; byte++)
        if ((*byte < ' ' && *byte != '\t') || *byte == 0x7f)
            return false;
    return true;
}

static enum MHD_Result look_at_field(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct fields *fields = context;
    (void)kind;
    /* libmicrohttpd 0.9.75 glues a continuation line to the field's name, which it moves behind the value for that. Names and values
     * are otherwise left where they were read: name before value. */
    if (value == NULL || name > value) {
        hd_error_set(fields->error, HD_INVALID, "a header field must stand on one line (RFC 9112, 5.2)");
        return MHD_NO;
    }
    if (!is_token(name) || !is_clean(value)) {
        hd_error_set(fields->error, HD_INVALID, "a header field has a character that is not allowed there");
        return MHD_NO;
    }
    for (int i = 0; i < FIELDS; i++) {
        if (strcasecmp(name, FIELD_NAMES[i]) != 0)
            continue;
        if (fields->values[i] != NULL) {
            hd_error_set(fields->error, HD_INVALID, "the header field '%s' is given twice", FIELD_NAMES[i]);
            return MHD_NO;
        }
        fields->values[i] = value;
    }
    return MHD_YES;
}

static int check_length(const char *value, uint64_t *ret_length, struct hd_error *error)
{
    uint64_t length = 0;
    size_t digits = strspn(value, "0123456789");
    if (digits == 0 || value[digits] != '\0')
        return hd_error_set(error, HD_INVALID, "'Content-Length' must be a number of bytes");
    for (const char *digit = value; *digit != '\0'; digit++)
        if (__builtin_mul_overflow(length, 10, &length) || __builtin_add_overflow(length, (uint64_t)(*digit - '0'), &length))
            return hd_error_set(error, HD_TOO_LARGE, "'Content-Length' is larger than any body can be");
    *ret_length = length;
    return 0;
}

/* Where a body ends must be beyond doubt: with both fields libmicrohttpd and a proxy may differ, which smuggles requests. */
static int check_framing(const struct fields *fields, const char *version, struct http_header_facts *facts, struct hd_error *error)
{
    const char *encoding = fields->values[TRANSFER_ENCODING];
    const char *length = fields->values[CONTENT_LENGTH];
    if (encoding != NULL && length != NULL)
        return hd_error_set(error, HD_INVALID, "give either 'Content-Length' or 'Transfer-Encoding', not both");
    if (encoding != NULL && (strcasecmp(encoding, "chunked") != 0 || strcmp(version, "HTTP/1.1") != 0))
        return hd_error_set(error, HD_INVALID, "'Transfer-Encoding' must be 'chunked', with HTTP/1.1");
    facts->chunked = encoding != NULL;
    if (length != NULL) {
        int rc = check_length(length, &facts->content_length, error);
        if (rc < 0)
            return rc;
    }
    facts->has_body = facts->chunked || facts->content_length > 0;
    return 0;
}

static bool is_json(const char *type)
{
    static const char JSON[] = "application/json";
    if (type == NULL || strncasecmp(type, JSON, sizeof JSON - 1) != 0)
        return false;
    const char *rest = type + sizeof JSON - 1;
    rest += strspn(rest, " \t");
    return *rest == '\0' || *rest == ';';
}

int http_header_check_body(const struct http_request *request, const struct http_header_facts *facts, struct hd_error *error)
{
    if (!facts->has_body)
        return 0;
    if (facts->content_length > request->body_limit)
        return hd_error_set(error, HD_TOO_LARGE, "the body has %llu bytes; at most %zu are taken",
                            (unsigned long long)facts->content_length, request->body_limit);
    if (!is_json(facts->content_type))
        return hd_error_set(error, HD_UNSUPPORTED_MEDIA, "a body must be sent with 'Content-Type: application/json'");
    if (facts->content_encoding != NULL && strcasecmp(facts->content_encoding, "identity") != 0)
        return hd_error_set(error, HD_UNSUPPORTED_MEDIA, "a body must be sent as it is, without 'Content-Encoding'");
    return 0;
}

int http_header_examine(struct http_request *request, const char *version, struct http_header_facts *ret_facts, bool *ret_must_close,
                        struct hd_error *error)
{
    struct fields fields = {.error = error};
    struct http_header_facts facts = {0};
    error->code = HD_NO_ERROR;
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, look_at_field, &fields);
    int rc = error->code != HD_NO_ERROR ? -(int)error->code : check_framing(&fields, version, &facts, error);
    *ret_must_close = rc < 0;
    if (rc < 0)
        return rc;

    facts.authorization = fields.values[AUTHORIZATION];
    facts.content_type = fields.values[CONTENT_TYPE];
    facts.content_encoding = fields.values[CONTENT_ENCODING];
    facts.expects_continue = fields.values[EXPECT] != NULL && strcasecmp(fields.values[EXPECT], "100-continue") == 0;
    *ret_facts = facts;
    const char *authority = request->target.authority != NULL ? request->target.authority : fields.values[HOST];
    rc = http_site_check_host(request->server, authority, error);
    return rc < 0 ? rc : http_site_check_origin(request, authority, fields.values[ORIGIN], fields.values[FETCH_SITE], error);
}
