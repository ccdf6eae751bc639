#include "allocation.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/number.h"
#include "core/text.h"

static const char CPUS[] = "cpu";

/* Larger demands are met by no machine; with this bound no sum overflows. */
#define AMOUNT_MAX 1e9
enum { VENDORS = GPU_AMD + 1 };

/* --- Devices ---------------------------------------------------------------------------------------------------------------------------
 */

int allocation_init(struct allocation *allocation, int64_t slots)
{
    struct device *cpus;

    *allocation = (struct allocation){.slots_wanted = slots};
    cpus = allocation_name(allocation, CPUS);
    if (cpus == NULL)
        return -1;
    cpus->is_gpu = false;
    snprintf(cpus->gpu.name, sizeof cpus->gpu.name, "CPUs");
    return 0;
}

void allocation_clear(struct allocation *allocation)
{
    while (allocation->devices != NULL) {
        struct device *device = allocation->devices;

        allocation->devices = device->next;
        free(device);
    }
}

struct device *allocation_find(const struct allocation *allocation, const char *id)
{
    for (struct device *device = allocation->devices; device != NULL; device = device->next)
        if (strcmp(device->gpu.id, id) == 0)
            return device;
    return NULL;
}

struct device *allocation_name(struct allocation *allocation, const char *id)
{
    struct device *device = allocation_find(allocation, id), **link = &allocation->devices;

    if (device != NULL)
        return device;
    device = calloc(1, sizeof *device);
    if (device == NULL)
        return NULL;
    snprintf(device->gpu.id, sizeof device->gpu.id, "%s", id);
    device->is_gpu = true;
    device->capacity = SHARE_WHOLE;
    while (*link != NULL)
        link = &(*link)->next;
    *link = device;
    return device;
}

/* Moves a device behind the last one that was found. */
static void place(struct allocation *allocation, struct device *device, struct device **behind)
{
    struct device **link = &allocation->devices;

    while (*link != device)
        link = &(*link)->next;
    *link = device->next;
    device->next = (*behind)->next;
    (*behind)->next = device;
    *behind = device;
}

/* Whoever wants more slots than there are CPUs gets them: each brings a CPU. */
static void set_capacities(struct allocation *allocation)
{
    struct device *cpus = allocation->devices;
    int64_t slots = allocation->slots_wanted;

    assert(cpus != NULL); /* there from the start */
    for (const struct device *device = allocation->devices; allocation->slots_wanted == 0 && device != NULL; device = device->next)
        slots += device->is_gpu && device->present;
    if (slots == 0)
        slots = cpus->gpu.index;
    allocation->slots = slots * SHARE_WHOLE;
    cpus->capacity = (cpus->gpu.index > slots ? cpus->gpu.index : slots) * SHARE_WHOLE;
}

void allocation_set_slots(struct allocation *allocation, int64_t slots)
{
    allocation->slots_wanted = slots;
    if (allocation->devices->present)
        set_capacities(allocation);
}

int allocation_set_machine(struct allocation *allocation, int64_t cpus, const struct gpu *gpus, int count)
{
    struct device *all_cpus = allocation->devices, *last = all_cpus;

    all_cpus->present = true;
    all_cpus->gpu.index = (int)cpus;
    set_capacities(allocation); /* also when memory is short below */
    for (int i = 0; i < count; i++) {
        struct device *device = allocation_name(allocation, gpus[i].id);

        if (device == NULL)
            return -1;
        device->gpu = gpus[i];
        device->present = true;
        place(allocation, device, &last);
    }
    set_capacities(allocation);
    return 0;
}

struct hd_machine allocation_machine(const struct allocation *allocation)
{
    int counts[VENDORS] = {0}, most = 0;

    assert(allocation->devices != NULL); /* the CPUs, there from the start */
    for (const struct device *device = allocation->devices; device != NULL; device = device->next)
        if (device->is_gpu && device->present && ++counts[device->gpu.vendor] > most)
            most = counts[device->gpu.vendor];
    return (struct hd_machine){.gpus = most, .cpus = allocation->devices->gpu.index, .slots = allocation->slots};
}

/* --- Demands ---------------------------------------------------------------------------------------------------------------------------
 */

/* Rounded down, so that three thirds are not more than one whole. */
static int64_t shares(double amount)
{
    int64_t share;

    if (!(amount > 0))
        return 0;
    share = (int64_t)floor((amount < AMOUNT_MAX ? amount : AMOUNT_MAX) * (double)SHARE_WHOLE + 1e-6);
    return share > 0 ? share : 1;
}

struct demand demand_of(const struct hd_run_config *run)
{
    return (struct demand){.gpus = shares(run->gpus_per_run), .cpus = shares(run->cpus_per_run)};
}

static bool is_fraction(const struct demand *demand)
{
    return demand->gpus > 0 && demand->gpus < SHARE_WHOLE;
}

static int64_t slot_of(const struct allocation *allocation, const struct demand *demand)
{
    return allocation->slots_wanted == 0 && is_fraction(demand) ? demand->gpus : SHARE_WHOLE;
}

