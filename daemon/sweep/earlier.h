/* What a new sweep builds on, looked up in the store while its specification is read. Blocks: for the thread pool. */
#ifndef HYPERDRIVED_EARLIER_H
#define HYPERDRIVED_EARLIER_H

#include "core/program.h"
#include "core/specification.h"
#include "store/store.h"

/* The context of hd_specification_options.find_earlier. A zeroed one with a store is ready. */
struct earlier {
    struct store *store;
    struct store_reader *reader; /* taken with the first question */
    struct hd_strings inherited; /* ids of sweeps that were asked for, */
    struct hd_strings resumed;   /* and ids of sweeps whose runs were asked for; each once */
    struct store_found last;     /* what the last id was, */
    char *metric;                /* and what its answer points to; owned */
    enum hd_goal goal;
    struct hd_error error; /* when the store could not answer */
};

/* Is an hd_specification_options.find_earlier. */
bool earlier_find(void *context, const char *id, struct hd_earlier *ret_earlier);
/* After the last question: gives the reader back. */
void earlier_end(struct earlier *earlier);
void earlier_clear(struct earlier *earlier);

/* Adds a warning when a sampling that learns has children of inherited sweeps whose configuration this space cannot have. */
void earlier_warn(struct earlier *earlier, const struct hd_specification *specification, struct hd_problems *warnings);

#endif
