/* Random numbers addressed by position: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel Random Numbers: As Easy as 1, 2, 3", 2011).
 *
 * A number depends on (seed, draw, dimension, retry) alone, so that the k-th draw never depends on time, concurrency or machine. */
#ifndef HD_CORE_RANDOM_H
#define HD_CORE_RANDOM_H

#include <stdint.h>

#define HD_RANDOM_NAME "philox4x32-10" /* shown as `rng`; its output for a name never changes */

void hd_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t ret_output[4]);
uint64_t hd_random_bits(int64_t seed, uint64_t draw, uint32_t dimension, uint32_t retry);
/* In (0, 1), both ends excluded: 52 bits, centred in their cell (of 53, the centre of the last cell would round to 1). */
double hd_random_unit(int64_t seed, uint64_t draw, uint32_t dimension, uint32_t retry);

#endif
