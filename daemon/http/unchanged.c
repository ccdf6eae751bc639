/* Entity tags: an answer that the client has already is not sent again (RFC 9110, 13.1.2). */
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* Whether a list of tags, `"a", W/"b"` or `*`, has this one. Weak ones match too: the comparison of If-None-Match is the weak one. */
static bool list_has(const char *list, const char *tag)
{
    size_t length = strlen(tag);
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
        if ((size_t)(end - start) == length && memcmp(start, tag, length) == 0)
            return true;
        list = end + 1;
    }
    return false;
}

bool http_unchanged(struct http_request *request, const char *tag)
{
    bool reads = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    const char *known = reads ? http_header(request, "If-None-Match") : NULL;
    snprintf(request->tag, sizeof request->tag, "%s", tag);
    if (known == NULL || !list_has(known, tag))
        return false;
    http_reply_empty(request, MHD_HTTP_NOT_MODIFIED);
    return true;
}
