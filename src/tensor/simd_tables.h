/* SPDX-License-Identifier: MIT */
/* The tables of the levels, whatever the CPU: only simd_level.c, which asks the CPU, uses these.
 * NULL when the build has no such level. */
#ifndef CLIPSPAN_SRC_TENSOR_SIMD_TABLES_H
#define CLIPSPAN_SRC_TENSOR_SIMD_TABLES_H

#include "tensor/simd.h"

/* What cs_attention_work and the levels agree on: queries taken at a time, and the widest vector in
 * floats, to which packed keys and values are padded. */
#define CS_ATTENTION_ROWS  24
#define CS_ATTENTION_LANES 16

/* Before a loop of known, small length that must become straight-line code, so that an array of
 * vectors lives in registers. */
#if defined(__clang__)
#    define UNROLL _Pragma("clang loop unroll(full)")
#else
#    define UNROLL _Pragma("GCC unroll 16")
#endif

const cs_simd *cs_simd_table_generic(void);
const cs_simd *cs_simd_table_avx2(void);
const cs_simd *cs_simd_table_avx512(int has_bf16);

#endif
