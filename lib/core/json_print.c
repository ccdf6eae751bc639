#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "number.h"
#include "utf8.h"

struct printer {
    struct hd_text *out;
    enum hd_json_style style;
    size_t limit; /* no new value is begun beyond this length */
};

void hd_json_print_string(struct hd_text *out, const char *string)
{
    static const char HEX[] = "0123456789abcdef";
    static const char SHORT[0x20] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    hd_text_add_char(out, '"');
    const char *start = string;
    for (;; string++) {
        unsigned char byte = (unsigned char)*string;
        size_t length = byte < 0x80 ? 1 : hd_utf8_length(string, strnlen(string, 4));
        if (length > 0 && byte >= 0x20 && byte != '"' && byte != '\\') {
            string += length - 1;
            continue;
        }
        hd_text_add(out, start, (size_t)(string - start));
        start = string + 1;
        if (byte == '\0')
            break;
        if (length == 0)
            hd_text_add_string(out, "\xEF\xBF\xBD");
        else if (byte >= 0x20)
            hd_text_add(out, (const char[]){'\\', (char)byte}, 2);
        else if (SHORT[byte] != 0)
            hd_text_add(out, (const char[]){'\\', SHORT[byte]}, 2);
        else
            hd_text_add(out, (const char[]){'\\', 'u', '0', '0', HEX[byte >> 4], HEX[byte & 15]}, 6);
    }
    hd_text_add_char(out, '"');
}

static void print_integer(struct hd_text *out, const cJSON *number)
{
    bool in_range = fabs(number->valuedouble) <= (double)HD_INTEGER_MAX;
    if (in_range || number->valuestring == NULL) /* the token could be -0 */
        hd_text_format(out, "%.0f", number->valuedouble + 0.0);
    else
        hd_text_add_string(out, number->valuestring);
}

static void print_number(struct hd_text *out, const cJSON *number)
{
    if (hd_json_is_integer(number)) {
        print_integer(out, number);
        return;
    }
    char text[HD_NUMBER_TEXT_SIZE];
    hd_text_add(out, text, hd_number_json(number->valuedouble, text));
}

static void print_value(struct printer *printer, const cJSON *value);

static void print_members(struct printer *printer, const cJSON *container, bool keys)
{
    bool spaced = printer->style == HD_JSON_SPACED;
    hd_text_add_char(printer->out, keys ? '{' : '[');
    for (const cJSON *member = container->child; member != NULL && printer->out->length <= printer->limit; member = member->next) {
        if (member != container->child)
            hd_text_add(printer->out, ", ", spaced ? 2 : 1);
        if (keys) {
            hd_json_print_string(printer->out, member->string);
            hd_text_add(printer->out, ": ", spaced ? 2 : 1);
        }
        print_value(printer, member);
    }
    hd_text_add_char(printer->out, keys ? '}' : ']');
}

static void print_value(struct printer *printer, const cJSON *value)
{
    struct hd_text *out = printer->out;
    switch (value->type & 0xff) {
    case cJSON_Object:
        print_members(printer, value, true);
        break;
    case cJSON_Array:
        print_members(printer, value, false);
        break;
    case cJSON_String:
        hd_json_print_string(out, value->valuestring);
        break;
    case cJSON_Number:
        print_number(out, value);
        break;
    case cJSON_Raw:
        hd_text_add_string(out, value->valuestring);
        break;
    case cJSON_True:
        hd_text_add_string(out, "true");
        break;
    case cJSON_False:
        hd_text_add_string(out, "false");
        break;
    default:
        hd_text_add_string(out, "null");
    }
}

void hd_json_print(struct hd_text *out, const cJSON *value, enum hd_json_style style)
{
    struct printer printer = {out, style, SIZE_MAX};
    print_value(&printer, value);
}

void hd_json_command_line(struct hd_text *out, const cJSON *value)
{
    char text[HD_NUMBER_TEXT_SIZE];
    if (cJSON_IsString(value))
        hd_text_add_string(out, value->valuestring);
    else if (cJSON_IsTrue(value))
        hd_text_add_string(out, "True");
    else if (cJSON_IsFalse(value))
        hd_text_add_string(out, "False");
    else if (cJSON_IsNull(value))
        hd_text_add_string(out, "None");
    else if (cJSON_IsNumber(value) && !hd_json_is_integer(value) && isfinite(value->valuedouble))
        hd_text_add(out, text, hd_number_command_line(value->valuedouble, text));
    else
        hd_json_print(out, value, HD_JSON_COMPACT);
}

/* Bytes of the first `characters` characters. */
static size_t utf8_prefix(const char *text, size_t characters)
{
    size_t at = 0;
    for (; text[at] != '\0'; at++) {
        bool begins = ((unsigned char)text[at] & 0xc0) != 0x80;
        if (begins && characters-- == 0)
            break;
    }
    return at;
}

char *hd_json_excerpt(const cJSON *value)
{
    enum { CHARACTERS = 80, BYTES_PER_CHARACTER = 4 };
    struct hd_text text = {0};
    struct printer printer = {&text, HD_JSON_COMPACT, (size_t)CHARACTERS * BYTES_PER_CHARACTER};
    print_value(&printer, value);
    char *excerpt = hd_text_take(&text);
    if (excerpt != NULL)
        excerpt[utf8_prefix(excerpt, CHARACTERS)] = '\0';
    return excerpt;
}
