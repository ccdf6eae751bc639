/* Tells a child which devices are its own: variables that the vendors' libraries and OpenMP obey.
 *
 * They are cooperation, not a fence: a program may change them. HIP reads CUDA_VISIBLE_DEVICES too, so a child with AMD GPUs must not have
 * that; and since HIP counts within what ROCR_VISIBLE_DEVICES leaves, only that one is set. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "devices.h"
#include "live.h"

static const char CUDA[] = "CUDA_VISIBLE_DEVICES=", ROCR[] = "ROCR_VISIBLE_DEVICES=", THREADS[] = "OMP_NUM_THREADS";
static const char *const NAMES[] = {"CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES",
                                    "GPU_DEVICE_ORDINAL"};

static void take_out(struct hd_strings *environment, const char *name)
{
    size_t length = strlen(name);
    int count = 0;

    for (int i = 0; i < environment->count; i++) {
        char *variable = environment->list[i];

        if (strncmp(variable, name, length) == 0 && variable[length] == '=')
            free(variable);
        else
            environment->list[count++] = variable;
    }
    if (environment->list != NULL)
        environment->list[count] = NULL;
    environment->count = count;
}

/* NAME=A,B: the grant's GPUs of one vendor. */
static int add_gpus(struct hd_strings *environment, const char *variable, const struct grant *grant, enum gpu_vendor vendor)
{
    struct hd_text text = {0};
    bool first = true;

    hd_text_add_string(&text, variable);
    for (int i = 1; grant != NULL && i < grant->count; i++) {
        const struct gpu *gpu = &grant->holdings[i].device->gpu;

        if (gpu->vendor != vendor)
            continue;
        hd_text_format(&text, "%s%s", first ? "" : ",", gpu->visible);
        first = false;
    }
    return hd_strings_add_text(environment, &text);
}

static int add_threads(const struct live_run *run, struct hd_strings *environment)
{
    const struct hd_run_config *config = &run->sweep->specification.run;
    struct hd_text text = {0};

    if (cJSON_GetObjectItemCaseSensitive(config->environment, THREADS) != NULL)
        return 0; /* the sweep knows better */
    take_out(environment, THREADS);
    hd_text_format(&text, "%s=%.0f", THREADS, config->cpus_per_run >= 1 ? floor(config->cpus_per_run) : 1);
    return hd_strings_add_text(environment, &text);
}

int device_variables(const struct live_run *run, struct hd_strings *environment)
{
    const struct grant *grant = run->grant;
    bool amd = grant != NULL && grant->count > 1 && grant->holdings[1].device->gpu.vendor == GPU_AMD;
    int result = 0;

    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        take_out(environment, NAMES[i]);
    if (!amd) {
        result = add_gpus(environment, CUDA, grant, GPU_NVIDIA);
        if (result == 0)
            result = hd_strings_add(environment, "CUDA_DEVICE_ORDER=PCI_BUS_ID");
    }
    if (result == 0)
        result = add_gpus(environment, ROCR, grant, GPU_AMD);
    return result == 0 ? add_threads(run, environment) : result;
}
