/* SPDX-License-Identifier: MIT */
/* What the heads of a run are about. Conventions: clipspan.h. */
#ifndef CLIPSPAN_ATLAS_H
#define CLIPSPAN_ATLAS_H

#include <clipspan/run.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Atlases: every head of a run named, with what speaks for it ---- */

/* What a run's heads are about, for one pool of texts: TEXTSPAN of the chosen heads beside the same
 * with a pool without sense, roles, stability, poles, and how much of what varies each part of the
 * model accounts for. It is kept in the run, so that it is computed once. Immutable, shared freely
 * between threads; everything it gives lives as long as it. */
typedef struct clipspan_atlas clipspan_atlas;

#define CLIPSPAN_POLES 4 /* pictures at one end of a pick */

typedef struct clipspan_atlas_options {
    size_t struct_size;
    const char *name; /* what the pool is called in the run and to readers; NULL: "general" */
    const clipspan_texts *texts; /* the pool; NULL: the one that comes with clipspan */
    const clipspan_texts
        *null_texts;            /* texts without sense; NULL: as many as the pool has, of those
                                         that come with clipspan */
    const char *model;          /* where the run's model is now; NULL: where it was */
    clipspan_model *opened;     /* the run's model when it is open already, or NULL */
    int first_layer, layers;    /* whose heads are looked at; layers 0: all from the first on */
    int picks, rank, resamples; /* as clipspan_span_options */
    int threads;
    uint64_t seed;
    int again; /* 1: compute anew what the run has already */
} clipspan_atlas_options;
#define CLIPSPAN_ATLAS_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(clipspan_atlas_options), NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0       \
    }

/* A text of the pool that some pick names. */
typedef struct clipspan_atlas_text {
    const char *text;
    const char *category; /* "" without; without the "!" that marks what is not of objects */
    int heads;            /* that picked it */
    double best;          /* the largest share that it explains of a head */
    size_t best_head;     /* which: a place among the atlas's heads */
} clipspan_atlas_text;

typedef struct clipspan_atlas_picture {
    uint64_t place, number; /* in the run's order; in the list */
    const char *path;       /* as in the list */
    const char *file;       /* where it was when planned */
    const char *label;      /* "" without */
} clipspan_atlas_picture;

/* A picture at one end of a pick: its centred projection (c - mean) . direction. */
typedef struct clipspan_atlas_pole {
    size_t picture; /* a place among the atlas's pictures */
    double projection;
} clipspan_atlas_pole;

typedef struct clipspan_atlas_pick {
    clipspan_pick pick;    /* its texts, rivals and synonyms are numbers of the atlas's texts */
    double cumulated;      /* share of this and all earlier picks together, 0 to 1 */
    double null_cumulated; /* the same of as many picks of texts without sense */
} clipspan_atlas_pick;

typedef struct clipspan_atlas_head {
    clipspan_head head;
    clipspan_strength strength; /* direct effect, without a text */
    clipspan_role role;         /* categories NULL when the pool has none */
    int removed;     /* 1: the model has lost it (heads_per_layer): it writes nothing at all */
    double variance; /* of the head's output, all directions together */
    int rank, picks;
    const clipspan_atlas_pick *pick; /* [picks] */
    int positives, negatives;        /* 0 where poles are not known: not one of the last four
                                        layers, or a run without codes */
    clipspan_atlas_pole positive[CLIPSPAN_POLES]; /* of the first pick, farthest first */
    clipspan_atlas_pole negative[CLIPSPAN_POLES];
} clipspan_atlas_head;

/* Direct effect of a layer. `named`: share of the variance of its heads, all together, that their
 * picks explain; null_named: the same with texts without sense; both -1 where the layer's heads
 * were not looked at. */
typedef struct clipspan_atlas_layer {
    clipspan_strength attention, class_part, mlp;
    double named, null_named;
    int clear, mixed; /* heads with such a role */
} clipspan_atlas_layer;

