/* The machine's devices: looked for on the pool at the start, drained and put back by the store's word, shown to whoever asks. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "devices.h"
#include "live.h"
#include "log.h"

/* --- Looking ---------------------------------------------------------------------------------------------------------------------------
 */

struct look {
    uv_work_t work;
    struct sweeps *sweeps;
    struct devices_found found;
    int64_t cpus;
};

struct device_waiter {
    struct device_waiter *next;
    void (*known)(void *data);
    void *data;
};

static int take_drained(void *context, const char *id)
{
    struct sweeps *sweeps = context;
    struct device *device = allocation_name(&sweeps->allocation, id);

    if (device == NULL)
        return -(int)HD_UNAVAILABLE;
    device->drained = true;
    return 0;
}

int devices_open(struct sweeps *sweeps, struct hd_error *error)
{
    int result;

    if (allocation_init(&sweeps->allocation, sweeps->settings.slots) != 0)
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    result = store_read_drained(store_loop_reader(sweeps->store), take_drained, sweeps, error);
    return result < 0 && error->code == HD_NO_ERROR ? hd_error_set(error, HD_UNAVAILABLE, "out of memory") : result;
}

void devices_close(struct sweeps *sweeps)
{
    allocation_clear(&sweeps->allocation);
    hd_strings_clear(&sweeps->device_notes);
}

/* A sweep that was accepted by a larger machine waits; whoever reads the log shall know for what. */
static void warn_of_impossible(struct sweeps *sweeps)
{
    struct hd_machine machine = allocation_machine(&sweeps->allocation);

    for (const struct live_sweep *sweep = sweeps->first; sweep != NULL; sweep = sweep->next) {
        const struct hd_run_config *run = &sweep->specification.run;

        if (!client_is_launcher(sweep) && (run->gpus_per_run > machine.gpus || run->cpus_per_run > machine.cpus))
            log_line(LOG_LEVEL_WARNING, "sweep %s: no child can start: each needs %g GPUs and %g CPUs, and there are %g and %g", sweep->id,
                     run->gpus_per_run, run->cpus_per_run, machine.gpus, machine.cpus);
    }
}

static void tell_waiters(struct sweeps *sweeps)
{
    struct device_waiter *waiter = sweeps->device_waiters;

    sweeps->device_waiters = NULL;
    while (waiter != NULL) {
        struct device_waiter *next = waiter->next;

        waiter->known(waiter->data);
        free(waiter);
        waiter = next;
    }
}

static void look(uv_work_t *work)
{
    struct look *looking = work->data;

    devices_find(&looking->sweeps->settings.devices, &looking->sweeps->stop_looking, &looking->found);
    looking->cpus = devices_cpus();
}

static void on_look_again(struct deadline *deadline)
{
    struct sweeps *sweeps = (struct sweeps *)((char *)deadline - offsetof(struct sweeps, look_again));
    struct hd_error error = {0};

    if (devices_look(sweeps, &error) != 0)
        deadline_set_again(&sweeps->deadlines, deadline);
}

static void look_later(struct sweeps *sweeps)
{
    if (sweeps->closing)
        return;
    log_line(LOG_LEVEL_ERROR, "no memory for all devices; they are looked for again in a second");
    sweeps->look_again.reached = on_look_again;
    deadline_set_again(&sweeps->deadlines, &sweeps->look_again);
}

static void forget_look(struct look *looking)
{
    struct sweeps *sweeps = looking->sweeps;

    devices_found_clear(&looking->found);
    free(looking);
    sweeps->submissions--;
    close_when_quiet(sweeps);
}

static void on_looked(uv_work_t *work, int status)
{
    struct look *looking = work->data;
    struct sweeps *sweeps = looking->sweeps;

    (void)status; /* nobody cancels it */
    if (allocation_set_machine(&sweeps->allocation, looking->cpus, looking->found.gpus, looking->found.count) != 0) {
        look_later(sweeps);
        forget_look(looking);
        return;
    }
    for (int i = 0; i < looking->found.notes.count; i++)
        log_line(LOG_LEVEL_WARNING, "devices: %s", looking->found.notes.list[i]);
    log_line(LOG_LEVEL_INFO, "devices: %d GPUs, %" PRId64 " CPUs, %" PRId64 " slots", looking->found.count, looking->cpus,
             sweeps->allocation.slots / SHARE_WHOLE);
    sweeps->device_notes = looking->found.notes;
    looking->found.notes = (struct hd_strings){0};
    sweeps->devices_known = true;
    warn_of_impossible(sweeps);
    tell_waiters(sweeps);
    schedule(sweeps);
    forget_look(looking);
}

