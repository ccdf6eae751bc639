/* The Sobol sequence with the direction numbers of Joe and Kuo, every point addressed by its index. */
#ifndef HD_CORE_SOBOL_H
#define HD_CORE_SOBOL_H

#include <stdint.h>

enum { HD_SOBOL_DIMENSIONS = 481 };

/* Coordinate of the index-th point in units of 2^-32, in the order of Gray codes, in which the sequence is commonly given: the first point
 * is 0, the second one half. dimension < HD_SOBOL_DIMENSIONS. */
uint32_t hd_sobol_point(uint32_t dimension, uint32_t index);
/* The same under a digital shift that the seed gives this dimension: still a net, and another one for every seed. In (0, 1). The sequence
 * ends after 2^32 points, and begins again under another shift. */
double hd_sobol_unit(int64_t seed, uint64_t draw, uint32_t dimension);

#endif
