/* Who holds which share of the machine. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/allocation.h"

static struct allocation allocation;

static struct gpu gpu(enum gpu_vendor vendor, int number)
{
    struct gpu gpu = {.vendor = vendor, .index = number};

    snprintf(gpu.id, sizeof gpu.id, "GPU-%s-%d", gpu_vendor_name(vendor), number);
    snprintf(gpu.visible, sizeof gpu.visible, "%s", gpu.id);
    snprintf(gpu.name, sizeof gpu.name, "Test \"%d\"", number);
    return gpu;
}

static void open_machine(int64_t slots, int64_t cpus, int nvidia, int amd)
{
    struct gpu gpus[16];

    for (int i = 0; i < nvidia + amd; i++)
        gpus[i] = i < nvidia ? gpu(GPU_NVIDIA, i) : gpu(GPU_AMD, i - nvidia);
    ck_assert_int_eq(allocation_init(&allocation, slots), 0);
    ck_assert_int_eq(allocation_set_machine(&allocation, cpus, gpus, nvidia + amd), 0);
}

static struct demand demand(double gpus, double cpus)
{
    return demand_of(&(struct hd_run_config){.gpus_per_run = gpus, .cpus_per_run = cpus});
}

static struct grant *take(double gpus, double cpus)
{
    const struct demand wanted = demand(gpus, cpus);

    return allocation_take(&allocation, &wanted, false);
}

static void keep(double gpus, double cpus)
{
    const struct demand wanted = demand(gpus, cpus);

    allocation_keep(&allocation, &wanted);
}

START_TEST(amounts_are_rounded_down)
{
    static const struct {
        double amount;
        int64_t share;
    } cases[] = {{0, 0},
                 {1, SHARE_WHOLE},
                 {0.25, 250000},
                 {1.0 / 3, 333333},
                 {1.0 / 7, 142857},
                 {0.1, 100000},
                 {0.7, 700000},
                 {7, 7 * SHARE_WHOLE},
                 {1e-9, 1},
                 {0.333333, 333333},
                 {2.5, 2500000},
                 {1e15, INT64_C(1000000000) * SHARE_WHOLE}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_int_eq(demand(0, cases[i].amount).cpus, cases[i].share);
}
END_TEST

START_TEST(slots_by_the_machine)
{
    open_machine(0, 2, 0, 0);
    ck_assert_int_eq(allocation.slots, 2 * SHARE_WHOLE);
    allocation_clear(&allocation);
    open_machine(0, 2, 3, 0);
    ck_assert_int_eq(allocation.slots, 3 * SHARE_WHOLE);
    ck_assert_int_eq(allocation.devices->capacity, 3 * SHARE_WHOLE); /* a slot without a CPU would be none */
    allocation_set_slots(&allocation, 5);
    ck_assert_int_eq(allocation.slots, 5 * SHARE_WHOLE);
    allocation_set_slots(&allocation, 0);
    ck_assert_int_eq(allocation.slots, 3 * SHARE_WHOLE);
    ck_assert(allocation_machine(&allocation).cpus == 2 && allocation_machine(&allocation).gpus == 3);
    allocation_clear(&allocation);
}
END_TEST

START_TEST(nothing_is_given_before_the_machine_is_known)
{
    ck_assert_int_eq(allocation_init(&allocation, 4), 0);
    ck_assert_ptr_null(take(0, 1));
    ck_assert_int_eq(allocation_set_machine(&allocation, 1, NULL, 0), 0);
    struct grant *grant = take(0, 1);
    ck_assert_ptr_nonnull(grant);
    ck_assert_ptr_null(grant->json);
    allocation_release(&allocation, grant);
    allocation_release(&allocation, NULL);
    allocation_clear(&allocation);
}
END_TEST

