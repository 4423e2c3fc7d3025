/* SPDX-License-Identifier: MIT */
/* Basis texts and roles of the heads of a run. Conventions: clipspan.h. */
#ifndef CLIPSPAN_ATLAS_H
#define CLIPSPAN_ATLAS_H

#include <clipspan/base.h>
#include <clipspan/span.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Atlases: every head of a run named, with what speaks for it ---- */

/* What a run's heads are about, for one pool of texts: TEXTSPAN of the chosen heads beside the same
 * with a control pool, roles, stability, top and bottom images, and how much of what varies each
 * part of the model accounts for. It is kept in the run, so that it is computed once. Immutable,
 * shared freely between threads; everything it gives lives as long as it. */
typedef struct clipspan_atlas clipspan_atlas;

#define CLIPSPAN_EXTREMES 4 /* images at one end of a basis text */

typedef struct clipspan_atlas_options {
    size_t struct_size;
    const char *name; /* what the pool is called in the run and to readers; NULL: "general" */
    const clipspan_texts *texts;         /* the pool; NULL: the one that comes with clipspan */
    const clipspan_texts *control_texts; /* control texts; NULL: control_pools pools are made
                                            (clipspan_texts_new_control) */
    const char *model;                   /* where the run's model is now; NULL: where it was */
    clipspan_model *opened;              /* the run's model when it is open already, or NULL */
    int first_layer, layers; /* whose heads are looked at; layers 0: all from the first on */
    int basis_texts, rank, resamples; /* as clipspan_span_options */
    int threads;
    uint64_t seed;
    int again;   /* 1: compute anew what the run has already */
    int as_main; /* 1: from now on this is the run's main text pool, whose roles are taken where no
                    pool is named; 0: only where the run has none yet */
    double fdr;  /* false discovery rate of claims, 0: 0.05; at most 1 */
    int rotations;     /* of each head, 0: 1,000; at most 1,000,000 */
    int control_pools; /* control pools to make, 0: 10; at most 1,000. With control_texts: one */
} clipspan_atlas_options;
#define CLIPSPAN_ATLAS_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(clipspan_atlas_options), NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0,   \
            0, 0, 0                                                                                \
    }

/* A text of the pool that some basis text names. */
typedef struct clipspan_atlas_text {
    const char *text;
    const char *category; /* "" without; without the "!" that marks what is not of objects */
    int heads;            /* that picked it */
    double best;          /* the largest share that it explains of a head */
    size_t best_head;     /* index among the atlas's heads */
} clipspan_atlas_text;

typedef struct clipspan_atlas_image {
    uint64_t run_index, list_index; /* in the run's order; in the list */
    const char *path;               /* as in the list */
    const char *file;               /* where it was when planned */
    const char *label;              /* "" without */
} clipspan_atlas_image;

/* An image at one end of a basis text: its centred projection (c - mean) . direction. */
typedef struct clipspan_atlas_extreme {
    size_t image; /* index among the atlas's images */
    double projection;
} clipspan_atlas_extreme;

typedef struct clipspan_atlas_basis_text {
    const clipspan_basis_text *basis_text; /* its texts, runners-up and near-duplicates are numbers
                                          of the atlas's texts */
    double cumulated;         /* share of this and all earlier basis texts together, 0 to 1 */
    double control_cumulated; /* the same of as many basis texts of the first control pool */
} clipspan_atlas_basis_text;

#define CLIPSPAN_MINOR_SHARE 0.005

typedef struct clipspan_atlas_head {
    clipspan_head head;
    const clipspan_variance_share *variance_share; /* direct effect, without a text */
    const clipspan_role *role;                     /* categories NULL when the pool has none */
    double weight;   /* what it is ranked by: share of the embedding's variance, 0 where negative,
                      times how far the role's category explains it above control texts */
    int minor;       /* 1: its share of the embedding's variance is below CLIPSPAN_MINOR_SHARE */
    int removed;     /* 1: it was pruned (heads_per_layer): it writes nothing at all */
    double variance; /* of the head's output, all directions together */
    int rank, basis_texts;
    const clipspan_atlas_basis_text *basis_text; /* [basis_texts] */
    int top_count, bottom_count;          /* 0 where top and bottom images are not known: not one of
                                        the last four layers, or a run without coefficients */
    const clipspan_atlas_extreme *top;    /* [top_count] of the first basis text, farthest first */
    const clipspan_atlas_extreme *bottom; /* [bottom_count] */
} clipspan_atlas_head;

/* Direct effect of a layer. `named`: share of the variance of its heads, all together, that their
 * basis texts explain; control_named: the same with control texts; both -1 where the layer's heads
 * were not looked at, or have no variance (one image). */
