#include <string.h>

#include "json.h"

/* Behind the string whose opening quote is at `at`. */
static const char *skip_string(const char *at)
{
    for (at++; *at != '"'; at++) {
        if (*at == '\\')
            at++;
        if (*at == '\0')
            return at;
    }
    return at + 1;
}

/* Behind the value that begins at `at`. */
static const char *skip_value(const char *at)
{
    int depth = 0;

    while (*at != '\0') {
        if (*at == '"') {
            at = skip_string(at);
            continue;
        }
        if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']') {
            if (depth == 0)
                return at;
            depth--;
        } else if (*at == ',' && depth == 0) {
            return at;
        }
        at++;
    }
    return at;
}

const char *hd_json_find_own(const char *object, const char *name, size_t *ret_length)
{
    size_t name_length = strlen(name);
    const char *at = *object == '{' ? object + 1 : "";

    while (*at == '"') {
        const char *key = at + 1, *value = skip_string(at), *end;
        bool found = (size_t)(value - key) == name_length + 1 && memcmp(key, name, name_length) == 0;

        if (*value != ':')
            break;
        end = skip_value(++value);
        if (found) {
            *ret_length = (size_t)(end - value);
            return value;
        }
        at = *end == ',' ? end + 1 : end;
    }
    return NULL;
}
