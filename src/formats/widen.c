/* SPDX-License-Identifier: MIT */
/* Conversions as plain loops over integers without branches, which compilers turn into vector code.
 * They use no denormal arithmetic, so speed and results do not depend on the processor's mode. */
#include "formats/widen.h"

#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#    error "weights are read in place: a little-endian processor is expected"
#endif

/* binary16 has 5 bits of exponent (bias 15) and 10 of fraction; binary32 has 8 (bias 127) and 23.
 * Normal numbers: move the bits up by 13 and add 112 to the exponent; infinity and NaN: add 224;
 * denormals are fraction * 2^-24, computed from the integer. */
void cs_widen_f16(float *restrict out, const uint16_t *restrict in, size_t count)
{
    size_t i;
    for (i = 0; i < count; i++) {
        uint32_t magnitude = in[i] & 0x7FFFu, sign = (uint32_t)(in[i] & 0x8000u) << 16, bits, small;
        uint32_t is_small = 0u - (magnitude < 0x0400u), is_special = 0u - (magnitude >= 0x7C00u);
        float tiny = (float)(int32_t)magnitude * 0x1p-24f;
        memcpy(&small, &tiny, sizeof small);
        bits = (magnitude << 13) + 0x38000000u + (is_special & 0x38000000u);
        bits = (is_small & small) | (~is_small & bits) | sign;
        memcpy(&out[i], &bits, sizeof bits);
    }
}

void cs_widen_bf16(float *restrict out, const uint16_t *restrict in, size_t count)
{
    size_t i;
    for (i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)in[i] << 16;
        memcpy(&out[i], &bits, sizeof bits);
    }
}

void cs_narrow_f64(float *restrict out, const double *restrict in, size_t count)
{
    size_t i;
    for (i = 0; i < count; i++)
        out[i] = (float)in[i];
}

/* Halves below 2^-14 are multiples of 2^-24: adding 1/2 rounds to them, in the last bits of the
 * sum. Larger ones drop 13 bits, rounded to nearest even. */
void cs_narrow_f16(uint16_t *restrict out, const float *restrict in, size_t count)
{
    size_t i;
    for (i = 0; i < count; i++) {
        uint32_t bits, magnitude, half;
        memcpy(&bits, &in[i], sizeof bits);
        magnitude = bits & 0x7FFFFFFFu;
        if (magnitude < 0x38800000u) {
            float sum;
            memcpy(&sum, &magnitude, sizeof sum);
            sum += 0.5F;
            memcpy(&half, &sum, sizeof half);
            half -= 0x3F000000u;
        } else if (magnitude <= 0x7F800000u) {
            half = (magnitude + 0xFFFu + ((magnitude >> 13) & 1u) - 0x38000000u) >> 13;
            if (magnitude >= 0x477FF000u) half = 0x7C00u;
        } else
            half = 0x7E00u;
        out[i] = (uint16_t)(half | (bits >> 16 & 0x8000u));
    }
}
