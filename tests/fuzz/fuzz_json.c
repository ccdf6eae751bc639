/* The JSON scanner and printer: what is taken is printed as the same value, what is not is explained. */
#include "core/json.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_string(data, size);
    struct hd_problems problems = {0};
    cJSON *value = hd_json_parse(text, size, &problems);

    FUZZ_REQUIRE((value == NULL) == (problems.count > 0));
    for (enum hd_json_style style = HD_JSON_COMPACT; value != NULL && style <= HD_JSON_SPACED; style++) {
        struct hd_text printed = {0};
        char *excerpt = hd_json_excerpt(value);
        cJSON *again;

        hd_json_print(&printed, value, style);
        again = hd_json_parse_own(printed.data);
        FUZZ_REQUIRE(again != NULL && hd_json_equal(value, again) && excerpt != NULL);
        if (cJSON_IsObject(value) && style == HD_JSON_COMPACT) {
            size_t length = 0;
            const char *found = hd_json_find_own(printed.data, "name", &length);
            FUZZ_REQUIRE((found != NULL) == cJSON_HasObjectItem(value, "name") || cJSON_HasObjectItem(value, "name"));
        }
        cJSON_Delete(again);
        free(excerpt);
        hd_text_clear(&printed);
    }
    cJSON_Delete(value);
    hd_problems_clear(&problems);
    free(text);
    return 0;
}
