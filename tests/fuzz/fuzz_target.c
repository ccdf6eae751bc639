/* A request's address: path and query. */
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
            FUZZ_REQUIRE(target.segments[i] + strlen(target.segments[i]) <= end && http_target_is_utf8(target.segments[i]));
        for (int i = 0; i < target.parameter_count; i++) {
            const struct http_parameter *parameter = &target.parameters[i];
            FUZZ_REQUIRE(http_target_is_utf8(parameter->name) && *parameter->name != '\0');
            FUZZ_REQUIRE(parameter->value == NULL || http_target_is_utf8(parameter->value));
        }
    } else {
        FUZZ_REQUIRE(error.code != HD_NO_ERROR);
    }
    free(uri);
    return 0;
}
