#include "utf8.h"

#include <stdint.h>
#include <string.h>

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

size_t hd_utf8_length(const char *text, size_t left)
{
    const unsigned char *bytes = (const unsigned char *)text;
    static const struct {
        unsigned char first_low, first_high; /* of the first byte */
        unsigned char low, high;             /* of the second byte */
        size_t length;
    } forms[] = {
        /* Unicode, table 3-7 */
        {0x01, 0x7F, 0x00, 0xFF, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t length = forms[i].length;
        if (bytes[0] < forms[i].first_low || bytes[0] > forms[i].first_high)
            continue;
        if (length > left || (length > 1 && (bytes[1] < forms[i].low || bytes[1] > forms[i].high)))
            return 0;
        for (size_t k = 2; k < length; k++) {
            if (!is_continuation(bytes[k]))
                return 0;
        }
        return length;
    }
    return 0;
}

bool hd_utf8_valid(const char *string)
{
    size_t left = strlen(string);
    while (left > 0) {
        size_t length = hd_utf8_length(string, left);
        if (length == 0)
            return false;
        string += length;
        left -= length;
    }
    return true;
}

void hd_utf8_add_clean(struct hd_text *text, const char *bytes, size_t length)
{
    while (length > 0) {
        size_t taken = hd_utf8_length(bytes, length);
        if (taken == 0)
            hd_text_add_string(text, "\xEF\xBF\xBD");
        else
            hd_text_add(text, bytes, taken);
        if (taken == 0)
            taken = 1;
        bytes += taken;
        length -= taken;
    }
}

size_t hd_utf8_rest_of_character(const char *bytes, size_t length)
{
    size_t count = 0;
    while (count < length && count < 3 && is_continuation((unsigned char)bytes[count]))
        count++;
    return count;
}
