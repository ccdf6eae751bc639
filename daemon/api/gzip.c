#include "gzip.h"

/* Level 1: of answers like ours it leaves 11 to 48 %, and the next levels take two to six times the time for a tenth of that. */
enum { LEVEL = 1, WINDOW_OF_GZIP = 15 + 16, MEMORY_LEVEL = 8, PIECE = 64 * 1024 };

static bool begin(struct gzip *gzip)
{
    if (!gzip->open)
        gzip->open = deflateInit2(&gzip->stream, LEVEL, Z_DEFLATED, WINDOW_OF_GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
    return gzip->open;
}

bool gzip_add(struct gzip *gzip, const char *bytes, size_t length, bool last, struct hd_text *out)
{
    char piece[PIECE];
    int result;

    /* Our pieces are megabytes; zlib counts them in 32 bits. */
    if (length > UINT32_MAX || !begin(gzip))
        return false;
    gzip->stream.next_in = (z_const Bytef *)bytes;
    gzip->stream.avail_in = (uInt)length;
    do {
        gzip->stream.next_out = (Bytef *)piece;
        gzip->stream.avail_out = PIECE;
        result = deflate(&gzip->stream, last ? Z_FINISH : Z_NO_FLUSH);
        if (result == Z_STREAM_ERROR)
            return false; /* UNTESTED: only for a stream that was spoilt */
        hd_text_add(out, piece, PIECE - gzip->stream.avail_out);
    } while (gzip->stream.avail_out == 0 && result != Z_STREAM_END);
    return !out->failed;
}

void gzip_close(struct gzip *gzip)
{
    if (gzip->open)
        (void)deflateEnd(&gzip->stream);
    gzip->open = false;
}
