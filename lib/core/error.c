#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char TRUNCATED[] = "...";

/* Never cuts a UTF-8 character in two. */
static void cut(char *message, size_t size)
{
    size_t end = size - sizeof TRUNCATED;
    while (end > 0 && ((unsigned char)message[end] & 0xc0) == 0x80)
        end--;
    memcpy(message + end, TRUNCATED, sizeof TRUNCATED);
}

__attribute__((format(printf, 2, 0))) static void fill(char message[HD_ERROR_MESSAGE_SIZE], const char *format, va_list arguments)
{
    int length = vsnprintf(message, HD_ERROR_MESSAGE_SIZE, format, arguments);
    if (length < 0)
        snprintf(message, HD_ERROR_MESSAGE_SIZE, "an error whose message could not be formatted");
    else if (length >= HD_ERROR_MESSAGE_SIZE)
        cut(message, HD_ERROR_MESSAGE_SIZE);
}

/* Both parts may be as long as a whole message. */
static void join(struct hd_error *error, const char *front, const char *back)
{
    char joined[(size_t)2 * HD_ERROR_MESSAGE_SIZE + sizeof ": "];
    int length = snprintf(joined, sizeof joined, "%s: %s", front, back);
    if (length >= HD_ERROR_MESSAGE_SIZE)
        cut(joined, HD_ERROR_MESSAGE_SIZE);
    memcpy(error->message, joined, strlen(joined) + 1);
}

int hd_error_set(struct hd_error *error, enum hd_code code, const char *format, ...)
{
    if (error == NULL)
        return -(int)code;
    /* The arguments may point into the old message. */
    char message[HD_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    fill(message, format, arguments);
    va_end(arguments);
    memcpy(error->message, message, strlen(message) + 1);
    error->code = code;
    error->target[0] = '\0';
    return -(int)code;
}

int hd_error_system(struct hd_error *error, enum hd_code code, int number, const char *format, ...)
{
    if (error == NULL)
        return -(int)code;
    char message[HD_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    fill(message, format, arguments);
    va_end(arguments);
    char unknown[64];
    const char *reason = strerrordesc_np(number); /* unlike strerror: thread-safe, and the same in every locale */
    if (reason == NULL) {
        snprintf(unknown, sizeof unknown, "unknown error %d", number);
        reason = unknown;
    }
    join(error, message, reason);
    error->code = code;
    error->target[0] = '\0';
    return -(int)code;
}

int hd_error_wrap(struct hd_error *error, const char *format, ...)
{
    if (error == NULL)
        return -(int)HD_INTERNAL;
    char prefix[HD_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    fill(prefix, format, arguments);
    va_end(arguments);
    char message[HD_ERROR_MESSAGE_SIZE];
    memcpy(message, error->message, sizeof message);
    join(error, prefix, message);
    return -(int)error->code;
}

static const struct {
    const char *name;
    int status;
} CODES[] = {[HD_NO_ERROR] = {"", 200},
#define X(code, name, status) [code] = {name, status},
             HD_CODES(X)
#undef X
};

const char *hd_code_name(enum hd_code code)
{
    return CODES[code].name;
}

int hd_code_status(enum hd_code code)
{
    return CODES[code].status;
}