typedef struct clipspan_atlas_layer {
    const clipspan_variance_share *attention, *class_self_attention, *mlp;
    double named, control_named;
    int role, leaning, ambiguous; /* heads with that outcome */
} clipspan_atlas_layer;

typedef struct clipspan_atlas_count { /* images with that status */
    const char *status;               /* as clipspan_run_image.status */
    uint64_t images;
} clipspan_atlas_count;

typedef struct clipspan_run_info clipspan_run_info; /* run.h */

typedef struct clipspan_atlas_info {
    const clipspan_run_info *run;
    const char *activation; /* "gelu" or "quick_gelu" */
    const char *preprocess; /* "shortest, bicubic" */
    const char *folder;     /* where relative paths of images start */
    const clipspan_atlas_count *counts;
    size_t count_kinds;
    const char *pool, *pool_hash, *control_hash; /* name; SHA-256 of texts and keys */
    size_t pool_texts, pool_categories, control_texts;
    int first_layer, last_layer;      /* looked at */
    int basis_texts, rank, resamples; /* asked for (rank 0: no bound); resamples 0: no stability */
    uint64_t seed;
    size_t heads, texts, images;  /* of the tables below */
    size_t distinct;              /* texts that are some head's basis text */
    double fdr;                   /* asked for */
    int rotations, control_pools; /* that were made */
    int tested;                   /* heads with a p: all of the outcomes but too_few */
    int role, leaning, ambiguous, none, too_few; /* heads by outcome */
    int removed;                                 /* pruned heads: in none of the above */
    double expected_false_claims; /* at most: fdr times the claims (roles, leanings) */
    int minor;                    /* heads of little effect, removed ones not counted */
    double role_share, leaning_share, minor_share; /* of the embedding's variance, those heads */
    double heads_share;                            /* of all heads looked at */
    double named, control_named;                   /* over all heads looked at, as for a layer */
    const clipspan_variance_share *input; /* of the class token as it enters the first layer */
    double embedding_variance;            /* tr Var of the unit embedding */
} clipspan_atlas_info;

/* Makes the atlas of a merged run, or takes it from the run when that holds one of the same pool
 * and options, or of more layers. A pool's vectors are made once with the run's model, which needs
 * its text encoder, and kept. Where the run's folder may not be written nothing is kept, without an
 * error. progress counts texts that are to be embedded and heads. options may be NULL. Errors:
 * NOT_FOUND (not merged), UNSUPPORTED (no text encoder), ARGUMENT (layers that the model does not
 * have), those of clipspan_run_open_model, NUMBERS, NOMEM, INTERRUPTED. */
CLIPSPAN_API clipspan_status clipspan_atlas_new(clipspan_atlas **out, const clipspan_run *run,
                                                const clipspan_atlas_options *options,
                                                const clipspan_progress *progress,
                                                clipspan_error *err);

/* Reads what clipspan_atlas_new left in the run under the pool's name; NULL: of the run's main
 * pool.
 * Errors: NOT_FOUND (with the names there are), FORMAT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_atlas_open(clipspan_atlas **out, const clipspan_run *run,
                                                 const char *name, clipspan_error *err);
CLIPSPAN_API void clipspan_atlas_free(clipspan_atlas **atlas);

/* heads : [info.heads] by layer, then head   layers : [info.run.layers]   texts : [info.texts]
 * those that some basis text names, also as runner-up   images : [info.images] those at a basis
 * text's end */
CLIPSPAN_API const clipspan_atlas_info *clipspan_atlas_get_info(const clipspan_atlas *atlas);
CLIPSPAN_API const clipspan_atlas_head *clipspan_atlas_get_heads(const clipspan_atlas *atlas);
CLIPSPAN_API const clipspan_atlas_layer *clipspan_atlas_get_layers(const clipspan_atlas *atlas);
CLIPSPAN_API const clipspan_atlas_text *clipspan_atlas_get_texts(const clipspan_atlas *atlas);
CLIPSPAN_API const clipspan_atlas_image *clipspan_atlas_get_images(const clipspan_atlas *atlas);

/* The heads whose role it is, in order: heads : [most], *count of them there are, of which the
 * first `most` are filled; heads may be NULL. leanings 1: those too that lean to it. The pool that
 * gave the roles is info.pool. Errors: ARGUMENT (no head has the role; says which there are). */
CLIPSPAN_API clipspan_status clipspan_atlas_find_heads(clipspan_head *heads, size_t *count,
                                                       size_t most, const clipspan_atlas *atlas,
                                                       const char *role, int leanings,
                                                       clipspan_error *err);

#ifdef __cplusplus
}
#endif
#endif
