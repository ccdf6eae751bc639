/* Points in time as text: microseconds since 1970 UTC <-> RFC 3339, `2025-02-07T06:39:33.034036Z`. */
#ifndef HD_CORE_INSTANT_H
#define HD_CORE_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

enum { HD_INSTANT_SIZE = 28 };

void hd_instant_text(int64_t at_us, char buffer[HD_INSTANT_SIZE]);
/* Takes what RFC 3339 allows (offsets, any number of decimals); false if it is none. */
bool hd_instant_parse(const char *text, int64_t *ret_at_us);

#endif
