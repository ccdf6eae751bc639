#include <stdlib.h>
#include <string.h>

#include "program.h"
#include "space_compile.h"
#include "text.h"

/* Environment variables of members of branches (8.4): different ones may come to the same name. */

struct variable {
    char *name, *path; /* owned; the path is dotted, as in placeholders */
    size_t order;      /* in the document */
};

struct variables {
    struct variable *list; /* owned */
    size_t count, capacity, added;
    const struct json_path *space;
    struct hd_problems *warnings;
};

static char *join(const char *first, const char *separator, const char *second)
{
    struct hd_text text = {0};
    hd_text_format(&text, "%s%s%s", first, separator, second);
    return hd_text_take(&text);
}

/* Takes both strings over. */
static void add(struct variables *variables, char *name, char *path)
{
    if (name != NULL && path != NULL && variables->count == variables->capacity) {
        size_t capacity = variables->capacity == 0 ? 16 : 2 * variables->capacity;
        struct variable *list = reallocarray(variables->list, capacity, sizeof *list);
        if (list != NULL) {
            variables->list = list;
            variables->capacity = capacity;
        }
    }
    if (name == NULL || path == NULL || variables->count == variables->capacity) {
        variables->warnings->out_of_memory = true;
        free(name);
        free(path);
        return;
    }
    variables->list[variables->count++] = (struct variable){name, path, variables->added++};
}

static int compare(const void *a, const void *b)
{
    const struct variable *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static void warn(const struct variables *variables, const struct variable *first, const struct variable *second)
{
    struct hd_text target = {0};
    json_path_write(&target, variables->space);
    hd_text_format(&target, ".%s", second->path);
    if (target.failed)
        variables->warnings->out_of_memory = true;
    else
        hd_problems_add(variables->warnings, "Duplicate", target.data,
                        "parameters '%s' and '%s' have the same environment variable %s: a child that has both finds one of them there",
                        first->path, second->path, first->name);
    hd_text_clear(&target);
}

/* Those from `from` on, each name once. Members of one branch are there together, options of a choice never are. */
static void settle(struct variables *variables, size_t from, bool together)
{
    size_t kept = from;
    if (variables->count > from)
        qsort(variables->list + from, variables->count - from, sizeof *variables->list, compare);
    for (size_t i = from; i < variables->count; i++) {
        struct variable *variable = &variables->list[i];
        if (kept == from || strcmp(variables->list[kept - 1].name, variable->name) != 0) {
            variables->list[kept++] = *variable;
            continue;
        }
        if (together)
            warn(variables, &variables->list[kept - 1], variable);
        free(variable->name);
        free(variable->path);
    }
    variables->count = kept;
}

static void collect_value(struct variables *variables, const struct node *node, const char *prefix, const char *path);

static void collect_member(struct variables *variables, const struct node *member, const char *prefix, const char *path)
{
    char *environment = hd_environment_name(member->name);
    char *name = environment == NULL ? NULL : join(prefix, "", environment);
    char *inner_prefix = name == NULL ? NULL : join(name, "__", "");
    char *inner_path = join(path, *path == '\0' ? "" : ".", member->name);
    if (inner_prefix == NULL || inner_path == NULL) {
        variables->warnings->out_of_memory = true;
        free(name);
    } else {
        add(variables, name, strdup(inner_path));
        collect_value(variables, member, inner_prefix, inner_path);
    }
    free(environment);
    free(inner_prefix);
    free(inner_path);
}

static void collect_value(struct variables *variables, const struct node *node, const char *prefix, const char *path)
{
    size_t from = variables->count;
    for (size_t i = 0; i < node->child_count; i++) {
        if (node->kind == NODE_BRANCH)
            collect_member(variables, node->children[i], prefix, path);
        else
            collect_value(variables, node->children[i], prefix, path);
    }
    settle(variables, from, node->kind == NODE_BRANCH);
}

void space_check_variables(const struct node *root, const struct json_path *path, struct hd_problems *warnings)
{
    struct variables variables = {.space = path, .warnings = warnings};
    collect_value(&variables, root, "AZUREML_SWEEP_", "");
    for (size_t i = 0; i < variables.count; i++) {
        free(variables.list[i].name);
        free(variables.list[i].path);
    }
    free(variables.list);
}
