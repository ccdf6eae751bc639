#include "utf8.h"

#include <wchar.h>

size_t utf8_decode(const char *text, size_t length, uint32_t *ret_character)
{
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text;
    size_t size;
    uint32_t character;

    if (length == 0) {
        return 0;
    }
    if (bytes[0] < 0x80) {
        *ret_character = bytes[0];
        return 1;
    }
    size = bytes[0] >= 0xF8 ? 0 : bytes[0] >= 0xF0 ? 4 : bytes[0] >= 0xE0 ? 3 : bytes[0] >= 0xC0 ? 2 : 0;
    if (size == 0 || size > length) {
        return 0;
    }
    character = bytes[0] & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            return 0;
        }
        character = character << 6 | (bytes[i] & 0x3Fu);
    }
    if (character < smallest[size] || character > 0x10FFFF || (character >= 0xD800 && character <= 0xDFFF)) {
        return 0;
    }
    *ret_character = character;
    return size;
}

int utf8_width(uint32_t character)
{
    int width = wcwidth((wchar_t)character);

    return width < 0 ? 1 : width;
}
