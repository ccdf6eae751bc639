#include "cholesky.h"

#include <math.h>
#include <string.h>

#include "vector.h"

/* Row by row, in the order of Cholesky and Banachiewicz: every inner loop runs along two rows. Four columns share the reading of the row. */
static bool factor_row(double *matrix, size_t stride, size_t i)
{
    double *row = matrix + i * stride;
    size_t j = 0;
    for (; j + 4 <= i; j += 4) {
        const double *const others[4] = {matrix + j * stride, matrix + (j + 1) * stride, matrix + (j + 2) * stride, matrix + (j + 3) * stride};
        double sums[4];
        vector_dot_four(row, others, j, sums);
        for (size_t k = 0; k < 4; k++) {
            for (size_t before = 0; before < k; before++)
                sums[k] += row[j + before] * others[k][j + before];
            row[j + k] = (row[j + k] - sums[k]) / others[k][j + k];
        }
    }
    for (; j < i; j++)
        row[j] = (row[j] - vector_dot(row, matrix + j * stride, j)) / matrix[j * stride + j];
    double rest = row[i] - vector_dot(row, row, i);
    row[i] = sqrt(rest);
    return rest > 0 && isfinite(row[i]);
}

bool cholesky_factor(double *matrix, size_t stride, size_t first, size_t count)
{
    for (size_t i = first; i < count; i++) {
        if (!factor_row(matrix, stride, i))
            return false;
    }
    return true;
}

void cholesky_invert(const double *factor, double *ret_inverse, size_t stride, size_t first, size_t count)
{
    for (size_t i = first; i < count; i++) {
        const double *row = factor + i * stride;
        double *inverse = ret_inverse + i * stride;
        memset(inverse, 0, (i + 1) * sizeof *inverse);
        for (size_t k = 0; k < i; k++)
            vector_add(inverse, row[k], ret_inverse + k * stride, k + 1);
        for (size_t j = 0; j < i; j++)
            inverse[j] /= -row[i];
        inverse[i] = 1 / row[i];
    }
}

void cholesky_square(const double *inverse, double *ret_square, size_t stride, size_t count)
{
    for (size_t i = 0; i < count; i++)
        memset(ret_square + i * stride, 0, (i + 1) * sizeof *ret_square);
    for (size_t k = 0; k < count; k++) {
        const double *row = inverse + k * stride;
        for (size_t i = 0; i <= k; i++)
            vector_add(ret_square + i * stride, row[i], row, i + 1);
    }
}

void cholesky_forward(const double *inverse, size_t stride, size_t count, const double *x, double *ret_y)
{
    for (size_t i = 0; i < count; i++)
        ret_y[i] = vector_dot(inverse + i * stride, x, i + 1);
}

void cholesky_backward(const double *inverse, size_t stride, size_t count, const double *x, double *ret_y)
{
    memset(ret_y, 0, count * sizeof *ret_y);
    for (size_t i = 0; i < count; i++)
        vector_add(ret_y, x[i], inverse + i * stride, i + 1);
}