static int gpu_count(const struct demand *demand)
{
    return is_fraction(demand) ? 1 : (int)(demand->gpus / SHARE_WHOLE);
}

static bool may_give(const struct device *device)
{
    return device->present && !device->drained;
}

static int64_t free_of(const struct device *device)
{
    return device->capacity > device->taken ? device->capacity - device->taken : 0;
}

/* GPUs of a vendor that are given out, with at least `share` free. */
static int count_gpus(const struct allocation *allocation, enum gpu_vendor vendor, int64_t share, bool kept_too)
{
    int count = 0;

    for (const struct device *device = allocation->devices; device != NULL; device = device->next)
        if (device->is_gpu && device->gpu.vendor == vendor && may_give(device) && free_of(device) >= share && (kept_too || !device->kept))
            count++;
    return count;
}

bool allocation_possible(const struct allocation *allocation, const struct demand *demand)
{
    const struct device *cpus = allocation->devices;

    if (!may_give(cpus) || demand->cpus > cpus->capacity || slot_of(allocation, demand) > allocation->slots)
        return false;
    for (int vendor = 0; vendor < VENDORS; vendor++)
        if (count_gpus(allocation, (enum gpu_vendor)vendor, 0, true) >= gpu_count(demand))
            return true;
    return false;
}

/* --- Keeping ---------------------------------------------------------------------------------------------------------------------------
 */

/* The GPU with the most free share that is not kept yet. */
static struct device *freest(const struct allocation *allocation, enum gpu_vendor vendor)
{
    struct device *best = NULL;

    for (struct device *device = allocation->devices; device != NULL; device = device->next)
        if (device->is_gpu && device->gpu.vendor == vendor && may_give(device) && !device->kept &&
            (best == NULL || free_of(device) > free_of(best)))
            best = device;
    return best;
}

void allocation_keep(struct allocation *allocation, const struct demand *demand)
{
    int wanted = demand != NULL ? gpu_count(demand) : 0, nearest = 0, most_free = -1;

    allocation->slots_kept = demand != NULL ? slot_of(allocation, demand) : 0;
    allocation->cpus_kept = demand != NULL ? demand->cpus : 0;
    for (struct device *device = allocation->devices; device != NULL; device = device->next)
        device->kept = false;
    for (int vendor = 0; vendor < VENDORS; vendor++) {
        int whole = count_gpus(allocation, (enum gpu_vendor)vendor, SHARE_WHOLE, true);

        if (count_gpus(allocation, (enum gpu_vendor)vendor, 0, true) >= wanted && whole > most_free) {
            nearest = vendor;
            most_free = whole;
        }
    }
    for (int i = 0; i < wanted; i++) {
        struct device *device = freest(allocation, (enum gpu_vendor)nearest);

        if (device == NULL)
            return;
        device->kept = true;
    }
}

/* --- Taking ----------------------------------------------------------------------------------------------------------------------------
 */

static void hold(struct grant *grant, struct device *device, int64_t share)
{
    struct holding *holding = &grant->holdings[grant->count++];

    *holding = (struct holding){.device = device, .grant = grant, .share = share, .next = device->holdings, .link = &device->holdings};
    if (holding->next != NULL)
        holding->next->link = &holding->next;
    device->holdings = holding;
    device->taken += share;
}

/* The slot and the CPUs of a new grant that has room for `gpus` GPUs. */
static struct grant *begin(struct allocation *allocation, const struct demand *demand, int gpus)
{
    struct grant *grant = calloc(1, sizeof *grant + ((size_t)gpus + 1) * sizeof grant->holdings[0]);

    if (grant == NULL)
        return NULL;
    grant->slots = slot_of(allocation, demand);
    allocation->slots_taken += grant->slots;
    hold(grant, allocation->devices, demand->cpus);
    return grant;
}

static void print_gpu(struct hd_text *text, const struct gpu *gpu, int64_t share)
{
    char number[HD_NUMBER_TEXT_SIZE];

    hd_number_json((double)share / (double)SHARE_WHOLE, number);
    hd_text_format(text, "{\"id\":\"%s\",\"vendor\":\"%s\",\"name\":", gpu->id, gpu_vendor_name(gpu->vendor));
    hd_json_print_string(text, gpu->name);
    hd_text_format(text, ",\"visible\":\"%s\",\"share\":%s}", gpu->visible, number);
}

static int print_gpus(struct grant *grant)
{
    struct hd_text text = {0};

    if (grant->count == 1)
        return 0;
    for (int i = 1; i < grant->count; i++) {
        hd_text_add_char(&text, i == 1 ? '[' : ',');
        print_gpu(&text, &grant->holdings[i].device->gpu, grant->holdings[i].share);
    }
    hd_text_add_char(&text, ']');
    grant->json = hd_text_take(&text);
    return grant->json != NULL ? 0 : -1;
}

