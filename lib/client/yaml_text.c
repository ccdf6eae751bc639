#include "yaml_text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

struct yaml_text {
    const char *bytes;
    size_t length;
    struct hd_error *error;
};

struct place {
    size_t line, column; /* from 0 */
};

static int fault(const struct yaml_text *text, struct place place, const char *format, ...) __attribute__((format(printf, 3, 4), cold));

static int fault(const struct yaml_text *text, struct place place, const char *format, ...)
{
    char sentence[HD_ERROR_MESSAGE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    return hd_error_set(text->error, HD_INVALID, "line %zu, column %zu: %s", place.line + 1, place.column + 1, sentence);
}

static bool character_allowed(uint32_t character)
{
    return character == '\t' || character == '\n' || character == '\r' || character == 0x85 || (character >= 0x20 && character < 0x7F) ||
           (character >= 0xA0 && character != 0xFEFF && character != 0xFFFE && character != 0xFFFF);
}

static int check_characters(const struct yaml_text *text)
{
    struct place place = {0, 0};
    uint32_t character = 0;
    size_t size;

    for (size_t at = 0; at < text->length; at += size) {
        size = utf8_decode(text->bytes + at, text->length - at, &character);
        if (size == 0) {
            return fault(text, place, "byte 0x%02X is not UTF-8; save the file as UTF-8", (unsigned char)text->bytes[at]);
        }
        if (!character_allowed(character)) {
            return fault(text, place, "the character U+%04X is not allowed in YAML", character);
        }
        place.column++;
        if (character == '\n') {
            place = (struct place){place.line + 1, 0};
        }
    }
    return 0;
}

/* Does a line begin at `at`? The last bytes of all breaks that libyaml knows: LF, CR, U+0085, U+2028, U+2029. */
static bool begins_line(const struct yaml_text *text, const char *at)
{
    static const char ends[] = {'\n', '\r', '\x85', '\xA8', '\xA9'};

    return at == text->bytes || memchr(ends, at[-1], sizeof(ends)) != NULL;
}

/* libyaml (0.2.5) compares each %TAG directive with all before it: a few hundred thousand of them would take hours. */
static int check_directives(const struct yaml_text *text)
{
    static const char directive[] = "%TAG";
    const char *end = text->bytes + text->length, *counted = text->bytes;
    struct place place = {0, 0};
    int count = 0;

    for (const char *at = text->bytes; (at = memmem(at, (size_t)(end - at), directive, sizeof(directive) - 1)) != NULL; at++) {
        for (; counted < at; counted++) {
            place.line += *counted == '\n';
        }
        if (begins_line(text, at) && ++count > YAML_TAG_DIRECTIVES) {
            return fault(text, place, "there are more than %d %%TAG directives", YAML_TAG_DIRECTIVES);
        }
    }
    return 0;
}

int yaml_text_check(const char *bytes, size_t length, struct hd_error *error)
{
    const struct yaml_text text = {bytes, length, error};
    int result = check_characters(&text);

    return result == 0 ? check_directives(&text) : result;
}
