#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"

struct table_column {
    char *name;
    struct hd_text cells; /* separated by commas */
    int64_t count;
};

/* --- Columns by name: a child may log rows of a million columns, so looking through them all would take hours
 * ----------------------------- */

/* FNV-1a. */
static size_t first_place(const struct table *table, const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return (size_t)(hash ^ (hash >> 32)) & (table->place_count - 1);
}

/* Where the column stands, or the free place where it belongs. */
static size_t *find_place(const struct table *table, const char *name)
{
    size_t at = first_place(table, name);

    while (table->places[at] != 0 && strcmp(table->columns[table->places[at] - 1].name, name) != 0)
        at = (at + 1) & (table->place_count - 1);
    return &table->places[at];
}

/* Room for one more column; the places stay half empty. */
static int grow(struct table *table)
{
    size_t capacity = table->capacity == 0 ? 8 : table->capacity * 2;
    struct table_column *columns = realloc(table->columns, capacity * sizeof *columns);
    size_t *places;

    if (columns == NULL)
        return -1;
    table->columns = columns;
    places = calloc(capacity * 2, sizeof *places);
    if (places == NULL)
        return -1;
    free(table->places);
    table->places = places;
    table->place_count = capacity * 2;
    table->capacity = capacity;
    for (size_t i = 0; i < table->count; i++)
        *find_place(table, table->columns[i].name) = i + 1;
    return 0;
}

/* The column, made when it is new. NULL when memory is short. */
static struct table_column *find_column(struct table *table, const char *name)
{
    struct table_column column = {0};
    size_t *place;

    if (table->count == table->capacity && grow(table) != 0)
        return NULL;
    place = find_place(table, name);
    if (*place == 0) {
        column.name = strdup(name);
        if (column.name == NULL)
            return NULL;
        table->columns[table->count++] = column;
        *place = table->count;
    }
    return &table->columns[*place - 1];
}

/* --- Cells
 * -------------------------------------------------------------------------------------------------------------------------------- */

static void fill_up(struct table_column *column, int64_t rows)
{
    for (; column->count < rows; column->count++)
        hd_text_add_string(&column->cells, column->count > 0 ? ",null" : "null");
}

static void add_cell(struct table_column *column, int64_t row, const cJSON *value)
{
    fill_up(column, row);
    if (column->count++ > 0)
        hd_text_add_char(&column->cells, ',');
    hd_json_print(&column->cells, value, HD_JSON_COMPACT);
}

int table_add_row(struct table *table, const cJSON *row)
{
    for (const cJSON *cell = row->child; cell != NULL; cell = cell->next) {
        struct table_column *column = find_column(table, cell->string);

        if (column == NULL)
            return -1;
        add_cell(column, table->rows, cell);
    }
    table->rows++;
    return 0;
}

int table_add_rows(struct table *table, const cJSON *rows)
{
    int64_t end = table->rows;

    for (const cJSON *member = rows->child; member != NULL; member = member->next) {
        struct table_column *column = find_column(table, member->string);

        if (column == NULL)
            return -1;
        end = table->rows;
        for (const cJSON *cell = member->child; cell != NULL; cell = cell->next)
            add_cell(column, end++, cell);
    }
    table->rows = end;
    return 0;
}

void table_print(struct hd_text *text, struct table *table)
{
    hd_text_add_char(text, '{');
    for (size_t i = 0; i < table->count; i++) {
        struct table_column *column = &table->columns[i];

        if (i > 0)
            hd_text_add_char(text, ',');
        hd_json_print_string(text, column->name);
        hd_text_add_string(text, table->rows > 1 ? ":[" : ":");
        fill_up(column, table->rows);
        text->failed |= column->cells.failed;
        hd_text_add(text, column->cells.data != NULL ? column->cells.data : "", column->cells.length);
        if (table->rows > 1)
            hd_text_add_char(text, ']');
    }
    hd_text_add_char(text, '}');
}

void table_clear(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->columns[i].name);
        hd_text_clear(&table->columns[i].cells);
    }
    free(table->columns);
    free(table->places);
    *table = (struct table){0};
}
