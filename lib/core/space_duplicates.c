#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "json.h"
#include "space_compile.h"

struct option {
    unsigned char digest[DIGEST_SIZE];
    size_t index;
    size_t equal_to; /* the first option with this value; its own index if it is that */
};

static int by_digest(const void *a, const void *b)
{
    const struct option *x = a, *y = b;
    int order = memcmp(x->digest, y->digest, DIGEST_SIZE);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

static int by_index(const void *a, const void *b)
{
    const struct option *x = a, *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

static bool node_digest(const struct node *node, unsigned char digest[DIGEST_SIZE])
{
    if (node->kind == NODE_CONSTANT)
        return digest_json(node->json, digest);
    cJSON *json = node_json(node);
    bool done = json != NULL && digest_json(json, digest);
    cJSON_Delete(json);
    return done;
}

/* NULL when memory is short. */
static struct option *find_equals(const struct node *choice)
{
    struct option *options = calloc(choice->child_count, sizeof *options);
    if (options == NULL)
        return NULL;
    for (size_t i = 0; i < choice->child_count; i++) {
        options[i].index = options[i].equal_to = i;
        if (!node_digest(choice->children[i], options[i].digest)) {
            free(options);
            return NULL;
        }
    }
    qsort(options, choice->child_count, sizeof *options, by_digest);
    for (size_t i = 1; i < choice->child_count; i++) {
        if (memcmp(options[i].digest, options[i - 1].digest, DIGEST_SIZE) == 0)
            options[i].equal_to = options[i - 1].equal_to;
    }
    qsort(options, choice->child_count, sizeof *options, by_index);
    return options;
}

/* One warning for the whole choice: of a hundred thousand values half might be equal. */
static void warn(struct compiler *compiler, const struct node *choice, const struct option *first, size_t dropped,
                 const struct json_path *values)
{
    cJSON *json = node_json(choice->children[first->index]);
    char *excerpt = json == NULL ? NULL : hd_json_excerpt(json);
    if (excerpt == NULL)
        compiler->warnings->out_of_memory = true;
    else if (dropped == 1)
        space_problem(compiler->warnings, "DuplicateChoice", values, " has %s twice, at [%zu] and [%zu]; only the first is kept", excerpt,
                      first->equal_to, first->index);
    else
        space_problem(compiler->warnings, "DuplicateChoice", values,
                      " has values more than once, as %s at [%zu] and [%zu]; only the first of equal values is kept, %zu are dropped",
                      excerpt, first->equal_to, first->index, dropped);
    free(excerpt);
    cJSON_Delete(json);
}

bool space_drop_duplicates(struct compiler *compiler, struct node *choice, const struct json_path *values)
{
    struct option *options = find_equals(choice);
    if (options == NULL)
        return false;
    size_t kept = 0, first = 0;
    for (size_t i = choice->child_count; i-- > 0;) {
        if (options[i].equal_to != i)
            first = i;
        else
            kept++;
    }
    if (kept < choice->child_count)
        warn(compiler, choice, &options[first], choice->child_count - kept, values);
    kept = 0;
    for (size_t i = 0; i < choice->child_count; i++) {
        if (options[i].equal_to == i)
            choice->children[kept++] = choice->children[i];
        else
            node_free(choice->children[i]);
    }
    choice->child_count = kept;
    free(options);
    return true;
}
