#include "vector.h"

typedef double lanes __attribute__((vector_size(32)));
typedef double lanes_anywhere __attribute__((vector_size(32), aligned(8), may_alias));

#define LOAD(address)         (*(const lanes_anywhere *)(address))
#define STORE(address, value) (*(lanes_anywhere *)(address) = (value))

#define NAME(name) plain_##name
#define TARGET
#include "vector_loops.h"
#undef NAME
#undef TARGET

/* Which loops is asked at each call: target_clones asks once, but before the sanitizers' runtimes are up, and crashes under them (gcc 12,
 * clang 14). */
#if defined(__x86_64__)
#define NAME(name) avx2_##name
#define TARGET     __attribute__((target("avx2")))
#include "vector_loops.h"
#undef NAME
#undef TARGET
#define CALL(name, ...) (__builtin_cpu_supports("avx2") ? avx2_##name(__VA_ARGS__) : plain_##name(__VA_ARGS__))
#else
#define CALL(name, ...) plain_##name(__VA_ARGS__)
#endif

double vector_dot(const double *a, const double *b, size_t count)
{
    return CALL(dot, a, b, count);
}

void vector_dot_four(const double *a, const double *const b[4], size_t count, double ret_sums[4])
{
    CALL(dot_four, a, b, count, ret_sums);
}

void vector_add(double *y, double factor, const double *x, size_t count)
{
    CALL(add, y, factor, x, count);
}

void vector_add_squares(double *y, double factor, const double *x, double origin, size_t count)
{
    CALL(add_squares, y, factor, x, origin, count);
}

void vector_add_unequal(double *y, double factor, const double *x, double value, size_t count)
{
    CALL(add_unequal, y, factor, x, value, count);
}

double vector_sum_squares(const double *weights, const double *x, double origin, size_t count)
{
    return CALL(sum_squares, weights, x, origin, count);
}

double vector_sum_unequal(const double *weights, const double *x, double value, size_t count)
{
    return CALL(sum_unequal, weights, x, value, count);
}

void vector_add_hills(double *y, double height, double factor, const double *x, double origin, size_t count)
{
    CALL(add_hills, y, height, factor, x, origin, count);
}

double vector_sum_hill_widths(const double *weights, double factor, const double *x, double origin, size_t count)
{
    return CALL(sum_hill_widths, weights, factor, x, origin, count);
}

double vector_sum_hill_slopes(const double *weights, double factor, const double *x, double origin, size_t count)
{
    return CALL(sum_hill_slopes, weights, factor, x, origin, count);
}
