#include "sobol.h"

#include "random.h"
#include "sobol_table.h"

enum { BITS = 32 };
_Static_assert((int)HD_SOBOL_DIMENSIONS == (int)SOBOL_ROWS + 1, "the first dimension needs no row");

/* A draw never asks for this retry, so the shifts are independent of all other numbers of the seed. */
static const uint32_t SHIFT_RETRY = UINT32_MAX;

/* The first `count` direction numbers, each as a fraction of 2^32 (Bratley and Fox, "Algorithm 659", 1988). */
static void find_directions(uint32_t dimension, int count, uint32_t directions[BITS])
{
    if (dimension == 0) {
        for (int i = 0; i < count; i++)
            directions[i] = UINT32_C(1) << (BITS - 1 - i);
        return;
    }
    const struct sobol_row *row = &SOBOL_TABLE[dimension - 1];
    int degree = 31 - __builtin_clz(row->polynomial);
    for (int i = 0; i < count; i++) {
        if (i < degree) {
            directions[i] = (uint32_t)row->initial[i] << (BITS - 1 - i);
            continue;
        }
        directions[i] = directions[i - degree] ^ directions[i - degree] >> degree;
        for (int k = 1; k < degree; k++) {
            if ((row->polynomial >> (degree - k) & 1) != 0)
                directions[i] ^= directions[i - k];
        }
    }
}

uint32_t hd_sobol_point(uint32_t dimension, uint32_t index)
{
    uint32_t directions[BITS], point = 0, gray = index ^ index >> 1;
    int count = gray == 0 ? 0 : BITS - __builtin_clz(gray);
    find_directions(dimension, count, directions);
    for (int i = 0; i < count; i++) {
        if ((gray >> i & 1) != 0)
            point ^= directions[i];
    }
    return point;
}

double hd_sobol_unit(int64_t seed, uint64_t draw, uint32_t dimension)
{
    uint32_t shift = (uint32_t)hd_random_bits(seed, draw >> BITS, dimension, SHIFT_RETRY);
    return ((double)(hd_sobol_point(dimension, (uint32_t)draw) ^ shift) + 0.5) * 0x1p-32;
}
