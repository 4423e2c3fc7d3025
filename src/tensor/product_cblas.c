/* SPDX-License-Identifier: MIT */
/* Products by any CBLAS (OpenBLAS, Accelerate), one thread inside a call, ours around it: a BLAS
 * built on OpenMP is lent one; an OpenBLAS that has threads of its own hears of it from the process
 * alone (clipspan.h, Process). */
#include "tensor/product_shared.h"

#if defined(CLIPSPAN_CBLAS) && !defined(CLIPSPAN_ONEDNN)

#    include "base/parallel.h"

#    include <cblas.h>
#    include <pthread.h>
#    include <stdio.h>

static char name[64] = "CBLAS";
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_name(void)
{
#    ifdef OPENBLAS_VERSION
    snprintf(name, sizeof name, "%.60s", OPENBLAS_VERSION);
#    endif
}

void cs_product_sums(float *y, const float *x, const float *w, const cs_matrix *matrix, size_t rows,
                     size_t width, int add)
{
    int m = (int)rows, n = (int)matrix->outputs, k = (int)width;
    const int before = cs_threads_lend(1);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1.0F, x, k, w,
                (int)matrix->inputs, add ? 1.0F : 0.0F, y, n);
    cs_threads_return(before);
}

const char *cs_product_name(void)
{
    pthread_once(&once, make_name);
    return name;
}

#else
typedef int cs_product_cblas_is_not_built; /* ISO C forbids an empty file */
#endif
