/* SPDX-License-Identifier: MIT */
/* What the public handles of models and encoders are made of, and the argument checks they share:
 * all that the base build needs (docs/build.md). */
#ifndef CLIPSPAN_SRC_API_MODEL_HANDLES_H
#define CLIPSPAN_SRC_API_MODEL_HANDLES_H

#include <clipspan/encode.h>
#include <clipspan/model.h>

#include "api/option_structs.h"
#include "base/lock.h"
#include "decompose/output_map.h"
#include "model/checkpoint.h"
#include "model/image_pass.h"
#include "model/text_pass.h"
#include "text/text_list.h"
#include "text/tokenizer.h"

struct clipspan_model {
    cs_checkpoint *checkpoint;
    clipspan_model_info info;
    clipspan_encoder_info sizes[2]; /* [clipspan_modality] where info.image and info.text point */
    const cs_simd *simd;
    char *config; /* options that it was opened with */
    int quick_gelu, allow_nonfinite;
    cs_lock lock; /* guards those below: made on first use, never changed afterwards */
    cs_tokenizer *tokenizer;
    cs_tower *towers[2][2];  /* [clipspan_modality][clipspan_precision] */
    cs_output_map *bases[2]; /* [clipspan_precision] of the image encoder */
    void *identity;          /* its facts for runs (identity_api.c); NULL before they are needed */
    void (*identity_free)(void **identity);
};

struct clipspan_encoder {
    clipspan_model *model;
    clipspan_encoder_options options;
    clipspan_image_options image; /* where options.image points */
    size_t P, C, pixels;          /* joint width, context length, bytes of one image's pixels */
    int lanes;                    /* passes that run side by side */
    cs_tower *tower;
    cs_image_pass **images; /* [lanes], image encoder */
    uint8_t *buffers;       /* [lanes, pixels] */
    cs_text_pass **texts;   /* [lanes], text encoder */
    cs_fixed_heads silent;  /* what clipspan_encoder_set_heads gave, or no memory */
    uint8_t *silent_marks;  /* [L, H] and */
    float *silent_z;        /* [L, H, K] behind it */
};

/* The model's tokenizer or tower, made by the first caller that needs it. */
clipspan_status cs_model_tokenizer(const cs_tokenizer **out, const clipspan_model *model,
                                   clipspan_error *err);
clipspan_status cs_model_tower(cs_tower **out, clipspan_model *model, clipspan_modality which,
                               clipspan_precision precision, int threads, clipspan_error *err);

clipspan_status cs_model_output_map(cs_output_map **out, clipspan_model *model,
                                    clipspan_precision precision, int threads, clipspan_error *err);

/* Images for an image encoder: pixels, or files when paths is set. */
typedef struct cs_image_list {
    const uint8_t *pixels;
    const char *const *paths;
    size_t count;
    clipspan_error *errors; /* [count] or NULL */
} cs_image_list;

/* Calls `each` for every image, on its lane. As clipspan_encoder_run_pixels and _run_files about
 * images that cannot be read or for which `each` fails; for the first kind, `each` is called with
 * pixels NULL so that it can clear its place. function: for messages. */
clipspan_status cs_encoder_images(clipspan_encoder *encoder, const cs_image_list *list,
                                  clipspan_status (*each)(void *context, size_t index, int lane,
                                                          const uint8_t *pixels,
                                                          clipspan_error *err),
                                  void *context, const char *function, clipspan_error *err);

/* UNSUPPORTED where a model's runs are of the heads of a pool: what changes heads changes those of
 * layers. */
clipspan_status cs_check_layer_heads(const clipspan_model *model, clipspan_error *err);

/* BF16 that this CPU or build does not have: UNSUPPORTED. */
clipspan_status cs_check_precision(clipspan_precision precision, clipspan_error *err);

/* As clipspan_encoder_run_texts, with unit vectors or raw ones whatever the encoder's option
 * says. */
clipspan_status cs_encoder_texts(float *embeddings, clipspan_encoder *encoder,
                                 const clipspan_texts *texts, int unit,
                                 const clipspan_progress *progress, clipspan_error *err);

#endif
