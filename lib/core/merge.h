/* Several streams, each in ascending order, taken as one: a heap of what comes next in each. */
#ifndef HD_CORE_MERGE_H
#define HD_CORE_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A zeroed struct is empty. */
struct hd_merge {
    struct hd_merge_entry {
        int64_t ordinal; /* of what comes next in the stream */
        void *stream;    /* the caller's */
    } * heap;            /* the least first */
    size_t count, capacity;
};

/* False when memory is short. */
bool hd_merge_add(struct hd_merge *merge, int64_t ordinal, void *stream);
/* The stream whose turn it is; NULL: none. */
const struct hd_merge_entry *hd_merge_first(const struct hd_merge *merge);
/* The first stream has moved on to a later ordinal. */
void hd_merge_advance(struct hd_merge *merge, int64_t ordinal);
/* The first stream has no more. */
void hd_merge_drop(struct hd_merge *merge);
void hd_merge_clear(struct hd_merge *merge);

#endif
