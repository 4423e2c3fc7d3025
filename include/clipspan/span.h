/* SPDX-License-Identifier: MIT */
/* TEXTSPAN: texts that span a head's output, and the roles that follow.
 * Conventions: clipspan.h. */
#ifndef CLIPSPAN_SPAN_H
#define CLIPSPAN_SPAN_H

#include <clipspan/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- TEXTSPAN: the texts that span a head's output ---- */

/* Of a pool of texts, the one along which a head's output varies most over the images, then of
 * what that leaves the next one, and so on: exactly the published algorithm (Gandelsman, Efros,
 * Steinhardt, ICLR 2024), from statistics alone. In the span of the eigenvectors of the output's
 * second moment with the largest eigenvalues (`rank` of them):
 *
 *     choose the text t with the largest variance of c . t, the first of equal ones; subtract
 *     (c . t) t / |t|^2 from the output c, and (t' . t) t / |t|^2 from every text t'
 */

#define CLIPSPAN_RUNNERS_UP 3

/* A text that could have been chosen: its variance over the chosen text's, 0 to 1. */
typedef struct clipspan_runner_up {
    size_t text;
    double ratio;
} clipspan_runner_up;

/* One basis text of a head. Texts are numbered from 0 in the pool's order. */
typedef struct clipspan_basis_text {
    size_t text;
    double share;    /* of the head's variance that leaves with this basis text, 0 to 1; shares of a
                        head add up to at most 1 */
    double variance; /* of the head's output along the text as it stood at this basis text: what was
                        largest */
    int runners_up, near_duplicates;          /* 0 to CLIPSPAN_RUNNERS_UP */
    const clipspan_runner_up *runner_up;      /* [runners_up] next best first */
    const clipspan_runner_up *near_duplicate; /* [near_duplicates] next best first: the same thing
                                                 in other words, cosine to the chosen text above
                                                 0.9 in what the earlier basis texts left of both */
    double same_place, any_place; /* stability, 0 to 1: share of resamples of the blocks that choose
                                     the text at this rank, and at any; -1 when not tested */
} clipspan_basis_text;

/* What can be said of a head. A role and a leaning are claims; the others are not. */
typedef enum clipspan_role_outcome {
    CLIPSPAN_OUTCOME_TOO_FEW_IMAGES = 0, /* fewer than CLIPSPAN_ROLE_IMAGES */
    CLIPSPAN_OUTCOME_NONE,      /* no category stands out; also without texts or categories */
    CLIPSPAN_OUTCOME_AMBIGUOUS, /* categories stand out, and two of them alike */
    CLIPSPAN_OUTCOME_LEANING,   /* one does, and its texts explain little of the head, no more
                                   than control texts, or not the same part in resamples */
    CLIPSPAN_OUTCOME_ROLE
} clipspan_role_outcome;

#define CLIPSPAN_ROLE_IMAGES    481 /* least images: 16 blocks of 32 for the resamples, begun */
#define CLIPSPAN_ROLE_LEAD      1.5 /* least enrichment of the first category over the second's */
#define CLIPSPAN_ROLE_EXPLAINED 0.2 /* least part of a head that a role's texts explain */
#define CLIPSPAN_ROLE_RETURNS   0.5 /* least stability of a role */

/* The role of a head, from a pool of texts in categories.
 *   Enrichment of a category: the head's variance is divided over texts, one half over all of them
 *     in proportion to the variance along each, the other half at every basis text that enters, by
 *     its share, over the 20 texts (a seventh of the pool where that is less) with the largest
 *     remaining variance; what the category's texts get, over their part of the pool.
 *   p: the place of the head's largest enrichment among those of the same head turned at random
 *     within its output space (its covariance keeps its spectrum and loses its meaning).
 *   q: p by Benjamini and Hochberg over all heads looked at, where the larger of p and relabelled_p
 *     counts: claims of q at most `fdr` hold that share of false ones at most, in expectation.
 *     Where answers are looked at too, both tests share the rate: q is twice that.
 *   A claim is made when q <= fdr and the first category's enrichment is at least
 *     CLIPSPAN_ROLE_LEAD times the runner-up's (ambiguous otherwise). It is a role when besides its
 *     texts explain at least CLIPSPAN_ROLE_EXPLAINED of the head's variance, more than those of
 *     every control pool do (one at least), and come back in CLIPSPAN_ROLE_RETURNS of the
 *     resamples; else a leaning.
 * An atlas of a run with coefficients has a second test, by the model's answers (docs/evidence.md,
 * "By answers"): it names heads that the first does not, and answers to another category that part
 * the head's variance CLIPSPAN_ROLE_LEAD times as much and as much as a role takes, speak against
 * the first's. by_answers says what the members are of:
 *   enrichment: share between answers over its mean of all categories
 *   p, relabelled_p: pools whose texts are all turned at random, or categories dealt, in which the
 *     largest share leads the next as far
 *   explained_variance, control_variance: shares between answers with the category's texts, with
 *     control texts   stability, category_returns: resamples of images in which it leads again */
