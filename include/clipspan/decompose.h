/* SPDX-License-Identifier: MIT */
/* The contributions that add up to an embedding, their statistics, and heatmaps of patches.
 * Conventions: clipspan.h. */
#ifndef CLIPSPAN_DECOMPOSE_H
#define CLIPSPAN_DECOMPOSE_H

#include <clipspan/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Contributions: what adds up to an embedding ---- */

/* The unit embedding of an image is a sum of what the components of the image encoder add to the
 * class token, each passed through the last LayerNorm and the projection with its part of their
 * constants, exactly as published (Gandelsman, Efros, Steinhardt, ICLR 2024; the equations are in
 * docs/math.md):
 *
 *     embedding = sum of [L, H] attention heads + [L + 1] MLP contributions
 *
 * MLP contribution 0 is the class token as it enters the first layer, component l + 1 the MLP of
 * layer l. A head is in turn a sum over the N tokens that it reads. A clipspan_decomposition holds
 * the contributions to the latest images in K + 3 numbers per head; P-wide vectors are computed
 * only on request. Used by one thread at a time. */
typedef struct clipspan_decomposition clipspan_decomposition;

#define CLIPSPAN_DECOMPOSITION_MOST 32 /* images at a time */

typedef struct clipspan_decomposition_options {
    size_t struct_size;
    int tokens; /* 1: keep attention and values of the latest image for
                   clipspan_decomposition_run_tokens; one image at a time then */
    int layers; /* 1: with an attention pool, keep what clipspan_decomposition_run_layers needs:
                   (1 + 4 L) N D numbers; one image at a time then */
} clipspan_decomposition_options;
#define CLIPSPAN_DECOMPOSITION_OPTIONS_INIT                                                        \
    {                                                                                              \
        sizeof(clipspan_decomposition_options), 0, 0                                               \
    }

/* encoder: an image encoder, which must outlive the decomposition and runs its passes; its option
 * `raw` is ignored. The first call for a model and precision computes the output maps of its heads
 * from the weights, L H (K + 3) P float32 numbers that are kept with the model. options may be
 * NULL. Errors: ARGUMENT (a text encoder), IO, FORMAT (the model's file changed), NOMEM. */
CLIPSPAN_API clipspan_status
clipspan_decomposition_new(clipspan_decomposition **out, clipspan_encoder *encoder,
                           const clipspan_decomposition_options *options, clipspan_error *err);
CLIPSPAN_API void clipspan_decomposition_free(clipspan_decomposition **decomposition);

/* Decomposes images; `count` is 1 to CLIPSPAN_DECOMPOSITION_MOST (1 with `tokens`). As
 * clipspan_encoder_run_pixels and _run_files; an image that cannot be used keeps its index, and all
 * its contributions are zero. Results of an earlier call are discarded. */
