/* .amlignore: the first line is a path, what follows is the file. */
#include "fuzz.h"
#include "launch/ignore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_string(data, size);
    char *end = memchr(text, '\n', size);
    struct ignore *ignore;

    if (end != NULL) {
        *end = '\0';
        ignore = ignore_open(end + 1, size - (size_t)(end + 1 - text));
        FUZZ_REQUIRE(ignore != NULL);
        (void)ignore_matches(ignore, text, false);
        (void)ignore_matches(ignore, text, true);
        ignore_close(ignore);
    }
    free(text);
    return 0;
}
