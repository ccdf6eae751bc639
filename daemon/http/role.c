#include <string.h>

#include "http.h"

static const char *const NAMES[] = {
    [HTTP_NOBODY] = "nobody", [HTTP_RUN] = "run",     [HTTP_READ] = "read",
    [HTTP_SUBMIT] = "submit", [HTTP_ADMIN] = "admin", [HTTP_OWNER] = "owner",
};

const char *http_role_name(enum http_role role)
{
    return NAMES[role];
}

enum http_role http_role_parse(const char *word)
{
    for (enum http_role role = HTTP_READ; role <= HTTP_ADMIN; role++)
        if (strcmp(word, NAMES[role]) == 0)
            return role;
    return HTTP_NOBODY;
}
