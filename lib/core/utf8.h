/* Bytes of unknown origin as valid UTF-8. */
#ifndef HD_UTF8_H
#define HD_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/* Length of the character at `text`, of which `left` are there; 0: there is none (cut off, overlong, a surrogate, above U+10FFFF). */
size_t hd_utf8_length(const char *text, size_t left);
bool hd_utf8_valid(const char *string);
/* Appends `bytes`; what is no UTF-8, and NUL, becomes U+FFFD. */
void hd_utf8_add_clean(struct hd_text *text, const char *bytes, size_t length);
/* How many bytes from the start belong to a character that began before: 0 to 3. */
size_t hd_utf8_rest_of_character(const char *bytes, size_t length);

#endif
