/* Names of files in a run's spool, which the child has given. Each line is one: a byte for the time at which it was written, and the name.
 */
#include <stdbool.h>

#include "core/spool_files.h"
#include "core/text.h"
#include "fuzz.h"

enum { FILES_MAX = 100 };

static bool is_there(const struct hd_spool_files *files, const char *name)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->list[i].name, name) == 0)
            return true;
    return false;
}

/* A name that is a report's is made of what was read from it. */
static void require_whole(const struct hd_spool_file *file)
{
    struct hd_text name = {0};

    hd_text_format(&name, "%.*s.%lld.json", (int)file->reporter_length, file->name, (long long)file->sequence);
    FUZZ_REQUIRE(!name.failed && strcmp(name.data, file->name) == 0 && file->sequence >= 0 && file->reporter_length > 0);
    hd_text_clear(&name);
}

static void read_lines(char *text, struct hd_spool_files *files)
{
    char *rest = NULL;

    for (char *line = strtok_r(text, "\n", &rest); line != NULL && files->count < FILES_MAX; line = strtok_r(NULL, "\n", &rest)) {
        size_t count = files->count;

        if (is_there(files, line + 1))
            continue; /* no folder has a name twice */
        FUZZ_REQUIRE(hd_spool_files_add(files, line + 1, (int8_t)line[0]) == 0);
        if (files->count > count)
            require_whole(&files->list[count]);
    }
}

static bool is_same_reporter(const struct hd_spool_file *a, const struct hd_spool_file *b)
{
    return a->reporter_length == b->reporter_length && memcmp(a->name, b->name, a->reporter_length) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_string(data, size);
    struct hd_spool_files files = {0}, reversed = {0};

    read_lines(text, &files);
    for (size_t i = files.count; i > 0; i--)
        FUZZ_REQUIRE(hd_spool_files_add(&reversed, files.list[i - 1].name, files.list[i - 1].kept_ns) == 0);
    hd_spool_files_order(&files);
    hd_spool_files_order(&reversed);
    FUZZ_REQUIRE(files.count == reversed.count);
    for (size_t i = 0; i < files.count; i++) {
        FUZZ_REQUIRE(strcmp(files.list[i].name, reversed.list[i].name) == 0);
        FUZZ_REQUIRE(i == 0 || files.list[i - 1].kept_ns <= files.list[i].kept_ns);
        for (size_t j = 0; j < i; j++)
            FUZZ_REQUIRE(!is_same_reporter(&files.list[j], &files.list[i]) || files.list[j].sequence < files.list[i].sequence);
    }
    hd_spool_files_clear(&files);
    hd_spool_files_clear(&reversed);
    free(text);
    return 0;
}
