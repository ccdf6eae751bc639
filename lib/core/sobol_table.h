/* What the Sobol sequence is made from, one row per dimension from the second on. For lib/core only. */
#ifndef HD_CORE_SOBOL_TABLE_H
#define HD_CORE_SOBOL_TABLE_H

#include <stdint.h>

enum { SOBOL_ROWS = 480, SOBOL_DEGREE = 12 };

struct sobol_row {
    uint16_t polynomial;            /* primitive over GF(2): bit i is the coefficient of x^i */
    uint16_t initial[SOBOL_DEGREE]; /* m_1, m_2, ... up to its degree, odd, m_i below 2^i */
};

extern const struct sobol_row SOBOL_TABLE[SOBOL_ROWS];

#endif
