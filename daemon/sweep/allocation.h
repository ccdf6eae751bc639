/* Who holds which share of the machine: slots, CPUs, GPUs. Decides what fits and what a child gets; no clock, no store.
 *
 * Rules
 * - Shares are whole numbers: SHARE_WHOLE is one slot, one CPU, one GPU.
 * - Whole GPUs are wholly free ones, all of one vendor, since a program uses one vendor's libraries. A fraction goes to the fullest GPU
 * that has it free, so that as many as possible stay wholly free.
 * - Only what was found at the last look and is not drained is given; what is held stays held whatever happens.
 * - With slots counted by the machine itself (`slots = auto`) a child with a share of a GPU takes that share of a slot. */
#ifndef HYPERDRIVED_ALLOCATION_H
#define HYPERDRIVED_ALLOCATION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/specification.h"
#include "launch/devices.h"

#define SHARE_WHOLE INT64_C(1000000)

struct grant;

/* A share of a device in a grant. */
struct holding {
    struct device *device;
    struct grant *grant;
    int64_t share;
    struct holding *next, **link; /* of the device's holdings */
};

struct device {
    struct device *next;
    struct gpu gpu; /* of the CPUs only id and name */
    bool is_gpu;    /* else all CPUs together */
    bool present;   /* the last look found it */
    bool drained;   /* nothing new gets it */
    bool kept;      /* only for the child that waits */
    int64_t capacity;
    int64_t taken;
    struct holding *holdings; /* oldest last */
};

/* What one child holds, or what is set aside for one that is being drawn. */
struct grant {
    void *owner; /* the caller's; NULL at first */
    int64_t slots;
    char *json; /* its GPUs, as the store keeps them; NULL: none */
    int count;
    struct holding holdings[]; /* the CPUs first */
};

/* What a child of a sweep needs. */
struct demand {
    int64_t gpus; /* below SHARE_WHOLE, or a multiple of it */
    int64_t cpus;
};

struct allocation {
    struct device *devices; /* the CPUs first, then GPUs in the order of the last look */
    int64_t slots_wanted;   /* 0: counted by the machine */
    int64_t slots, slots_taken;
    int64_t slots_kept, cpus_kept; /* for the child that waits */
    bool short_of_memory;          /* that is why the last take gave nothing */
};

/* `slots` 0: counted by the machine. Nothing can be taken before allocation_set_machine(). -1 when memory is short. */
int allocation_init(struct allocation *allocation, int64_t slots);
void allocation_clear(struct allocation *allocation);

struct demand demand_of(const struct hd_run_config *run);

struct device *allocation_find(const struct allocation *allocation, const char *id);
/* The device of this id, made if it is new, as one that was not found. NULL when memory is short. */
struct device *allocation_name(struct allocation *allocation, const char *id);
/* What the last look found. -1 when memory is short. */
int allocation_set_machine(struct allocation *allocation, int64_t cpus, const struct gpu *gpus, int count);
/* As at allocation_init(); what is taken stays taken. */
void allocation_set_slots(struct allocation *allocation, int64_t slots);
/* What a child may ask for at most: drained devices count, they may come back. */
struct hd_machine allocation_machine(const struct allocation *allocation);

/* Could it be met if everything that is not drained were free? */
bool allocation_possible(const struct allocation *allocation, const struct demand *demand);
/* Keeps what is needed for the demand of a child that waits from all others: those GPUs that are the nearest to being free, CPUs and a
 * slot. NULL: nothing is kept any more. */
void allocation_keep(struct allocation *allocation, const struct demand *demand);
/* NULL if it does not fit now, or memory is short. `waits`: what is kept is kept for this one. */
struct grant *allocation_take(struct allocation *allocation, const struct demand *demand, bool waits);
/* A new grant instead of `grant`, which is gone then; NULL: none fits, and `grant` stays. */
struct grant *allocation_renew(struct allocation *allocation, struct grant *grant, const struct demand *demand);
/* Takes again what the store says that a child holds. NULL when memory is short, or `json` is no such thing. */
struct grant *allocation_restore(struct allocation *allocation, const struct demand *demand, const char *json);
/* NULL is allowed. */
void allocation_release(struct allocation *allocation, struct grant *grant);

#endif
