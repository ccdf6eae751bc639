#include "target.h"

#include <string.h>
#include <strings.h>

#include "core/utf8.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Decodes [from, end) to `*to`, ends it with NUL and moves `*to` behind that. Decoding never lengthens, so `to` may be in the same text. */
static int decode(char **to, const char *from, const char *end, bool plus_is_space, struct hd_error *error)
{
    char *start = *to;
    char *out = start;
    while (from < end) {
        if (*from == '%') {
            int high = end - from >= 3 ? hex_digit(from[1]) : -1;
            int low = end - from >= 3 ? hex_digit(from[2]) : -1;
            if (high < 0 || low < 0)
                return hd_error_set(error, HD_INVALID,
                                    "the address has a '%%' that is not followed by two hexadecimal digits; "
                                    "write '%%25' for the character itself");
            if (high == 0 && low == 0)
                return hd_error_set(error, HD_INVALID, "the address must not contain '%%00'");
            *out++ = (char)(high * 16 + low);
            from += 3;
            continue;
        }
        *out++ = (char)(*from == '+' && plus_is_space ? ' ' : *from);
        from++;
    }
    *out = '\0';
    if (!hd_utf8_valid(start))
        return hd_error_set(error, HD_INVALID, "the address is not valid UTF-8 after percent-decoding");
    *to = out + 1;
    return 0;
}

static size_t scheme_length(const char *uri)
{
    static const char *const SCHEMES[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof SCHEMES / sizeof SCHEMES[0]; i++)
        if (strncasecmp(uri, SCHEMES[i], strlen(SCHEMES[i])) == 0)
            return strlen(SCHEMES[i]);
    return 0;
}

/* RFC 9112, 3.2.2: a server must understand the absolute form. Returns the path within it. */
static char *skip_authority(struct http_target *target, char *uri)
{
    size_t scheme = scheme_length(uri);
    if (scheme == 0)
        return uri;
    char *authority = uri + scheme;
    char *path = authority + strcspn(authority, "/?");
    if (*path != '/')
        return uri;
    /* The authority moves down over the scheme to make room for its own end. */
    size_t length = (size_t)(path - authority);
    memmove(uri, authority, length);
    uri[length] = '\0';
    target->authority = uri;
    return path;
}

static int parse_path(struct http_target *target, char *path, char *end, struct hd_error *error)
{
    char *out = path;
    char *segment = path + 1;
    while (true) {
        char *slash = memchr(segment, '/', (size_t)(end - segment));
        char *segment_end = slash != NULL ? slash : end;
        if (target->segment_count == HTTP_SEGMENTS)
            return hd_error_set(error, HD_NOT_FOUND, "there is no address with more than %d parts", HTTP_SEGMENTS);
        target->segments[target->segment_count++] = out;
        int rc = decode(&out, segment, segment_end, false, error);
        if (rc < 0)
            return rc;
        if (slash == NULL)
            return 0;
        segment = slash + 1;
    }
}

static int parse_query(struct http_target *target, char *query, struct hd_error *error)
{
    char *out = query;
    char *end = query + strlen(query);
    while (query < end) {
        char *ampersand = memchr(query, '&', (size_t)(end - query));
        char *pair_end = ampersand != NULL ? ampersand : end;
        char *equals = memchr(query, '=', (size_t)(pair_end - query));
        char *name_end = equals != NULL ? equals : pair_end;
        if (name_end == query)
            return hd_error_set(error, HD_INVALID, "the query has a parameter without a name; write ?NAME=VALUE&NAME=VALUE");
        if (target->parameter_count == HTTP_PARAMETERS)
            return hd_error_set(error, HD_INVALID, "the query has more than %d parameters", HTTP_PARAMETERS);
        struct http_parameter *parameter = &target->parameters[target->parameter_count++];
        parameter->name = out;
        int rc = decode(&out, query, name_end, true, error);
        if (rc < 0)
            return rc;
        if (equals != NULL) {
            parameter->value = out;
            rc = decode(&out, equals + 1, pair_end, true, error);
            if (rc < 0)
                return rc;
        }
        query = ampersand != NULL ? ampersand + 1 : end;
    }
    return 0;
}

int http_target_parse(struct http_target *target, char *uri, struct hd_error *error)
{
    for (const unsigned char *byte = (const unsigned char *)uri; *byte != '\0'; byte++)
        if (*byte <= ' ' || *byte == 0x7f || *byte == '#')
            return hd_error_set(error, HD_INVALID, "the address has a character that must be percent-encoded (byte %u)", (unsigned)*byte);
    char *path = skip_authority(target, uri);
    if (*path != '/')
        return hd_error_set(error, HD_INVALID, "the address must begin with '/'");
    /* The query is cut off first: decoding the path may write the NUL of its last segment where the `?` stands, never beyond. */
    char *path_end = path + strcspn(path, "?");
    bool has_query = *path_end == '?';
    int rc = parse_path(target, path, path_end, error);
    if (rc < 0)
        return rc;
    return has_query ? parse_query(target, path_end + 1, error) : 0;
}
