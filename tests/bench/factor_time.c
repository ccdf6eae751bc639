/* Our Cholesky factors beside those of LAPACK: factor_time SIZE [ROUNDS]. Prints the shortest time of each in milliseconds, and by how much
 * the factors differ. */
#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cholesky.h"
#include "core/random.h"
#include "measure.h"

static void fill(double *matrix, size_t size)
{
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < size; j++) {
            double distance = fabs(hd_random_unit(1, i, 0, 0) - hd_random_unit(1, j, 0, 0));
            matrix[i * size + j] = (1 + 3 * distance) * exp(-3 * distance) + (i == j ? 0.01 : 0);
        }
}

int main(int argc, char **argv)
{
    if (argc < 2)
        bench_fail("usage: factor_time SIZE [ROUNDS]");
    size_t size = (size_t)bench_number(argv[1]);
    int64_t rounds = argc > 2 ? bench_number(argv[2]) : 20, ours = INT64_MAX, theirs = INT64_MAX;
    double *matrix = calloc(3 * size * size, sizeof *matrix), *factor = matrix + size * size, *other = factor + size * size, apart = 0;
    if (matrix == NULL)
        bench_fail("memory is short");
    fill(matrix, size);
    for (int64_t round = 0; round < rounds; round++) {
        memcpy(factor, matrix, size * size * sizeof *matrix);
        memcpy(other, matrix, size * size * sizeof *matrix);
        int64_t begin = bench_clock_us();
        if (!cholesky_factor(factor, size, 0, size))
            bench_fail("the matrix is not positive definite");
        int64_t middle = bench_clock_us();
        if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', (int)size, other, (int)size) != 0)
            bench_fail("LAPACK finds the matrix not positive definite");
        int64_t end = bench_clock_us();
        ours = middle - begin < ours ? middle - begin : ours;
        theirs = end - middle < theirs ? end - middle : theirs;
    }
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j <= i; j++)
            apart = fmax(apart, fabs(factor[i * size + j] - other[i * size + j]));
    printf("%zu: ours %.2f ms, LAPACK %.2f ms, %.1e apart\n", size, (double)ours / 1000, (double)theirs / 1000, apart);
    free(matrix);
    return 0;
}
