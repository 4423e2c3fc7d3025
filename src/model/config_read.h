/* SPDX-License-Identifier: MIT */
/* From configuration files, or the table of architectures, to a checked cs_config. */
#ifndef CLIPSPAN_SRC_MODEL_CONFIG_READ_H
#define CLIPSPAN_SRC_MODEL_CONFIG_READ_H

#include "formats/json.h"
#include "model/architectures.h"
#include "model/config.h"

/* Ceilings for what a configuration may ask for, far above any CLIP. */
#define CS_MAX_LAYERS 1000
#define CS_MAX_WIDTH  65536
#define CS_MAX_MLP    1048576
#define CS_MAX_IMAGE  4096
#define CS_MAX_TOKENS 65537
#define CS_MAX_VOCAB  10000000

/* Reads the configuration file at `path`, which must be of the kind that `layout` (of the tensor
 * names) asks for.
 *   preprocessor  preprocessor_config.json or processor_config.json (Hugging Face), or NULL
 *   known         the table's entry for this checkpoint, or NULL; it fills in what the file leaves
 *                 open
 *   image_only    1: as if the model had no text encoder, of whatever kind it is
 *   merges        a merges table that the configuration names, relative to its folder, or ""
 * Errors: FORMAT (file, key, expected, found), UNSUPPORTED (what it is), SHAPE, LIMIT, IO, NOMEM.
 */
clipspan_status cs_config_read(cs_config *out, char merges[512], const char *path,
                               const char *preprocessor, clipspan_layout layout,
                               const cs_known_checkpoint *known, int image_only,
                               clipspan_error *err);

/* Parsed configurations and what they are called in messages; preprocessor may be NULL. */
typedef struct cs_config_texts {
    json_t *config;
    const char *path;
    json_t *preprocessor;
    const char *preprocessor_path;
    int image_only; /* 1: whatever is said of the text encoder is left aside */
} cs_config_texts;

/* The same from what was read already. */
clipspan_status cs_config_parse(cs_config *out, char merges[512], const cs_config_texts *texts,
                                clipspan_layout layout, const cs_known_checkpoint *known,
                                clipspan_error *err);

/* The configuration of a built-in architecture, with `activation` left 0. */
clipspan_status cs_config_from_architecture(cs_config *out, const cs_architecture *architecture,
                                            clipspan_layout layout, clipspan_error *err);

/* Takes over what the table knows of a checkpoint's preprocessing; NULL changes nothing. */
void cs_config_apply_known(cs_config *out, const cs_known_checkpoint *known);

/* 1 when the file at path (JSON) is a configuration of OpenCLIP's kind. */
int cs_config_is_openclip(const json_t *root);

/* The two readers; they fill everything but what cs_config_finish derives. */
clipspan_status cs_config_read_openclip(cs_config *out, char merges[512], const json_t *root,
                                        const char *path, const cs_known_checkpoint *known,
                                        clipspan_error *err);
clipspan_status cs_config_read_hf(cs_config *out, const cs_config_texts *texts,
                                  clipspan_error *err);

/* heads_per_layer of a pruned image encoder, a list for each layer of the heads that it has left:
 * read once layers and heads are known. Without the key, all. */
clipspan_status cs_config_read_heads(cs_config *out, const cs_json *vision, clipspan_error *err);

/* Makes the image encoder one of SigLIP's kind, once its sizes are known: patches with a bias, no
 * class token, no ln_pre, no projection, an attention pool like a layer of it. */
void cs_config_use_pool(cs_config *out);

/* SigLIP's preprocessing: both edges to the model's size, numbers between -1 and 1. */
void cs_config_use_inception(cs_config *out);

/* Defaults of both families, and what follows from what was read: grid, tokens, head width; checks
 * that patches tile the image and heads the width. `path` is for messages. */
void cs_config_start(cs_config *out, clipspan_layout layout);
clipspan_status cs_config_finish(cs_config *out, const char *path, clipspan_error *err);

#endif