typedef struct clipspan_atlas_count { /* pictures with that status */
    const char *status;               /* as clipspan_run_picture.status */
    uint64_t pictures;
} clipspan_atlas_count;

typedef struct clipspan_atlas_info {
    clipspan_run_info run;
    const char *activation; /* "gelu" or "quick_gelu" */
    const char *preprocess; /* "shortest, bicubic" */
    const char *folder;     /* where relative paths of pictures start */
    const clipspan_atlas_count *counts;
    size_t count_kinds;
    const char *pool, *pool_hash, *null_hash; /* name; SHA-256 of texts and keys */
    size_t pool_texts, pool_categories, null_texts;
    int first_layer, last_layer; /* looked at */
    int picks, rank, resamples;  /* asked for (rank 0: no bound); resamples 0: no stability */
    uint64_t seed;
    size_t heads, texts, pictures;    /* of the tables below */
    size_t distinct;                  /* texts that are some head's pick */
    int clear, mixed, none, untested; /* heads by role; untested of none and mixed */
    int removed;                      /* heads that the model has lost: in none of the above */
    double named, null_named;         /* over all heads looked at, as for a layer */
    clipspan_strength input;          /* of the class token as it enters the first layer */
    double embedding_variance;        /* tr Var of the unit embedding */
} clipspan_atlas_info;

/* Makes the atlas of a merged run, or takes it from the run when that holds one of the same pool
 * and options, or of more layers. A pool's vectors are made once with the run's model, which needs
 * its text tower, and kept. Where the run's folder may not be written nothing is kept, without an
 * error. progress counts texts that are to be embedded and heads. options may be NULL. Errors:
 * NOT_FOUND (not merged), UNSUPPORTED (no text tower), ARGUMENT (layers that the model does not
 * have), those of clipspan_run_open_model, NUMBERS, NOMEM, INTERRUPTED. */
CLIPSPAN_API clipspan_status clipspan_atlas_new(clipspan_atlas **out, const clipspan_run *run,
                                                const clipspan_atlas_options *options,
                                                const clipspan_progress *progress,
                                                clipspan_error *err);

/* Reads what clipspan_atlas_new left in the run under the pool's name; NULL: what it left last.
 * Errors: NOT_FOUND (with the names there are), FORMAT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_atlas_open(clipspan_atlas **out, const clipspan_run *run,
                                                 const char *name, clipspan_error *err);
CLIPSPAN_API void clipspan_atlas_free(clipspan_atlas **atlas);

/* heads : [info.heads] by layer, then head   layers : [info.run.layers]   texts : [info.texts]
 * those that some pick names, also as rival   pictures : [info.pictures] those at a pick's end */
CLIPSPAN_API const clipspan_atlas_info *clipspan_atlas_get_info(const clipspan_atlas *atlas);
CLIPSPAN_API const clipspan_atlas_head *clipspan_atlas_get_heads(const clipspan_atlas *atlas);
CLIPSPAN_API const clipspan_atlas_layer *clipspan_atlas_get_layers(const clipspan_atlas *atlas);
CLIPSPAN_API const clipspan_atlas_text *clipspan_atlas_get_texts(const clipspan_atlas *atlas);
CLIPSPAN_API const clipspan_atlas_picture *clipspan_atlas_get_pictures(const clipspan_atlas *atlas);

/* The heads whose role it is, in order: heads : [most], *count of them there are, of which the
 * first `most` are filled; heads may be NULL. untested 1: those too whose role could not be tested,
 * for want of images. The pool that gave the roles is info.pool. Errors: ARGUMENT (no head has the
 * role, with the roles there are). */
CLIPSPAN_API clipspan_status clipspan_atlas_find_heads(clipspan_head *heads, size_t *count,
                                                       size_t most, const clipspan_atlas *atlas,
                                                       const char *role, int untested,
                                                       clipspan_error *err);

#ifdef __cplusplus
}
#endif
#endif
