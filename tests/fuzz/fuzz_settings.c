/* hyperdrived.conf. */
#include <unistd.h>

#include "fuzz.h"
#include "settings_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings = {0};
    struct hd_error error = {0};
    char path[64];
    bool found = false;
    int file = fuzz_file(data, size);

    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (settings_file_read(path, true, &settings, &found, &error) == 0)
        FUZZ_REQUIRE(found && error.code == HD_NO_ERROR);
    else
        FUZZ_REQUIRE(error.code == HD_INVALID && strncmp(error.message, path, strlen(path)) == 0);
    settings_clear(&settings);
    (void)close(file);
    return 0;
}