START_TEST(what_is_stored_is_held_again)
{
    struct allocation again;
    open_machine(8, 8, 2, 1);
    const struct demand wanted = demand(0.25, 2);
    struct grant *grant = allocation_take(&allocation, &wanted, false);
    ck_assert_str_eq(grant->json,
                     "[{\"id\":\"GPU-amd-0\",\"vendor\":\"amd\",\"name\":\"Test \\\"0\\\"\",\"visible\":\"GPU-amd-0\",\"share\":0.25}]");
    /* Before the machine is known, and although it has no such device any more. */
    ck_assert_int_eq(allocation_init(&again, 8), 0);
    struct grant *held = allocation_restore(&again, &wanted, grant->json);
    ck_assert_ptr_nonnull(held);
    ck_assert_int_eq(allocation_set_machine(&again, 8, NULL, 0), 0);
    struct device *device = allocation_find(&again, "GPU-amd-0");
    ck_assert(!device->present && device->taken == 250000 && device->gpu.vendor == GPU_AMD);
    ck_assert_str_eq(device->gpu.visible, "GPU-amd-0");
    ck_assert_str_eq(held->json, grant->json);
    ck_assert_int_eq(again.devices->taken, 2 * SHARE_WHOLE);
    const struct demand other = demand(0.5, 1);
    ck_assert(!allocation_possible(&again, &other));
    allocation_release(&again, held);
    ck_assert_int_eq(device->taken, 0);
    static const char *const broken[] = {"[1]", "[{\"id\":\"a\"}]", "{", "[{\"id\":\"a\",\"vendor\":\"x\",\"visible\":\"0\",\"share\":1}]"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        ck_assert_ptr_null(allocation_restore(&again, &wanted, broken[i]));
    ck_assert_int_eq(again.slots_taken, 0);
    allocation_release(&allocation, grant);
    allocation_clear(&allocation);
    allocation_clear(&again);
}
END_TEST

START_TEST(what_is_kept_is_for_the_one_that_waits)
{
    open_machine(8, 8, 2, 0);
    struct grant *busy = take(1, 1);
    keep(2, 3);
    ck_assert_ptr_null(take(1, 1)); /* the free one is kept */
    ck_assert_ptr_null(take(0, 5)); /* 7 CPUs are free, 3 of them kept */
    struct grant *small = take(0, 4);
    ck_assert_ptr_nonnull(small);
    const struct demand wanted = demand(2, 3);
    ck_assert_ptr_null(allocation_take(&allocation, &wanted, true));
    allocation_release(&allocation, busy);
    struct grant *large = allocation_take(&allocation, &wanted, true);
    ck_assert_ptr_nonnull(large);
    allocation_keep(&allocation, NULL);
    allocation_release(&allocation, large);
    ck_assert_ptr_nonnull(large = take(1, 1));
    allocation_release(&allocation, large);
    allocation_release(&allocation, small);
    allocation_clear(&allocation);
}
END_TEST

START_TEST(those_are_kept_that_come_free_first)
{
    open_machine(8, 8, 3, 0);
    struct grant *first = take(1, 0), *second = take(1, 0);
    keep(1, 0);
    ck_assert(allocation_find(&allocation, "GPU-nvidia-2")->kept);
    ck_assert(!allocation_find(&allocation, "GPU-nvidia-0")->kept);
    allocation_release(&allocation, first);
    keep(2, 0);
    ck_assert(allocation_find(&allocation, "GPU-nvidia-0")->kept && allocation_find(&allocation, "GPU-nvidia-2")->kept);
    ck_assert(!allocation_find(&allocation, "GPU-nvidia-1")->kept);
    allocation_release(&allocation, second);
    allocation_clear(&allocation);
}
END_TEST

/* --- Whatever is taken and given back in whatever order ------------------------------------------------------------------------------- */

enum { STEPS = 5000, HELD = 24 };

static void check_grant(const struct grant *grant, const struct demand *wanted)
{
    int64_t gpus = 0;

    for (int i = 1; i < grant->count; i++) {
        const struct device *device = grant->holdings[i].device;

        ck_assert(device->present && !device->drained && !device->kept);
        ck_assert_int_eq(device->gpu.vendor, grant->holdings[1].device->gpu.vendor);
        if (wanted->gpus >= SHARE_WHOLE)
            ck_assert_int_eq(device->taken, SHARE_WHOLE);
        gpus += grant->holdings[i].share;
    }
    ck_assert_int_eq(gpus, wanted->gpus);
    ck_assert_int_eq(grant->holdings[0].share, wanted->cpus);
}

static void check_sums(struct grant *const held[HELD])
{
    int64_t slots = 0;

    for (int i = 0; i < HELD; i++)
        slots += held[i] != NULL ? held[i]->slots : 0;
    ck_assert_int_eq(slots, allocation.slots_taken);
    ck_assert_int_le(slots, allocation.slots);
    for (const struct device *device = allocation.devices; device != NULL; device = device->next) {
        int64_t taken = 0;

        for (const struct holding *holding = device->holdings; holding != NULL; holding = holding->next)
            taken += holding->share;
        ck_assert_int_eq(taken, device->taken);
        ck_assert_int_le(taken, device->capacity);
    }
}

START_TEST(nothing_is_ever_given_twice)
{
    static const double gpus[] = {0, 1, 2, 3, 0.5, 0.25, 1.0 / 3, 0.9};
    struct grant *held[HELD] = {NULL};
    int given = 0;

    open_machine(_i % 2 == 0 ? 10 : 0, 6, 4, 2);
    srand(7 + (unsigned)_i);
    for (int step = 0; step < STEPS; step++) {
        int place = rand() % HELD;
        const struct demand wanted = demand(gpus[rand() % 8], (rand() % 5) / 2.0);

        if (rand() % 16 == 0)
            allocation_find(&allocation, rand() % 2 ? "GPU-nvidia-1" : "GPU-amd-0")->drained = rand() % 2;
        if (rand() % 8 == 0)
            allocation_keep(&allocation, rand() % 2 ? &wanted : NULL);
        if (held[place] != NULL) {
            allocation_release(&allocation, held[place]);
            held[place] = NULL;
        } else if ((held[place] = allocation_take(&allocation, &wanted, false)) != NULL) {
            check_grant(held[place], &wanted);
            ck_assert(allocation_possible(&allocation, &wanted));
            given++;
        }
        check_sums(held);
    }
    ck_assert_int_gt(given, STEPS / 20);
    for (int i = 0; i < HELD; i++)
        allocation_release(&allocation, held[i]);
    for (const struct device *device = allocation.devices; device != NULL; device = device->next)
        ck_assert(device->taken == 0 && device->holdings == NULL);
    ck_assert_int_eq(allocation.slots_taken, 0);
    allocation_clear(&allocation);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("allocation");
    TCase *cases = tcase_create("allocation");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, amounts_are_rounded_down);
    tcase_add_test(cases, slots_by_the_machine);
    tcase_add_test(cases, nothing_is_given_before_the_machine_is_known);
    tcase_add_test(cases, what_is_stored_is_held_again);
    tcase_add_test(cases, what_is_kept_is_for_the_one_that_waits);
    tcase_add_test(cases, those_are_kept_that_come_free_first);
    tcase_add_loop_test(cases, nothing_is_ever_given_twice, 0, 4);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
