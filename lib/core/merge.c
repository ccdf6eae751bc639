#include "merge.h"

#include <stdlib.h>

enum { CAPACITY_FIRST = 16 };

bool hd_merge_add(struct hd_merge *merge, int64_t ordinal, void *stream)
{
    size_t place = merge->count;

    if (merge->count == merge->capacity) {
        size_t capacity = merge->capacity > 0 ? merge->capacity * 2 : CAPACITY_FIRST;
        struct hd_merge_entry *heap = reallocarray(merge->heap, capacity, sizeof *heap);

        if (heap == NULL)
            return false;
        merge->heap = heap;
        merge->capacity = capacity;
    }
    merge->count++;
    for (; place > 0 && merge->heap[(place - 1) / 2].ordinal > ordinal; place = (place - 1) / 2)
        merge->heap[place] = merge->heap[(place - 1) / 2];
    merge->heap[place] = (struct hd_merge_entry){ordinal, stream};
    return true;
}

const struct hd_merge_entry *hd_merge_first(const struct hd_merge *merge)
{
    return merge->count > 0 ? &merge->heap[0] : NULL;
}

/* Puts an entry at the top and lets it sink to its place. */
static void sink(struct hd_merge *merge, struct hd_merge_entry entry)
{
    size_t place = 0;

    for (;;) {
        size_t child = place * 2 + 1;

        if (child + 1 < merge->count && merge->heap[child + 1].ordinal < merge->heap[child].ordinal)
            child++;
        if (child >= merge->count || merge->heap[child].ordinal >= entry.ordinal)
            break;
        merge->heap[place] = merge->heap[child];
        place = child;
    }
    merge->heap[place] = entry;
}

void hd_merge_advance(struct hd_merge *merge, int64_t ordinal)
{
    sink(merge, (struct hd_merge_entry){ordinal, merge->heap[0].stream});
}

void hd_merge_drop(struct hd_merge *merge)
{
    struct hd_merge_entry last = merge->heap[--merge->count];

    if (merge->count > 0)
        sink(merge, last);
}

void hd_merge_clear(struct hd_merge *merge)
{
    free(merge->heap);
    *merge = (struct hd_merge){0};
}