/* The vendor that has the fewest GPUs free for this, but enough; -1: none has. */
static int choose_vendor(const struct allocation *allocation, const struct demand *demand, bool waits)
{
    int64_t share = is_fraction(demand) ? demand->gpus : SHARE_WHOLE;
    int best = -1, best_count = 0;

    for (int vendor = 0; vendor < VENDORS; vendor++) {
        int count = count_gpus(allocation, (enum gpu_vendor)vendor, share, waits);

        if (count >= gpu_count(demand) && (best < 0 || count < best_count)) {
            best = vendor;
            best_count = count;
        }
    }
    return best;
}

/* The fullest that has the share free; of equals the first. */
static struct device *fullest(const struct allocation *allocation, enum gpu_vendor vendor, int64_t share, bool waits)
{
    struct device *best = NULL;

    for (struct device *device = allocation->devices; device != NULL; device = device->next)
        if (device->is_gpu && device->gpu.vendor == vendor && may_give(device) && free_of(device) >= share && (waits || !device->kept) &&
            (best == NULL || free_of(device) < free_of(best)))
            best = device;
    return best;
}

struct grant *allocation_take(struct allocation *allocation, const struct demand *demand, bool waits)
{
    struct device *cpus = allocation->devices;
    int64_t share = is_fraction(demand) ? demand->gpus : SHARE_WHOLE;
    int wanted = gpu_count(demand), vendor = wanted > 0 ? choose_vendor(allocation, demand, waits) : 0;
    struct grant *grant;

    allocation->short_of_memory = false;
    if (vendor < 0 || !may_give(cpus) || (demand->cpus > 0 && free_of(cpus) - (waits ? 0 : allocation->cpus_kept) < demand->cpus) ||
        allocation->slots - allocation->slots_taken - (waits ? 0 : allocation->slots_kept) < slot_of(allocation, demand))
        return NULL;
    grant = begin(allocation, demand, wanted);
    for (int i = 0; i < wanted && grant != NULL; i++)
        hold(grant, fullest(allocation, (enum gpu_vendor)vendor, share, waits), share);
    if (grant != NULL && print_gpus(grant) == 0)
        return grant;
    allocation_release(allocation, grant);
    allocation->short_of_memory = true;
    return NULL;
}

struct grant *allocation_renew(struct allocation *allocation, struct grant *grant, const struct demand *demand)
{
    struct device *cpus = allocation->devices;
    struct grant *fresh;

    /* Its slot and its CPUs are its own: only GPUs are to be found. */
    allocation->slots_taken -= grant->slots;
    cpus->taken -= grant->holdings[0].share;
    fresh = allocation_take(allocation, demand, true);
    allocation->slots_taken += grant->slots;
    cpus->taken += grant->holdings[0].share;
    if (fresh != NULL)
        allocation_release(allocation, grant);
    return fresh;
}

/* --- Restoring -------------------------------------------------------------------------------------------------------------------------
 */

static const char *string_of(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static bool restore_gpu(struct allocation *allocation, struct grant *grant, const cJSON *item)
{
    const char *id = string_of(item, "id"), *name = string_of(item, "name"), *visible = string_of(item, "visible");
    const cJSON *share = cJSON_GetObjectItemCaseSensitive(item, "share");
    struct device *device;
    enum gpu_vendor vendor;

    if (id == NULL || visible == NULL || !cJSON_IsNumber(share) || !gpu_vendor_parse(string_of(item, "vendor"), &vendor))
        return false;
    device = allocation_name(allocation, id);
    if (device == NULL)
        return false;
    if (!device->present) {
        device->gpu.vendor = vendor;
        snprintf(device->gpu.name, sizeof device->gpu.name, "%s", name != NULL ? name : "");
        snprintf(device->gpu.visible, sizeof device->gpu.visible, "%s", visible);
    }
    hold(grant, device, shares(share->valuedouble));
    return true;
}

struct grant *allocation_restore(struct allocation *allocation, const struct demand *demand, const char *json)
{
    cJSON *list = json != NULL ? hd_json_parse_own(json) : NULL;
    struct grant *grant = json != NULL && list == NULL ? NULL : begin(allocation, demand, cJSON_GetArraySize(list));
    bool good = grant != NULL;

    for (const cJSON *item = list != NULL ? list->child : NULL; item != NULL && good; item = item->next)
        good = restore_gpu(allocation, grant, item);
    if (good && json != NULL)
        good = (grant->json = strdup(json)) != NULL;
    cJSON_Delete(list);
    if (good)
        return grant;
    allocation_release(allocation, grant);
    return NULL;
}

void allocation_release(struct allocation *allocation, struct grant *grant)
{
    if (grant == NULL)
        return;
    for (int i = 0; i < grant->count; i++) {
        struct holding *holding = &grant->holdings[i];

        holding->device->taken -= holding->share;
        *holding->link = holding->next;
        if (holding->next != NULL)
            holding->next->link = holding->link;
    }
    allocation->slots_taken -= grant->slots;
    free(grant->json);
    free(grant);
}
