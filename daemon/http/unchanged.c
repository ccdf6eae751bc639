/* Entity tags: an answer that the client has already is not sent again (RFC 9110, 13.1.2). */
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* A state is the same whether its bytes were compressed or not. */
static bool names_state(const char *start, size_t length, const char *state, bool *ret_gzip)
{
    size_t state_length = strlen(state);
    size_t rest = length - state_length;
    if (length < state_length || memcmp(start, state, state_length) != 0)
        return false;
    *ret_gzip = rest > 0;
    return rest == 0 || (rest == strlen(HTTP_TAG_OF_GZIP) && memcmp(start + state_length, HTTP_TAG_OF_GZIP, rest) == 0);
}

/* Whether a list of tags, `"a", W/"b"` or `*`, has this one; `ret_gzip`: as that of a compressed answer. Weak ones match too: the
 * comparison of If-None-Match is the weak one. */
static bool list_has(const char *list, const char *tag, bool *ret_gzip)
{
    *ret_gzip = false;
    while (*list != '\0') {
        list += strspn(list, " \t,");
        if (*list == '*')
            return true;
        if (strncmp(list, "W/", 2) == 0)
            list += 2;
        if (*list != '"')
            return false; /* what is no list of tags has none */
        const char *start = list + 1;
        const char *end = strchr(start, '"');
        if (end == NULL)
            return false;
        if (names_state(start, (size_t)(end - start), tag, ret_gzip))
            return true;
        list = end + 1;
    }
    return false;
}

bool http_unchanged(struct http_request *request, const char *tag)
{
    bool reads = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    const char *known = reads ? http_header(request, "If-None-Match") : NULL;
    bool gzip = false;
    snprintf(request->tag, sizeof request->tag, "%s", tag);
    request->varies = true;
    if (known == NULL || !list_has(known, tag, &gzip))
        return false;
    if (gzip)
        snprintf(request->tag, sizeof request->tag, "%s" HTTP_TAG_OF_GZIP, tag);
    http_reply_empty(request, MHD_HTTP_NOT_MODIFIED);
    return true;
}
