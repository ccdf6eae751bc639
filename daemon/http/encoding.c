/* Which encoding of an answer a client prefers (RFC 9110, 12.5.3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

/* What one element of `Accept-Encoding` gives: thousandths, of which 0 is a refusal. */
static int weight_of(const char *parameters, size_t length)
{
    for (const char *at = parameters; at < parameters + length; at++) {
        if ((*at != 'q' && *at != 'Q') || at[1] != '=')
            continue;
        double weight = strtod(at + 2, NULL);
        return weight > 0 && weight <= 1 ? (int)(weight * 1000 + 0.5) : weight > 1 ? 1000 : 0;
    }
    return 1000;
}

static bool is_name(const char *element, size_t length, const char *name)
{
    return strlen(name) == length && strncasecmp(element, name, length) == 0;
}

bool http_prefers_gzip(struct http_request *request)
{
    const char *list = http_header(request, "Accept-Encoding");
    int gzip = -1, identity = -1, others = -1; /* -1: not mentioned */
    request->varies = true;
    while (list != NULL && *list != '\0') {
        list += strspn(list, " \t,");
        size_t length = strcspn(list, ",");
        size_t name = strcspn(list, " \t,;");
        int weight = weight_of(list + name, length - name);
        if (is_name(list, name, "gzip") || is_name(list, name, "x-gzip"))
            gzip = weight;
        else if (is_name(list, name, "identity"))
            identity = weight;
        else if (is_name(list, name, "*"))
            others = weight;
        list += length;
    }
    if (gzip < 0)
        gzip = others;
    return gzip > 0 && gzip >= identity;
}

void http_encoded_gzip(struct http_request *request)
{
    http_reply_header(request, "Content-Encoding", "gzip");
    /* Other bytes of the same state have a strong tag of their own. */
    size_t length = strlen(request->tag);
    if (length > 0)
        snprintf(request->tag + length, sizeof request->tag - length, HTTP_TAG_OF_GZIP);
}
