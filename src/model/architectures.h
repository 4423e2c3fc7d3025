/* SPDX-License-Identifier: MIT */
/* Tables of facts: the plain CLIP architectures by their OpenCLIP names, and the published
 * checkpoints with the repository that holds each in safetensors form. */
#ifndef CLIPSPAN_SRC_MODEL_ARCHITECTURES_H
#define CLIPSPAN_SRC_MODEL_ARCHITECTURES_H

#include <stddef.h>

/* Context 77 and vocabulary 49,408 throughout; LayerNorms have eps 1e-5. */
typedef struct cs_architecture {
    const char *name;
    int embed, image_size, patch;
    int layers, width, head_width, mlp_width;
    int text_layers, text_width, text_heads;
} cs_architecture;

/* By name, exactly; a name that ends in "-quickgelu" gives the one without and *quick_gelu 1, else
 * it becomes 0. NULL when there is none. */
const cs_architecture *cs_architecture_find(const char *name, int *quick_gelu);

/* The nearest name, or NULL. */
const char *cs_architecture_nearest(const char *name);

typedef enum cs_known_preprocess {
    CS_KNOWN_DEFAULT,   /* OpenAI's mean and std, shortest edge */
    CS_KNOWN_INCEPTION, /* mean and std 0.5 */
    CS_KNOWN_SQUASH     /* both edges to size */
} cs_known_preprocess;

typedef struct cs_known_checkpoint {
    const char *architecture, *tag;
    const char *repository; /* with OpenCLIP names */
    const char *other;      /* the same weights with Hugging Face names, or NULL */
    int quick_gelu;
    cs_known_preprocess preprocess;
} cs_known_checkpoint;

/* architecture may end in "-quickgelu" where the checkpoint has it. tag: case and '-' for '_' are
 * forgiven, as OpenCLIP does. NULL when there is none. */
const cs_known_checkpoint *cs_known_find(const char *architecture, const char *tag);
const cs_known_checkpoint *cs_known_by_repository(const char *repository);

/* The tags of an architecture in the order of the table: NULL behind the last. */
const char *cs_known_tag(const char *architecture, size_t index);

#endif
