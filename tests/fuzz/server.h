/* A HTTP server without a port, on this thread, for a harness that plays its clients. */
#ifndef HD_TEST_FUZZ_SERVER_H
#define HD_TEST_FUZZ_SERVER_H

#include "fuzz.h"

/* Connects, sends these bytes and nothing more, and goes on until the server has nothing more to say. Gives the status of the first answer;
 * 0: there was none. */
int fuzz_server_ask(const uint8_t *bytes, size_t size);

#endif
