#include "space_tree.h"

#include <stdlib.h>

#include "json_tree.h"

struct node *node_new(enum node_kind kind)
{
    struct node *node = calloc(1, sizeof *node);
    if (node != NULL)
        node->kind = kind;
    return node;
}

bool node_add(struct node *parent, struct node *child)
{
    if (parent->child_count == parent->capacity) {
        size_t capacity = parent->capacity == 0 ? 4 : 2 * parent->capacity;
        struct node **children = reallocarray(parent->children, capacity, sizeof(struct node *));
        if (children == NULL)
            return false;
        parent->children = children;
        parent->capacity = capacity;
    }
    parent->children[parent->child_count++] = child;
    return true;
}

void node_free(struct node *node)
{
    if (node == NULL)
        return;
    for (size_t i = 0; i < node->child_count; i++)
        node_free(node->children[i]);
    free(node->children);
    free(node->name);
    cJSON_Delete(node->json);
    free(node);
}

static uint64_t count_product(uint64_t a, uint64_t b)
{
    uint64_t product;
    if (a == 0 || b == 0)
        return 0;
    return __builtin_mul_overflow(a, b, &product) ? EXPRESSION_COUNT_HUGE : product;
}

static uint64_t count_sum(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? EXPRESSION_COUNT_HUGE : sum;
}

void node_finish(struct node *node, uint32_t *dimension)
{
    if (node->kind == NODE_CHOICE || node->kind == NODE_NUMERIC)
        node->dimension = (*dimension)++;
    bool finite = true;
    uint64_t sum = 0, product = 1;
    for (size_t i = 0; i < node->child_count; i++) {
        struct node *child = node->children[i];
        node_finish(child, dimension);
        finite = finite && child->count > 0;
        sum = count_sum(sum, child->count);
        product = count_product(product, child->count);
    }
    switch (node->kind) {
    case NODE_CONSTANT:
        node->count = 1;
        break;
    case NODE_BRANCH:
        node->count = product;
        break;
    case NODE_CHOICE:
        node->count = finite ? sum : 0;
        break;
    case NODE_NUMERIC:
        node->count = expression_count(&node->expression);
        break;
    }
}

static cJSON *branch_json(const struct node *node)
{
    cJSON *object = json_new(cJSON_Object);
    for (size_t i = 0; object != NULL && i < node->child_count; i++) {
        if (!json_append_member(object, node->children[i]->name, node_json(node->children[i]))) {
            cJSON_Delete(object);
            return NULL;
        }
    }
    return object;
}

static cJSON *values_json(const struct node *node)
{
    cJSON *array = json_new(cJSON_Array);
    for (size_t i = 0; array != NULL && i < node->child_count; i++) {
        cJSON *value = node_json(node->children[i]);
        if (value == NULL) {
            cJSON_Delete(array);
            return NULL;
        }
        json_append(array, value);
    }
    return array;
}

static cJSON *choice_json(const struct node *node)
{
    cJSON *object = json_new(cJSON_Object);
    if (object == NULL)
        return NULL;
    if (!json_append_member(object, "type", json_new_string("choice")) || !json_append_member(object, "values", values_json(node))) {
        cJSON_Delete(object);
        return NULL;
    }
    return object;
}

cJSON *node_json(const struct node *node)
{
    switch (node->kind) {
    case NODE_BRANCH:
        return branch_json(node);
    case NODE_CHOICE:
        return choice_json(node);
    default:
        return json_copy(node->json);
    }
}
