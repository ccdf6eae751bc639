#include "order_statistics.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum {
    LEAF_FIRST = 4, /* numbers that a new set has room for */
    LEAF_MAX = 64,
    BRANCH_MAX = 32,
    /* A branch is split when it is full, so a level grows by one child only after sixteen more below it: 2^63 insertions reach no
     * sixteenth level, whatever is removed in between. */
    HEIGHT_MAX = 16,
};

struct leaf {
    uint32_t count, capacity;
    double values[];
};

struct branch {
    uint32_t count;
    struct child {
        void *node;
        int64_t count; /* of all numbers below it */
        double least;  /* of them */
    } children[BRANCH_MAX];
};

static size_t leaf_size(uint32_t capacity)
{
    return sizeof(struct leaf) + capacity * sizeof(double);
}

/* --- Finding ------------------------------------------------------------------------------------------------------------------------ */

/* Number of values in a leaf that are less than `value`, or with `equal` not greater. */
static uint32_t leaf_place(const struct leaf *leaf, double value, bool equal)
{
    uint32_t from = 0, to = leaf->count;

    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        bool before = equal ? leaf->values[middle] <= value : leaf->values[middle] < value;

        if (before)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* The last child that begins with less than `value`, or with `equal` with no more; the first one when none does. */
static uint32_t branch_place(const struct branch *branch, double value, bool equal)
{
    uint32_t place = 0;

    while (place + 1 < branch->count && (equal ? branch->children[place + 1].least <= value : branch->children[place + 1].least < value))
        place++;
    return place;
}

static int64_t count_before(const struct hd_order *order, double value, bool equal)
{
    const void *node = order->root;
    int64_t before = 0;

    if (node == NULL)
        return 0;
    for (int32_t height = order->height; height > 0; height--) {
        const struct branch *branch = node;
        uint32_t place = branch_place(branch, value, equal);

        for (uint32_t i = 0; i < place; i++)
            before += branch->children[i].count;
        node = branch->children[place].node;
    }
    return before + leaf_place(node, value, equal);
}

int64_t hd_order_below(const struct hd_order *order, double value)
{
    return count_before(order, value, false);
}

int64_t hd_order_up_to(const struct hd_order *order, double value)
{
    return count_before(order, value, true);
}

double hd_order_at(const struct hd_order *order, int64_t index)
{
    const void *node = order->root;

    for (int32_t height = order->height; height > 0; height--) {
        const struct branch *branch = node;
        uint32_t place = 0;

        for (; index >= branch->children[place].count; place++)
            index -= branch->children[place].count;
        node = branch->children[place].node;
    }
    return ((const struct leaf *)node)->values[index];
}

/* --- Inserting: on the way down everything full is split, so that what follows cannot fail ------------------------------------------ */

static double least_of(const void *node, int32_t height)
{
    return height > 0 ? ((const struct branch *)node)->children[0].least : ((const struct leaf *)node)->values[0];
}

static int64_t count_of(const void *node, int32_t height)
{
    const struct branch *branch = node;
    int64_t count = 0;

    if (height == 0)
        return ((const struct leaf *)node)->count;
    for (uint32_t i = 0; i < branch->count; i++)
        count += branch->children[i].count;
    return count;
}

static bool is_full(const void *node, int32_t height)
{
    return height > 0 ? ((const struct branch *)node)->count == BRANCH_MAX : ((const struct leaf *)node)->count == LEAF_MAX;
}

/* Moves the upper half of a full node into a new one; NULL when memory is short. */
static void *split_node(void *node, int32_t height, struct hd_memory *memory)
{
    if (height > 0) {
        struct branch *full = node, *upper = hd_memory_resize(memory, NULL, 0, sizeof *upper);

        if (upper == NULL)
            return NULL;
        upper->count = BRANCH_MAX / 2;
        full->count = BRANCH_MAX / 2;
        memcpy(upper->children, full->children + BRANCH_MAX / 2, BRANCH_MAX / 2 * sizeof *upper->children);
        return upper;
    }
    struct leaf *full = node, *upper = hd_memory_resize(memory, NULL, 0, leaf_size(LEAF_MAX));

    if (upper == NULL)
        return NULL;
    upper->capacity = LEAF_MAX;
    upper->count = LEAF_MAX / 2;
    full->count = LEAF_MAX / 2;
    memcpy(upper->values, full->values + LEAF_MAX / 2, LEAF_MAX / 2 * sizeof *upper->values);
    return upper;
}

/* Splits a full child of a branch that is not full; the branch is `height` above the leaves. */
static int split_child(struct branch *branch, uint32_t place, int32_t height, struct hd_memory *memory)
{
    struct child *child = &branch->children[place];
    void *upper = split_node(child->node, height - 1, memory);

    if (upper == NULL)
        return -1;
    memmove(child + 2, child + 1, (branch->count - place - 1) * sizeof *child);
    branch->count++;
    child[0].count = count_of(child->node, height - 1);
    child[1] = (struct child){upper, count_of(upper, height - 1), least_of(upper, height - 1)};
    return 0;
}

/* Puts a branch with one child above a full root, so that the root can be split. */
static int raise_root(struct hd_order *order, struct hd_memory *memory)
{
    struct branch *branch = hd_memory_resize(memory, NULL, 0, sizeof *branch);

    if (branch == NULL)
        return -1;
    branch->count = 1;
    branch->children[0] = (struct child){order->root, order->count, least_of(order->root, order->height)};
    order->root = branch;
    order->height++;
    return 0;
}

static int widen_leaf(void **node, struct hd_memory *memory)
{
    struct leaf *leaf = *node;
    uint32_t capacity;

    if (leaf != NULL && leaf->count < leaf->capacity)
        return 0;
    capacity = leaf == NULL ? LEAF_FIRST : leaf->capacity * 2;
    leaf = hd_memory_resize(memory, leaf, leaf == NULL ? 0 : leaf_size(leaf->capacity), leaf_size(capacity));
    if (leaf == NULL)
        return -1;
    if (*node == NULL)
        leaf->count = 0;
    leaf->capacity = capacity;
    *node = leaf;
    return 0;
}

static int make_room(struct hd_order *order, double value, struct hd_memory *memory)
{
    void **node = &order->root;

    if (order->root != NULL && is_full(order->root, order->height) && raise_root(order, memory) != 0)
        return -1;
    for (int32_t height = order->height; height > 0; height--) {
        struct branch *branch = *node;
        uint32_t place;

        assert(branch != NULL); /* only what has no height may be empty */
        place = branch_place(branch, value, true);
        if (is_full(branch->children[place].node, height - 1)) {
            if (split_child(branch, place, height, memory) != 0)
                return -1;
            place = branch_place(branch, value, true);
        }
        node = &branch->children[place].node;
    }
    return widen_leaf(node, memory);
}

int hd_order_insert(struct hd_order *order, double value, struct hd_memory *memory)
{
    struct leaf *leaf;
    void *node;
    uint32_t place;

    if (make_room(order, value, memory) != 0)
        return -1;
    node = order->root;
    for (int32_t height = order->height; height > 0; height--) {
        struct branch *branch = node;
        struct child *child = &branch->children[branch_place(branch, value, true)];

        child->count++;
        if (value < child->least)
            child->least = value;
        node = child->node;
    }
    leaf = node;
    place = leaf_place(leaf, value, true);
    memmove(leaf->values + place + 1, leaf->values + place, (leaf->count - place) * sizeof *leaf->values);
    leaf->values[place] = value;
    leaf->count++;
    order->count++;
    return 0;
}

/* --- Removing: nodes are not joined again, only empty ones go ----------------------------------------------------------------------- */

static void free_node(void *node, int32_t height, struct hd_memory *memory)
{
    if (height > 0)
        hd_memory_free(memory, node, sizeof(struct branch));
    else if (node != NULL)
        hd_memory_free(memory, node, leaf_size(((struct leaf *)node)->capacity));
}

static void drop_child(struct branch *branch, uint32_t place)
{
    memmove(&branch->children[place], &branch->children[place + 1], (branch->count - place - 1) * sizeof *branch->children);
    branch->count--;
}

/* A root with one child is one level too many; an empty one is none. */
static void lower_root(struct hd_order *order, struct hd_memory *memory)
{
    while (order->height > 0 && ((struct branch *)order->root)->count == 1) {
        struct branch *branch = order->root;

        order->root = branch->children[0].node;
        free_node(branch, order->height--, memory);
    }
    if (order->count == 0) {
        free_node(order->root, order->height, memory);
        *order = (struct hd_order){0};
    }
}

void hd_order_remove(struct hd_order *order, double value, struct hd_memory *memory)
{
    struct branch *path[HEIGHT_MAX];
    uint32_t places[HEIGHT_MAX], place;
    void *node = order->root;
    struct leaf *leaf;

    for (int32_t height = order->height; height > 0; height--) {
        struct branch *branch = node;

        path[height] = branch;
        places[height] = branch_place(branch, value, true);
        branch->children[places[height]].count--;
        node = branch->children[places[height]].node;
    }
    leaf = node;
    place = leaf_place(leaf, value, false);
    memmove(leaf->values + place, leaf->values + place + 1, (leaf->count - place - 1) * sizeof *leaf->values);
    leaf->count--;
    order->count--;
    for (int32_t height = 1; height <= order->height; height++) {
        struct branch *branch = path[height];
        struct child *child = &branch->children[places[height]];

        if (child->count == 0) {
            free_node(child->node, height - 1, memory);
            drop_child(branch, places[height]);
        } else {
            child->least = least_of(child->node, height - 1);
        }
    }
    lower_root(order, memory);
}

void hd_order_clear(struct hd_order *order, struct hd_memory *memory)
{
    struct branch *path[HEIGHT_MAX];
    int32_t height = order->height;

    if (height > 0)
        path[height] = order->root;
    /* Down to a branch above leaves, and up again when a branch has no child left. */
    while (height > 0 && height <= order->height) {
        struct branch *branch = path[height];

        if (branch->count == 0) {
            free_node(branch, height++, memory);
        } else if (height == 1) {
            free_node(branch->children[--branch->count].node, 0, memory);
        } else {
            path[height - 1] = branch->children[--branch->count].node;
            height--;
        }
    }
    if (order->height == 0)
        free_node(order->root, 0, memory);
    *order = (struct hd_order){0};
}
