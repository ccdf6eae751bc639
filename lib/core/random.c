#include "random.h"

/* Constants and rounds as published by Salmon et al. for Philox 4x32-10. */
enum { ROUNDS = 10 };
static const uint32_t MULTIPLIERS[2] = {0xd2511f53, 0xcd9e8d57};
static const uint32_t KEY_STEPS[2] = {0x9e3779b9, 0xbb67ae85};

void hd_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t ret_output[4])
{
    uint32_t k[2] = {key[0], key[1]};
    uint32_t x[4] = {counter[0], counter[1], counter[2], counter[3]};
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t a = (uint64_t)MULTIPLIERS[0] * x[0];
        uint64_t b = (uint64_t)MULTIPLIERS[1] * x[2];
        x[0] = (uint32_t)(b >> 32) ^ x[1] ^ k[0];
        x[1] = (uint32_t)b;
        x[2] = (uint32_t)(a >> 32) ^ x[3] ^ k[1];
        x[3] = (uint32_t)a;
        k[0] += KEY_STEPS[0];
        k[1] += KEY_STEPS[1];
    }
    for (int i = 0; i < 4; i++)
        ret_output[i] = x[i];
}

uint64_t hd_random_bits(int64_t seed, uint64_t draw, uint32_t dimension, uint32_t retry)
{
    uint32_t key[2] = {(uint32_t)(uint64_t)seed, (uint32_t)((uint64_t)seed >> 32)};
    uint32_t counter[4] = {(uint32_t)draw, (uint32_t)(draw >> 32), dimension, retry};
    uint32_t output[4];
    hd_philox(key, counter, output);
    return output[0] | (uint64_t)output[1] << 32;
}

double hd_random_unit(int64_t seed, uint64_t draw, uint32_t dimension, uint32_t retry)
{
    uint64_t cell = hd_random_bits(seed, draw, dimension, retry) >> 12;
    return (double)(2 * cell + 1) * 0x1p-53;
}
