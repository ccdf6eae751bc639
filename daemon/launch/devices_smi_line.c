/* A line that nvidia-smi has printed -> what it says of a GPU. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices_parts.h"

/* Splits "index, uuid, name, memory, pci"; a name may have commas of its own. */
static bool split(char *line, char *ret_fields[5])
{
    char *first = strchr(line, ','), *second = first != NULL ? strchr(first + 1, ',') : NULL, *last, *before;

    if (second == NULL)
        return false;
    last = strrchr(second + 1, ',');
    if (last == NULL)
        return false;
    *last = '\0';
    before = strrchr(second + 1, ',');
    if (before == NULL)
        return false;
    *first = *second = *before = '\0';
    ret_fields[0] = line;
    ret_fields[1] = first + 1;
    ret_fields[2] = second + 1;
    ret_fields[3] = before + 1;
    ret_fields[4] = last + 1;
    for (int i = 0; i < 5; i++)
        ret_fields[i] += strspn(ret_fields[i], " \t");
    return true;
}

bool devices_smi_line(char *line, struct gpu *ret_gpu)
{
    struct gpu gpu = {.vendor = GPU_NVIDIA};
    char *fields[5], *end;
    long long mebibytes;

    line[strcspn(line, "\r")] = '\0';
    if (!split(line, fields) || !devices_pci(fields[4], gpu.pci) || !devices_is_uuid(fields[1]))
        return false;
    snprintf(gpu.uuid, sizeof gpu.uuid, "%s", fields[1]);
    devices_copy_printable(gpu.name, sizeof gpu.name, fields[2], strlen(fields[2]));
    mebibytes = strtoll(fields[3], &end, 10);
    if (end != fields[3] && mebibytes > 0 && mebibytes < INT64_C(1) << 40)
        gpu.memory = mebibytes << 20;
    *ret_gpu = gpu;
    return true;
}