int devices_look(struct sweeps *sweeps, struct hd_error *error)
{
    struct look *looking = calloc(1, sizeof *looking);

    if (looking == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    looking->sweeps = sweeps;
    looking->work.data = looking;
    if (uv_queue_work(sweeps->loop, &looking->work, look, on_looked) != 0) {
        free(looking);
        return hd_error_set(error, HD_UNAVAILABLE, "cannot look for devices: out of memory");
    }
    sweeps->submissions++;
    return 0;
}

void sweeps_stop_looking(struct sweeps *sweeps)
{
    atomic_store(&sweeps->stop_looking, true);
}

bool sweeps_when_devices_known(struct sweeps *sweeps, void (*known)(void *data), void *data)
{
    struct device_waiter *waiter;

    if (sweeps->devices_known) {
        known(data);
        return true;
    }
    waiter = malloc(sizeof *waiter);
    if (waiter == NULL)
        return false;
    *waiter = (struct device_waiter){.next = sweeps->device_waiters, .known = known, .data = data};
    sweeps->device_waiters = waiter;
    return true;
}

/* --- Showing ---------------------------------------------------------------------------------------------------------------------------
 */

static double amount(int64_t share)
{
    return (double)share / (double)SHARE_WHOLE;
}

static const char *text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

void sweeps_read_machine(const struct sweeps *sweeps, struct sweeps_machine *ret_machine)
{
    const struct allocation *allocation = &sweeps->allocation;
    const struct device *cpus = allocation->devices;

    *ret_machine = (struct sweeps_machine){
        .slots = amount(allocation->slots),
        .slots_in_use = amount(allocation->slots_taken),
        .cpus = amount(cpus->capacity),
        .cpus_in_use = amount(cpus->taken),
        .real_cpus = cpus->gpu.index,
        .notes = sweeps->device_notes.list,
        .no_limits = launch_no_limits(sweeps->launch),
    };
}

static void show(const struct device *device, const struct sweeps_device_reader *reader)
{
    const struct gpu *gpu = &device->gpu;
    const struct sweeps_device shown = {
        .id = gpu->id,
        .kind = device->is_gpu ? "gpu" : "cpu",
        .vendor = device->is_gpu && gpu->visible[0] != '\0' ? gpu_vendor_name(gpu->vendor) : NULL,
        .uuid = text_or_null(gpu->uuid),
        .pci = text_or_null(gpu->pci),
        .name = text_or_null(gpu->name),
        .state = !device->present  ? "missing"
                 : device->drained ? "drained"
                                   : "active",
        .memory = gpu->memory,
        .capacity = amount(device->capacity),
        .in_use = amount(device->taken),
    };

    reader->device(reader->context, &shown);
    for (const struct holding *holding = device->holdings; holding != NULL; holding = holding->next) {
        const struct live_run *run = holding->grant->owner;

        if (run != NULL)
            reader->run(reader->context, run->id, run->sweep->id, amount(holding->share));
    }
    reader->end(reader->context);
}

bool sweeps_read_device(const struct sweeps *sweeps, const char *id, const struct sweeps_device_reader *reader)
{
    const struct device *device = allocation_find(&sweeps->allocation, id);

    if (device != NULL)
        show(device, reader);
    return device != NULL;
}

void sweeps_read_devices(const struct sweeps *sweeps, const struct sweeps_device_reader *reader)
{
    for (const struct device *device = sweeps->allocation.devices; device != NULL; device = device->next)
        show(device, reader);
}

/* --- A run's next attempt ---------------------------------------------------------------------------------------------------------------
 */

static bool is_in_service(const struct grant *grant)
{
    for (int i = 1; i < grant->count; i++)
        if (!grant->holdings[i].device->present || grant->holdings[i].device->drained)
            return false;
    return true;
}

void devices_renew(struct live_run *run)
{
    struct sweeps *sweeps = run->sweep->sweeps;
    const struct demand demand = demand_of(&run->sweep->specification.run);
    struct grant *grant;

    if (run->grant == NULL || !sweeps->devices_known || is_in_service(run->grant))
        return;
    grant = allocation_renew(&sweeps->allocation, run->grant, &demand);
    if (grant != NULL) {
        grant->owner = run;
        run->grant = grant;
    }
}

/* --- Drain and put back ----------------------------------------------------------------------------------------------------------------
 */

struct set_device {
    struct store_set_device request; /* first: the write comes back as this */
    struct sweeps *sweeps;
    struct device *device;
    sweeps_change_answer *answer;
    void *data;
};

static void on_device_set(struct store_write *write)
{
    struct set_device *set = (struct set_device *)write;
    struct sweeps *sweeps = set->sweeps;

    if (write->result == 0) {
        set->device->drained = set->request.drained;
        log_line(LOG_LEVEL_INFO, "device %s is %s", set->device->gpu.id, set->request.drained ? "drained" : "put back");
    }
    set->answer(set->data, write->result != 0 ? &write->error : NULL);
    free(set);
    schedule(sweeps);
}

void sweeps_set_device(struct sweeps *sweeps, const char *id, bool drained, sweeps_change_answer *answer, void *data)
{
    struct device *device = allocation_find(&sweeps->allocation, id);
    struct set_device *set = NULL;
    struct hd_error error = {0};
    int result;

    if (device == NULL)
        result = hd_error_set(&error, HD_NOT_FOUND, "no device with id '%s'", id);
    else if ((set = calloc(1, sizeof *set)) == NULL)
        result = hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
    else {
        *set = (struct set_device){.sweeps = sweeps, .device = device, .answer = answer, .data = data};
        set->request.id = device->gpu.id;
        set->request.drained = drained;
        set->request.write.done = on_device_set;
        result = store_set_device(sweeps->store, &set->request, &error);
    }
    if (result == 0)
        return;
    free(set);
    answer(data, &error);
}
