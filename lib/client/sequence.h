/* The configurations that a sweep draws, one after the other, as the daemon would: none comes twice. */
#ifndef HD_CLIENT_SEQUENCE_H
#define HD_CLIENT_SEQUENCE_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "core/specification.h"

struct sequence {
    const struct hd_specification *specification; /* must outlive the sequence */
    uint64_t size;                                /* configurations of the space; 0: not finite */
    uint64_t draw;                                /* the next one */
    uint64_t scan;                                /* in grid order: what lies before it is used */
    unsigned char (*digests)[16];                 /* of what came already: a hash table, probed linearly; owned */
    bool *taken;                                  /* places of the table that are filled; owned */
    size_t count, capacity;
};

void sequence_open(struct sequence *sequence, const struct hd_specification *specification);
/* 1 and the next configuration (owned by the caller), 0 when there is none or the sweep's budget is used up, -1 when memory is short. */
int sequence_next(struct sequence *sequence, cJSON **ret_configuration);
void sequence_close(struct sequence *sequence);

#endif
