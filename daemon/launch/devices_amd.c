/* AMD GPUs, from the topology of the kernel's compute driver (KFD), in whose order ROCR_VISIBLE_DEVICES counts. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "devices_parts.h"

static const char NODES[] = "/sys/class/kfd/kfd/topology/nodes";

enum { NODES_MAX = 512, BANKS_MAX = 64, HEAP_PUBLIC = 1, HEAP_PRIVATE = 2 };

/* Memory on the card, as the node's banks tell. */
static uint64_t bank_memory(const char *root, const char *node)
{
    char path[PATH_MAX], text[DEVICES_FILE_SIZE], names[BANKS_MAX][DEVICES_NAME_SIZE];
    uint64_t memory = 0;
    int count;

    devices_path(path, "%s/%s/mem_banks", NODES, node);
    count = devices_list(root, path, names, BANKS_MAX);
    for (int i = 0; i < count; i++) {
        uint64_t heap;

        devices_path(path, "%s/%s/mem_banks/%s/properties", NODES, node, names[i]);
        if (!devices_read(root, path, text))
            continue;
        heap = devices_number(text, "heap_type", ' ');
        if (heap == HEAP_PUBLIC || heap == HEAP_PRIVATE)
            memory += devices_number(text, "size_in_bytes", ' ');
    }
    return memory;
}

/* A file of the card's graphics device; its first line. */
static bool read_graphics(const char *root, uint64_t minor, const char *name, char *ret_line, size_t size)
{
    char path[PATH_MAX], text[DEVICES_FILE_SIZE];

    devices_path(path, "/sys/class/drm/renderD%" PRIu64 "/device/%s", minor, name);
    if (minor == 0 || !devices_read(root, path, text))
        return false;
    devices_copy_printable(ret_line, size, text, strcspn(text, "\n"));
    return ret_line[0] != '\0';
}

static void read_name(const char *root, const char *node, uint64_t minor, struct gpu *gpu)
{
    char path[PATH_MAX], text[DEVICES_FILE_SIZE];

    if (read_graphics(root, minor, "product_name", gpu->name, sizeof gpu->name))
        return;
    devices_path(path, "%s/%s/name", NODES, node);
    if (devices_read(root, path, text))
        devices_copy_printable(gpu->name, sizeof gpu->name, text, strcspn(text, "\n"));
    if (gpu->name[0] == '\0')
        snprintf(gpu->name, sizeof gpu->name, "AMD GPU");
}

static void read_memory(const char *root, const char *node, uint64_t minor, struct gpu *gpu)
{
    char line[32], text[64];
    uint64_t memory = 0;

    if (read_graphics(root, minor, "mem_info_vram_total", line, sizeof line)) {
        snprintf(text, sizeof text, "total %s", line);
        memory = devices_number(text, "total", ' ');
    }
    if (memory == 0)
        memory = bank_memory(root, node);
    gpu->memory = memory <= INT64_MAX ? (int64_t)memory : 0;
}

/* False for a node that is no GPU, or that this process may not use. */
static bool read_node(const char *root, const char *node, struct gpu *gpu)
{
    char path[PATH_MAX], text[DEVICES_FILE_SIZE];
    uint64_t unique, location, minor;

    if (node[strspn(node, "0123456789")] != '\0')
        return false;
    devices_path(path, "%s/%s/gpu_id", NODES, node);
    if (devices_read(root, path, text) && strspn(text, "0 \n") == strlen(text))
        return false;
    devices_path(path, "%s/%s/properties", NODES, node);
    if (!devices_read(root, path, text) || devices_number(text, "simd_count", ' ') == 0)
        return false;
    *gpu = (struct gpu){.vendor = GPU_AMD};
    unique = devices_number(text, "unique_id", ' ');
    location = devices_number(text, "location_id", ' ');
    minor = devices_number(text, "drm_render_minor", ' ');
    if (unique != 0)
        snprintf(gpu->uuid, sizeof gpu->uuid, "GPU-%016" PRIx64, unique);
    if (location != 0)
        snprintf(gpu->pci, sizeof gpu->pci, "%04" PRIx64 ":%02" PRIx64 ":%02" PRIx64 ".%" PRIx64,
                 devices_number(text, "domain", ' ') & 0xffffffff, location >> 8 & 0xff, location >> 3 & 0x1f, location & 7);
    read_name(root, node, minor, gpu);
    read_memory(root, node, minor, gpu);
    return true;
}

static void name_gpu(struct gpu *gpu, const char *node, bool by_uuid)
{
    if (gpu->uuid[0] != '\0')
        snprintf(gpu->id, sizeof gpu->id, "%s", gpu->uuid);
    else if (gpu->pci[0] != '\0')
        snprintf(gpu->id, sizeof gpu->id, "amd-%s", gpu->pci);
    else
        snprintf(gpu->id, sizeof gpu->id, "amd-node%.60s", node);
    if (by_uuid)
        snprintf(gpu->visible, sizeof gpu->visible, "%s", gpu->uuid);
    else
        snprintf(gpu->visible, sizeof gpu->visible, "%d", gpu->index);
}

void devices_find_amd(const struct devices_settings *settings, struct devices_found *found)
{
    char names[NODES_MAX][DEVICES_NAME_SIZE], nodes[DEVICES_MAX][DEVICES_NAME_SIZE];
    struct gpu *gpus = &found->gpus[found->count];
    int listed = devices_list(settings->root, NODES, names, NODES_MAX), count = 0;
    bool by_uuid = true;

    for (int i = 0; i < listed && found->count + count < DEVICES_MAX; i++)
        if (read_node(settings->root, names[i], &gpus[count])) {
            gpus[count].index = count;
            by_uuid = by_uuid && gpus[count].uuid[0] != '\0';
            memcpy(nodes[count++], names[i], DEVICES_NAME_SIZE);
        }
    for (int i = 0; i < count; i++)
        name_gpu(&gpus[i], nodes[i], by_uuid);
    found->count += count;
}
