#include <string.h>

#include "internal.h"

/* Length of the pattern's part that begins at `part`. */
static size_t part_length(const char *part)
{
    return strcspn(part, "/");
}

static bool is_variable(const char *part)
{
    return *part == '{';
}

static bool takes_rest(const char *part, size_t length)
{
    static const char REST[] = "...}";
    return length > sizeof REST && memcmp(part + length - (sizeof REST - 1), REST, sizeof REST - 1) == 0;
}

static bool matches(const char *pattern, const struct http_target *target)
{
    for (int i = 0; i < target->segment_count; i++) {
        if (*pattern != '/')
            return false;
        const char *part = pattern + 1;
        const char *segment = target->segments[i];
        size_t length = part_length(part);
        if (!is_variable(part)) {
            if (strlen(segment) != length || memcmp(segment, part, length) != 0)
                return false;
        } else if (*segment == '\0') {
            return false;
        } else if (takes_rest(part, length)) {
            return true;
        }
        pattern = part + length;
    }
    return *pattern == '\0';
}

static void add_allowed(struct http_match *match, const char *method)
{
    size_t length = strlen(match->allow);
    size_t more = strlen(method);
    if (length + 2 + more + 1 > sizeof match->allow)
        return; /* UNTESTED: all methods of HTTP together fit */
    if (length > 0) {
        memcpy(match->allow + length, ", ", 2);
        length += 2;
    }
    memcpy(match->allow + length, method, more + 1);
}

void http_router_find(const struct http_server *server, const struct http_target *target, const char *method, struct http_match *ret_match)
{
    struct http_match match = {0};
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    for (const struct http_route *route = server->settings.routes; route->method != NULL; route++) {
        if (!matches(route->path, target))
            continue;
        if (match.path == NULL)
            match.path = route;
        if (match.route == NULL && strcmp(route->method, wanted) == 0)
            match.route = route;
        add_allowed(&match, route->method);
        if (strcmp(route->method, "GET") == 0)
            add_allowed(&match, "HEAD");
    }
    add_allowed(&match, "OPTIONS");
    *ret_match = match;
}

void http_router_take_parts(struct http_request *request)
{
    struct http_target *target = &request->target;
    const char *pattern = request->route->path;
    for (int i = 0; i < target->segment_count && request->part_count < HTTP_PARTS; i++) {
        const char *part = pattern + 1;
        size_t length = part_length(part);
        if (is_variable(part))
            request->parts[request->part_count++] = target->segments[i];
        if (is_variable(part) && takes_rest(part, length)) {
            /* The segments lie behind each other: their ends become slashes again. */
            for (int k = i; k + 1 < target->segment_count; k++)
                target->segments[k + 1][-1] = '/';
            return;
        }
        pattern = part + length;
    }
}
