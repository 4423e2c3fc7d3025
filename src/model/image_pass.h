/* SPDX-License-Identifier: MIT */
/* One image through the image encoder: pixels [input_height, input_width, 3] to an embedding
 * [P]. */
#ifndef CLIPSPAN_SRC_MODEL_IMAGE_PASS_H
#define CLIPSPAN_SRC_MODEL_IMAGE_PASS_H

#include "model/block.h"
#include "model/trace.h"

/* A pass: products and memory for one image at a time; used by one thread at a time. */
typedef struct cs_image_pass cs_image_pass;

/* threads: 1, or the threads that work inside each product and kernel of a lone image. */
clipspan_status cs_image_pass_new(cs_image_pass **out, const cs_tower *tower,
                                  const cs_config *config, int threads, const cs_simd *simd,
                                  clipspan_error *err);
void cs_image_pass_free(cs_image_pass **pass);
size_t cs_image_pass_memory(const cs_image_pass *pass);

/* Bytes that a pass would take, SIZE_MAX when they do not fit a size_t. */
size_t cs_image_pass_need(const cs_tower *tower, const cs_config *config, int threads);

/* Heads whose mixed values z are not computed but given, the same for every token: what the network
 * answers when their output does not depend on the image. */
typedef struct cs_fixed_heads {
    const uint8_t *fixed; /* [L, H] 1: given */
    const float *z;       /* [L, H, K] */
} cs_fixed_heads;

/* From now on cs_image_pass_run gives these heads their z; NULL: none. Borrowed until changed.
 * Traces do not look at them unless their sink says so (`fixed`). */
void cs_image_pass_fix(cs_image_pass *pass, const cs_fixed_heads *heads);
const cs_fixed_heads *cs_image_pass_fixed(const cs_image_pass *pass); /* NULL: none */

/* embedding : [P], a unit vector when `unit`. No allocation. Errors: NUMBERS (not finite),
 * INTERNAL. */
clipspan_status cs_image_pass_run(float *embedding, cs_image_pass *pass, const uint8_t *pixels,
                                  int unit, clipspan_error *err);

/* The same pass, which also fills `trace` (made for this model) and shows every layer to `sink`,
 * which may be NULL. trace->embedding has the bytes of cs_image_pass_run with `unit`. No
 * allocation. On failure the trace's content is undefined. Errors: as cs_image_pass_run. */
clipspan_status cs_image_pass_trace(cs_trace *trace, cs_image_pass *pass, const uint8_t *pixels,
                                    const cs_layer_sink *sink, clipspan_error *err);

#endif
