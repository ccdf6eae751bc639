/* Bytes of unknown origin as valid UTF-8. */
#ifndef HYPERDRIVED_UTF8_H
#define HYPERDRIVED_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

bool utf8_valid(const char *string);
/* Appends `bytes`; what is no UTF-8, and NUL, becomes U+FFFD. */
void utf8_add_clean(struct hd_text *text, const char *bytes, size_t length);
/* How many bytes from the start belong to a character that began before: 0 to 3. */
size_t utf8_rest_of_character(const char *bytes, size_t length);

#endif
