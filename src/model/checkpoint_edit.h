/* SPDX-License-Identifier: MIT */
/* Checkpoints in which chosen heads of the image encoder no longer look at the image: what stands
 * for their mixed values z, the same numbers for every token, goes into the bias of the output
 * projection, and their slice of the weights is zero, or gone:
 *
 *     W_O^h := 0        b_O := b_O + sum over the layer's chosen heads of z[h] W_O^h
 *
 * The layer then adds to every token what it would add if z of these heads were that. Written in
 * the layout it came from: every other tensor keeps its bytes, its type and its name. */
#ifndef CLIPSPAN_SRC_MODEL_CHECKPOINT_EDIT_H
#define CLIPSPAN_SRC_MODEL_CHECKPOINT_EDIT_H

#include "model/checkpoint.h"

/* A head of which what moves with a reading is taken, for every token:
 *
 *     W_O^h := W_O^h - (W_O^h reader) writer^T        b_O := b_O + constant writer */
typedef struct cs_head_change {
    int layer, head;
    const double *reader, *writer; /* [D] */
    double constant;
} cs_head_change;

/* The same of the embedding, in the projection, [D, P]:
 *
 *     Proj := Proj - (Proj reader) writer^T + constant writer^T
 *
 * constant : [D] of which what leaves ln_post has the same product whatever the image; or NULL. */
typedef struct cs_projection_change {
    const double *reader, *writer; /* [P] */
    const double *constant;
} cs_projection_change;

typedef struct cs_checkpoint_edit {
    const uint8_t *chosen; /* [L, H] */
    const float *z;        /* [L, H, K] what stands for a chosen head's */
    int remove; /* 1: the heads leave queries, keys, values and W_O, and the configuration gains
                   heads_per_layer; 0: shapes stay */
    const cs_head_change *heads; /* [head_count] others than the chosen; not with `remove` */
    size_t head_count;
    const cs_projection_change *projection; /* NULL: it stays */
} cs_checkpoint_edit;

/* Writes weights, configuration, preprocessing and tokenizer into `folder`, which is there and
 * empty, under the names they had. A changed b_O, and what a change of heads or of the projection
 * makes, is float64 where it was and float32 otherwise, so that it is not rounded to half
 * precision. Everything else that the original's folder holds stays behind. progress counts bytes;
 * may be NULL. Errors: ARGUMENT (nothing chosen, a head that was removed before, with `remove` all
 * heads of a layer), IO, FORMAT, WRITE, INTERRUPTED, NOMEM. */
clipspan_status cs_checkpoint_write(const char *folder, const cs_checkpoint *checkpoint,
                                    const cs_checkpoint_edit *edit,
                                    const clipspan_progress *progress, clipspan_error *err);

/* The checks of the edit alone. */
clipspan_status cs_checkpoint_edit_check(const cs_checkpoint *checkpoint,
                                         const cs_checkpoint_edit *edit, clipspan_error *err);

/* ---- The two halves, model/edit_tensors.c and model/edit_files.c ---- */

/* Weights: one file after the other. */
clipspan_status cs_edit_tensors(const char *folder, const cs_checkpoint *checkpoint,
                                const cs_checkpoint_edit *edit, const clipspan_progress *progress,
                                clipspan_error *err);

/* Everything beside them. */
clipspan_status cs_edit_files(const char *folder, const cs_checkpoint *checkpoint,
                              const cs_checkpoint_edit *edit, clipspan_error *err);

/* FOLDER/NAME for a file of the original, for cs_free: the name is what stands behind the folder of
 * the weights, else the last part. Makes folders in between. *path NULL on failure. */
clipspan_status cs_edit_path(char **path, const char *folder, const cs_checkpoint *checkpoint,
                             const char *original, clipspan_error *err);

#endif
