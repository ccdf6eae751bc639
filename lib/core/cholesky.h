/* Cholesky factors of symmetric positive definite matrices, and what is made of them. For lib/core only.
 *
 * A matrix is stored by rows of `stride` numbers. Of symmetric and triangular matrices only the lower part, diagonal included, is read and
 * written. */
#ifndef HD_CORE_CHOLESKY_H
#define HD_CORE_CHOLESKY_H

#include <stdbool.h>
#include <stddef.h>

/* Overwrites rows from `first` on of A by those of L, where A = L L^T; the rows before are those of L already. False when A is not positive
 * definite as far as doubles can tell; then those rows are spoilt. */
bool cholesky_factor(double *matrix, size_t stride, size_t first, size_t count);
/* Rows from `first` on of L^-1; the rows before are there already. */
void cholesky_invert(const double *factor, double *ret_inverse, size_t stride, size_t first, size_t count);
/* A^-1 = L^-T L^-1 of the inverse factor. */
void cholesky_square(const double *inverse, double *ret_square, size_t stride, size_t count);
/* ret_y = L^-1 x, of the inverse factor. */
void cholesky_forward(const double *inverse, size_t stride, size_t count, const double *x, double *ret_y);
/* ret_y = L^-T x, of the inverse factor. */
void cholesky_backward(const double *inverse, size_t stride, size_t count, const double *x, double *ret_y);

#endif
