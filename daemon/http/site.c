/* By which name a request asks, and which site's page sends it: what a browser tells, so that no page of a stranger reaches the daemon
 * through the browser of somebody who may. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

/* Cuts the port off `authority`, and the brackets of an IPv6 address. False if it is none. */
static bool host_of(const char *authority, char *host, size_t size)
{
    const char *start = authority;
    const char *end;
    if (*start == '[') {
        start++;
        end = strchr(start, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return false;
    } else {
        end = start + strcspn(start, ":");
    }
    size_t length = (size_t)(end - start);
    if (length == 0 || length >= size)
        return false;
    memcpy(host, start, length);
    host[length] = '\0';
    return true;
}

/* Any address in numbers; `ret_loopback`: one that leads to the machine itself. */
static bool is_address(const char *host, bool *ret_loopback)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1) {
        *ret_loopback = ntohl(v4.s_addr) >> 24 == 127;
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6) != 1)
        return false;
    *ret_loopback = IN6_IS_ADDR_LOOPBACK(&v6);
    return true;
}

static bool is_allowed(const struct http_server *server, const char *host)
{
    for (char *const *name = server->settings.allowed_hosts; name != NULL && *name != NULL; name++)
        if (strcasecmp(host, *name) == 0)
            return true;
    return false;
}

/* A page in the user's browser may reach the daemon by a name of its own that it points here (DNS rebinding). Such a request carries that
 * name. An address in numbers cannot be pointed elsewhere, so who listens to the network is reached by any; a daemon that listens to its
 * own machine alone has no business with others'. */
int http_site_check_host(const struct http_server *server, const char *authority, struct hd_error *error)
{
    char host[256];
    bool loopback = false;
    if (authority == NULL) /* only HTTP/1.0 may leave it out, which no browser speaks */
        return 0;
    if (!host_of(authority, host, sizeof host))
        return hd_error_set(error, HD_INVALID, "'Host' must be HOST or HOST:PORT");
    if (is_address(host, &loopback) && (loopback || !server->loopback))
        return 0;
    if (strcasecmp(host, "localhost") == 0 || strcasecmp(host, server->host) == 0 || is_allowed(server, host) ||
        (!server->loopback && strcasecmp(host, server->machine) == 0))
        return 0;
    return hd_error_set(error, HD_FORBIDDEN, "'Host' names another machine; use %s (setting 'allowed_hosts': further names of this one)",
                        server->url);
}

/* A browser tells from which site a changing request comes: by Origin, and newer ones by Sec-Fetch-Site too. */
int http_site_check_origin(const struct http_request *request, const char *authority, const char *origin, const char *fetch_site,
                           struct hd_error *error)
{
    if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0)
        return 0;
    if (fetch_site != NULL && strcasecmp(fetch_site, "same-origin") != 0 && strcasecmp(fetch_site, "none") != 0)
        return hd_error_set(error, HD_FORBIDDEN, "a page of another site ('Sec-Fetch-Site') must not change anything here");
    if (origin == NULL)
        return 0;
    const char *separator = strstr(origin, "://");
    if (separator != NULL && authority != NULL && strcasecmp(separator + 3, authority) == 0)
        return 0;
    return hd_error_set(error, HD_FORBIDDEN, "a page of another site ('Origin') must not change anything here");
}
