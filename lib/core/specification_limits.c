#include "specification_parts.h"

/* What a child may use at most: run_config.memory_limit_mb, process_limit, cpu_limit. */

void hd_read_limit(const struct hd_fields *fields, const struct hd_field *field)
{
    const struct hd_machine *machine = ((const struct hd_reading *)fields->context)->options->machine;
    const cJSON *limit = hd_field_read(fields, field);

    if (limit == NULL || cJSON_IsFalse(limit) || hd_run_is_client(fields)) {
        return;
    }
    if (machine != NULL && machine->no_limits != NULL) {
        hd_fields_problem(fields, fields->errors, "Unsupported", field->name, ": children cannot be held to limits here, since %s",
                          machine->no_limits);
    }
}

void hd_read_cpu_limit(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *cpus = cJSON_GetObjectItemCaseSensitive(fields->output, "cpus_per_run");

    hd_read_limit(fields, field);
    if (cJSON_IsTrue(hd_field_given(fields, field)) && cJSON_IsNumber(cpus) && cpus->valuedouble == 0) {
        hd_fields_problem(fields, fields->errors, "Conflict", field->name, " holds a child to 'run_config.cpus_per_run', which is 0");
    }
}
