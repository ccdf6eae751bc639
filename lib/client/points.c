#include "points.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/instant.h"
#include "core/number.h"
#include "hyperdrive.h"

/* In front of the bytes of each point. */
struct heading {
    int64_t at_us, step;
    uint32_t value_length;
    uint16_t name_length;
    uint16_t kind;
};

bool hd_points_open(struct hd_points *points)
{
    *points = (struct hd_points){.data = malloc(HD_POINTS_BYTES)}; /* pages that were never written cost nothing */
    return points->data != NULL;
}

void hd_points_close(struct hd_points *points)
{
    free(points->data);
    *points = (struct hd_points){0};
}

bool hd_points_add(struct hd_points *points, const struct hd_point *point)
{
    struct heading heading = {.at_us = point->at_us,
                              .step = point->step,
                              .value_length = (uint32_t)point->value_length,
                              .name_length = (uint16_t)point->name_length,
                              .kind = (uint16_t)point->kind};
    size_t length = sizeof(heading) + point->name_length + point->value_length;
    char *at;

    if (points->at == points->end) {
        points->at = points->end = 0;
    }
    if (length > HD_POINTS_BYTES - points->end) {
        return false;
    }
    at = points->data + points->end;
    memcpy(at, &heading, sizeof(heading));
    memcpy(at + sizeof(heading), point->name, point->name_length);
    memcpy(at + sizeof(heading) + point->name_length, point->value, point->value_length);
    points->end += length;
    points->count++;
    return true;
}

bool hd_points_take(struct hd_points *points, struct hd_point *ret_point)
{
    struct heading heading;
    const char *name;

    if (points->at == points->end) {
        return false;
    }
    memcpy(&heading, points->data + points->at, sizeof(heading));
    name = points->data + points->at + sizeof(heading);
    *ret_point = (struct hd_point){.kind = heading.kind,
                                   .at_us = heading.at_us,
                                   .step = heading.step,
                                   .name_length = heading.name_length,
                                   .value_length = heading.value_length,
                                   .name = name,
                                   .value = name + heading.name_length};
    points->last = points->at;
    points->at += sizeof(heading) + heading.name_length + heading.value_length;
    points->count--;
    return true;
}

void hd_points_put_back(struct hd_points *points)
{
    points->at = points->last;
    points->count++;
}

size_t hd_point_rows(const struct hd_point *point)
{
    return point->kind == HD_POINT_LIST ? point->value_length / sizeof(double) : 1;
}

static void print_string(struct hd_text *out, const char *string, size_t length)
{
    size_t plain = 0; /* where characters begin that need no escape */

    hd_text_add_char(out, '"');
    for (size_t i = 0; i < length; i++) {
        unsigned char character = (unsigned char)string[i];

        if (character >= 0x20 && character != '"' && character != '\\') {
            continue;
        }
        hd_text_add(out, string + plain, i - plain);
        hd_text_format(out, "\\u%04x", character);
        plain = i + 1;
    }
    hd_text_add(out, string + plain, length - plain);
    hd_text_add_char(out, '"');
}

static void print_float(struct hd_text *out, const char *bytes)
{
    char number[HD_NUMBER_TEXT_SIZE];
    double value;

    memcpy(&value, bytes, sizeof(value));
    hd_text_add(out, number, hd_number_json(value, number));
}

static void print_integer(struct hd_text *out, const char *bytes)
{
    int64_t value;

    memcpy(&value, bytes, sizeof(value));
    hd_text_format(out, "%" PRId64, value);
}

static void print_value(struct hd_text *out, const struct hd_point *point)
{
    switch (point->kind) {
    case HD_POINT_FLOAT:
        print_float(out, point->value);
        break;
    case HD_POINT_INTEGER:
        print_integer(out, point->value);
        break;
    case HD_POINT_STRING:
        print_string(out, point->value, point->value_length);
        break;
    case HD_POINT_LIST:
        for (size_t at = 0; at < point->value_length; at += sizeof(double)) {
            hd_text_add_char(out, at == 0 ? '[' : ',');
            print_float(out, (const char *)point->value + at);
        }
        hd_text_add_char(out, ']');
        break;
    }
}

void hd_point_print(struct hd_text *out, const struct hd_point *point)
{
    char instant[HD_INSTANT_SIZE];

    hd_text_add_string(out, "{\"name\":");
    print_string(out, point->name, point->name_length);
    hd_text_add_string(out, ",\"value\":");
    print_value(out, point);
    if (point->step != HD_NO_STEP) {
        hd_text_format(out, ",\"step\":%" PRId64, point->step);
    }
    hd_instant_text(point->at_us, instant);
    hd_text_format(out, ",\"time\":\"%s\"}", instant);
}
