/* SPDX-License-Identifier: MIT */
/* A batch of texts through the text encoder. */
#ifndef CLIPSPAN_SRC_MODEL_TEXT_PASS_H
#define CLIPSPAN_SRC_MODEL_TEXT_PASS_H

#include "model/block.h"
#include "model/text_batch.h"

#define CS_TEXT_ROWS 512 /* tokens of a batch, or the context length when that is longer */

/* A pass: products and memory for one batch at a time, one thread inside. */
typedef struct cs_text_pass cs_text_pass;

clipspan_status cs_text_pass_new(cs_text_pass **out, const cs_tower *tower, const cs_config *config,
                                 const cs_simd *simd, clipspan_error *err);
void cs_text_pass_free(cs_text_pass **pass);
size_t cs_text_pass_memory(const cs_text_pass *pass);

/* Bytes that a pass would take, SIZE_MAX when they do not fit a size_t. */
size_t cs_text_pass_need(const cs_tower *tower, const cs_config *config);

/* How many of the `count` texts at tokens : [count, C] make up the next batch (at least 1). Depends
 * on the tokens only, so that a list is always cut the same way. */
size_t cs_text_pass_cut(cs_text_pass *pass, const int32_t *tokens, size_t count);

/* embeddings : [count, P] of texts that cs_text_pass_cut put into one batch. Ids must lie in the
 * vocabulary. No allocation. Errors: NUMBERS, INTERNAL. */
clipspan_status cs_text_pass_run(float *embeddings, cs_text_pass *pass, const int32_t *tokens,
                                 size_t count, int unit, clipspan_error *err);

#endif
