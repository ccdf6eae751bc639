/* What users of this machine may do over a Unix socket without a token (setting socket_access). */
#ifndef HYPERDRIVED_SOCKET_ACCESS_H
#define HYPERDRIVED_SOCKET_ACCESS_H

#include "http/http.h"

struct socket_access {
    struct socket_rule {
        enum { SOCKET_USER, SOCKET_GROUP, SOCKET_EVERYBODY } kind;
        unsigned id;
        enum http_role role;
    } * rules; /* owned */
    size_t count;
};

/* Finds the users and groups that `words` (`alice:submit`, `@students:read`, `*:read`; ends in NULL) name. */
int socket_access_open(struct socket_access *access, char *const *words, struct hd_error *error);
void socket_access_close(struct socket_access *access);
/* The highest role that the user at the other end has; HTTP_NOBODY: none, or it is no Unix socket. The system's root and the daemon's own
 * user may do everything: they could read the owner's token anyway. */
enum http_role socket_access_role(const struct socket_access *access, const struct http_request *request, unsigned *ret_user);

#endif
