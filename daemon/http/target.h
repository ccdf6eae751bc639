/* A request's target, as it came on the wire, cut into decoded path segments and query parameters.
 *
 * libmicrohttpd decodes before it cuts: `%2F` would be a separator and `%00` an end. So this is done on the raw bytes. */
#ifndef HYPERDRIVED_HTTP_TARGET_H
#define HYPERDRIVED_HTTP_TARGET_H

#include "core/error.h"
#include "core/problems.h"

enum {
    HTTP_SEGMENTS = 32,   /* of a path, at most */
    HTTP_PARAMETERS = 32, /* of a query, at most */
    HTTP_PARTS = 8,       /* variable parts of a route, at most */
};

struct http_parameter {
    char *name;
    char *value; /* NULL: given without `=` */
};

struct http_target {
    const char *authority;         /* of the absolute form (`GET http://host/path`); NULL: none */
    char *segments[HTTP_SEGMENTS]; /* decoded; each ends in NUL and the next one follows right behind it */
    int segment_count;
    struct http_parameter parameters[HTTP_PARAMETERS];
    int parameter_count;
};

/* Cuts up and decodes `uri` in place; the target points into it. */
int http_target_parse(struct http_target *target, char *uri, struct hd_error *error);

#endif
