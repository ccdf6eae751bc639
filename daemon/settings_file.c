/* hyperdrived.conf: lines `name = value`, comments on lines of their own, a value in double quotes if it needs blanks at its ends or a '#'.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings_row.h"

struct reader {
    int line; /* from 1 */
    struct settings *settings;
    struct hd_error *error;
};

static int out_of_memory(const struct reader *reader)
{
    return hd_error_set(reader->error, HD_UNAVAILABLE, "out of memory");
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    text[length] = '\0';
    return text;
}

static int unknown_name(const struct reader *reader, const char *name)
{
    const struct settings_row *nearest = settings_row_nearest(name);
    if (nearest != NULL)
        return hd_error_set(reader->error, HD_INVALID, "there is no setting '%.80s'; did you mean '%s'?", name, nearest->name);
    return hd_error_set(reader->error, HD_INVALID, "there is no setting '%.80s'; 'hyperdrived --help' lists them all", name);
}

/* Takes the quotes off. Points to what is between them in `ret_value`. */
static int unquote(const struct reader *reader, char *value, char **ret_value)
{
    size_t length = strlen(value);
    if (value[0] != '"') {
        if (value[0] == '#' || strstr(value, " #") != NULL || strstr(value, "\t#") != NULL)
            return hd_error_set(reader->error, HD_INVALID,
                                "a comment needs a line of its own; put the value in double quotes if the '#' belongs to it");
        *ret_value = value;
        return 0;
    }
    if (length < 2 || strchr(value + 1, '"') != value + length - 1)
        return hd_error_set(reader->error, HD_INVALID, "a value in double quotes must end with the second of them, got '%.80s'", value);
    value[length - 1] = '\0';
    *ret_value = value + 1;
    return 0;
}

static int take_setting(struct reader *reader, const char *name, const char *value)
{
    char subject[64];
    const struct settings_row *row = settings_row_find(name);
    if (row == NULL)
        return unknown_name(reader, name);
    int *line = &reader->settings->lines[row - settings_rows];
    if (*line != 0)
        return hd_error_set(reader->error, HD_INVALID, "'%s' is given twice; the first one is in line %d", name, *line);
    *line = reader->line;
    snprintf(subject, sizeof subject, "'%s'", name);
    return settings_value_set(row, subject, value, reader->settings, reader->error);
}

static int take_line(struct reader *reader, char *line, size_t length)
{
    if (strlen(line) != length)
        return hd_error_set(reader->error, HD_INVALID, "the line has a NUL byte in it; is this a text file?");
    char *text = trim(line);
    if (text[0] == '\0' || text[0] == '#' || text[0] == ';')
        return 0;
    if (text[0] == '[')
        return hd_error_set(reader->error, HD_INVALID, "there are no sections here; write lines 'name = value' without '%.80s'", text);
    char *equals = strchr(text, '=');
    if (equals == NULL || equals == text)
        return hd_error_set(reader->error, HD_INVALID, "a line must be 'name = value', got '%.80s'", text);
    *equals = '\0';
    char *value = NULL;
    int result = unquote(reader, trim(equals + 1), &value);
    return result != 0 ? result : take_setting(reader, trim(text), value);
}

static int take_lines(struct reader *reader, FILE *file)
{
    char *line = NULL;
    size_t capacity = 0;
    int result = 0;
    while (result == 0) {
        errno = 0;
        ssize_t length = getline(&line, &capacity, file);
        if (length < 0 && ferror(file))
            result = hd_error_system(reader->error, HD_INVALID, errno, "the configuration file cannot be read");
        else if (length < 0 && errno == ENOMEM)
            result = out_of_memory(reader);
        if (length < 0)
            break;
        reader->line++;
        result = take_line(reader, line, (size_t)length);
    }
    free(line);
    return result;
}

int settings_file_read(const char *path, bool must_exist, struct settings *settings, bool *ret_found, struct hd_error *error)
{
    struct reader reader = {.settings = settings, .error = error};
    FILE *file = fopen(path, "re");
    if (file == NULL && !must_exist && (errno == ENOENT || errno == ENOTDIR)) {
        *ret_found = false;
        return 0;
    }
    if (file == NULL)
        return hd_error_system(error, HD_INVALID, errno, "%s: the configuration file cannot be opened", path);
    int result = take_lines(&reader, file);
    (void)fclose(file);
    if (result != 0 && reader.line > 0)
        return hd_error_wrap(error, "%s:%d", path, reader.line);
    if (result != 0)
        return hd_error_wrap(error, "%s", path);
    *ret_found = true;
    return 0;
}
