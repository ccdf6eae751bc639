#include "socket_url.h"

#include <string.h>
#include <strings.h>

static const char scheme[] = "http+unix://";

bool hd_is_socket_url(const char *url)
{
    return strncasecmp(url, scheme, sizeof(scheme) - 1) == 0;
}

/* Of a hexadecimal digit; negative for another character. */
static int digit(char letter)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = letter != '\0' ? strchr(digits, letter >= 'A' && letter <= 'F' ? letter - 'A' + 'a' : letter) : NULL;

    return found != NULL ? (int)(found - digits) : -1;
}

const char *hd_socket_url(const char *url, char path[HD_SOCKET_PATH_SIZE])
{
    const char *at = url + sizeof(scheme) - 1;
    size_t length = 0;

    if (!hd_is_socket_url(url)) {
        return NULL;
    }
    while (*at != '\0' && *at != '/' && length + 1 < HD_SOCKET_PATH_SIZE) {
        int high = *at == '%' ? digit(at[1]) : -1, low = high >= 0 ? digit(at[2]) : -1;

        if (*at == '%' && (low < 0 || high * 16 + low == 0)) {
            return NULL;
        }
        path[length++] = (char)(*at == '%' ? high * 16 + low : *at);
        at += *at == '%' ? 3 : 1;
    }
    path[length] = '\0';
    return path[0] == '/' && (*at == '\0' || *at == '/') ? at : NULL;
}
