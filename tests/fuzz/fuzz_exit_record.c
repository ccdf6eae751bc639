/* RUN/exit.1, which the child could write too: what can be read is read the same when it was written again. */
#include <fcntl.h>
#include <unistd.h>

#include "fuzz.h"
#include "launch/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int folder = fuzz_folder_with("exit.1", data, size), file;
    struct record record, again;

    if (record_read(folder, 1, &record) != 0)
        return 0;
    file = openat(folder, "exit.1", O_WRONLY | O_CLOEXEC);
    FUZZ_REQUIRE(record_write(folder, 1, file, &record) == 0 && record_read(folder, 1, &again) == 0);
    FUZZ_REQUIRE(record.kind == again.kind && record.exit_code == again.exit_code && record.signal == again.signal);
    FUZZ_REQUIRE(record.started_us == again.started_us && record.ended_us == again.ended_us);
    FUZZ_REQUIRE(strcmp(record.reason, again.reason) == 0);
    (void)close(file);
    return 0;
}
