/* A request's address: path and query. */
#include "core/utf8.h"
#include "fuzz.h"
#include "http/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *uri = fuzz_string(data, size);
    const char *end = uri + strlen(uri);
    struct http_target target = {0};
    struct hd_error error = {0};

    if (http_target_parse(&target, uri, &error) == 0) {
        FUZZ_REQUIRE(target.segment_count > 0);
        for (int i = 0; i < target.segment_count; i++)
            FUZZ_REQUIRE(target.segments[i] + strlen(target.segments[i]) <= end && hd_utf8_valid(target.segments[i]));
        for (int i = 0; i < target.parameter_count; i++) {
            const struct http_parameter *parameter = &target.parameters[i];
            FUZZ_REQUIRE(hd_utf8_valid(parameter->name) && *parameter->name != '\0');
            FUZZ_REQUIRE(parameter->value == NULL || hd_utf8_valid(parameter->value));
        }
    } else {
        FUZZ_REQUIRE(error.code != HD_NO_ERROR);
    }
    free(uri);
    return 0;
}
