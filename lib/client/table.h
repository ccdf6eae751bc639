/* Aligned tables for people, printed part by part so that a long one is never held in memory. */
#ifndef HD_CLIENT_TABLE_H
#define HD_CLIENT_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "core/text.h"

enum table_style { TABLE_PLAIN, TABLE_GOOD, TABLE_BAD, TABLE_BUSY, TABLE_DIM };

enum {
    TABLE_COLUMNS = 12,
    TABLE_ROWS_HELD = 200, /* widths come from this many rows; later parts keep them as their least width */
    TABLE_TEXT_LEAST = 8,  /* columns are not made narrower than this to fit */
};

struct table_column {
    const char *title;
    bool number; /* right-aligned */
    bool whole;  /* never cut: what people copy, as ids */
};

struct table_cell {
    char *text; /* owned, without control characters */
    enum table_style style;
};

struct table {
    FILE *out;
    int width; /* of the terminal; 0: lines are never cut */
    bool colour;
    int columns;
    struct table_column column[TABLE_COLUMNS];
    int widest[TABLE_COLUMNS];
    struct table_cell *cells; /* rows held, columns each; owned */
    int filled;               /* cells given since the last part was printed */
    bool headed;              /* the head was printed */
    bool failed;              /* memory was short: rows are missing */
};

/* `columns` has `count` entries (the rest is ignored above TABLE_COLUMNS); its strings must outlive the table. */
void table_open(struct table *table, FILE *out, int width, bool colour, const struct table_column *columns, int count);
/* The next cell, row by row from left to right. NULL is an empty one. */
void table_add(struct table *table, enum table_style style, const char *text);
void table_format(struct table *table, enum table_style style, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Prints what is held and frees the table. False when rows are missing because memory was short. */
bool table_close(struct table *table);

/* Adds `text` cut to `width` columns, with an ellipsis if something is missing, control characters and what is no UTF-8 replaced (names
 * come from training scripts: they must not steer a terminal). With `width` 0 it is not cut. Returns the columns taken. */
int table_add_clean(struct hd_text *out, const char *text, int width);

#endif
