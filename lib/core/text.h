/* A growing string. Failure is sticky: append as often as you like and look at `failed` once at the end. */
#ifndef HD_CORE_TEXT_H
#define HD_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hd_text {
    char *data;      /* always ends in NUL when not NULL; owned */
    size_t length;   /* without the NUL */
    size_t capacity; /* bytes allocated */
    bool failed;     /* an allocation failed; data is kept as far as it came */
};

/* A zeroed struct is an empty text. */
void hd_text_add(struct hd_text *text, const char *bytes, size_t length);
void hd_text_add_string(struct hd_text *text, const char *string);
void hd_text_add_char(struct hd_text *text, char character);
void hd_text_format(struct hd_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Hands the string over to the caller (who frees it) and empties the text; NULL if it failed. Never NULL for an empty text. */
char *hd_text_take(struct hd_text *text);
void hd_text_clear(struct hd_text *text);

#endif
