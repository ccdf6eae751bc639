#include <string.h>

#include "specification_parts.h"

/* Fields of a ScriptRunConfig that ask for what a cluster has and the daemon's machine has not. */

static const struct {
    const char *name, *instead;
} only_there[] = {
    {"environment", "an environment is not supported here; leave it out, install what the program needs on the daemon's machine, and name "
                    "another Python in 'run_config.interpreter'"},
    {"docker_runtime_config",
     "a container is not supported here; leave it out, and install what the program needs on the daemon's machine"},
    {"distributed_job_config", "a distributed run is not supported here; leave it out, and start the launcher in 'run_config.command'"},
    {"resume_from", "an earlier run is not continued by this field here; give 'resume_child_runs' of the sweep"},
};

void hd_read_only_there(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *given = hd_field_given(fields, field);

    if (given == NULL || (cJSON_IsObject(given) && given->child == NULL)) {
        return;
    }
    for (size_t i = 0; i < sizeof only_there / sizeof only_there[0]; i++) {
        if (strcmp(field->name, only_there[i].name) == 0) {
            hd_fields_problem(fields, fields->errors, "Unsupported", field->name, ": %s", only_there[i].instead);
        }
    }
}
