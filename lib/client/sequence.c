#include "sequence.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY_LEAST = 64 };

void sequence_open(struct sequence *sequence, const struct hd_specification *specification)
{
    *sequence = (struct sequence){.specification = specification, .size = hd_space_size(specification->space)};
}

void sequence_close(struct sequence *sequence)
{
    free(sequence->digests);
    free(sequence->taken);
    *sequence = (struct sequence){0};
}

/* The place of a digest, or the free place where it belongs. A digest is a hash already; the capacity is a power of two. */
static size_t place_of(const struct sequence *sequence, const unsigned char digest[16])
{
    size_t place;

    memcpy(&place, digest, sizeof(place));
    for (place &= sequence->capacity - 1; sequence->taken[place]; place = (place + 1) & (sequence->capacity - 1)) {
        if (memcmp(sequence->digests[place], digest, 16) == 0) {
            break;
        }
    }
    return place;
}

/* Keeps the table at most half full. */
static bool make_room(struct sequence *sequence)
{
    struct sequence larger = *sequence;

    if (2 * (sequence->count + 1) <= sequence->capacity) {
        return true;
    }
    larger.capacity = sequence->capacity == 0 ? CAPACITY_LEAST : 2 * sequence->capacity;
    larger.digests = calloc(larger.capacity, sizeof(*larger.digests));
    larger.taken = calloc(larger.capacity, sizeof(*larger.taken));
    if (larger.digests == NULL || larger.taken == NULL) {
        free(larger.digests);
        free(larger.taken);
        return false;
    }
    for (size_t i = 0; i < sequence->capacity; i++) {
        if (sequence->taken[i]) {
            size_t place = place_of(&larger, sequence->digests[i]);

            memcpy(larger.digests[place], sequence->digests[i], 16);
            larger.taken[place] = true;
        }
    }
    free(sequence->digests);
    free(sequence->taken);
    sequence->digests = larger.digests;
    sequence->taken = larger.taken;
    sequence->capacity = larger.capacity;
    return true;
}

/* 1: it is new, and known from now on; 0: it came already; -1: memory is short. */
static int learn(struct sequence *sequence, const cJSON *configuration)
{
    unsigned char digest[16];
    size_t place;

    if (!hd_configuration_digest(configuration, digest) || !make_room(sequence)) {
        return -1;
    }
    place = place_of(sequence, digest);
    if (sequence->taken[place]) {
        return 0;
    }
    memcpy(sequence->digests[place], digest, 16);
    sequence->taken[place] = true;
    sequence->count++;
    return 1;
}

/* Hands the configuration on if it is new, and frees it otherwise. */
static int offer(struct sequence *sequence, cJSON *configuration, cJSON **ret_configuration)
{
    int result = configuration != NULL ? learn(sequence, configuration) : -1;

    if (result == 1) {
        *ret_configuration = configuration;
    } else {
        cJSON_Delete(configuration);
    }
    return result;
}

/* The first one in grid order that did not come yet. */
static int take_unused(struct sequence *sequence, cJSON **ret_configuration)
{
    for (; sequence->scan < sequence->size; sequence->scan++) {
        int result = offer(sequence, hd_space_at(sequence->specification->space, sequence->scan), ret_configuration);

        if (result != 0) {
            return result;
        }
    }
    return 0;
}

int sequence_next(struct sequence *sequence, cJSON **ret_configuration)
{
    const struct hd_specification *specification = sequence->specification;

    if (sequence->count >= (uint64_t)specification->max_total_runs || (sequence->size > 0 && sequence->count >= sequence->size)) {
        return 0;
    }
    for (int skips = 0; skips < HD_SAMPLING_SKIPS; skips++) {
        cJSON *configuration = NULL;
        int result = hd_sampling_draw(&specification->sampling, specification->space, sequence->draw, &configuration);

        if (result != 0) {
            return result < 0 ? -1 : 0;
        }
        sequence->draw++;
        result = offer(sequence, configuration, ret_configuration);
        if (result != 0) {
            return result;
        }
    }
    return take_unused(sequence, ret_configuration);
}
