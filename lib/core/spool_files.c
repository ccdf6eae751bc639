#include "spool_files.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char ENDING[] = ".json";

/* A decimal number without zeros in front, so that a report has one name. */
static bool read_sequence(const char *digits, size_t length, int64_t *ret_sequence)
{
    int64_t sequence = 0;

    if (length == 0 || (digits[0] == '0' && length > 1))
        return false;
    for (size_t i = 0; i < length; i++)
        if (digits[i] < '0' || digits[i] > '9' || __builtin_mul_overflow(sequence, 10, &sequence) ||
            __builtin_add_overflow(sequence, digits[i] - '0', &sequence))
            return false;
    *ret_sequence = sequence;
    return true;
}

static bool read_name(const char *name, struct hd_spool_file *ret_file)
{
    size_t length = strlen(name), reporter_length = strcspn(name, "."), ending = sizeof ENDING - 1;

    if (reporter_length == 0 || length <= reporter_length + ending || strcmp(name + length - ending, ENDING) != 0)
        return false;
    ret_file->reporter_length = reporter_length;
    return read_sequence(name + reporter_length + 1, length - ending - reporter_length - 1, &ret_file->sequence);
}

static int make_room(struct hd_spool_files *files)
{
    size_t capacity = files->capacity == 0 ? 16 : 2 * files->capacity;
    struct hd_spool_file *list;

    if (files->count < files->capacity)
        return 0;
    list = reallocarray(files->list, capacity, sizeof *list);
    if (list == NULL)
        return -1;
    files->list = list;
    files->capacity = capacity;
    return 0;
}

int hd_spool_files_add(struct hd_spool_files *files, const char *name, int64_t kept_ns)
{
    struct hd_spool_file file = {.kept_ns = kept_ns};

    if (!read_name(name, &file))
        return 0;
    file.name = strdup(name);
    if (file.name == NULL || make_room(files) != 0) {
        free(file.name);
        return -1;
    }
    files->list[files->count++] = file;
    return 0;
}

static int compare_reporters(const struct hd_spool_file *a, const struct hd_spool_file *b)
{
    size_t shorter = a->reporter_length < b->reporter_length ? a->reporter_length : b->reporter_length;
    int order = memcmp(a->name, b->name, shorter);

    return order != 0 ? order : (a->reporter_length > b->reporter_length) - (a->reporter_length < b->reporter_length);
}

static int by_reporter(const void *first, const void *second)
{
    const struct hd_spool_file *a = first, *b = second;
    int order = compare_reporters(a, b);

    return order != 0 ? order : (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

static int by_time(const void *first, const void *second)
{
    const struct hd_spool_file *a = first, *b = second;

    return a->kept_ns != b->kept_ns ? (a->kept_ns > b->kept_ns) - (a->kept_ns < b->kept_ns) : by_reporter(a, b);
}

void hd_spool_files_order(struct hd_spool_files *files)
{
    if (files->count < 2)
        return;
    qsort(files->list, files->count, sizeof *files->list, by_reporter);
    for (size_t i = 1; i < files->count; i++) {
        const struct hd_spool_file *before = &files->list[i - 1];

        if (compare_reporters(before, &files->list[i]) == 0 && files->list[i].kept_ns < before->kept_ns)
            files->list[i].kept_ns = before->kept_ns;
    }
    qsort(files->list, files->count, sizeof *files->list, by_time);
}

void hd_spool_files_clear(struct hd_spool_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->list[i].name);
    free(files->list);
    *files = (struct hd_spool_files){0};
}
