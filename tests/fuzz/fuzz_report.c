/* Reports of metrics: bodies of POST /runs/{id}/metrics, and files in a run's spool. */
#include "core/json.h"
#include "fuzz.h"
#include "sweep/report_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct report_body report = {0};
    cJSON *body = hd_json_parse((const char *)data, size, &report.problems);

    if (cJSON_IsObject(body)) {
        report_body_read(&report, body);
        for (int64_t i = 0; hd_problems_none(&report.problems) && i < report.count; i++)
            FUZZ_REQUIRE(report.points[i].name != NULL && *report.points[i].name != '\0');
    }
    report_body_clear(&report);
    cJSON_Delete(body);
    return 0;
}
