/* Splits a JSON answer while it arrives: the elements of one array (or object) in it, one by one, so that an answer about a million
 * children is never in memory. */
#ifndef HD_CLIENT_ELEMENTS_H
#define HD_CLIENT_ELEMENTS_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "core/text.h"

/* One element; its key is `element->string` when the container is an object. False ends the reading. */
typedef bool elements_take(void *data, const cJSON *element);

/* Made for answers like {"children": [...], ...} and {"metrics": {...}}: the container is a member of the outermost object. */
struct elements {
    const char *member; /* name of the container */
    elements_take *take;
    void *data;
    struct hd_text current; /* text of the element (with its key), or of the outer key, so far */
    int depth;
    bool in_string, escaped;
    bool inside; /* the container */
    bool object; /* the container is an object */
    bool keyed;  /* a key of the outermost object is complete in `current`, its value comes */
    bool failed; /* the answer is not what it should be, an element is too large, or memory is short */
};

void elements_open(struct elements *elements, const char *member, elements_take *take, void *data);
/* A rest_sink: `data` is the struct elements. */
bool elements_feed(void *data, const char *bytes, size_t length);
void elements_close(struct elements *elements);

#endif
