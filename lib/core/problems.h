/* A list of findings about an input: what refuses it (errors), or what its sender should know (warnings). */
#ifndef HD_CORE_PROBLEMS_H
#define HD_CORE_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

struct hd_problem {
    const char *code; /* static: `Required`, `WrongType`, ... of the reference, section 4.2 */
    char *message;    /* owned */
    char *target;     /* owned; path of the field, or NULL */
};

enum { HD_PROBLEMS_MAX = 100 }; /* findings beyond this are counted, not kept */

struct hd_problems {
    struct hd_problem *list;
    size_t count;
    size_t capacity;
    size_t dropped;     /* findings beyond HD_PROBLEMS_MAX */
    bool out_of_memory; /* a finding could not be kept: the input must be refused with HD_UNAVAILABLE */
};

/* A zeroed struct is an empty list. */
void hd_problems_add(struct hd_problems *problems, const char *code, const char *target, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* True if nothing was found, and nothing got lost. */
bool hd_problems_none(const struct hd_problems *problems);
void hd_problems_clear(struct hd_problems *problems);

#endif
