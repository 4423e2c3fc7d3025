/* SPDX-License-Identifier: MIT */
/* Checkpoints: opening, inspecting, checking, writing edited ones. Conventions: clipspan.h. */
#ifndef CLIPSPAN_MODEL_H
#define CLIPSPAN_MODEL_H

#include <clipspan/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Models ---- */

typedef struct clipspan_model clipspan_model;

typedef struct clipspan_model_options {
    size_t struct_size;
    const char *config; /* configuration file or built-in architecture name for a bare .safetensors;
                           NULL: beside it */
    int quick_gelu;     /* 0: as the checkpoint says; 1: QuickGELU; -1: exact GELU */
    int allow_nonfinite; /* load weights that hold NaN or infinity instead of refusing them */
    const char *preprocessor_json; /* clipspan_model_new: text of preprocessor_config.json, beside a
                                      configuration of Hugging Face's kind; NULL: its defaults */
    size_t preprocessor_size;      /* bytes of it */
} clipspan_model_options;
#define CLIPSPAN_MODEL_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(clipspan_model_options), NULL, 0, 0, NULL, 0                                        \
    }

/* One encoder: D = heads * head_width. */
typedef struct clipspan_encoder_info {
    int layers, width, heads, head_width, mlp_width;
    float eps;           /* of every LayerNorm of the encoder */
    uint64_t parameters; /* of all its tensors */
} clipspan_encoder_info;

typedef struct clipspan_model_info {
    const char *name; /* as opened */
    const char *path; /* folder or file that was found; "" for a model in memory */
    clipspan_layout layout;
    clipspan_activation activation;
    const char *activation_source; /* which file and key decided it */
    int embed_width;               /* P */

    const clipspan_encoder_info *image;
    int heads_left; /* of all layers of the image encoder: layers * heads, or fewer where heads were
                       removed */
    int input_height, input_width, patch_size;
    int grid_height, grid_width, tokens; /* N = class_token + grid_height * grid_width */
    int has_ln_pre;

    int has_text; /* 0: image encoder only, the next two and all of `text` are zero */
    const clipspan_encoder_info *text;
    int context_length, vocab_size; /* C; token ids are 0 to vocab_size - 1 */

    float mean[3], std[3]; /* of red, green, blue: what enters is (value / 255 - mean) / std */
    clipspan_resize resize;
    clipspan_kernel kernel;
    int convert_first; /* 1: to RGB before resizing (Hugging Face), 0: after (OpenCLIP) */
    int floor_crop;    /* 1: crop offset rounds down (Hugging Face), 0: half to even (OpenCLIP) */
    int fill[3];       /* colour of the padding in mode `longest`, 0-255 */

    size_t tensors;        /* see clipspan_model_get_tensor */
    uint64_t bytes;        /* of all weight files */
    const char *tokenizer; /* merges table, or file of a tokenizer of its own; "" without a text
                              encoder, for CLIP's standard table, and where its own is missing */

    clipspan_readout readout, text_readout; /* the second 0 without a text encoder */
    clipspan_activation text_activation;    /* likewise */
    int class_token;    /* 1: token 0 is the class token, else the first patch */
    int has_logit_bias; /* 1: scores are sigmoids (clipspan_model_read_logit_bias) */
    /* What decompositions, maps and explanations take the image embedding apart into: the layers
     * and heads of the image encoder, or the heads of its attention pool as one layer. */
    int split_layers, split_heads, split_head_width;
    int own_tokenizer; /* 1: texts are no byte pairs of CLIP's; a tokenizer.json, SentencePiece
                          model or vocab.txt beside the configuration says what they are */
} clipspan_model_info;

/* A tensor of a checkpoint. The struct is the caller's and stays as it is. */
typedef struct clipspan_tensor_info {
    const char *name;  /* as in the file */
    const char *dtype; /* "F32", "F16", "BF16", "F64", "I64" */
    const char *file;  /* "" in memory */
    int rank;
    uint64_t shape[8];
    uint64_t offset, bytes; /* in that file; in memory offset is 0 */
} clipspan_tensor_info;

/* Opens a checkpoint: reads its configuration and the tensor table, checks that every expected
 * tensor is there once, has the shape that the configuration demands, and that nothing is left
 * over. No weights are read: an encoder is read and packed when the first encoder for it is made.
 *
 * name: a folder (OpenCLIP: open_clip_config.json; Hugging Face: config.json), a .safetensors file,
 * a name such as "ViT-B-16/laion2b_s34b_b88k", "org/repo" or "org/repo@revision" that is looked up
 * in the local Hugging Face cache, or "demo": the small model that comes with clipspan ("./demo" is
 * a folder of that name). Errors: NOT_FOUND (with the places looked at), FORMAT,
 * UNSUPPORTED, SHAPE, LIMIT, NOMEM, IO. */
