/* Which of the machine's GPUs the daemon hands out: what its environment leaves it, and of that what the setting names. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devices_parts.h"

/* An index: digits, as the libraries read it; -1 for what is none. */
static long read_index(const char *entry)
{
    char *end;
    long index;

    if (!isdigit((unsigned char)entry[0]))
        return -1;
    errno = 0;
    index = strtol(entry, &end, 10);
    return errno == 0 && *end == '\0' ? index : -1;
}

/* The GPUs of a vendor that the variables read so far leave, as the next one counts them. */
struct left {
    struct gpu *gpus[DEVICES_MAX];
    int count;
    bool renumbered; /* a variable has put them into its order */
};

static void leave_all(struct devices_found *found, enum gpu_vendor vendor, struct left *ret_left)
{
    *ret_left = (struct left){.count = 0};
    for (int i = 0; i < found->count; i++)
        if (found->gpus[i].vendor == vendor)
            ret_left->gpus[ret_left->count++] = &found->gpus[i];
}

/* The one GPU that `entry` names: by index, or by its UUID or the unique beginning of it. NULL: none, or several. */
static struct gpu *find_visible(const struct left *left, const char *entry)
{
    long index = read_index(entry);
    struct gpu *named = NULL;

    for (int i = 0; i < left->count; i++) {
        struct gpu *gpu = left->gpus[i];
        int own_index = left->renumbered ? i : gpu->index;

        if (index >= 0 ? own_index == index : strlen(entry) > strlen("GPU-") && strncasecmp(gpu->uuid, entry, strlen(entry)) == 0) {
            if (named != NULL)
                return NULL;
            named = gpu;
        }
    }
    return named;
}

static void add_once(struct left *left, struct gpu *gpu)
{
    for (int i = 0; i < left->count; i++)
        if (left->gpus[i] == gpu)
            return;
    left->gpus[left->count++] = gpu;
}

static void note_invalid(struct devices_found *found, const char *name, const char *entry)
{
    if (strncmp(entry, "MIG-", 4) == 0)
        devices_note(found, "%s of the daemon names %.79s: MIG instances are not handed out, nor what stands behind it", name, entry);
    else if (entry[0] != '\0')
        devices_note(found, "%s of the daemon names '%.79s', which is no single GPU of this machine: it hides what stands behind it", name,
                     entry);
}

/* An entry that names nothing hides what stands behind it, as it does for the programs that read the variable. */
static void limit_by_variable(struct devices_found *found, const char *name, const char *value, struct left *left)
{
    struct left named = {.renumbered = true};
    char *copy, *rest, *entry;
    struct gpu *gpu = NULL;

    if (value == NULL || left->count == 0)
        return;
    copy = strdup(value);
    rest = copy;
    do {
        entry = strsep(&rest, ",");
        if (entry == NULL)
            break;
        entry += strspn(entry, " \t");
        entry[strcspn(entry, " \t")] = '\0';
        gpu = find_visible(left, entry);
        if (gpu != NULL)
            add_once(&named, gpu);
        else
            note_invalid(found, name, entry);
    } while (gpu != NULL);
    if (copy == NULL)
        devices_note(found, "there was no memory to read %s", name);
    free(copy);
    *left = named;
}

static bool is_given(const char *value)
{
    return value != NULL && value[0] != '\0';
}

/* HIP counts within what ROCR leaves, and does not know an empty variable from none. It takes CUDA_VISIBLE_DEVICES where it has none of its
 * own; where there are NVIDIA GPUs as well, that one speaks of them. */
static void limit_by_hip(const struct devices_settings *settings, struct devices_found *found, bool has_nvidia, struct left *left)
{
    if (is_given(settings->hip_visible))
        limit_by_variable(found, "HIP_VISIBLE_DEVICES", settings->hip_visible, left);
    else if (is_given(settings->cuda_visible) && !has_nvidia)
        limit_by_variable(found, "CUDA_VISIBLE_DEVICES", settings->cuda_visible, left);
}

static void limit_by_environment(const struct devices_settings *settings, struct devices_found *found, bool allowed[DEVICES_MAX])
{
    struct left nvidia, amd;
    bool has_nvidia;

    leave_all(found, GPU_NVIDIA, &nvidia);
    leave_all(found, GPU_AMD, &amd);
    has_nvidia = nvidia.count > 0;
    limit_by_variable(found, "CUDA_VISIBLE_DEVICES", settings->cuda_visible, &nvidia);
    limit_by_variable(found, "ROCR_VISIBLE_DEVICES", settings->rocr_visible, &amd);
    limit_by_hip(settings, found, has_nvidia, &amd);
    for (int i = 0; i < nvidia.count; i++)
        allowed[nvidia.gpus[i] - found->gpus] = true;
    for (int i = 0; i < amd.count; i++)
        allowed[amd.gpus[i] - found->gpus] = true;
}

static bool is_chosen(const struct gpu *gpu, int position, const char *entry)
{
    long index = read_index(entry);

    if (index >= 0)
        return index == position;
    return strcmp(gpu->id, entry) == 0 || strcmp(gpu->pci, entry) == 0 ||
           (strlen(entry) > strlen("GPU-") && strncasecmp(gpu->uuid, entry, strlen(entry)) == 0);
}

/* The setting: positions among all GPUs of the machine, UUIDs (or beginnings of them), ids. */
static void limit_by_setting(struct devices_found *found, const char *value, bool allowed[DEVICES_MAX])
{
    static const char separators[] = " \t,";
    bool chosen[DEVICES_MAX] = {false};
    char *rest, *copy = strdup(value);

    for (char *entry = copy != NULL ? strtok_r(copy, separators, &rest) : NULL; entry != NULL; entry = strtok_r(NULL, separators, &rest)) {
        bool known = false;

        for (int i = 0; i < found->count; i++)
            if (is_chosen(&found->gpus[i], i, entry))
                chosen[i] = known = true;
        if (!known)
            devices_note(found, "the setting 'gpus' names %.79s, which this machine does not have", entry);
    }
    for (int i = 0; i < found->count; i++)
        allowed[i] = allowed[i] && chosen[i];
    if (copy == NULL)
        devices_note(found, "there was no memory to read the setting 'gpus'");
    free(copy);
}

static bool given_already(const struct devices_found *found, int count, const char *id)
{
    for (int i = 0; i < count; i++)
        if (strcmp(found->gpus[i].id, id) == 0)
            return true;
    return false;
}

void devices_choose(const struct devices_settings *settings, struct devices_found *found)
{
    bool allowed[DEVICES_MAX] = {false};
    int count = 0;

    limit_by_environment(settings, found, allowed);
    if (strcasecmp(settings->gpus, "auto") != 0)
        limit_by_setting(found, settings->gpus, allowed);
    for (int i = 0; i < found->count; i++) {
        if (!allowed[i])
            continue;
        if (given_already(found, count, found->gpus[i].id))
            devices_note(found, "two GPUs call themselves %s; only the first one is handed out", found->gpus[i].id);
        else
            found->gpus[count++] = found->gpus[i];
    }
    found->count = count;
}
