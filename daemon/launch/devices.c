#include "devices.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "devices_parts.h"

static const char *const VENDORS[] = {[GPU_NVIDIA] = "nvidia", [GPU_AMD] = "amd"};

const char *gpu_vendor_name(enum gpu_vendor vendor)
{
    return VENDORS[vendor];
}

bool gpu_vendor_parse(const char *name, enum gpu_vendor *ret_vendor)
{
    for (size_t i = 0; name != NULL && i < sizeof VENDORS / sizeof VENDORS[0]; i++)
        if (strcmp(VENDORS[i], name) == 0) {
            *ret_vendor = (enum gpu_vendor)i;
            return true;
        }
    return false;
}

void devices_note(struct devices_found *found, const char *format, ...)
{
    char sentence[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    (void)hd_strings_add(&found->notes, sentence); /* a note less, when memory is short */
}

void devices_find(const struct devices_settings *settings, const atomic_bool *stop, struct devices_found *ret_found)
{
    *ret_found = (struct devices_found){.count = 0};
    if (strcasecmp(settings->gpus, "none") == 0)
        return;
    devices_find_nvidia(settings, stop, ret_found);
    devices_find_amd(settings, ret_found);
    devices_choose(settings, ret_found);
}

void devices_found_clear(struct devices_found *found)
{
    hd_strings_clear(&found->notes);
}

/* The kernel wants a set at least as large as its own, which may be larger than the usual one. */
int64_t devices_cpus(void)
{
    for (size_t size = sizeof(cpu_set_t); size <= 64 * sizeof(cpu_set_t); size *= 2) {
        cpu_set_t *processors = CPU_ALLOC(size * 8);
        int count = 0;

        if (processors == NULL)
            break;
        if (sched_getaffinity(0, size, processors) == 0)
            count = CPU_COUNT_S(size, processors);
        CPU_FREE(processors);
        if (count > 0)
            return count;
        if (errno != EINVAL)
            break;
    }
    return 1;
}
