/* SPDX-License-Identifier: MIT */
/* The kernels of simd.h for x86-64 CPUs with AVX-512 (F, BW, DQ, VL). */
#include "tensor/simd_tables.h"

const cs_simd *cs_simd_table_avx512(int has_bf16)
{
    (void)has_bf16;
    return NULL;
}
