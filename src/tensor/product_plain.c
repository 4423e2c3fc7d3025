/* SPDX-License-Identifier: MIT */
/* Products in plain C, summed in float64: slow, for tests and as the reference of the others. */
#include "tensor/product_shared.h"

#if !defined(CLIPSPAN_CBLAS) && !defined(CLIPSPAN_ONEDNN)

void cs_product_sums(float *y, const float *x, const float *w, const cs_matrix *matrix, size_t rows,
                     size_t width, int add)
{
    size_t n = matrix->outputs, k = width, i, j, p;
    for (i = 0; i < rows; i++)
        for (j = 0; j < n; j++) {
            const float *a = x + i * k, *b = w + j * matrix->inputs;
            double sum = add ? (double)y[i * n + j] : 0.0;
            for (p = 0; p < k; p++)
                sum += (double)a[p] * (double)b[p];
            y[i * n + j] = (float)sum;
        }
}

const char *cs_product_name(void)
{
    return "plain C";
}

#else
typedef int cs_product_plain_is_not_built; /* ISO C forbids an empty file */
#endif
