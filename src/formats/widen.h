/* SPDX-License-Identifier: MIT */
/* Numbers of other widths to float32, and float32 to halves. */
#ifndef CLIPSPAN_SRC_FORMATS_WIDEN_H
#define CLIPSPAN_SRC_FORMATS_WIDEN_H

#include <stddef.h>
#include <stdint.h>

/* out : [count], must not overlap in : [count]. Halves and bfloat16 are exact (NaN stays NaN with
 * its payload, signs of zero are kept); doubles are rounded to nearest even, too large ones become
 * infinity. */
void cs_widen_f16(float *restrict out, const uint16_t *restrict in, size_t count);
void cs_widen_bf16(float *restrict out, const uint16_t *restrict in, size_t count);
void cs_narrow_f64(float *restrict out, const double *restrict in, size_t count);

/* Float32 to IEEE halves, to nearest even; from 65,520 on they become infinity, NaN a quiet NaN. */
void cs_narrow_f16(uint16_t *restrict out, const float *restrict in, size_t count);

#endif
