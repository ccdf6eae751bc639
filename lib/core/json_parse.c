#include "json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json_tree.h"
#include "utf8.h"

struct scanner {
    const char *text;
    size_t length;
    size_t at;
    int depth;
    const char *fault; /* static; what was expected at `fault_at` */
    size_t fault_at;
    bool out_of_memory;
};

static bool fail(struct scanner *scanner, const char *reason, size_t at)
{
    scanner->fault = reason;
    scanner->fault_at = at;
    return false;
}

static bool fail_memory(struct scanner *scanner)
{
    scanner->out_of_memory = true;
    return false;
}

/* The byte `ahead` of the current one, or -1 behind the end. */
static int peek(const struct scanner *scanner, size_t ahead)
{
    return ahead < scanner->length - scanner->at ? (unsigned char)scanner->text[scanner->at + ahead] : -1;
}

static void skip_space(struct scanner *scanner)
{
    for (;;) {
        int byte = peek(scanner, 0);
        if (byte != ' ' && byte != '\t' && byte != '\n' && byte != '\r')
            return;
        scanner->at++;
    }
}

static int hex_digit(int byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

/* The four digits that start `ahead`; -1 if they are none. */
static int hex4(const struct scanner *scanner, size_t ahead)
{
    int value = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = hex_digit(peek(scanner, ahead + i));
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static size_t utf8_write(uint32_t character, char *out)
{
    if (character < 0x80) {
        out[0] = (char)character;
        return 1;
    }
    size_t length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    static const unsigned char LEAD[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    out[0] = (char)(LEAD[length] | character);
    return length;
}

/* At the `u` of \uXXXX. */
static bool scan_unicode_escape(struct scanner *scanner, char **out)
{
    size_t start = scanner->at - 1;
    int unit = hex4(scanner, 1);
    if (unit < 0)
        return fail(scanner, "\\u without four hexadecimal digits", start);
    if (unit == 0)
        return fail(scanner, "\\u0000 is not allowed", start);
    scanner->at += 5;
    uint32_t character = (uint32_t)unit;
    if (unit >= 0xd800 && unit <= 0xdfff) {
        int low = peek(scanner, 0) == '\\' && peek(scanner, 1) == 'u' ? hex4(scanner, 2) : -1;
        if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff)
            return fail(scanner, "a surrogate without its other half", start);
        character = 0x10000 + (((uint32_t)unit - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
        scanner->at += 6;
    }
    *out += utf8_write(character, *out);
    return true;
}

/* Behind a backslash. */
static bool scan_escape(struct scanner *scanner, char **out)
{
    static const char NAMES[] = "\"\\/bfnrt", VALUES[] = "\"\\/\b\f\n\r\t";
    int name = peek(scanner, 0);
    if (name == 'u')
        return scan_unicode_escape(scanner, out);
    const char *found = name > 0 ? strchr(NAMES, name) : NULL;
    if (found == NULL)
        return fail(scanner, "an unknown escape sequence", scanner->at - 1);
    *(*out)++ = VALUES[found - NAMES];
    scanner->at++;
    return true;
}

/* Bytes up to the closing quote: what the decoded string has at most. Finds neither end nor fault: that is scan_characters' task. */
static size_t string_bound(const struct scanner *scanner)
{
    size_t at = scanner->at;
    while (at < scanner->length && scanner->text[at] != '"')
        at += scanner->text[at] == '\\' ? 2 : 1;
    return (at < scanner->length ? at : scanner->length) - scanner->at;
}

static bool scan_characters(struct scanner *scanner, char *out)
{
    for (;;) {
        int byte = peek(scanner, 0);
        if (byte < 0)
            return fail(scanner, "a string without an end", scanner->at);
        if (byte == '"')
            break;
        if (byte < 0x20)
            return fail(scanner, "a control character in a string", scanner->at);
        if (byte == '\\') {
            scanner->at++;
            if (!scan_escape(scanner, &out))
                return false;
            continue;
        }
        size_t length = 1;
        if (byte >= 0x80) {
            length = hd_utf8_length(scanner->text + scanner->at, scanner->length - scanner->at);
            if (length == 0)
                return fail(scanner, "invalid UTF-8", scanner->at);
        }
        for (size_t i = 0; i < length; i++)
            *out++ = scanner->text[scanner->at++];
    }
    scanner->at++;
    *out = '\0';
    return true;
}

/* At the opening quote. */
static bool scan_string(struct scanner *scanner, char **ret_string)
{
    scanner->at++;
    char *string = cJSON_malloc(string_bound(scanner) + 1);
    if (string == NULL)
        return fail_memory(scanner);
    if (!scan_characters(scanner, string)) {
        cJSON_free(string);
        return false;
    }
    *ret_string = string;
    return true;
}

static bool is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

static bool scan_digits(struct scanner *scanner)
{
    if (!is_digit(peek(scanner, 0)))
        return fail(scanner, "a digit is missing in a number", scanner->at);
    while (is_digit(peek(scanner, 0)))
        scanner->at++;
    return true;
}

/* Finds the end of the token. */
static bool scan_number_token(struct scanner *scanner)
{
    if (peek(scanner, 0) == '-')
        scanner->at++;
    if (peek(scanner, 0) == '0' && is_digit(peek(scanner, 1)))
        return fail(scanner, "a number with a leading zero", scanner->at);
    if (!scan_digits(scanner))
        return false;
    if (peek(scanner, 0) == '.') {
        scanner->at++;
        if (!scan_digits(scanner))
            return false;
    }
    if (peek(scanner, 0) == 'e' || peek(scanner, 0) == 'E') {
        scanner->at++;
        if (peek(scanner, 0) == '+' || peek(scanner, 0) == '-')
            scanner->at++;
        return scan_digits(scanner);
    }
    return true;
}

static bool scan_number(struct scanner *scanner, cJSON *item)
{
    size_t start = scanner->at;
    if (!scan_number_token(scanner))
        return false;
    size_t length = scanner->at - start;
    char *token = cJSON_malloc(length + 1);
    if (token == NULL)
        return fail_memory(scanner);
    memcpy(token, scanner->text + start, length);
    token[length] = '\0';
    item->valuestring = token; /* from here on freed with the item */
    double value;
    if (!json_token_value(token, length, &value))
        return fail_memory(scanner);
    if (!isfinite(value))
        return fail(scanner, "a number that is too large", start);
    json_set_number(item, value);
    return true;
}

static bool scan_literal(struct scanner *scanner, cJSON *item)
{
    static const struct {
        const char *name;
        size_t length;
        int type;
    } LITERALS[] = {{"true", 4, cJSON_True}, {"false", 5, cJSON_False}, {"null", 4, cJSON_NULL}};
    for (size_t i = 0; i < sizeof LITERALS / sizeof *LITERALS; i++) {
        size_t length = LITERALS[i].length;
        if (length > scanner->length - scanner->at || memcmp(scanner->text + scanner->at, LITERALS[i].name, length) != 0)
            continue;
        scanner->at += length;
        item->type = LITERALS[i].type;
        item->valueint = item->type == cJSON_True;
        return true;
    }
    return fail(scanner, "a value is expected", scanner->at);
}

static bool scan_value(struct scanner *scanner, cJSON *item);

/* A member's key, its colon and the space behind it. */
static bool scan_key(struct scanner *scanner, cJSON *member)
{
    if (peek(scanner, 0) != '"')
        return fail(scanner, "a key in double quotes is expected", scanner->at);
    if (!scan_string(scanner, &member->string))
        return false;
    skip_space(scanner);
    if (peek(scanner, 0) != ':')
        return fail(scanner, "':' is expected", scanner->at);
    scanner->at++;
    skip_space(scanner);
    return true;
}

/* Elements of an array or members of an object, behind the opening bracket. */
static bool scan_members(struct scanner *scanner, cJSON *container, bool keys)
{
    int closing = keys ? '}' : ']';
    skip_space(scanner);
    if (peek(scanner, 0) == closing) {
        scanner->at++;
        return true;
    }
    for (;;) {
        cJSON *item = json_new(cJSON_NULL);
        if (item == NULL)
            return fail_memory(scanner);
        json_append(container, item);
        if ((keys && !scan_key(scanner, item)) || !scan_value(scanner, item))
            return false;
        skip_space(scanner);
        int byte = peek(scanner, 0);
        if (byte != ',' && byte != closing)
            return fail(scanner, keys ? "',' or '}' is expected" : "',' or ']' is expected", scanner->at);
        scanner->at++;
        if (byte == closing)
            return true;
        skip_space(scanner);
    }
}

static bool scan_container(struct scanner *scanner, cJSON *item, bool object)
{
    if (scanner->depth == HD_JSON_DEPTH)
        return fail(scanner, "arrays and objects are nested too deeply (64 at most)", scanner->at);
    item->type = object ? cJSON_Object : cJSON_Array;
    scanner->at++;
    scanner->depth++;
    bool scanned = scan_members(scanner, item, object);
    scanner->depth--;
    return scanned;
}

static bool scan_value(struct scanner *scanner, cJSON *item)
{
    int byte = peek(scanner, 0);
    if (byte == '{' || byte == '[')
        return scan_container(scanner, item, byte == '{');
    if (byte == '"') {
        item->type = cJSON_String;
        return scan_string(scanner, &item->valuestring);
    }
    if (byte == '-' || is_digit(byte))
        return scan_number(scanner, item);
    return scan_literal(scanner, item);
}

static bool scan_document(struct scanner *scanner, cJSON *root)
{
    if (scanner->length >= 3 && memcmp(scanner->text, "\xef\xbb\xbf", 3) == 0)
        return fail(scanner, "a byte order mark is not allowed", 0);
    skip_space(scanner);
    if (!scan_value(scanner, root))
        return false;
    skip_space(scanner);
    if (scanner->at < scanner->length)
        return fail(scanner, "something follows the value", scanner->at);
    return true;
}

cJSON *hd_json_parse(const char *text, size_t length, struct hd_problems *problems)
{
    struct scanner scanner = {.text = text, .length = length};
    cJSON *root = json_new(cJSON_NULL);
    if (root == NULL) {
        problems->out_of_memory = true;
        return NULL;
    }
    if (!scan_document(&scanner, root)) {
        if (scanner.out_of_memory)
            problems->out_of_memory = true;
        else
            hd_problems_add(problems, "InvalidJson", NULL, "the body is not valid JSON: %s at byte %zu", scanner.fault, scanner.fault_at);
        cJSON_Delete(root);
        return NULL;
    }
    if (!json_check_duplicates(root, problems)) {
        cJSON_Delete(root);
        return NULL;
    }
    return root;
}

cJSON *hd_json_parse_own(const char *text)
{
    struct hd_problems problems = {0};
    cJSON *root = hd_json_parse(text, strlen(text), &problems);
    hd_problems_clear(&problems);
    return root;
}
