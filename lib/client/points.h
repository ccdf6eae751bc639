/* Points on their way from the training threads to the sending one: packed into memory of a fixed size, and printed from there as JSON. */
#ifndef HD_CLIENT_POINTS_H
#define HD_CLIENT_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

enum { HD_POINTS_BYTES = 4 * 1024 * 1024 };

enum hd_point_kind {
    HD_POINT_FLOAT,
    HD_POINT_INTEGER,
    HD_POINT_STRING,
    HD_POINT_LIST, /* of floats */
};

struct hd_point {
    enum hd_point_kind kind;
    int64_t at_us;
    int64_t step; /* HD_NO_STEP: none */
    size_t name_length, value_length;
    const char *name;  /* not NUL-terminated */
    const void *value; /* a double, an int64_t, characters, or doubles; not aligned */
};

struct hd_points {
    char *data;  /* HD_POINTS_BYTES */
    size_t end;  /* behind the last point */
    size_t at;   /* of the first one that was not taken out */
    size_t last; /* of the latest one that was */
    uint64_t count;
};

bool hd_points_open(struct hd_points *points);
void hd_points_close(struct hd_points *points);
/* False when there is no room. */
bool hd_points_add(struct hd_points *points, const struct hd_point *point);
/* Takes the oldest point out; it lies in `points` until the next one is added. False when there is none. */
bool hd_points_take(struct hd_points *points, struct hd_point *ret_point);
/* Undoes the latest hd_points_take(), when nothing came between. */
void hd_points_put_back(struct hd_points *points);
/* Rows that the point will be in the daemon. */
size_t hd_point_rows(const struct hd_point *point);
/* {"name":"loss","value":0.5,"step":3,"time":"2026-02-07T06:39:33.034036Z"} */
void hd_point_print(struct hd_text *out, const struct hd_point *point);

#endif