CLIPSPAN_API clipspan_status clipspan_model_open(clipspan_model **out, const char *name,
                                                 const clipspan_model_options *options,
                                                 clipspan_error *err);

/* To be called when everything that was made from the model is gone. */
CLIPSPAN_API void clipspan_model_close(clipspan_model **model);

/* A tensor in memory, row-major and dense. This struct stays as it is. */
typedef struct clipspan_tensor {
    const char *name;  /* as in a safetensors file of the model */
    const char *dtype; /* "F32", "F16", "BF16", "F64"; "I64" for the integers of old files */
    int rank;
    const uint64_t *shape; /* [rank] */
    const void *data;      /* on any boundary */
    size_t size;           /* bytes of it */
} clipspan_tensor;

/* Makes a model from tensors in memory, which are checked as those of a file are: names and shapes
 * as OpenCLIP or Hugging Face write them. `data` is borrowed until the model is closed and must not
 * change; everything else is copied. A model in memory does what one from files does; texts are
 * tokenized with the merges table that comes with clipspan; those of a model whose tokenizer is its
 * own go in as token ids. It counts as one weight file whose name
 * is ""; its hash (clipspan_model_run_hash) is over name, type, shape and bytes of every tensor, in
 * the order of their names: name and type each with a NUL, the rank and each dimension as 8 bytes,
 * lowest first, then the data.
 *
 * name: what messages and facts call the model   config_json: the text of open_clip_config.json or
 * config.json, config_size bytes; NULL: options->config is the name of a built-in architecture.
 * Errors: as clipspan_model_open, ARGUMENT (a tensor that is none or comes twice, both or neither
 * of text and architecture). */
CLIPSPAN_API clipspan_status clipspan_model_new(clipspan_model **out, const char *name,
                                                const char *config_json, size_t config_size,
                                                const clipspan_tensor *tensors, size_t count,
                                                const clipspan_model_options *options,
                                                clipspan_error *err);

/* Facts about an open model; the pointer lives as long as the model. */
CLIPSPAN_API const clipspan_model_info *clipspan_model_get_info(const clipspan_model *model);

/* 1 when the image encoder has this head, numbered from 0 as before any was removed; else 0. */
CLIPSPAN_API int clipspan_model_has_head(const clipspan_model *model, int layer, int head);

/* Tensor `index`, from 0, of info->tensors, in the order of their names; its strings live as long
 * as the model. Errors: ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_model_get_tensor(clipspan_tensor_info *out,
                                                       const clipspan_model *model, size_t index,
                                                       clipspan_error *err);

/* exp of the checkpoint's logit_scale, by which cosines are multiplied before the softmax; one
 * number, read from the file. Errors: UNSUPPORTED without
 * a text encoder, NUMBERS (not finite), IO, FORMAT, ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_model_read_logit_scale(float *out,
                                                             const clipspan_model *model,
                                                             clipspan_error *err);

/* The checkpoint's logit_bias: the probability that an image and a text belong together is
 * 1 / (1 + exp(-(scale * cosine + bias))). Errors: UNSUPPORTED where scores are no sigmoids, else
 * as above. */
CLIPSPAN_API clipspan_status clipspan_model_read_logit_bias(float *out, const clipspan_model *model,
                                                            clipspan_error *err);

/* What reading every weight found: how many numbers, and how many of each kind. The struct is the
 * caller's and stays as it is. */
typedef struct clipspan_model_check {
    uint64_t values, nan, inf, denormal;
    char first_bad[256]; /* name of the first tensor with NaN or infinity, or "" */
} clipspan_model_check;

/* Reads every weight once (tensors of integers, which old files hold, are not weights). Succeeds
 * whatever it finds; the caller decides. progress counts bytes; may be NULL. Errors: IO, FORMAT
 * (the file changed), NOMEM, INTERRUPTED, ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_model_run_check(clipspan_model_check *out,
                                                      const clipspan_model *model,
                                                      const clipspan_progress *progress,
                                                      clipspan_error *err);

/* SHA-256 of weight file `file` (from 0), 64 hexadecimal digits and a NUL; of a model in memory as
 * at clipspan_model_new. Errors: ARGUMENT beyond the last file, IO, NOMEM, INTERRUPTED. */
CLIPSPAN_API clipspan_status clipspan_model_run_hash(char out[65], const clipspan_model *model,
                                                     size_t file, const clipspan_progress *progress,
                                                     clipspan_error *err);

/* How many weight files there are, and the path of one: "" in memory, NULL beyond the last. */
CLIPSPAN_API size_t clipspan_model_get_files(const clipspan_model *model);
CLIPSPAN_API const char *clipspan_model_get_file(const clipspan_model *model, size_t file);

#ifdef __cplusplus
}
#endif
#endif