CLIPSPAN_API clipspan_status
clipspan_decomposition_run_pixels(clipspan_decomposition *decomposition, const uint8_t *pixels,
                                  size_t count, clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_decomposition_run_files(clipspan_decomposition *decomposition,
                                                              clipspan_error *errors,
                                                              const char *const *paths,
                                                              size_t count, clipspan_error *err);

/* Of the last run: how many images, and their unit embeddings [B, P], the same bytes as the
 * encoder gives. They live until the next run. */
CLIPSPAN_API size_t clipspan_decomposition_get_count(const clipspan_decomposition *decomposition);
CLIPSPAN_API const float *
clipspan_decomposition_get_embeddings(const clipspan_decomposition *decomposition);

/* Contributions of one image's components (docs/math.md).
 *   heads : [L, H, P]   layers : [L, P] attention, all heads of a layer
 *   mlps : [L + 1, P] the class token as it enters the first layer, then the layers' MLPs
 *   class_self_attention : [L, P] the part of `layers` that is read from the class token itself
 * Caller's; any may be NULL. image: index in the last run. Errors: ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_decomposition_run_contributions(
    float *heads, float *layers, float *mlps, float *class_self_attention,
    const clipspan_decomposition *decomposition, size_t image, clipspan_error *err);

/* One head by token, of the only image:   tokens : [N, P], the class token first, then patches
 * row by row. Errors: ARGUMENT, also without the option `tokens`. */
CLIPSPAN_API clipspan_status
clipspan_decomposition_run_tokens(float *tokens, const clipspan_decomposition *decomposition,
                                  int layer, int head, clipspan_error *err);

/* The identity, checked: *off is the largest absolute difference, over the P numbers, between the
 * sum of all heads and MLP contributions of an image and its embedding. At most 1e-5 in float32.
 * Errors: ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_decomposition_run_check(
    double *off, const clipspan_decomposition *decomposition, size_t image, clipspan_error *err);

/* ---- Through an attention pool ---- */

/* Models whose readout is CLIPSPAN_READ_POOL have two exact decompositions. The functions above
 * give that of the pool's heads, as one layer: layers 1, heads those of the pool, mlps [2, P]
 * (nothing, and what the pool's MLP adds). Those below give every layer's heads, patches and MLPs,
 * with the pool's attention and all LayerNorms as they were for the image; of the only image of the
 * last run, and with the option `layers`. L and H are those of the image encoder.
 *
 *   gate  0: the pool's MLP is one opaque part; 1: everything goes through it with its gates
 *         g(u) / u as they were, and that part is what is left: its biases
 *
 * In either case head and MLP contributions add up to the unit embedding, within 1e-5 in
 * float32. */

/* heads : [L, H, P]   mlps : [L + 2, P] what enters the first layer, the layers' MLPs, the pool's
 * MLP; either may be NULL. Errors: ARGUMENT, UNSUPPORTED without a pool. */
CLIPSPAN_API clipspan_status clipspan_decomposition_run_layers(
    float *heads, float *mlps, const clipspan_decomposition *decomposition, int gate,
    clipspan_error *err);

/* One head's contribution by source patch, which add up to it: tokens : [N, P]. Errors: as
 * above. */
CLIPSPAN_API clipspan_status
clipspan_decomposition_run_layer_tokens(float *tokens, const clipspan_decomposition *decomposition,
                                        int layer, int head, int gate, clipspan_error *err);

/* All of it as inner products with a direction : [P], such as a text's unit vector, which then add
 * up to the similarity: heads : [L, H, N] by source patch   mlps : [L + 2]. Far cheaper than the
 * vectors. Errors: as above. */
CLIPSPAN_API clipspan_status clipspan_decomposition_run_layer_scores(
    float *heads, float *mlps, const clipspan_decomposition *decomposition, const float *direction,
    int gate, clipspan_error *err);

/* *share: squared length of what the pool's MLP adds, as a part of the embedding's. Errors: as
 * above. */
CLIPSPAN_API clipspan_status clipspan_decomposition_run_pool_mlp(
    double *share, const clipspan_decomposition *decomposition, clipspan_error *err);

/* ---- Statistics of contributions ---- */

/* Statistics over many images, exact and in float64: for every head count, mean and co-moments of
 * its coefficients, from which means, variances along any text and TEXTSPAN follow. Size does not
 * depend on the number of images (B/16: 2.9 MB, and the logarithm of their number times that while
 * they are added). One writer at a time. */
typedef struct clipspan_stats clipspan_stats;

/* For decompositions of this encoder's model and precision. The model must outlive the statistics.
 * Errors: as clipspan_decomposition_new. */
CLIPSPAN_API clipspan_status clipspan_stats_new(clipspan_stats **out, clipspan_encoder *encoder,
                                                clipspan_error *err);
CLIPSPAN_API void clipspan_stats_free(clipspan_stats **stats);

/* Adds the images of the last run of `decomposition`, without those that could not be used. Calls
 * merge along a binary tree, so the same calls in the same order give the same bytes for any number
 * of threads. Errors: ARGUMENT (a decomposition of another model or precision), NOMEM. */
CLIPSPAN_API clipspan_status clipspan_stats_add(clipspan_stats *stats,
                                                const clipspan_decomposition *decomposition,
                                                clipspan_error *err);

/* Adds all images of `other`, which stays as it is. Errors: as above. */
CLIPSPAN_API clipspan_status clipspan_stats_merge(clipspan_stats *stats,
                                                  const clipspan_stats *other, clipspan_error *err);

CLIPSPAN_API uint64_t clipspan_stats_get_count(const clipspan_stats *stats); /* images */

/* Of every component.   heads : [L, H]   layers : [L]   mlps : [L + 1]
 *   class_self_attention : [L]   any may be NULL. Errors: ARGUMENT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_stats_run_variance_shares(
    clipspan_variance_share *heads, clipspan_variance_share *layers, clipspan_variance_share *mlps,
    clipspan_variance_share *class_self_attention, const clipspan_stats *stats,
    clipspan_error *err);

/* Mean contributions over the images: shapes as clipspan_decomposition_run_contributions;
 * embedding : [P], the mean of unit vectors. Any may be NULL; zeros without images. Errors:
 * ARGUMENT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_stats_run_means(float *heads, float *layers, float *mlps,
                                                      float *class_self_attention, float *embedding,
                                                      const clipspan_stats *stats,
                                                      clipspan_error *err);

/* Along a direction of the joint image-text embedding space, such as a text: mean and variance
 * (divided by count - 1) of the inner product of every head's contribution with it.
 *   direction : [P], of any length   mean, variance : [L, H], either may be NULL
 * Errors: ARGUMENT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_stats_run_direction(double *mean, double *variance,
                                                          const clipspan_stats *stats,
                                                          const float *direction,
                                                          clipspan_error *err);

/* ---- Maps: where in the image, and through which heads ---- */

/* Scores of every token (the class token first, then patches row by row) with every text of a bank,
 * gathered while images pass:
 *
 *     score[t,j] = sum over heads (l,h) of  c[l,h,j] . t       c[l,h,j] :
 *     clipspan_decomposition_run_tokens
 *
 * In units of the similarity with the text: over all tokens and heads they add up to what attention
 * contributes to it, and with the MLP contributions to the similarity itself. They can be negative:
 * the patch lowers the similarity. Cost: K multiply-adds per head, token and text. For comparison,
 * other common maps can be computed beside them (docs/math.md). Used by one thread at a time. */
typedef struct clipspan_maps clipspan_maps;

/* Flags. */
typedef enum clipspan_map_kind {
    CLIPSPAN_MAP_HEADS = 1,     /* [T, N] the above; always there */
    CLIPSPAN_MAP_ATTENTION = 2, /* [N] attention of the class token, mean over heads, one layer */
    CLIPSPAN_MAP_ROLLOUT = 4,   /* [N] attention rollout from the class token; L N^2 numbers */
    CLIPSPAN_MAP_PATCHES = 8,   /* [T, N] cosine of each token's own final embedding */
    CLIPSPAN_MAP_VALUES = 16,   /* [T, N] cosine of the last layer's value of each token */
    CLIPSPAN_MAP_MLPS = 32      /* [T, L + 1] no map: what the MLP contributions of
                                   clipspan_decomposition_run_contributions add to the similarity */
} clipspan_map_kind;

typedef struct clipspan_maps_options {
    size_t struct_size;
    const clipspan_head *heads; /* [head_count] whose scores are summed; NULL: all */
    size_t head_count;
    int each;           /* 1: keep each head's own map as well: L H T N numbers per image */
    unsigned kinds;     /* clipspan_map_kind, those beside CLIPSPAN_MAP_HEADS */
    int back;           /* layer of CLIPSPAN_MAP_ATTENTION, counted from the last, which is 0 */
    int images;         /* at most in one run; 0: 1; up to CLIPSPAN_DECOMPOSITION_MOST */
    const int *groups;  /* [head_count], or [L H] without heads: the group, from 0, that a head
                           is in; scores are also summed within each group; -1: none. NULL: no
                           groups */
    size_t group_count; /* CLIPSPAN_GROUPS_MOST at most */
} clipspan_maps_options;
#define CLIPSPAN_GROUPS_MOST 64
#define CLIPSPAN_MAPS_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(clipspan_maps_options), NULL, 0, 0, 0, 0, 0, NULL, 0                                \
    }