typedef struct clipspan_role {
    clipspan_role_outcome outcome;
    int entering; /* basis texts that entered: five, K / 6 (at least two) where K is below 32 */
    const char *category[2]; /* of the largest enrichment and the runner-up, NULL: there is none */
    double enrichment[2];    /* theirs; 1 is what the pool has of them */
    double p;            /* (1 + rotations that reach enrichment[0]) / (1 + rotations); a test ends
                                with the 50th that does, then 50 / rotations made; -1: not tested */
    double q;            /* -1: not tested */
    double relabelled_p; /* place of enrichment[0] among the largest when the pool's categories
                                are dealt at random over its texts: the second check */
    double explained_variance[2]; /* share of the head's variance, 0 to 1, that as many texts of the
                                     category as entered explain, the best one after the other */
    double control_variance; /* the same of as many control texts in place of the first category's,
                                mean over control pools; -1: there is none */
    int control_above, control_pools; /* control pools that explain at least as much; of how many */
    double stability;            /* in how many resamples the category's first basis text is chosen
                                again, at any rank; -1: not tested */
    double category_returns;     /* in how many the category is the strongest again; -1 */
    double named, control_named; /* share that the basis texts which entered explain together; the
                                    same of the first control pool, -1 where it was not looked at
                                    (spans) */
    const char *first_category;  /* of the first basis text, which may be another; NULL without */
    int stand_out;  /* how many of its two tests, of texts and of answers, have q <= fdr */
    int by_answers; /* 1: category, enrichment, explained variance, controls, p and stability are
                       those of the model's answers (atlases of runs with coefficients) */
} clipspan_role;

/* TEXTSPAN of one head. Immutable, shared freely between threads. */
typedef struct clipspan_span clipspan_span;

typedef struct clipspan_span_options {
    size_t struct_size;
    int basis_texts; /* texts per head, 0: 20; a head gives fewer when nothing is left of it */
    int rank;        /* directions kept, 0: all that hold data. Never more than that: eigenvalues
                      above 1e-12 of the largest, and at most the number of images. The published
                      program keeps 80, and with them rounding noise */
    int threads;     /* 0: clipspan_default_threads(); at most 256 */
    int resamples;   /* of the blocks, for stability; 0: 200, -1: none */
    uint64_t seed;   /* of resamples, rotations and relabellings */
    const clipspan_stats *const *blocks; /* [block_count] statistics of disjoint sets that
                                            together are all images; with fewer than 16 there is
                                            no stability */
    size_t block_count;
    int rotations; /* of each head, for the test of its role; 0: no roles are asked for, at most
                        1,000,000. They need a bank with keys */
    const clipspan_bank *const *controls; /* [control_pools] control pools: as many texts as the
                                             bank, text i in place of the bank's */
    int control_pools;
} clipspan_span_options;
#define CLIPSPAN_SPAN_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(clipspan_span_options), 0, 0, 0, 0, 0, NULL, 0, 0, NULL, 0                          \
    }

/* TEXTSPAN of `count` heads, out : [count]. bank: the pool; its vectors are as long as they are.
 * options may be NULL; progress, which counts heads, too. Memory beside the result: a few numbers a
 * text and direction and thread, and the blocks' statistics of these heads. The same bytes for any
 * number of threads. Errors: ARGUMENT (no such head, a bank of another width, blocks of another
 * model), NUMBERS, NOMEM, INTERRUPTED; then all of out is NULL. */
CLIPSPAN_API clipspan_status clipspan_span_new(clipspan_span **out, const clipspan_stats *stats,
                                               const clipspan_head *heads, size_t count,
                                               const clipspan_bank *bank,
                                               const clipspan_span_options *options,
                                               const clipspan_progress *progress,
                                               clipspan_error *err);
CLIPSPAN_API void clipspan_span_free(clipspan_span **span);

typedef struct clipspan_span_info {
    clipspan_head head;
    uint64_t images;
    int head_width, embed_width; /* K, P */
    size_t texts;                /* in the pool */
    int basis_texts, rank;       /* that came out */
    double variance;             /* of the head's output, all directions together */
    int resamples;               /* 0: no stability */
    uint64_t seed;
} clipspan_span_info;

/* These live as long as the span. basis_texts : [basis_texts]
 * directions : [basis_texts, P], orthonormal. With them a contribution is about
 *              mean + sum over basis texts of ((c - mean) . direction) direction
 * readers : [basis_texts, K + 3], for coefficients: (coefficients - mean coefficients) . reader =
 * (c - mean) . direction */
CLIPSPAN_API const clipspan_span_info *clipspan_span_get_info(const clipspan_span *span);
CLIPSPAN_API const clipspan_basis_text *clipspan_span_get_basis_texts(const clipspan_span *span);
CLIPSPAN_API const float *clipspan_span_get_directions(const clipspan_span *span);
CLIPSPAN_API const double *clipspan_span_get_readers(const clipspan_span *span);

/* Roles of `count` heads that are looked at together, out : [count], from spans that were made with
 * rotations. bank: that of the spans, its keys are the categories ("!" before one that is not of
 * objects is left out); names live as long as it. fdr: share of false ones among the claims that is
 * put up with, 0: 0.05. Errors: ARGUMENT (a span without rotations or of another bank, fdr not from
 * 0 to 1), NOMEM. */
CLIPSPAN_API clipspan_status clipspan_span_run_roles(clipspan_role *out,
                                                     clipspan_span *const *spans, size_t count,
                                                     const clipspan_bank *bank, double fdr,
                                                     clipspan_error *err);

#ifdef __cplusplus
}
#endif
#endif
