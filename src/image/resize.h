/* SPDX-License-Identifier: MIT */
/* Pillow's resampling, of only those pixels that the crop keeps. */
#ifndef CLIPSPAN_SRC_IMAGE_RESIZE_H
#define CLIPSPAN_SRC_IMAGE_RESIZE_H

#include "image/geometry.h"
#include "image/raster.h"

/* Weights of one direction: pixel i of the kept ones is the sum of source pixels min[i] to
 * max[i] - 1 times weight[i * room + …]. Weights carry 22 fractional bits; those behind the last
 * are 0, and room is even. */
typedef struct cs_weights {
    int count, room;
    int *min, *max;
    int32_t *fixed; /* [count, room], for 8-bit modes */
    double *real;   /* [count, room], for 16-bit grey; one of the two is NULL */
} cs_weights;

/* The inner loops. Sums are of integers, so every level gives the same bytes. */
typedef struct cs_resize_kernels {
    /* out : [count, 4]   in : a row of 4-byte pixels, readable CS_RASTER_SLACK bytes beyond */
    void (*row4)(unsigned char *out, const unsigned char *in, const cs_weights *weights);
    /* out : [count]   in : a row of single bytes */
    void (*row1)(unsigned char *out, const unsigned char *in, const cs_weights *weights);
    /* sums[i] += row[i] * weight */
    void (*add)(int32_t *restrict sums, const unsigned char *restrict row, size_t count,
                int32_t weight);
    /* out[i] = sums[i] / 2^22, clipped to 0 … 255 */
    void (*clip)(unsigned char *restrict out, const int32_t *restrict sums, size_t count);
} cs_resize_kernels;

extern const cs_resize_kernels cs_resize_generic;

/* The fastest that this processor has; the generic ones when CLIPSPAN_CPU=generic. */
const cs_resize_kernels *cs_resize_best(void);

/* Errors: NOMEM. The mode decides which kind of weights is made. */
clipspan_status cs_weights_init(cs_weights *weights, const cs_span *span, clipspan_kernel kernel,
                                cs_mode mode, clipspan_error *err);
void cs_weights_fini(cs_weights *weights);

/* *out : [plan->y.count, plan->x.count] pixels of the image's mode, given back with cs_free. Bit
 * and palette images take the nearest pixel, RGBA ones are weighted by their alpha; for that the
 * image's own pixels are changed. kernels NULL: the best. Errors: NOMEM. */
clipspan_status cs_resize(unsigned char **out, cs_raster *image, const cs_plan *plan,
                          const cs_resize_kernels *kernels, clipspan_error *err);

#endif
