/* SPDX-License-Identifier: MIT */
/* Small checkpoints and files for tests.
 *
 *     char *folder = cs_tiny_folder();                 a fresh folder below $TMPDIR
 *     cs_tiny_model model = CS_TINY_MODEL_INIT;        a whole CLIP of 3 MB, nearly all of it the
 *                                                      token table; any field may be changed
 *     cs_tiny_write_openclip(folder, &model, 1);       open_clip_config.json and
 *                                                      open_clip_model.safetensors
 *     cs_tiny_write_hf(other, &model, 1);              config.json, preprocessor_config.json and
 *                                                      model.safetensors
 *     cs_tiny_remove(&folder);                         with everything in it
 *
 * The same model and seed give the same weights in both layouts, so their embeddings are equal.
 * Matrices are drawn with a spread of 1/sqrt(inputs), LayerNorm gains around 1, biases around 0.
 * Everything here ends the test program when the disk or memory fails it. */
#ifndef CLIPSPAN_TESTS_TINY_H
#define CLIPSPAN_TESTS_TINY_H

#include <stddef.h>
#include <stdint.h>

char *cs_tiny_folder(void);
/* The same in memory where the system has such a place, for tests whose time would go into waiting
 * for the disk. */
char *cs_tiny_memory_folder(void);
void cs_tiny_remove(char **folder);

/* 1 in a build with a sanitizer, where times and memory mean nothing. */
int cs_tiny_sanitized(void);

/* folder/name, malloc'ed. */
char *cs_tiny_path(const char *folder, const char *name);

/* Writes folder/name, making the folders that name holds. */
void cs_tiny_write(const char *folder, const char *name, const void *bytes, size_t size);
void cs_tiny_write_text(const char *folder, const char *name, const char *text);

/* Writes a safetensors file from its header text and data, whatever they say. */
void cs_tiny_write_raw(const char *folder, const char *name, const char *header, size_t header_size,
                       const void *data, size_t size);

/* A safetensors file tensor by tensor. dtype: "F32", "F16", "BF16", "F64", "I64"; the values are
 * converted. A NULL value pointer writes zeros. */
typedef struct cs_tiny_file cs_tiny_file;
cs_tiny_file *cs_tiny_file_new(void);
void cs_tiny_file_add(cs_tiny_file *file, const char *name, const char *dtype,
                      const uint64_t *shape, int rank, const float *values);
void cs_tiny_file_end(cs_tiny_file *file, const char *folder, const char *name);

typedef struct cs_tiny_model {
    int embed;                      /* P */
    int layers, width, heads, mlp;  /* image encoder; heads divides width */
    int height, input_width, patch; /* pixels */
    int no_ln_pre;
    int no_text; /* 1: image encoder only (open_clip layout) */
    int text_layers, text_width, text_heads, text_mlp, context, vocab;
    int quick_gelu;
    float eps;               /* of every LayerNorm */
    const char *dtype;       /* of matrices */
    const char *small_dtype; /* of vectors; "F16" + "F32" is OpenAI's mix */
    const char *prefix;      /* before every tensor name (open_clip layout): "module.", "" */
    int custom_text;         /* text tensors under "text." (open_clip layout) */
    int old_extras;          /* the integers and position_ids that old files hold */
    int scale_rank;          /* logit_scale: 0 [], 1 [1] */
    /* For tests of what is refused: leave one tensor out (by its name), write one with another
     * shape (last dimension one longer) or with its two dimensions swapped, and add one. */
    const char *missing, *longer, *swapped, *extra;
} cs_tiny_model;

#define CS_TINY_MODEL_INIT                                                                         \
    {                                                                                              \
        12, 2, 24, 3, 40, 16, 16, 8, 0, 0, 2, 16, 2, 24, 77, 49408, 0, 1e-5f, "F32", "F32", "", 0, \
            0, 0, NULL, NULL, NULL, NULL                                                           \
    }

void cs_tiny_write_openclip(const char *folder, const cs_tiny_model *model, unsigned seed);
void cs_tiny_write_hf(const char *folder, const cs_tiny_model *model, unsigned seed);

/* The weights file alone, in either layout, under any name. */
void cs_tiny_write_openclip_weights(const char *folder, const char *name,
                                    const cs_tiny_model *model, unsigned seed);
void cs_tiny_write_hf_weights(const char *folder, const char *name, const cs_tiny_model *model,
                              unsigned seed);

#endif
