/* UTF-8, one character at a time. */
#ifndef HD_CLIENT_UTF8_H
#define HD_CLIENT_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Reads the character at the start of `text`: its length in bytes and its code point; 0 when the bytes are not UTF-8 (overlong forms and
 * surrogates included) or `length` is 0. */
size_t utf8_decode(const char *text, size_t length, uint32_t *ret_character);

/* Columns that the character takes in a terminal: 0 to 2. What the locale does not know counts as 1. */
int utf8_width(uint32_t character);

#endif
