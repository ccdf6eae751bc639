#include "policy_runs.h"

#include <string.h>

enum { CAPACITY_FIRST = 16, KEPT_FIRST = 8 };

static int64_t home(const struct policy_runs *runs, int64_t run)
{
    return (int64_t)((uint64_t)run * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (runs->capacity - 1);
}

/* The place of the run, or the free one where it belongs. */
static int64_t place_of(const struct policy_runs *runs, int64_t run)
{
    int64_t place = home(runs, run);

    while (runs->table[place] != NULL && runs->table[place]->run != run)
        place = (place + 1) & (runs->capacity - 1);
    return place;
}

struct policy_run *policy_runs_find(const struct policy_runs *runs, int64_t run)
{
    return runs->capacity > 0 ? runs->table[place_of(runs, run)] : NULL;
}

static size_t table_size(int64_t capacity)
{
    return (size_t)capacity * sizeof(struct policy_run *);
}

static int widen(struct policy_runs *runs, struct hd_memory *memory)
{
    struct policy_runs wider = {.capacity = runs->capacity > 0 ? runs->capacity * 2 : CAPACITY_FIRST, .count = runs->count};

    wider.table = hd_memory_resize(memory, NULL, 0, table_size(wider.capacity));
    if (wider.table == NULL)
        return -1;
    memset(wider.table, 0, table_size(wider.capacity));
    for (int64_t i = 0; i < runs->capacity; i++)
        if (runs->table[i] != NULL)
            wider.table[place_of(&wider, runs->table[i]->run)] = runs->table[i];
    hd_memory_free(memory, runs->table, table_size(runs->capacity));
    *runs = wider;
    return 0;
}

struct policy_run *policy_runs_have(struct policy_runs *runs, int64_t key, struct hd_memory *memory)
{
    struct policy_run *run = policy_runs_find(runs, key);

    if (run != NULL)
        return run;
    if (runs->count * 2 >= runs->capacity && widen(runs, memory) != 0)
        return NULL;
    run = hd_memory_resize(memory, NULL, 0, sizeof *run);
    if (run == NULL)
        return NULL;
    *run = (struct policy_run){.run = key};
    runs->table[place_of(runs, key)] = run;
    runs->count++;
    return run;
}

int policy_run_keep(struct policy_run *run, double value, struct hd_memory *memory)
{
    if (run->kept_count == run->kept_capacity) {
        int64_t capacity = run->kept_capacity > 0 ? run->kept_capacity * 2 : KEPT_FIRST;
        double *kept = hd_memory_resize(memory, run->kept, (size_t)run->kept_capacity * sizeof *kept, (size_t)capacity * sizeof *kept);

        if (kept == NULL)
            return -1;
        run->kept = kept;
        run->kept_capacity = capacity;
    }
    run->kept[run->kept_count++] = value;
    return 0;
}

static void free_run(struct policy_run *run, struct hd_memory *memory)
{
    hd_memory_free(memory, run->kept, (size_t)run->kept_capacity * sizeof *run->kept);
    hd_memory_free(memory, run, sizeof *run);
}

void policy_runs_remove(struct policy_runs *runs, struct policy_run *run, struct hd_memory *memory)
{
    int64_t place = place_of(runs, run->run), mask = runs->capacity - 1;

    free_run(run, memory);
    runs->table[place] = NULL;
    runs->count--;
    /* Those behind it that the gap would hide move up. */
    for (int64_t next = (place + 1) & mask; runs->table[next] != NULL; next = (next + 1) & mask) {
        struct policy_run *moved = runs->table[next];

        runs->table[next] = NULL;
        runs->table[place_of(runs, moved->run)] = moved;
    }
}

void policy_runs_clear(struct policy_runs *runs, struct hd_memory *memory)
{
    for (int64_t i = 0; i < runs->capacity; i++)
        if (runs->table[i] != NULL)
            free_run(runs->table[i], memory);
    hd_memory_free(memory, runs->table, table_size(runs->capacity));
    *runs = (struct policy_runs){0};
}
