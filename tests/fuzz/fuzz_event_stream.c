/* Server-Sent Events as the command reads them: how the bytes come makes no difference. */
#include "client/event_stream.h"
#include "fuzz.h"

static bool take(void *context, const char *kind, const char *data)
{
    hd_text_format(context, "%s|%s\n", kind, data);
    return strcmp(kind, "stop") != 0;
}

/* Feeds in pieces of `step` bytes. */
static void read_stream(const char *bytes, size_t size, size_t step, struct hd_text *ret_events)
{
    struct event_stream stream;

    event_stream_open(&stream, take, ret_events);
    for (size_t at = 0; at < size; at += step)
        if (!event_stream_feed(&stream, bytes + at, size - at < step ? size - at : step))
            break;
    FUZZ_REQUIRE(!stream.failed);
    hd_text_format(ret_events, "id %s", stream.last_id);
    event_stream_close(&stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hd_text whole = {0}, pieces = {0};

    read_stream((const char *)data, size, size + 1, &whole);
    read_stream((const char *)data, size, 1, &pieces);
    FUZZ_REQUIRE(strcmp(whole.data, pieces.data) == 0);
    hd_text_clear(&whole);
    hd_text_clear(&pieces);
    return 0;
}
