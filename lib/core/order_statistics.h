/* A multiset of numbers that knows its k-th smallest and how many are below a value, each in O(log n).
 *
 * It is a counted B+ tree: sorted blocks of numbers, and above them branches that know how many numbers each child has. A number costs 9
 * to 16 bytes, and a set of few numbers little more than these. The answers do not depend on the order in which numbers came. */
#ifndef HD_CORE_ORDER_STATISTICS_H
#define HD_CORE_ORDER_STATISTICS_H

#include "memory.h"

/* A zeroed struct is an empty set. */
struct hd_order {
    void *root;     /* a leaf when height is 0; NULL: empty */
    int64_t count;  /* of all numbers */
    int32_t height; /* of branches above the leaves */
};

/* Not for NaN. 0, or -1 when memory is short: then the set is as it was. */
int hd_order_insert(struct hd_order *order, double value, struct hd_memory *memory);
/* Takes one of these numbers out; it must be there. */
void hd_order_remove(struct hd_order *order, double value, struct hd_memory *memory);
/* The number at this place of the ascending order, 0 <= index < count. */
double hd_order_at(const struct hd_order *order, int64_t index);
/* How many are less than the value. */
int64_t hd_order_below(const struct hd_order *order, double value);
/* How many are not greater than the value. */
int64_t hd_order_up_to(const struct hd_order *order, double value);
void hd_order_clear(struct hd_order *order, struct hd_memory *memory);

#endif
