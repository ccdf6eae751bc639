/* NVIDIA GPUs: the driver's files, else nvidia-smi, else the list of PCI devices. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devices_parts.h"

static const char GPUS[] = "/proc/driver/nvidia/gpus";
static const char PCI_DEVICES[] = "/sys/bus/pci/devices";

enum { PCI_MAX = 4096 };

/* What is known of one GPU on the way. */
struct card {
    struct gpu gpu;
    uint64_t minor;
    bool excluded; /* by the driver's own settings: it does not count */
};

struct cards {
    struct card list[DEVICES_MAX];
    int count;
};

static struct card *find(struct cards *cards, const char *pci)
{
    for (int i = 0; i < cards->count; i++)
        if (strcmp(cards->list[i].gpu.pci, pci) == 0)
            return &cards->list[i];
    return NULL;
}

/* The card at this address, made if it is new; NULL when there are too many. */
static struct card *add(struct cards *cards, const char *pci)
{
    struct card *card = find(cards, pci);

    if (card != NULL || cards->count == DEVICES_MAX)
        return card;
    card = &cards->list[cards->count++];
    *card = (struct card){.gpu = {.vendor = GPU_NVIDIA, .name = "NVIDIA GPU"}};
    snprintf(card->gpu.pci, sizeof card->gpu.pci, "%s", pci);
    return card;
}

/* --- /proc/driver/nvidia ---------------------------------------------------------------------------------------------------------------
 */

static void read_information(const char *root, const char *folder, struct card *card)
{
    char path[PATH_MAX], text[DEVICES_FILE_SIZE], value[128];

    devices_path(path, "%s/%s/information", GPUS, folder);
    if (!devices_read(root, path, text))
        return;
    if (devices_value(text, "Model", ':', value, sizeof value))
        snprintf(card->gpu.name, sizeof card->gpu.name, "%s", value);
    if (devices_value(text, "GPU UUID", ':', value, sizeof value) && devices_is_uuid(value))
        snprintf(card->gpu.uuid, sizeof card->gpu.uuid, "%.79s", value);
    card->minor = devices_number(text, "Device Minor", ':');
    card->excluded = devices_value(text, "GPU Excluded", ':', value, sizeof value) && strcmp(value, "Yes") == 0;
}

static void read_driver(const char *root, struct cards *cards)
{
    char names[DEVICES_MAX][DEVICES_NAME_SIZE], pci[32];
    int count = devices_list(root, GPUS, names, DEVICES_MAX);

    for (int i = 0; i < count; i++)
        if (devices_pci(names[i], pci)) {
            struct card *card = add(cards, pci);

            if (card != NULL)
                read_information(root, names[i], card);
        }
}

/* --- nvidia-smi ------------------------------------------------------------------------------------------------------------------------
 */

static void take_line(char *line, struct cards *cards)
{
    struct gpu gpu;
    struct card *card = devices_smi_line(line, &gpu) ? add(cards, gpu.pci) : NULL;

    if (card == NULL)
        return;
    memcpy(card->gpu.uuid, gpu.uuid, sizeof gpu.uuid);
    memcpy(card->gpu.name, gpu.name, sizeof gpu.name);
    if (gpu.memory > 0)
        card->gpu.memory = gpu.memory;
}

static void ask_smi(const char *program, const atomic_bool *stop, struct devices_found *found, struct cards *cards)
{
    struct hd_text output = {0};
    char *rest, *line;

    if (access(program, X_OK) != 0 || !devices_ask_smi(program, stop, found, &output)) {
        hd_text_clear(&output);
        return;
    }
    for (line = output.data != NULL ? strtok_r(output.data, "\n", &rest) : NULL; line != NULL; line = strtok_r(NULL, "\n", &rest))
        take_line(line, cards);
    hd_text_clear(&output);
}

/* --- PCI: the last resort --------------------------------------------------------------------------------------------------------------
 */

