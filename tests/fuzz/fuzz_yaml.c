/* Sweep files in YAML: what is read can be sent as JSON, what is not is explained with line and column. */
#include "client/yaml_json.h"
#include "client/yaml_place.h"
#include "core/json.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hd_error error = {0};
    cJSON *tree = yaml_json_parse((const char *)data, size, &error);

    if (tree != NULL) {
        struct hd_problems problems = {0};
        struct hd_text printed = {0};
        size_t line = 0, column = 0;
        cJSON *again;

        FUZZ_REQUIRE(!yaml_place((const char *)data, size, "trial.inputs.a[1]", &line, &column) || (line > 0 && column > 0));
        hd_json_print(&printed, tree, HD_JSON_COMPACT);
        again = hd_json_parse(printed.data, printed.length, &problems);
        FUZZ_REQUIRE(again != NULL && hd_json_equal(tree, again));
        if (cJSON_IsObject(again))
            fuzz_specification(again);
        cJSON_Delete(again);
        hd_text_clear(&printed);
        cJSON_Delete(tree);
    } else {
        FUZZ_REQUIRE(strncmp(error.message, "line ", 5) == 0);
    }
    return 0;
}
