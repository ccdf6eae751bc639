#include "memory.h"

#include <stdlib.h>

enum { BLOCK_OVERHEAD = 16 }; /* what malloc keeps in front of a block and loses behind it, about */

static int64_t cost(const void *block, size_t size)
{
    return block != NULL ? (int64_t)size + BLOCK_OVERHEAD : 0;
}

void *hd_memory_resize(struct hd_memory *memory, void *block, size_t size, size_t new_size)
{
    int64_t more = (int64_t)new_size + BLOCK_OVERHEAD - cost(block, size);
    void *resized;

    if (atomic_fetch_add(&memory->used, more) + more > memory->limit) {
        atomic_fetch_sub(&memory->used, more);
        return NULL;
    }
    resized = realloc(block, new_size);
    if (resized == NULL) {
        atomic_fetch_sub(&memory->used, more);
        atomic_store(&memory->exhausted, true);
    }
    return resized;
}

void hd_memory_free(struct hd_memory *memory, void *block, size_t size)
{
    atomic_fetch_sub(&memory->used, cost(block, size));
    free(block);
}
