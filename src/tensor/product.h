/* SPDX-License-Identifier: MIT */
/* Linear maps with packed weights: the one matrix product the engine needs, behind one contract.
 *
 *     y[i, :] = epilogue(x[i, :] W^T + b)          x : [rows, inputs]   W : [outputs, inputs]
 *
 * A float32 sum over many inputs rounds worse than several short ones, and a backend takes a long
 * one in one go. So a matrix may be made for x in column panels: panel p is a dense [rows, inputs /
 * panels] of its own, and the sums over panels are added up one after another. One panel is the
 * ordinary matrix.
 *
 * Three files implement it: product_onednn.c, product_cblas.c, product_plain.c; the build has one
 * of them. Products accumulate in float32 (plain: float64); a result differs from exact arithmetic
 * on the given numbers by at most about sqrt(inputs) * 6e-8 of sum |x| |w|; in bf16 the inputs are
 * rounded first. For a prepared product the same row gives the same bytes at every run. oneDNN on
 * AVX-512: also for any number of rows, place of the row and number of threads. */
#ifndef CLIPSPAN_SRC_TENSOR_PRODUCT_H
#define CLIPSPAN_SRC_TENSOR_PRODUCT_H

#include "base/error.h"
#include "tensor/simd.h"

/* Weights of one linear map, packed once, read-only afterwards and shared by threads. */
typedef struct cs_matrix cs_matrix;

/* weights : [outputs, inputs] row-major, borrowed for the call   bias : [outputs] or NULL for none
 * panels: column panels of x, a divisor of inputs
 * precision: BF16 rounds the weights and makes products take bf16 inputs.
 * Errors: NOMEM, UNSUPPORTED (bf16 in a build or on a CPU without it). */
clipspan_status cs_matrix_new(cs_matrix **out, const float *weights, const float *bias,
                              size_t outputs, size_t inputs, size_t panels,
                              clipspan_precision precision, clipspan_error *err);
void cs_matrix_free(cs_matrix **matrix);
size_t cs_matrix_bytes(const cs_matrix *matrix); /* of the packed weights and the bias */

typedef enum cs_epilogue {
    CS_STORE = 0, /* y = x W^T + b */
    CS_ADD,       /* y = y + x W^T + b: the residual stream */
    CS_ACT_GELU,  /* y = gelu(x W^T + b) */
    CS_ACT_QUICK, /* y = quick_gelu(x W^T + b) */
    CS_ACT_TANH   /* y = tanh_gelu(x W^T + b) */
} cs_epilogue;

/* A product prepared for one shape. It has its own scratch memory, so one thread uses it at a
 * time. */
typedef struct cs_product cs_product;

typedef struct cs_product_plan {
    size_t rows;
    cs_epilogue epilogue;
    int bf16_out; /* y is bf16 (only for matrices in bf16, not with CS_ADD) */
    int threads;  /* that share the work of one run; 1 inside a parallel loop */
} cs_product_plan;

/* like: any matrix of the shape and precision that will be run. simd: kernels for what the backend
 * does not do itself. Errors: NOMEM, ARGUMENT, INTERNAL. */
clipspan_status cs_product_new(cs_product **out, const cs_matrix *like, cs_product_plan plan,
                               const cs_simd *simd, clipspan_error *err);
void cs_product_free(cs_product **product);

/* x : [panels][rows, inputs / panels], float32 or bf16 as the matrix is; panel p starts
 * p * stride numbers behind x (stride is not looked at for one panel)
 * y : [rows, outputs]; x and y do not overlap. No allocation of ours. Errors:
 * INTERNAL when the backend fails. */
clipspan_status cs_product_run(const cs_product *product, void *y, const void *x, size_t stride,
                               const cs_matrix *matrix, clipspan_error *err);

/* "oneDNN 2.6.3", "OpenBLAS 0.3.21" …; whether bf16 runs here at full speed. */
const char *cs_product_name(void);
int cs_product_has_bf16(void);

#endif
