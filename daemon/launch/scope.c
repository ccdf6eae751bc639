#include "scope.h"

#include <inttypes.h>

static int add_limits(struct hd_strings *arguments, const struct launch_limits *limits)
{
    struct hd_text memory = {0}, processes = {0}, cpus = {0};
    int result = 0;
    if (limits->memory > 0) {
        hd_text_format(&memory, "--property=MemoryMax=%" PRId64, limits->memory);
        result = hd_strings_add_text(arguments, &memory);
        if (result == 0)
            result = hd_strings_add(arguments, "--property=MemorySwapMax=0");
    }
    if (result == 0 && limits->processes > 0) {
        hd_text_format(&processes, "--property=TasksMax=%" PRId64, limits->processes + 1); /* and the monitor */
        result = hd_strings_add_text(arguments, &processes);
    }
    if (result == 0 && limits->cpus > 0) {
        hd_text_format(&cpus, "--property=CPUQuota=%.0f%%", limits->cpus * 100 < 1 ? 1 : limits->cpus * 100);
        result = hd_strings_add_text(arguments, &cpus);
    }
    return result;
}

void scope_name(struct hd_text *text, const char *run_id, int attempt)
{
    hd_text_format(text, "hyperdrive-%s.%d.scope", run_id, attempt);
}

int scope_arguments(const struct scope *scope, int attempt, struct hd_strings *ret_arguments)
{
    static const char *const fixed[] = {"--scope", "--quiet", "--collect", "--no-ask-password", "--property=Delegate=yes"};
    struct hd_text unit = {0};
    int result = hd_strings_add(ret_arguments, scope->program);
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed && result == 0; i++)
        result = hd_strings_add(ret_arguments, fixed[i]);
    if (result == 0 && scope->user)
        result = hd_strings_add(ret_arguments, "--user");
    if (result == 0) {
        hd_text_add_string(&unit, "--unit=");
        scope_name(&unit, scope->run_id, attempt);
        result = hd_strings_add_text(ret_arguments, &unit);
    }
    if (result == 0)
        result = add_limits(ret_arguments, &scope->limits);
    return result == 0 ? hd_strings_add(ret_arguments, "--") : result;
}
