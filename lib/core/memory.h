/* Memory that is counted against a limit which several users share, each on a thread of its own if need be. */
#ifndef HD_CORE_MEMORY_H
#define HD_CORE_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hd_memory {
    _Atomic int64_t used;  /* bytes, with what the allocator adds to each block */
    _Atomic int64_t limit; /* bytes; may be changed at any time */
    atomic_bool exhausted; /* there was none to be had, whatever the limit says; whoever acts on it clears it */
};

/* As realloc(); the caller says how large `block` is (0 with NULL). NULL, with `block` as it was, when the limit would be passed or memory
 * is short. */
void *hd_memory_resize(struct hd_memory *memory, void *block, size_t size, size_t new_size);
/* `block` may be NULL, with any size. */
void hd_memory_free(struct hd_memory *memory, void *block, size_t size);

#endif
