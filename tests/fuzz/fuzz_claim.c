/* RUN/started.1, which the child could write too. */
#include "fuzz.h"
#include "launch/started.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct started started;

    if (started_read(fuzz_folder_with("started.1", data, size), 1, &started) == 0)
        FUZZ_REQUIRE(strlen(started.monitor.boot_id) < sizeof started.monitor.boot_id);
    return 0;
}
