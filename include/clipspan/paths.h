/* SPDX-License-Identifier: MIT */
/* Effects through later layers: what heads, MLPs, neurons and tokens are worth to a similarity with
 * everything that later layers make of them. Conventions: clipspan.h. */
#ifndef CLIPSPAN_PATHS_H
#define CLIPSPAN_PATHS_H

#include <clipspan/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For one image attention weights, the scale of every LayerNorm and the gate of every hidden number
 * of the MLPs are held at what the pass made them. Every similarity t . m is then affine in the
 * residual stream x_l : [N, D] that enters layer l,
 *
 *     t . m = sum over tokens i of <G_l[i], x_l[i]> + constant_l          at every l
 *
 * and one sweep from the embedding back to layer 0 gives G (docs/paths.md). A component that writes
 * o[i] to token i has the effect sum_i <G[i], o[i]>, G just above it: its direct effect, and what
 * later layers pass on of it. Effects of one layer are parts of the same similarity; those of
 * different layers overlap, for a later one passes on what an earlier one wrote. What is held does
 * move when a component is really changed: clipspan_path_check measures by how much.
 *
 * Costs about a pass per text beside the pass, and once per handle the encoder's matrices turned
 * round, about 5/6 of its memory. float32 only. Used by one thread at a time. */

/* What effects are on. */
typedef enum clipspan_paths_direction {
    CLIPSPAN_PATHS_TEXTS = 0,  /* similarities with the texts of the bank */
    CLIPSPAN_PATHS_MARGIN = 1, /* one an image: its most similar text's over the next one's */
    CLIPSPAN_PATHS_RANDOM = 2  /* `random` unit vectors, normal, orthogonal to the embedding and
                                  drawn from its bytes: mean squares estimate how far the embedding
                                  moves; no bank is needed */
} clipspan_paths_direction;

typedef struct clipspan_paths_options {
    size_t struct_size;
    clipspan_paths_direction direction;
    int images;         /* at most in one run; 0: 1; up to CLIPSPAN_DECOMPOSITION_MOST */
    int neurons, maps;  /* 1: neuron, map of the results, too */
    size_t random;      /* 0: 1 */
    const float *means; /* [L, H, K] what heads mix on average (clipspan_run_read_mixed), copied:
                           `ablated` of the results; NULL: none */
} clipspan_paths_options;
#define CLIPSPAN_PATHS_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(clipspan_paths_options), CLIPSPAN_PATHS_TEXTS, 0, 0, 0, 0, NULL                     \
    }

/* Of one image, for T directions; M: hidden numbers of an MLP. `head` is of what the head mixes,
 * through W_O; the output bias of a layer is `bias`. A LayerNorm's centring is counted with the
 * component that it centres, where explanations divide the mean equally: direct effects differ from
 * clipspan_explanation's by that. */
typedef struct clipspan_paths_result {
    size_t directions;              /* T */
    size_t best, second;            /* MARGIN: which texts; else 0 */
    double off;                     /* largest |difference| of the identity above, any l and t */
    const float *embedding;         /* [P] */
    const float *direction;         /* [T, P] */
    const double *similarity;       /* [T] direction . embedding */
    const double *head;             /* [T, L, H] through later layers, the direct effect included */
    const double *head_direct;      /* [T, L, H] the direct effect alone */
    const double *mlp, *mlp_direct; /* [T, L] */
    const double *bias;             /* [T, L] */
    const double *token;            /* [T, N] tokens as they enter layer 0 */
    const double *constant;         /* [T, L + 1] constant_l; of [L] nothing is left but the last
                                       LayerNorm's bias */
    const double *ablated;          /* [T, L, H] change when the head mixes `means` at every token;
                                       NULL without means */
    const double *ablated_direct;   /* the same, directly */
    const float *neuron; /* [T, L, M]; with the MLP's output bias they add up to mlp; NULL
                                       without `neurons` */
    const float *map;    /* [T, L, H, N] head by the token that it reads; adds up to head;
                                       NULL without `maps` */
} clipspan_paths_result;

/* encoder: a float32 image encoder, which must outlive the paths and runs their passes; heads that
 * clipspan_encoder_set_heads has mean-ablated stay so, and effects are those in the network without
 * them. bank: copied; may be NULL with RANDOM. options may be NULL. Errors: ARGUMENT (a text
 * encoder, a bank of another width, less than two texts with MARGIN), UNSUPPORTED (bf16, a
 * model with an attention pool), IO, FORMAT (the model's file changed), NOMEM. */
CLIPSPAN_API clipspan_status clipspan_paths_new(clipspan_paths **out, clipspan_encoder *encoder,
                                                const clipspan_bank *bank,
                                                const clipspan_paths_options *options,
                                                clipspan_error *err);
CLIPSPAN_API void clipspan_paths_free(clipspan_paths **paths);

/* As clipspan_decomposition_run_pixels and _run_files, for up to the options' `images`. */
CLIPSPAN_API clipspan_status clipspan_paths_run_pixels(clipspan_paths *paths, const uint8_t *pixels,
                                                       size_t count, clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_paths_run_files(clipspan_paths *paths, clipspan_error *errors,
                                                      const char *const *files, size_t count,
                                                      clipspan_error *err);

/* Of an image of the last run, until the next; NULL for one that there is not. Zeros for an image
 * that could not be used. */
CLIPSPAN_API const clipspan_paths_result *clipspan_paths_get(const clipspan_paths *paths,
                                                             size_t image);

/* A neuron: hidden number `neuron` of a layer's MLP. A value: does not change between versions. */
typedef struct clipspan_neuron {
    int layer, neuron;
    double effect;
} clipspan_neuron;

/* The strongest neurons of one direction, by size of their effect, strongest first; of equal ones
 * the earlier.   out : [count]. Returns how many there are, 0 without `neurons`. */
CLIPSPAN_API size_t clipspan_paths_get_neurons(clipspan_neuron *out, size_t count,
                                               const clipspan_paths *paths, size_t image,
                                               size_t direction);

#ifdef __cplusplus
}
#endif

#endif
