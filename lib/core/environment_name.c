#include <string.h>

#include "program.h"
#include "text.h"

static bool is_name_character(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_';
}

char *hd_environment_name(const char *parameter)
{
    struct hd_text name = {0};

    for (const char *c = parameter + strspn(parameter, "-"); *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;

        if (is_name_character(byte)) {
            hd_text_add_char(&name, *c);
        } else if ((byte & 0xC0) != 0x80) { /* one `_` for a character, not one for each of its bytes */
            hd_text_add_char(&name, '_');
        }
    }
    return hd_text_take(&name);
}
