/* The gzip format, piece by piece. For pool threads: it computes. */
#ifndef HYPERDRIVED_API_GZIP_H
#define HYPERDRIVED_API_GZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <zlib.h>

#include "core/text.h"

/* A zeroed struct is a stream that has not begun. */
struct gzip {
    z_stream stream;
    bool open;
};

/* Appends what `bytes` become to `out`; with `last` the stream ends. False when memory is short. */
bool gzip_add(struct gzip *gzip, const char *bytes, size_t length, bool last, struct hd_text *out);
void gzip_close(struct gzip *gzip);

#endif
