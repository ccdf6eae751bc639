#include "scalar.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t count_digits(const char *word, size_t from, size_t length)
{
    size_t at = from;

    while (at < length && word[at] >= '0' && word[at] <= '9') {
        at++;
    }
    return at - from;
}

/* The parts of [-+]? digits? (. digits?)? ([eE] [-+]? digits)? */
struct decimal {
    bool negative;
    const char *whole, *fraction, *exponent; /* exponent with its sign */
    size_t whole_length, fraction_length, exponent_length;
    bool point;
};

static bool decimal_scan(const char *word, size_t length, struct decimal *decimal)
{
    size_t at = 0;

    *decimal = (struct decimal){0};
    if (at < length && (word[at] == '-' || word[at] == '+')) {
        decimal->negative = word[at++] == '-';
    }
    decimal->whole = word + at;
    decimal->whole_length = count_digits(word, at, length);
    at += decimal->whole_length;
    if (at < length && word[at] == '.') {
        decimal->point = true;
        decimal->fraction = word + ++at;
        decimal->fraction_length = count_digits(word, at, length);
        at += decimal->fraction_length;
    }
    if (decimal->whole_length + decimal->fraction_length == 0) {
        return false;
    }
    if (at < length && (word[at] == 'e' || word[at] == 'E')) {
        size_t sign = at + 1 < length && (word[at + 1] == '-' || word[at + 1] == '+');

        decimal->exponent = word + ++at;
        decimal->exponent_length = sign + count_digits(word, at + sign, length);
        if (decimal->exponent_length == sign) {
            return false;
        }
        at += decimal->exponent_length;
    }
    return at == length;
}

/* JSON allows neither a plus sign nor leading zeros nor a bare point. */
static void decimal_print(const struct decimal *decimal, struct hd_text *json)
{
    const char *whole = decimal->whole;
    size_t length = decimal->whole_length;

    while (length > 1 && *whole == '0') {
        whole++;
        length--;
    }
    if (decimal->negative) {
        hd_text_add_char(json, '-');
    }
    hd_text_add(json, length == 0 ? "0" : whole, length == 0 ? 1 : length);
    if (decimal->fraction_length > 0) {
        hd_text_add_char(json, '.');
        hd_text_add(json, decimal->fraction, decimal->fraction_length);
    } else if (decimal->point && decimal->exponent == NULL) {
        hd_text_add_string(json, ".0");
    }
    if (decimal->exponent != NULL) {
        hd_text_add_char(json, 'e');
        hd_text_add(json, decimal->exponent, decimal->exponent_length);
    }
}

enum scalar_kind scalar_decimal(const char *word, size_t length, struct hd_text *json)
{
    struct decimal decimal;
    struct hd_text token = {0};
    bool finite;

    if (!decimal_scan(word, length, &decimal)) {
        return SCALAR_STRING;
    }
    decimal_print(&decimal, &token);
    finite = !token.failed && isfinite(strtod(token.data, NULL));
    if (token.failed) {
        json->failed = true;
    } else if (finite) {
        hd_text_add(json, token.data, token.length);
    }
    hd_text_clear(&token);
    if (!finite) {
        return SCALAR_TOO_LARGE;
    }
    return decimal.point || decimal.exponent != NULL ? SCALAR_FLOAT : SCALAR_INTEGER;
}

/* 0o17 and 0x1F. */
static enum scalar_kind resolve_based(const char *word, size_t length, struct hd_text *json)
{
    char digits[32];
    int base = length > 2 && word[0] == '0' ? (word[1] == 'o' ? 8 : word[1] == 'x' ? 16 : 0) : 0;
    const char *allowed = base == 8 ? "01234567" : "0123456789abcdefABCDEF";
    unsigned long long value;

    if (base == 0) {
        return SCALAR_STRING;
    }
    for (size_t i = 2; i < length; i++) {
        if (word[i] == '\0' || strchr(allowed, word[i]) == NULL) {
            return SCALAR_STRING;
        }
    }
    if (length - 2 >= sizeof(digits)) {
        return SCALAR_TOO_LARGE;
    }
    memcpy(digits, word + 2, length - 2);
    digits[length - 2] = '\0';
    errno = 0;
    value = strtoull(digits, NULL, base);
    if (errno != 0) {
        return SCALAR_TOO_LARGE;
    }
    hd_text_format(json, "%llu", value);
    return SCALAR_INTEGER;
}

enum scalar_kind scalar_resolve(const char *word, size_t length, struct hd_text *json)
{
    static const struct {
        const char *word;
        enum scalar_kind kind;
        const char *json;
    } words[] = {
        {"", SCALAR_NULL, "null"},          {"~", SCALAR_NULL, "null"},         {"null", SCALAR_NULL, "null"},
        {"Null", SCALAR_NULL, "null"},      {"NULL", SCALAR_NULL, "null"},      {"true", SCALAR_BOOLEAN, "true"},
        {"True", SCALAR_BOOLEAN, "true"},   {"TRUE", SCALAR_BOOLEAN, "true"},   {"false", SCALAR_BOOLEAN, "false"},
        {"False", SCALAR_BOOLEAN, "false"}, {"FALSE", SCALAR_BOOLEAN, "false"}, {".inf", SCALAR_NOT_FINITE, ""},
        {".Inf", SCALAR_NOT_FINITE, ""},    {".INF", SCALAR_NOT_FINITE, ""},    {"+.inf", SCALAR_NOT_FINITE, ""},
        {"+.Inf", SCALAR_NOT_FINITE, ""},   {"+.INF", SCALAR_NOT_FINITE, ""},   {"-.inf", SCALAR_NOT_FINITE, ""},
        {"-.Inf", SCALAR_NOT_FINITE, ""},   {"-.INF", SCALAR_NOT_FINITE, ""},   {".nan", SCALAR_NOT_FINITE, ""},
        {".NaN", SCALAR_NOT_FINITE, ""},    {".NAN", SCALAR_NOT_FINITE, ""},
    };
    enum scalar_kind kind;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i].word) == length && memcmp(words[i].word, word, length) == 0) {
            hd_text_add_string(json, words[i].json);
            return words[i].kind;
        }
    }
    kind = resolve_based(word, length, json);
    return kind != SCALAR_STRING ? kind : scalar_decimal(word, length, json);
}
