/* SPDX-License-Identifier: MIT */
/* Products by any CBLAS (OpenBLAS, Accelerate): one thread inside a call, ours around it. */
#include "tensor/product_shared.h"

#if defined(CLIPSPAN_CBLAS) && !defined(CLIPSPAN_ONEDNN)

#    include <cblas.h>
#    include <pthread.h>
#    include <stdio.h>

static char name[64] = "CBLAS";
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Our own loops share out the rows; threads inside OpenBLAS would only compete with them. */
static void prepare(void)
{
#    ifdef OPENBLAS_VERSION
    snprintf(name, sizeof name, "%.60s", OPENBLAS_VERSION);
    openblas_set_num_threads(1);
#    endif
}

void cs_product_sums(float *y, const float *x, const float *w, const cs_matrix *matrix, size_t rows,
                     size_t width, int add)
{
    int m = (int)rows, n = (int)matrix->outputs, k = (int)width;
    pthread_once(&once, prepare);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1.0F, x, k, w,
                (int)matrix->inputs, add ? 1.0F : 0.0F, y, n);
}

const char *cs_product_name(void)
{
    pthread_once(&once, prepare);
    return name;
}

#else
typedef int cs_product_cblas_is_not_built; /* ISO C forbids an empty file */
#endif
