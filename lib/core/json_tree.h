/* What the files of JSON know about cJSON's trees beyond its public functions; for lib/core only. */
#ifndef HD_CORE_JSON_TREE_H
#define HD_CORE_JSON_TREE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "problems.h"
#include "text.h"

/* A place in a document, from the leaf up to the root, kept on the stack and written only when there is something to say about it. */
struct json_path {
    const struct json_path *parent; /* NULL for the root */
    const char *key;                /* of a member; NULL for an element */
    size_t index;                   /* of an element */
};

/* `a.b[3].c` */
void json_path_write(struct hd_text *out, const struct json_path *path);

/* An item of `type` with nothing in it; NULL when memory is short. */
cJSON *json_new(int type);
/* At the end of an array or object, in constant time. A member has its key in ->string already. */
void json_append(cJSON *container, cJSON *item);
/* Appends `item` (which may be NULL) under a copy of `key`. False, with `item` freed, when memory is short or `item` is NULL. */
bool json_append_member(cJSON *object, const char *key, cJSON *item);
/* The same in front of all members. */
bool json_prepend_member(cJSON *object, const char *key, cJSON *item);
void json_set_number(cJSON *item, double value);
cJSON *json_new_string(const char *string);
/* A copy of a whole tree, keys inside included but without the key of `item` itself; NULL when memory is short. */
cJSON *json_copy(const cJSON *item);

/* The double that a valid JSON number token stands for, rounded correctly whatever the locale; infinite if it is too large. False when
 * memory is short. */
bool json_token_value(const char *token, size_t length, double *ret_value);

/* The members of an object, ordered by key and among equal keys as they stand; *ret_list is owned by the caller. False when memory is
 * short. */
bool json_sorted_members(const cJSON *object, const cJSON ***ret_list, size_t *ret_count);

/* Adds a `Duplicate` for every key that an object of the tree has more than once, in document order. False if there was one. */
bool json_check_duplicates(const cJSON *root, struct hd_problems *problems);

#endif
