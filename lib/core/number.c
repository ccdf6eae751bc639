#include "number.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* value = 0.digits * 10^point, without its sign. */
struct decimal {
    char digits[20];
    int count;
    int point;
};

enum { DIGITS_ALWAYS_SHORT = 15, DIGITS_ALWAYS_ENOUGH = 17 };

static double decimal_value(const struct decimal *decimal)
{
    /* No decimal point is written, so that the locale has no say. */
    char text[48];
    snprintf(text, sizeof text, "%.*se%d", decimal->count, decimal->digits, decimal->point - decimal->count);
    return strtod(text, NULL);
}

static void strip_zeros(struct decimal *decimal)
{
    while (decimal->count > 1 && decimal->digits[decimal->count - 1] == '0')
        decimal->count--;
}

/* The nearest decimal with `count` digits. */
static struct decimal decimal_print(double value, int count)
{
    char text[48];
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    struct decimal decimal = {.count = 0};
    const char *at = text;
    for (; *at != 'e'; at++) {
        if (*at >= '0' && *at <= '9')
            decimal.digits[decimal.count++] = *at;
    }
    decimal.point = atoi(at + 1) + 1;
    return decimal;
}

/* One unit more in the last digit. */
static void decimal_increase(struct decimal *decimal)
{
    int i = decimal->count - 1;
    while (i >= 0 && decimal->digits[i] == '9')
        decimal->digits[i--] = '0';
    if (i >= 0) {
        decimal->digits[i]++;
        return;
    }
    decimal->digits[0] = '1';
    decimal->point++;
}

/* `full` has 17 digits and is within half a unit of the value: rounded again it is right, unless what is cut off looks like a tie. */
static struct decimal decimal_cut(const struct decimal *full, int count, double value)
{
    bool tie = full->digits[count] == '5';
    for (int i = count + 1; i < full->count; i++)
        tie = tie && full->digits[i] == '0';
    if (tie)
        return decimal_print(value, count);
    struct decimal cut = *full;
    cut.count = count;
    if (full->digits[count] >= '5')
        decimal_increase(&cut);
    return cut;
}

/* Below the smallest normal number fewer digits than 15 may do without being a 15-digit decimal with zeros at its end. */
static struct decimal subnormal_shortest(double value)
{
    struct decimal decimal;
    for (int count = 1; count <= DIGITS_ALWAYS_ENOUGH; count++) {
        decimal = decimal_print(value, count);
        if (decimal_value(&decimal) == value)
            break;
    }
    return decimal;
}

/* For normal values. By its bits: with frexp() it would be all that makes hyperdrive-monitor load libm, for each child once more. */
static bool is_power_of_two(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits & ((UINT64_C(1) << (DBL_MANT_DIG - 1)) - 1)) == 0;
}

/* 15 digits survive the way through a double, so if any decimal of at most 15 digits gives the value, the nearest of 15 is that one. Of 16
 * digits several may give it: the nearest does if any does, except for powers of two, whose neighbour below is only half as far away as the
 * one above; there the next larger decimal may do where the nearest, a smaller one, does not. */
static struct decimal shortest(double value)
{
    if (value < DBL_MIN)
        return subnormal_shortest(value);
    struct decimal full = decimal_print(value, DIGITS_ALWAYS_ENOUGH);
    struct decimal decimal = decimal_cut(&full, DIGITS_ALWAYS_SHORT, value);
    if (decimal_value(&decimal) == value)
        return decimal;
    decimal = decimal_cut(&full, DIGITS_ALWAYS_SHORT + 1, value);
    if (decimal_value(&decimal) == value)
        return decimal;
    if (is_power_of_two(value)) {
        decimal_increase(&decimal);
        if (decimal_value(&decimal) == value)
            return decimal;
    }
    return full;
}

struct writer {
    char *at;
};

static void put(struct writer *writer, const char *bytes, int length)
{
    memcpy(writer->at, bytes, (size_t)length);
    writer->at += length;
}

static void put_zeros(struct writer *writer, int count)
{
    for (int i = 0; i < count; i++)
        *writer->at++ = '0';
}

static void put_plain(struct writer *writer, const struct decimal *decimal, bool keep_fraction)
{
    if (decimal->point <= 0) {
        put(writer, "0.", 2);
        put_zeros(writer, -decimal->point);
        put(writer, decimal->digits, decimal->count);
    } else if (decimal->count <= decimal->point) {
        put(writer, decimal->digits, decimal->count);
        put_zeros(writer, decimal->point - decimal->count);
        if (keep_fraction)
            put(writer, ".0", 2);
    } else {
        put(writer, decimal->digits, decimal->point);
        put(writer, ".", 1);
        put(writer, decimal->digits + decimal->point, decimal->count - decimal->point);
    }
}

static void put_exponent(struct writer *writer, const struct decimal *decimal)
{
    put(writer, decimal->digits, 1);
    if (decimal->count > 1) {
        put(writer, ".", 1);
        put(writer, decimal->digits + 1, decimal->count - 1);
    }
    writer->at += sprintf(writer->at, "e%+03d", decimal->point - 1);
}

/* Where Python's repr takes the exponent form. */
static bool needs_exponent(const struct decimal *decimal)
{
    return decimal->point < -3 || decimal->point > 16;
}

static struct decimal magnitude(double value)
{
    struct decimal decimal;
    value = fabs(value);
    if (value < 9007199254740992.0 && value == floor(value)) { /* usual, and all its digits are needed */
        decimal.count = snprintf(decimal.digits, sizeof decimal.digits, "%" PRId64, (int64_t)value);
        decimal.point = decimal.count;
    } else {
        decimal = shortest(value);
    }
    strip_zeros(&decimal);
    return decimal;
}

static size_t finish(struct writer *writer, const char *buffer)
{
    *writer->at = '\0';
    return (size_t)(writer->at - buffer);
}

size_t hd_number_json(double value, char buffer[HD_NUMBER_TEXT_SIZE])
{
    if (isnan(value))
        return (size_t)sprintf(buffer, "\"NaN\"");
    if (isinf(value))
        return (size_t)sprintf(buffer, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    struct writer writer = {buffer};
    if (value < 0)
        put(&writer, "-", 1);
    struct decimal decimal = magnitude(value);
    if (needs_exponent(&decimal))
        put_exponent(&writer, &decimal);
    else
        put_plain(&writer, &decimal, true);
    return finish(&writer, buffer);
}

size_t hd_number_command_line(double value, char buffer[HD_NUMBER_TEXT_SIZE])
{
    struct writer writer = {buffer};
    if (value < 0)
        put(&writer, "-", 1);
    struct decimal decimal = magnitude(value);
    /* Python's argparse takes -1e-05 for an option, but -0.00001 for a number. */
    if (value >= 0 && needs_exponent(&decimal))
        put_exponent(&writer, &decimal);
    else
        put_plain(&writer, &decimal, false);
    return finish(&writer, buffer);
}
