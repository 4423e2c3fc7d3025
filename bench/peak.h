/* SPDX-License-Identifier: MIT */
/* What the machine's multiply-add units can do, measured: the figure that rates are compared
 * with. */
#ifndef CLIPSPAN_BENCH_PEAK_H
#define CLIPSPAN_BENCH_PEAK_H

#include "tensor/simd.h"

/* GFLOP/s (an FMA counts two) of `threads` threads that do nothing but independent float32
 * multiply-adds in registers, at a level that this CPU has: the best of `runs` short runs.
 * CS_GENERIC measures the scalar multiply and add of plain C. */
double bench_peak(cs_level level, int threads, int runs);

/* The same for bf16 dot products (AVX512-BF16); 0 when the CPU lacks them. */
double bench_peak_bf16(int threads, int runs);

/* Seconds on a clock that never goes back. */
double bench_now(void);

#endif
