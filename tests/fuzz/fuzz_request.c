/* Whole requests, byte for byte: request line, header fields, body, and several in a row. No input is the server's fault. */
#include "server.h"

enum { REQUEST_MAX = 100000 }; /* what the socket takes at once */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int status = size <= REQUEST_MAX ? fuzz_server_ask(data, size) : 0;

    FUZZ_REQUIRE(status == 0 || (status >= 100 && status < 500) || status == 501 || status == 505);
    return 0;
}
