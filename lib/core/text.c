#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

/* Makes room for `more` bytes and a NUL. */
static bool reserve(struct hd_text *text, size_t more)
{
    if (text->failed)
        return false;
    if (more < text->capacity - text->length)
        return true;
    if (more >= SIZE_MAX / 2 - text->length) {
        text->failed = true;
        return false;
    }
    size_t capacity = text->capacity == 0 ? FIRST_CAPACITY : text->capacity;
    while (capacity <= text->length + more)
        capacity *= 2;
    char *data = realloc(text->data, capacity);
    if (data == NULL) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void hd_text_add(struct hd_text *text, const char *bytes, size_t length)
{
    if (!reserve(text, length))
        return;
    if (length > 0)
        memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void hd_text_add_string(struct hd_text *text, const char *string)
{
    hd_text_add(text, string, strlen(string));
}

void hd_text_add_char(struct hd_text *text, char character)
{
    hd_text_add(text, &character, 1);
}

void hd_text_format(struct hd_text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    char small[256];
    int length = vsnprintf(small, sizeof small, format, arguments);
    if (length < 0)
        text->failed = true;
    else if ((size_t)length < sizeof small)
        hd_text_add(text, small, (size_t)length);
    else if (reserve(text, (size_t)length)) {
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
    va_end(arguments);
}

char *hd_text_take(struct hd_text *text)
{
    reserve(text, 0);
    if (text->failed) {
        hd_text_clear(text);
        return NULL;
    }
    char *data = text->data;
    data[text->length] = '\0';
    *text = (struct hd_text){0};
    return data;
}

void hd_text_clear(struct hd_text *text)
{
    free(text->data);
    *text = (struct hd_text){0};
}
