/* SPDX-License-Identifier: MIT */
/* What the CBLAS and the plain product have in common: unpacked float32 weights, an epilogue that
 * runs after the sums, and rows shared out over threads. */
#ifndef CLIPSPAN_SRC_TENSOR_PRODUCT_SHARED_H
#define CLIPSPAN_SRC_TENSOR_PRODUCT_SHARED_H

#include "tensor/product.h"

struct cs_matrix {
    size_t outputs, inputs, panels;
    float *weights; /* [outputs, inputs] */
    float *bias;    /* [outputs] or NULL */
};

/* y[rows, outputs] = x[rows, width] w^T, or added to y; w : the first of `width` columns of the
 * weights. What a backend supplies. */
void cs_product_sums(float *y, const float *x, const float *w, const cs_matrix *matrix, size_t rows,
                     size_t width, int add);

#endif
