#include "space.h"

#include <stdlib.h>
#include <string.h>

#include "json_tree.h"
#include "space_tree.h"

void hd_space_free(struct hd_space *space)
{
    if (space == NULL)
        return;
    node_free(space->root);
    free(space);
}

cJSON *hd_space_json(const struct hd_space *space)
{
    return node_json(space->root);
}

int hd_space_parameters(const struct hd_space *space)
{
    return (int)space->root->child_count;
}

const char *hd_space_name(const struct hd_space *space, int parameter)
{
    return space->root->children[parameter]->name;
}

static bool node_has_path(const struct node *node, const char *dotted);

/* Names may have dots in them, so more than one member can match the front of a path. */
static bool member_has_path(const struct node *member, const char *name, const char *dotted)
{
    size_t length = strlen(name);
    if (strncmp(dotted, name, length) != 0)
        return false;
    if (dotted[length] == '\0')
        return true;
    return dotted[length] == '.' && node_has_path(member, dotted + length + 1);
}

static bool node_has_path(const struct node *node, const char *dotted)
{
    for (size_t i = 0; i < node->child_count; i++) {
        const struct node *child = node->children[i];
        if (node->kind == NODE_BRANCH ? member_has_path(child, child->name, dotted) : node_has_path(child, dotted))
            return true;
    }
    return false;
}

bool hd_space_has_path(const struct hd_space *space, const char *dotted)
{
    for (int i = 0; i < hd_space_parameters(space); i++) {
        const struct node *parameter = space->root->children[i];
        const char *bare = parameter->name + strspn(parameter->name, "-");
        if (member_has_path(parameter, parameter->name, dotted) || member_has_path(parameter, bare, dotted))
            return true;
    }
    return false;
}

uint32_t hd_space_dimensions(const struct hd_space *space)
{
    return space->dimensions;
}

uint64_t hd_space_size(const struct hd_space *space)
{
    static const uint64_t LARGEST = UINT64_C(1) << 53;
    return space->root->count <= LARGEST ? space->root->count : 0;
}

static cJSON *node_at(const struct node *node, uint64_t index);

/* The last member varies fastest, so the index is taken apart from behind. */
static cJSON *branch_at(const struct node *node, uint64_t index)
{
    cJSON *object = json_new(cJSON_Object);
    for (size_t i = node->child_count; object != NULL && i > 0; i--) {
        const struct node *member = node->children[i - 1];
        if (!json_prepend_member(object, member->name, node_at(member, index % member->count))) {
            cJSON_Delete(object);
            return NULL;
        }
        index /= member->count;
    }
    return object;
}

static cJSON *choice_at(const struct node *node, uint64_t index)
{
    size_t option = 0;
    while (index >= node->children[option]->count)
        index -= node->children[option++]->count;
    return node_at(node->children[option], index);
}

static cJSON *node_at(const struct node *node, uint64_t index)
{
    switch (node->kind) {
    case NODE_BRANCH:
        return branch_at(node, index);
    case NODE_CHOICE:
        return choice_at(node, index);
    case NODE_NUMERIC:
        return expression_json(&node->expression, expression_at(&node->expression, index));
    default:
        return json_copy(node->json);
    }
}

cJSON *hd_space_at(const struct hd_space *space, uint64_t index)
{
    return node_at(space->root, index);
}
