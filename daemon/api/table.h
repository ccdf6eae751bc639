/* A table as it is shown: rows come one by one, columns are printed (reference 2.8). Internal to the API. */
#ifndef HYPERDRIVED_API_TABLE_H
#define HYPERDRIVED_API_TABLE_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "core/text.h"

/* Begins as {0}; ends with table_clear(). */
struct table {
    struct table_column *columns; /* in the order of their first cell */
    size_t count, capacity;
    size_t *places; /* of columns by name, plus 1; 0: free. A hash table of `place_count`, a power of two */
    size_t place_count;
    int64_t rows;
};

/* Adds a row {"column": value}, or the rows of a table {"column": [values]}. -1 when memory is short. */
int table_add_row(struct table *table, const cJSON *row);
int table_add_rows(struct table *table, const cJSON *rows);
/* {"column": value} of one row, {"column": [values]} of more; a missing cell is null. */
void table_print(struct hd_text *text, struct table *table);
void table_clear(struct table *table);

#endif