static bool is_nvidia(const char *root, const char *name)
{
    char path[PATH_MAX], text[DEVICES_FILE_SIZE], link[PATH_MAX], target[PATH_MAX];
    ssize_t length;

    devices_path(path, "%s/%s/vendor", PCI_DEVICES, name);
    if (!devices_read(root, path, text) || strncmp(text, "0x10de", 6) != 0)
        return false;
    devices_path(path, "%s/%s/class", PCI_DEVICES, name);
    if (!devices_read(root, path, text) || (strncmp(text, "0x0300", 6) != 0 && strncmp(text, "0x0302", 6) != 0))
        return false;
    if (snprintf(link, sizeof link, "%s%s/%s/driver", strcmp(root, "/") == 0 ? "" : root, PCI_DEVICES, name) >= (int)sizeof link)
        return false;
    length = readlink(link, target, sizeof target - 1);
    if (length <= 0)
        return false;
    target[length] = '\0';
    return strcmp(strrchr(target, '/') != NULL ? strrchr(target, '/') + 1 : target, "nvidia") == 0;
}

static void read_pci(const char *root, struct devices_found *found, struct cards *cards)
{
    char(*names)[DEVICES_NAME_SIZE], pci[32];
    int count;

    /* A container may see the machine's PCI devices without having a way to them. */
    if (!devices_exists(root, "/dev/nvidiactl") || (names = malloc(PCI_MAX * sizeof *names)) == NULL)
        return;
    count = devices_list(root, PCI_DEVICES, names, PCI_MAX);
    for (int i = 0; i < count; i++)
        if (devices_pci(names[i], pci) && is_nvidia(root, names[i]))
            (void)add(cards, pci);
    free(names);
    if (cards->count > 0)
        devices_note(found, "NVIDIA GPUs were found as PCI devices only; they are named to children by their position");
}

/* --- All of it -------------------------------------------------------------------------------------------------------------------------
 */

static bool all_have_uuids(const struct cards *cards)
{
    for (int i = 0; i < cards->count; i++)
        if (!cards->list[i].excluded && cards->list[i].gpu.uuid[0] == '\0')
            return false;
    return true;
}

static bool is_divided(const char *root, const struct card *card)
{
    char path[PATH_MAX], names[1][DEVICES_NAME_SIZE];

    devices_path(path, "/proc/driver/nvidia/capabilities/gpu%llu/mig/", (unsigned long long)card->minor);
    return devices_list(root, path, names, 1) > 0;
}

static int by_pci(const void *a, const void *b)
{
    return strcmp(((const struct card *)a)->gpu.pci, ((const struct card *)b)->gpu.pci);
}

/* Takes one GPU alone: seen as a part of the list, gcc takes the texts copied within it for overlapping ones (-Wrestrict, gcc 12). */
static void name_gpu(struct gpu *gpu, bool by_uuid)
{
    if (gpu->uuid[0] != '\0')
        snprintf(gpu->id, sizeof gpu->id, "%s", gpu->uuid);
    else
        snprintf(gpu->id, sizeof gpu->id, "nvidia-%s", gpu->pci);
    if (by_uuid)
        snprintf(gpu->visible, sizeof gpu->visible, "%s", gpu->uuid);
    else
        snprintf(gpu->visible, sizeof gpu->visible, "%d", gpu->index);
}

/* In the order of PCI, which is that of CUDA_DEVICE_ORDER=PCI_BUS_ID. */
static void give(const char *root, struct cards *cards, struct devices_found *found)
{
    bool by_uuid = all_have_uuids(cards);
    int index = 0;

    qsort(cards->list, (size_t)cards->count, sizeof cards->list[0], by_pci);
    for (int i = 0; i < cards->count && found->count < DEVICES_MAX; i++) {
        struct card *card = &cards->list[i];
        struct gpu *gpu = &card->gpu;

        if (card->excluded) {
            devices_note(found, "the NVIDIA GPU at %s is excluded by its driver's settings", gpu->pci);
            continue;
        }
        gpu->index = index++;
        name_gpu(gpu, by_uuid);
        if (is_divided(root, card))
            devices_note(found, "the NVIDIA GPU at %s is divided into MIG instances, which are not handed out", gpu->pci);
        else
            found->gpus[found->count++] = *gpu;
    }
}

void devices_find_nvidia(const struct devices_settings *settings, const atomic_bool *stop, struct devices_found *found)
{
    struct cards *cards = calloc(1, sizeof *cards);

    if (cards == NULL) {
        devices_note(found, "there was no memory to look for NVIDIA GPUs");
        return;
    }
    read_driver(settings->root, cards);
    if (cards->count == 0 || !all_have_uuids(cards))
        ask_smi(settings->nvidia_smi, stop, found, cards);
    if (cards->count == 0)
        read_pci(settings->root, found, cards);
    give(settings->root, cards, found);
    free(cards);
}
