/* SPDX-License-Identifier: MIT */
/* An open checkpoint: configuration, tensor table of all its files, and which tensor plays which
 * part. Opening reads configuration and safetensors headers only. Immutable afterwards, shared by
 * threads. */
#ifndef CLIPSPAN_SRC_MODEL_CHECKPOINT_H
#define CLIPSPAN_SRC_MODEL_CHECKPOINT_H

#include "formats/safetensors.h"
#include "model/config.h"

typedef struct clipspan_model_options clipspan_model_options; /* model.h */
typedef struct clipspan_tensor clipspan_tensor;               /* model.h */

typedef struct clipspan_tensor clipspan_tensor; /* model.h */

/* The parts of a tower. The first group exists once per tower, the second once per layer. */
typedef enum cs_part {
    CS_PATCH_WEIGHT, /* image: [D, 3, patch, patch] */
    CS_CLASS_TOKEN,  /* image: [D] */
    CS_PATCH_BIAS,   /* image, where it has one: [D] */
    CS_TOKEN_TABLE,  /* text: [vocab, D] */
    CS_POSITIONS,    /* image [N, D], text [C, D] */
    CS_LN_PRE_WEIGHT,
    CS_LN_PRE_BIAS, /* image, unless no_ln_pre: [D] */
    CS_LN_POST_WEIGHT,
    CS_LN_POST_BIAS,    /* ln_post or ln_final: [D] */
    CS_PROJECTION,      /* see cs_tensor_ref.transposed */
    CS_PROJECTION_BIAS, /* text, where it has one: [P] */
    CS_LOGIT_SCALE,     /* text: [] or [1] */
    CS_LOGIT_BIAS,      /* text, of models whose scores are sigmoids: the same */

    CS_POOL_PROBE, /* image, of an attention pool: [D] */
    CS_POOL_Q_WEIGHT,
    CS_POOL_K_WEIGHT,
    CS_POOL_V_WEIGHT, /* [D, D]; may be slices as in a layer */
    CS_POOL_Q_BIAS,
    CS_POOL_K_BIAS,
    CS_POOL_V_BIAS,
    CS_POOL_OUT_WEIGHT,
    CS_POOL_OUT_BIAS,
    CS_POOL_NORM_WEIGHT,
    CS_POOL_NORM_BIAS,
    CS_POOL_FC_WEIGHT,
    CS_POOL_FC_BIAS,
    CS_POOL_MLP_OUT_WEIGHT,
    CS_POOL_MLP_OUT_BIAS,

    CS_LN1_WEIGHT,
    CS_LN1_BIAS, /* [D] */
    CS_Q_WEIGHT,
    CS_K_WEIGHT,
    CS_V_WEIGHT, /* [D, D] rows are outputs; may be slices of one [3D, D] */
    CS_Q_BIAS,
    CS_K_BIAS,
    CS_V_BIAS, /* [D] */
    CS_OUT_WEIGHT,
    CS_OUT_BIAS, /* [D, D], [D] */
    CS_LN2_WEIGHT,
    CS_LN2_BIAS, /* [D] */
    CS_FC_WEIGHT,
    CS_FC_BIAS, /* [M, D], [M] */
    CS_MLP_OUT_WEIGHT,
    CS_MLP_OUT_BIAS, /* [D, M], [D] */
    CS_PARTS
} cs_part;

/* Where a part lies: `rows` rows of `columns` numbers from row `first` of a tensor (a vector is one
 * row, a third of a vector of three parts too). transposed (projection only): 0 when stored [D, P]:
 * x @ W; 1 when stored [P, D]: x @ W^T. */
typedef struct cs_tensor_ref {
    const cs_tensor_entry *entry;
    uint64_t first, rows, columns;
    int transposed;
} cs_tensor_ref;

typedef struct cs_checkpoint cs_checkpoint;

/* As clipspan_model_open; options may be NULL. */
clipspan_status cs_checkpoint_open(cs_checkpoint **out, const char *name,
                                   const clipspan_model_options *options, clipspan_error *err);

/* As clipspan_model_new; text : `size` bytes of configuration, or NULL with an architecture in the
 * options. */
clipspan_status cs_checkpoint_new(cs_checkpoint **out, const char *name, const char *text,
                                  size_t size, const clipspan_tensor *tensors, size_t count,
                                  const clipspan_model_options *options, clipspan_error *err);
void cs_checkpoint_close(cs_checkpoint **checkpoint);

const cs_config *cs_checkpoint_config(const cs_checkpoint *checkpoint);
const cs_safetensors *cs_checkpoint_tensors(const cs_checkpoint *checkpoint);

const char *cs_checkpoint_name(const cs_checkpoint *checkpoint); /* as asked for */
const char *cs_checkpoint_path(const cs_checkpoint *checkpoint); /* folder or file found, "" in
                                                                    memory */

/* Folder of the weights; files of the configuration (NULL: a built-in architecture), of Hugging
 * Face's preprocessing and of the list of shards, or NULL. */
const char *cs_checkpoint_folder(const cs_checkpoint *checkpoint);
const char *cs_checkpoint_config_path(const cs_checkpoint *checkpoint);
const char *cs_checkpoint_preprocessor(const cs_checkpoint *checkpoint);
const char *cs_checkpoint_index(const cs_checkpoint *checkpoint);

/* Of a model in memory: the texts of its configuration and preprocessing, NULL without; *size their
 * bytes. */
const char *cs_checkpoint_config_text(const cs_checkpoint *checkpoint, size_t *size);
const char *cs_checkpoint_preprocessor_text(const cs_checkpoint *checkpoint, size_t *size);

/* Path of another file beside the configuration, for cs_free; NULL when it is not there. Errors: as
 * cs_location_file (model/locate.h). */
clipspan_status cs_checkpoint_file(char **out, const cs_checkpoint *checkpoint, const char *name,
                                   clipspan_error *err);

/* Folder or file the tokenizer comes from: "" for the standard table of the data folder, and where
 * a model that has a tokenizer of its own comes without. */
const char *cs_checkpoint_tokenizer(const cs_checkpoint *checkpoint);

/* layer: 0 to layers - 1, or 0 for parts that exist once. Parts that this model does not have
 * (CS_LN_PRE_* with no_ln_pre, text parts without a text encoder) give entry NULL. */
cs_tensor_ref cs_checkpoint_part(const cs_checkpoint *checkpoint, clipspan_modality tower,
                                 cs_part part, int layer);

/* Reads a part as float32, row-major as stored: out : [rows, columns]. f16, bf16 and f32 are exact,
 * f64 is rounded. Nothing about the values is checked. Errors: IO, FORMAT (file changed), NOMEM. */
clipspan_status cs_checkpoint_read(float *out, const cs_checkpoint *checkpoint, cs_tensor_ref ref,
                                   clipspan_error *err);

/* Numbers stored for a tower (all its tensors; logit_scale counts for the text encoder). */
uint64_t cs_checkpoint_parameters(const cs_checkpoint *checkpoint, clipspan_modality tower);

#endif
