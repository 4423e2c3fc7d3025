/* SPDX-License-Identifier: MIT */
/* What the parts of a model are called in a file: OpenCLIP names (OpenAI's are the same) and
 * Hugging Face names, timm's inside OpenCLIP's, and which files hold no model that is known. */
#ifndef CLIPSPAN_SRC_MODEL_TENSOR_NAMES_H
#define CLIPSPAN_SRC_MODEL_TENSOR_NAMES_H

#include "model/checkpoint.h"

/* A part's place in a tensor. slices 2 or 3: rows are as many equal pieces of the tensor, of which
 * this is number `slice`. */
typedef struct cs_tensor_name {
    char text[200];
    int slice, slices;
    int transposed;
} cs_tensor_name;

/* Name of a part; 0 when a tower with these names has no such part. before: what stands in front of
 * every name of the file ("module."); text: what stands in front of the text encoder's names in
 * OpenCLIP's layout ("text." or ""). */
int cs_tensor_name_get(cs_tensor_name *out, cs_names names, clipspan_modality tower, cs_part part,
                       int layer, const char *before, const char *text);

/* 1 for tensors that old files hold and nothing needs: position_ids, input_resolution … */
int cs_tensor_name_ignored(const char *name, const char *before);

/* Finds layout, `before` (at least 32 bytes) and `text` (at least 16) from a file's names. Errors:
 * UNSUPPORTED naming the architecture that it seems to be, FORMAT when it is none that is known. */
clipspan_status cs_tensor_names_detect(clipspan_layout *layout, char *before, char *text,
                                       const cs_safetensors *tensors, clipspan_error *err);

#endif
