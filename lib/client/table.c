#include "table.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

static const char gap[] = "  ";

static bool speaks_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* The next character as it may be shown: its bytes, and the columns it takes. */
static size_t show(const char *text, const char **ret_bytes, size_t *ret_length, int *ret_width)
{
    uint32_t character = 0;
    size_t length = utf8_decode(text, strlen(text), &character);

    *ret_bytes = text;
    *ret_length = length;
    *ret_width = length == 0 ? 1 : utf8_width(character);
    if (length == 0 || character < 0x20 || (character >= 0x7F && character < 0xA0)) {
        *ret_bytes = character == '\n' || character == '\t' ? " " : "?";
        *ret_length = 1;
        *ret_width = 1;
    }
    return length == 0 ? 1 : length;
}

static int text_width(const char *text)
{
    int width = 0;

    while (*text != '\0') {
        const char *bytes;
        size_t length;
        int columns;

        text += show(text, &bytes, &length, &columns);
        width += columns;
    }
    return width;
}

int table_add_clean(struct hd_text *out, const char *text, int width)
{
    bool cut = width > 0 && text_width(text) > width;
    const char *mark = speaks_utf8() ? "\xE2\x80\xA6" : ">";
    int taken = 0;

    while (*text != '\0') {
        const char *bytes;
        size_t length;
        int columns;

        text += show(text, &bytes, &length, &columns);
        if (cut && taken + columns > width - 1) {
            hd_text_add_string(out, mark);
            return taken + 1;
        }
        hd_text_add(out, bytes, length);
        taken += columns;
    }
    return taken;
}

void table_open(struct table *table, FILE *out, int width, bool colour, const struct table_column *columns, int count)
{
    *table = (struct table){.out = out, .width = width, .colour = colour};
    table->columns = count < TABLE_COLUMNS ? count : TABLE_COLUMNS;
    for (int i = 0; i < table->columns; i++) {
        table->column[i] = columns[i];
        table->widest[i] = text_width(columns[i].title);
    }
    table->cells = calloc((size_t)table->columns * TABLE_ROWS_HELD, sizeof(*table->cells));
    table->failed = table->cells == NULL;
}

/* Makes the widest columns narrower until a line fits, as far as that goes. */
static void fit(const struct table *table, int widths[TABLE_COLUMNS])
{
    int total = (table->columns - 1) * (int)(sizeof(gap) - 1);

    memcpy(widths, table->widest, sizeof(table->widest));
    for (int i = 0; i < table->columns; i++) {
        total += widths[i];
    }
    while (table->width > 0 && total > table->width) {
        int widest = -1;

        for (int i = 0; i < table->columns; i++) {
            bool may = !table->column[i].whole && !table->column[i].number && widths[i] > TABLE_TEXT_LEAST;

            if (may && (widest < 0 || widths[i] > widths[widest])) {
                widest = i;
            }
        }
        if (widest < 0) {
            return;
        }
        widths[widest]--;
        total--;
    }
}

static void pad(struct hd_text *line, int count)
{
    for (int i = 0; i < count; i++) {
        hd_text_add_char(line, ' ');
    }
}

static void add_cell(const struct table *table, struct hd_text *line, int column, int width, const struct table_cell *cell)
{
    static const char *const colours[] = {"", "\033[32m", "\033[31m", "\033[36m", "\033[2m"};
    bool last = column == table->columns - 1;
    struct hd_text shown = {0};
    int taken = table_add_clean(&shown, cell->text != NULL ? cell->text : "", table->column[column].whole ? 0 : width);

    if (table->column[column].number) {
        pad(line, width - taken);
    }
    if (table->colour && cell->style != TABLE_PLAIN) {
        hd_text_add_string(line, colours[cell->style]);
    }
    hd_text_add(line, shown.data != NULL ? shown.data : "", shown.length);
    if (table->colour && cell->style != TABLE_PLAIN) {
        hd_text_add_string(line, "\033[0m");
    }
    if (!table->column[column].number && !last) {
        pad(line, width - taken);
    }
    line->failed = line->failed || shown.failed;
    hd_text_clear(&shown);
}

static void print_row(struct table *table, const int widths[TABLE_COLUMNS], const struct table_cell *cells)
{
    struct hd_text line = {0};

    for (int i = 0; i < table->columns; i++) {
        if (i > 0) {
            hd_text_add_string(&line, gap);
        }
        add_cell(table, &line, i, widths[i], &cells[i]);
    }
    table->failed = table->failed || line.failed;
    if (line.data != NULL) {
        while (line.length > 0 && line.data[line.length - 1] == ' ') {
            line.data[--line.length] = '\0';
        }
        fprintf(table->out, "%s\n", line.data);
    }
    hd_text_clear(&line);
}

static void print_held(struct table *table)
{
    int widths[TABLE_COLUMNS];

    fit(table, widths);
    if (!table->headed) {
        struct table_cell head[TABLE_COLUMNS];

        for (int i = 0; i < table->columns; i++) {
            head[i] = (struct table_cell){(char *)(uintptr_t)table->column[i].title, TABLE_DIM}; /* only read */
        }
        print_row(table, widths, head);
        table->headed = true;
    }
    for (int i = 0; i + table->columns <= table->filled; i += table->columns) {
        print_row(table, widths, &table->cells[i]);
    }
    for (int i = 0; i < table->filled; i++) {
        free(table->cells[i].text);
        table->cells[i] = (struct table_cell){0};
    }
    table->filled = 0;
}

void table_add(struct table *table, enum table_style style, const char *text)
{
    int column = table->filled % table->columns;
    char *copy;
    int width;

    if (table->cells == NULL) {
        return;
    }
    if (column == 0 && table->filled == table->columns * TABLE_ROWS_HELD) {
        print_held(table);
    }
    copy = text != NULL ? strdup(text) : NULL;
    table->failed = table->failed || (text != NULL && copy == NULL);
    width = copy != NULL ? text_width(copy) : 0;
    if (width > table->widest[column]) {
        table->widest[column] = width;
    }
    table->cells[table->filled++] = (struct table_cell){copy, style};
}

void table_format(struct table *table, enum table_style style, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        table->failed = true;
        text = NULL;
    }
    table_add(table, style, text);
    free(text);
}

bool table_close(struct table *table)
{
    if (table->cells != NULL) {
        print_held(table);
    }
    free(table->cells);
    table->cells = NULL;
    return !table->failed;
}
