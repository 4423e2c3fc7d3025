/* SPDX-License-Identifier: MIT */
/* Many vectors side by side, in panels, for questions asked of all of them at once; and float64
 * products of a matrix with one vector. Kernels per level, reached through the table of
 * tensor/simd.h, with what they promise. */
#ifndef CLIPSPAN_SRC_TENSOR_PANELS_H
#define CLIPSPAN_SRC_TENSOR_PANELS_H

#include <stddef.h>

/* Vectors in a panel. Panel p of vectors of R numbers is x[p] : [R, CS_PANEL], so one number of
 * CS_PANEL vectors lies together. */
#define CS_PANEL         64

/* Row length of a [R, R] float32 matrix that panel_squares takes: R rounded up. */
#define CS_PANEL_COLUMNS 4
#define CS_PANEL_STRIDE(rows)                                                                      \
    (((rows) + CS_PANEL_COLUMNS - 1) / CS_PANEL_COLUMNS * CS_PANEL_COLUMNS)

void cs_panel_squares_generic(float *v, const float *x, size_t panels, size_t rows, const float *f);
void cs_panel_squares_avx2(float *v, const float *x, size_t panels, size_t rows, const float *f);
void cs_panel_squares_avx512(float *v, const float *x, size_t panels, size_t rows, const float *f);

void cs_panel_deflate_generic(float *v, const float *x, size_t panels, size_t rows, const float *t,
                              const float *u, float c);
void cs_panel_deflate_avx2(float *v, const float *x, size_t panels, size_t rows, const float *t,
                           const float *u, float c);
void cs_panel_deflate_avx512(float *v, const float *x, size_t panels, size_t rows, const float *t,
                             const float *u, float c);

void cs_rows_dot_generic(double *y, const double *a, size_t lda, size_t rows, const double *x,
                         size_t n);
void cs_rows_dot_avx2(double *y, const double *a, size_t lda, size_t rows, const double *x,
                      size_t n);
void cs_rows_dot_avx512(double *y, const double *a, size_t lda, size_t rows, const double *x,
                        size_t n);

void cs_rows_add_generic(double *x, const double *a, size_t lda, size_t rows, const double *y,
                         size_t n);
void cs_rows_add_avx2(double *x, const double *a, size_t lda, size_t rows, const double *y,
                      size_t n);
void cs_rows_add_avx512(double *x, const double *a, size_t lda, size_t rows, const double *y,
                        size_t n);

#endif
