/* Bodies of POST /sweeps: sweeps in our own fields, and jobs of Azure ML v2. */
#include "core/json.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hd_problems problems = {0};
    cJSON *body = hd_json_parse((const char *)data, size, &problems);

    if (cJSON_IsObject(body))
        fuzz_specification(body);
    cJSON_Delete(body);
    hd_problems_clear(&problems);
    return 0;
}
