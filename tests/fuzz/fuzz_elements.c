/* Long answers as the command reads them: how the bytes come makes no difference. */
#include "client/elements.h"
#include "core/json.h"
#include "fuzz.h"

static bool take(void *data, const cJSON *element)
{
    if (element->string != NULL)
        hd_text_add_string(data, element->string);
    hd_json_print(data, element, HD_JSON_COMPACT);
    return true;
}

/* Feeds in pieces of `step` bytes. */
static bool read_answer(const char *bytes, size_t size, size_t step, struct hd_text *ret_elements)
{
    struct elements elements;
    bool good = true;

    elements_open(&elements, "metrics", take, ret_elements);
    elements.split = "[";
    for (size_t at = 0; good && at < size; at += step)
        good = elements_feed(&elements, bytes + at, size - at < step ? size - at : step);
    elements_close(&elements);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hd_text whole = {0}, pieces = {0};

    FUZZ_REQUIRE(read_answer((const char *)data, size, size + 1, &whole) == read_answer((const char *)data, size, 1, &pieces));
    FUZZ_REQUIRE(whole.length == pieces.length && (whole.length == 0 || memcmp(whole.data, pieces.data, whole.length) == 0));
    hd_text_clear(&whole);
    hd_text_clear(&pieces);
    return 0;
}
