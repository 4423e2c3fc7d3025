/* SPDX-License-Identifier: MIT */
/* Text pools kept in a run: unit vectors by the content of the pool, so that its texts go through
 * the model once. docs/run-format.md describes the file. */
#ifndef CLIPSPAN_SRC_RUN_TEXT_BANK_H
#define CLIPSPAN_SRC_RUN_TEXT_BANK_H

#include "run/run_open.h"
#include "text/text_list.h"

/* SHA-256 over every text's key and text, each followed by a NUL. */
void cs_text_bank_hash(char out[65], const struct clipspan_texts *texts);

/* The name under which `pools` control pools made for a list with a seed are kept: their texts are
 * not needed to find them. */
void cs_text_bank_control_hash(char out[65], const struct clipspan_texts *like, size_t pools,
                               uint64_t seed);

/* hash: what the texts are kept under. vectors : [T, P]. *found is 0 when the run does not hold the
 * pool, or what it holds of it is damaged. Errors: NOMEM. */
clipspan_status cs_text_bank_read(int *found, float *vectors, const cs_run *run, const char *hash,
                                  size_t T, clipspan_error *err);

/* Errors: WRITE when the folder may not be written, NOMEM. */
clipspan_status cs_text_bank_write(const cs_run *run, const char *hash,
                                   const struct clipspan_texts *texts, const float *vectors,
                                   clipspan_error *err);

#endif
