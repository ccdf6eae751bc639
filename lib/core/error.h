/* The one way in which a function says what went wrong. */
#ifndef HD_CORE_ERROR_H
#define HD_CORE_ERROR_H

#include <stddef.h>

/* Code, name in an answer's `error.code`, HTTP status. A code without a name cannot exist. */
#define HD_CODES(X)                                                                                                                        \
    X(HD_INVALID, "ValidationError", 400)                                                                                                  \
    X(HD_UNAUTHORIZED, "Unauthorized", 401)                                                                                                \
    X(HD_FORBIDDEN, "Forbidden", 403)                                                                                                      \
    X(HD_NOT_FOUND, "NotFound", 404)                                                                                                       \
    X(HD_METHOD_NOT_ALLOWED, "MethodNotAllowed", 405)                                                                                      \
    X(HD_TIMEOUT, "Timeout", 408)                                                                                                          \
    X(HD_CONFLICT, "Conflict", 409)                                                                                                        \
    X(HD_GONE, "Gone", 410)                                                                                                                \
    X(HD_TOO_LARGE, "TooLarge", 413)                                                                                                       \
    X(HD_UNSUPPORTED_MEDIA, "UnsupportedMediaType", 415)                                                                                   \
    X(HD_RANGE, "RangeNotSatisfiable", 416)                                                                                                \
    X(HD_TOO_MANY, "TooManyRequests", 429)                                                                                                 \
    X(HD_INTERNAL, "Internal", 500)                                                                                                        \
    X(HD_NOT_IMPLEMENTED, "NotImplemented", 501)                                                                                           \
    X(HD_UNAVAILABLE, "Unavailable", 503)                                                                                                  \
    X(HD_STORAGE_FULL, "StorageFull", 507)

enum hd_code {
    HD_NO_ERROR = 0,
#define X(code, name, status) code,
    HD_CODES(X)
#undef X
};

enum { HD_ERROR_MESSAGE_SIZE = 1024 };

struct hd_error {
    enum hd_code code;                   /* HD_NO_ERROR until something failed */
    char message[HD_ERROR_MESSAGE_SIZE]; /* a sentence without a final stop; a longer one ends in "..." */
    char target[256];                    /* path of the field that is wrong; "" when there is none */
};

/* Fills `error` (which may be NULL) and returns -code, so that a caller can `return hd_error_set(...)`. */
int hd_error_set(struct hd_error *error, enum hd_code code, const char *format, ...) __attribute__((format(printf, 3, 4), cold));

/* The same, with the text of the system's error `number` behind ": ". */
int hd_error_system(struct hd_error *error, enum hd_code code, int number, const char *format, ...)
    __attribute__((format(printf, 4, 5), cold));

/* Puts "prefix: " before the message, for a caller that knows more; returns -code. */
int hd_error_wrap(struct hd_error *error, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

const char *hd_code_name(enum hd_code code);
int hd_code_status(enum hd_code code);

#endif
