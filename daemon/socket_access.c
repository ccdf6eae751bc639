#include "socket_access.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool read_number(const char *name, unsigned *ret_id)
{
    if (name[0] == '\0' || name[strspn(name, "0123456789")] != '\0' || strlen(name) > 9)
        return false;
    *ret_id = (unsigned)strtoul(name, NULL, 10);
    return true;
}

/* The C library sets these, too, where there is no such name. */
static bool is_trouble(int number)
{
    return number != 0 && number != ENOENT && number != ESRCH && number != EBADF && number != EPERM;
}

static int find(const char *name, struct socket_rule *rule, struct hd_error *error)
{
    bool group = name[0] == '@';
    if (strcmp(name, "*") == 0) {
        rule->kind = SOCKET_EVERYBODY;
        return 0;
    }
    rule->kind = group ? SOCKET_GROUP : SOCKET_USER;
    name += group ? 1 : 0;
    errno = 0;
    const struct passwd *user = group ? NULL : getpwnam(name);
    const struct group *members = group ? getgrnam(name) : NULL;
    int number = user == NULL && members == NULL ? errno : 0;
    if (user != NULL)
        rule->id = user->pw_uid;
    else if (members != NULL)
        rule->id = members->gr_gid;
    else if (read_number(name, &rule->id))
        return 0;
    else if (is_trouble(number))
        return hd_error_system(error, HD_UNAVAILABLE, number, "'socket_access': cannot find out who the %s '%.80s' is",
                               group ? "group" : "user", name);
    else
        return hd_error_set(error, HD_INVALID, "'socket_access': this machine has no %s '%.80s'", group ? "group" : "user", name);
    return 0;
}

int socket_access_open(struct socket_access *access, char *const *words, struct hd_error *error)
{
    size_t count = 0;
    int result = 0;
    while (words[count] != NULL)
        count++;
    access->count = 0;
    access->rules = calloc(count + 1, sizeof *access->rules);
    if (access->rules == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    for (; *words != NULL && result == 0; words++) {
        struct socket_rule *rule = &access->rules[access->count++];
        const char *colon = strrchr(*words, ':'); /* there is one: the setting was checked */
        char *name = strndup(*words, (size_t)(colon - *words));
        rule->role = http_role_parse(colon + 1);
        result = name != NULL ? find(name, rule, error) : hd_error_set(error, HD_UNAVAILABLE, "out of memory");
        free(name);
    }
    if (result != 0)
        socket_access_close(access);
    return result;
}

void socket_access_close(struct socket_access *access)
{
    free(access->rules);
    *access = (struct socket_access){0};
}

static bool applies(const struct socket_rule *rule, const struct http_request *request, uid_t user)
{
    return rule->kind == SOCKET_EVERYBODY || (rule->kind == SOCKET_USER && rule->id == user) ||
           (rule->kind == SOCKET_GROUP && http_peer_has_group(request, rule->id));
}

enum http_role socket_access_role(const struct socket_access *access, const struct http_request *request, unsigned *ret_user)
{
    enum http_role role = HTTP_NOBODY;
    uid_t user;
    if (!http_peer_user(request, &user))
        return HTTP_NOBODY;
    *ret_user = user;
    if (user == 0 || user == geteuid())
        return HTTP_OWNER;
    for (size_t i = 0; i < access->count; i++)
        if (access->rules[i].role > role && applies(&access->rules[i], request, user))
            role = access->rules[i].role;
    return role;
}
