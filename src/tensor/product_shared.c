/* SPDX-License-Identifier: MIT */
/* Products of backends that only know y = x W^T: weights, bias, activation and threads around
 * it. */
#include "tensor/product_shared.h"

#ifndef CLIPSPAN_ONEDNN

#    include "base/memory.h"
#    include "base/parallel.h"

#    include <string.h>

struct cs_product {
    cs_product_plan plan;
    const cs_simd *simd;
};

clipspan_status cs_matrix_new(cs_matrix **out, const float *weights, const float *bias,
                              size_t outputs, size_t inputs, size_t panels,
                              clipspan_precision precision, clipspan_error *err)
{
    cs_matrix *matrix;
    *out = NULL;
    if (precision == CLIPSPAN_BF16)
        return cs_fail(err, CLIPSPAN_E_UNSUPPORTED,
                       "bf16 needs a build with oneDNN; this one multiplies with %s. Use f32",
                       cs_product_name());
    if (panels == 0 || inputs % panels != 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%zu inputs do not make %zu panels", inputs,
                       panels);
    matrix = cs_alloc_zero(1, sizeof *matrix, "weights", err);
    if (!matrix) return CLIPSPAN_E_NOMEM;
    matrix->outputs = outputs;
    matrix->inputs = inputs;
    matrix->panels = panels;
    matrix->weights = cs_alloc_aligned(outputs * inputs, sizeof *weights, "weights", err);
    if (bias) matrix->bias = cs_alloc_aligned(outputs, sizeof *bias, "a bias", err);
    if (!matrix->weights || (bias && !matrix->bias)) {
        cs_matrix_free(&matrix);
        return CLIPSPAN_E_NOMEM;
    }
    memcpy(matrix->weights, weights, outputs * inputs * sizeof *weights);
    if (bias) memcpy(matrix->bias, bias, outputs * sizeof *bias);
    *out = matrix;
    return CLIPSPAN_OK;
}

void cs_matrix_free(cs_matrix **matrix)
{
    if (!matrix || !*matrix) return;
    cs_free((*matrix)->weights);
    cs_free((*matrix)->bias);
    cs_free(*matrix);
    *matrix = NULL;
}

size_t cs_matrix_bytes(const cs_matrix *matrix)
{
    return (matrix->outputs * matrix->inputs + (matrix->bias ? matrix->outputs : 0)) *
           sizeof(float);
}

clipspan_status cs_product_new(cs_product **out, const cs_matrix *like, cs_product_plan plan,
                               const cs_simd *simd, clipspan_error *err)
{
    cs_product *product;
    (void)like;
    *out = NULL;
    if (plan.rows == 0 || plan.threads < 1 || plan.bf16_out)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a matrix product was planned wrongly");
    product = cs_alloc_zero(1, sizeof *product, "a matrix product", err);
    if (!product) return CLIPSPAN_E_NOMEM;
    product->plan = plan;
    product->simd = simd;
    *out = product;
    return CLIPSPAN_OK;
}

void cs_product_free(cs_product **product)
{
    if (!product || !*product) return;
    cs_free(*product);
    *product = NULL;
}

typedef struct job {
    const cs_product *product;
    const cs_matrix *matrix;
    float *y;
    const float *x;
    size_t stride; /* between panels of x */
    size_t share;  /* rows of one thread */
} job;

static void run_share(void *context, size_t index, int lane)
{
    const job *j = context;
    const cs_product_plan *plan = &j->product->plan;
    const cs_matrix *matrix = j->matrix;
    size_t first = index * j->share, outputs = matrix->outputs, i;
    size_t width = matrix->inputs / matrix->panels;
    size_t rows = plan->rows - first < j->share ? plan->rows - first : j->share;
    float *y = j->y + first * outputs;
    (void)lane;
    for (i = 0; i < matrix->panels; i++)
        cs_product_sums(y, j->x + i * j->stride + first * width, matrix->weights + i * width,
                        matrix, rows, width, i > 0 || plan->epilogue == CS_ADD);
    for (i = 0; i < rows && matrix->bias; i++)
        j->product->simd->add(y + i * outputs, matrix->bias, outputs);
    if (plan->epilogue == CS_ACT_GELU) j->product->simd->gelu(y, y, rows * outputs);
    if (plan->epilogue == CS_ACT_QUICK) j->product->simd->quick_gelu(y, y, rows * outputs);
    if (plan->epilogue == CS_ACT_TANH) j->product->simd->tanh_gelu(y, y, rows * outputs);
}

clipspan_status cs_product_run(const cs_product *product, void *y, const void *x, size_t stride,
                               const cs_matrix *matrix, clipspan_error *err)
{
    const cs_product_plan *plan = &product->plan;
    job j = {product, matrix, y, x, stride, 0};
    size_t parts = (size_t)plan->threads < plan->rows ? (size_t)plan->threads : plan->rows;
    (void)err;
    j.share = (plan->rows + parts - 1) / parts;
    cs_parallel_for((plan->rows + j.share - 1) / j.share, plan->threads, run_share, &j);
    return CLIPSPAN_OK;
}

int cs_product_has_bf16(void)
{
    return 0;
}

#endif