/* encoder: an image encoder, which must outlive the maps and runs their passes. bank: the texts,
 * copied. options may be NULL. Errors: ARGUMENT (a text encoder, a bank of another width, no such
 * head or layer), NOMEM, and as clipspan_decomposition_new. */
CLIPSPAN_API clipspan_status clipspan_maps_new(clipspan_maps **out, clipspan_encoder *encoder,
                                               const clipspan_bank *bank,
                                               const clipspan_maps_options *options,
                                               clipspan_error *err);
CLIPSPAN_API void clipspan_maps_free(clipspan_maps **maps);

/* As clipspan_decomposition_run_pixels and _run_files, for up to the options' `images`. An image's
 * maps do not depend on the others. */
CLIPSPAN_API clipspan_status clipspan_maps_run_pixels(clipspan_maps *maps, const uint8_t *pixels,
                                                      size_t count, clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_maps_run_files(clipspan_maps *maps, clipspan_error *errors,
                                                     const char *const *paths, size_t count,
                                                     clipspan_error *err);

/* Of the last run, until the next: unit embeddings [B, P], and the maps of one kind of an image,
 * shaped as at clipspan_map_kind. NULL for a kind that was not asked for, or no such image. Zeros
 * for an image that could not be used. */
CLIPSPAN_API const float *clipspan_maps_get_embeddings(const clipspan_maps *maps);
CLIPSPAN_API const float *clipspan_maps_get(const clipspan_maps *maps, size_t image,
                                            clipspan_map_kind kind);

/* The map of one group of heads, [T, N], as it would be with these heads alone; NULL for a group
 * that there is not. */
CLIPSPAN_API const float *clipspan_maps_get_group(const clipspan_maps *maps, size_t image,
                                                  size_t group);

/* The map of one head, [T, N]: NULL without the option `each`, or for a head that is not among the
 * options' heads. */
CLIPSPAN_API const float *clipspan_maps_get_head(const clipspan_maps *maps, size_t image, int layer,
                                                 int head);

/* ---- Explanations: one image, several texts, every component of the model ---- */

/* An image's similarities with texts, decomposed. With c the contributions of
 * clipspan_decomposition and clipspan_maps, each of them . t:
 *
 *     similarity[t] = sum over layers and heads of head[t,l,h] + sum of the L + 1 mlp[t,l]
 *     head[t,l,h]   = sum over tokens of map[t,l,h,j]
 *
 * exactly: the contributions to every text add up within 1e-5 (`off` is by how much they do not; in
 * bf16, where tokens are rounded once more, up to 1e-2). These are direct effects: what later
 * layers do with a component's output counts as theirs. With a contrast, the same of a difference
 * of similarities, `value`. */
typedef struct clipspan_explanation clipspan_explanation;

typedef enum clipspan_contrast {
    CLIPSPAN_CONTRAST_NONE = 0,     /* the similarity itself */
    CLIPSPAN_CONTRAST_MEAN = 1,     /* minus the mean over all texts */
    CLIPSPAN_CONTRAST_RUNNER_UP = 2 /* minus the other text that the image is most similar to */
} clipspan_contrast;

/* T texts, L layers of H heads, N tokens: the class token, then patches row by row. */
typedef struct clipspan_explanation_info {
    int layers, heads, grid_height, grid_width;
    size_t texts, tokens;
    clipspan_contrast contrast;
    double off;               /* largest |sum of a text's contributions - its value| */
    const char *const *names; /* [T] the texts */
    const size_t *order;      /* [T] texts by similarity, the highest first */
    const double *similarity; /* [T] cosine with the image's embedding */
    const double *value;      /* [T] what the contributions add up to: the similarity after contrast
                                 */
    const double *attention;  /* [T, L] all heads of a layer */
    const double *class_self_attention; /* [T, L] what of it they take from the class token
                                           itself */
    const double *mlp;   /* [T, L + 1] the class token's input, then the layers' MLPs */
    const double *head;  /* [T, L, H] */
    const double *token; /* [T, N] all heads of all layers together */
    const float *map;    /* [T, L, H, N] */
    int class_token;     /* 1: token 0 is the class token; 0: all tokens are patches */
} clipspan_explanation_info;

/* Of image `image` of the last run of maps that have all heads, the option `each` and
 * CLIPSPAN_MAP_MLPS. bank: the one that they were made with. Nothing is borrowed. Errors: ARGUMENT
 * (other maps; a contrast of one text), NOMEM. */
CLIPSPAN_API clipspan_status clipspan_explanation_new(clipspan_explanation **out,
                                                      const clipspan_maps *maps, size_t image,
                                                      const clipspan_bank *bank,
                                                      clipspan_contrast contrast,
                                                      clipspan_error *err);
CLIPSPAN_API void clipspan_explanation_free(clipspan_explanation **explanation);

/* The pointer and all that it points to live as long as the explanation. */
CLIPSPAN_API const clipspan_explanation_info *
clipspan_explanation_get_info(const clipspan_explanation *explanation);

#ifdef __cplusplus
}
#endif
#endif
