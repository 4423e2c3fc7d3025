/* SPDX-License-Identifier: MIT */
/* The tables of the levels, whatever the CPU: only simd_level.c, which asks the CPU, uses these.
 * NULL when the build has no such level. */
#ifndef CLIPSPAN_SRC_TENSOR_SIMD_TABLES_H
#define CLIPSPAN_SRC_TENSOR_SIMD_TABLES_H

#include "tensor/simd.h"

/* Sizes that cs_attention_work and the levels agree on: rows of scores kept at a time, and the
 * widest vector in floats, to which packed keys and values are padded. */
#define CS_ATTENTION_ROWS  24
#define CS_ATTENTION_LANES 16

const cs_simd *cs_simd_table_generic(void);
const cs_simd *cs_simd_table_avx2(void);
const cs_simd *cs_simd_table_avx512(int has_bf16);

#endif
