/* Splits a JSON answer while it arrives: the elements of one array (or object) in it, one by one, so that an answer about a million
 * children is never in memory. */
#ifndef HD_CLIENT_ELEMENTS_H
#define HD_CLIENT_ELEMENTS_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "core/text.h"

/* One element; its key is `element->string` when the container is an object. False ends the reading. */
typedef bool elements_take(void *data, const cJSON *element);

enum { ELEMENTS_LEVELS = 2, ELEMENTS_PART = 64 * 1024 };

/* Made for answers like {"children": [...], ...} and {"metrics": {...}}: the container is a member of the outermost object. */
struct elements {
    const char *member; /* name of the container */
    const char *split;  /* NULL, or what an element and its inner containers open with, as "{[": a longer one comes in several parts */
    elements_take *take;
    void *data;
    struct hd_text current; /* text of the element (with its key), or of the outer key, so far */
    int depth;
    struct hd_text head;                      /* what a part begins with: keys and openings of the levels that are open */
    size_t head_length[ELEMENTS_LEVELS + 1];  /* of the head up to each level */
    size_t member_start[ELEMENTS_LEVELS + 1]; /* in `current`, of the latest member of each level */
    int level;                                /* how many of `split` are open */
    bool in_string, escaped;
    bool inside; /* the container */
    bool object; /* the container is an object */
    bool keyed;  /* a key of the outermost object is complete in `current`, its value comes */
    bool failed; /* the answer is not what it should be, an element is too large, or memory is short */
};

/* With `split` set behind this, an element whose text grows beyond ELEMENTS_PART is taken in parts of the same shape: with "[" a member
 * `"loss": [1, 2, ...]` of the container comes as `"loss": [1, 2]`, `"loss": [3]`. */
void elements_open(struct elements *elements, const char *member, elements_take *take, void *data);
/* A rest_sink: `data` is the struct elements. */
bool elements_feed(void *data, const char *bytes, size_t length);
void elements_close(struct elements *elements);

#endif
