/* RUN/launch.json, which the child could write too: what can be read is read the same when it was written again. */
#include "fuzz.h"
#include "launch/order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int folder = fuzz_folder_with(ORDER_FILE, data, size);
    struct order order = {0}, again = {0};

    if (order_read(folder, &order) != 0)
        return 0;
    FUZZ_REQUIRE(order_write(folder, &order) == 0 && order_read(folder, &again) == 0);
    FUZZ_REQUIRE(strcmp(order.run_id, again.run_id) == 0 && strcmp(order.working_directory, again.working_directory) == 0);
    FUZZ_REQUIRE(order.attempt == again.attempt && order.grace_us == again.grace_us);
    for (size_t i = 0; order.argv[i] != NULL; i++)
        FUZZ_REQUIRE(strcmp(order.argv[i], again.argv[i]) == 0);
    order_clear(&order);
    order_clear(&again);
    return 0;
}
