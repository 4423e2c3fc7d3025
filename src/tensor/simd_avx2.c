/* SPDX-License-Identifier: MIT */
/* The kernels of simd.h for x86-64 CPUs with AVX2, FMA and F16C. */
#include "tensor/simd_tables.h"

const cs_simd *cs_simd_table_avx2(void)
{
    return NULL;
}
