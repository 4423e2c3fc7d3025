/* SPDX-License-Identifier: MIT */
/* The kernels of panels.h in plain C: the reference of the other levels. */
#include "tensor/panels.h"

void cs_panel_squares_generic(float *v, const float *x, size_t panels, size_t rows, const float *f)
{
    const size_t ldf = CS_PANEL_STRIDE(rows);
    for (size_t p = 0; p < panels; p++, x += rows * CS_PANEL, v += CS_PANEL)
        for (size_t i = 0; i < CS_PANEL; i++) {
            double squares = 0.0;
            for (size_t j = 0; j < rows; j++) {
                double sum = 0.0;
                for (size_t l = j; l < rows; l++)
                    sum += (double)f[l * ldf + j] * (double)x[l * CS_PANEL + i];
                squares += sum * sum;
            }
            v[i] = (float)squares;
        }
}

void cs_panel_deflate_generic(float *v, const float *x, size_t panels, size_t rows, const float *t,
                              const float *u, float c)
{
    for (size_t p = 0; p < panels; p++, x += rows * CS_PANEL, v += CS_PANEL)
        for (size_t i = 0; i < CS_PANEL; i++) {
            double a = 0.0, b = 0.0;
            for (size_t l = 0; l < rows; l++) {
                a += (double)t[l] * (double)x[l * CS_PANEL + i];
                b += (double)u[l] * (double)x[l * CS_PANEL + i];
            }
            v[i] = (float)((double)v[i] + a * ((double)c * a - 2.0 * b));
        }
}

void cs_rows_dot_generic(double *y, const double *a, size_t lda, size_t rows, const double *x,
                         size_t n)
{
    for (size_t i = 0; i < rows; i++, a += lda) {
        double sum = 0.0;
        for (size_t k = 0; k < n; k++)
            sum += a[k] * x[k];
        y[i] = sum;
    }
}

void cs_rows_add_generic(double *x, const double *a, size_t lda, size_t rows, const double *y,
                         size_t n)
{
    for (size_t i = 0; i < rows; i++, a += lda)
        for (size_t k = 0; k < n; k++)
            x[k] += y[i] * a[k];
}
