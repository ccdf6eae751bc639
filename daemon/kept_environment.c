#include "kept_environment.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* `keep` is a name, or a prefix and `*`. */
static bool is_kept(const char *variable, char *const *keep)
{
    size_t length = strcspn(variable, "=");

    for (; *keep != NULL; keep++) {
        size_t keep_length = strlen(*keep);
        bool prefix = keep_length > 0 && (*keep)[keep_length - 1] == '*';

        if (prefix ? strncmp(variable, *keep, keep_length - 1) == 0 : keep_length == length && strncmp(variable, *keep, length) == 0)
            return true;
    }
    return false;
}

int kept_environment(char *const *keep, char ***ret_environment, struct hd_error *error)
{
    size_t count = 0, kept = 0;
    char **environment;

    while (environ[count] != NULL)
        count++;
    environment = calloc(count + 1, sizeof *environment);
    if (environment == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    for (size_t i = 0; i < count; i++)
        if (is_kept(environ[i], keep))
            environment[kept++] = environ[i];
    *ret_environment = environment;
    return 0;
}
