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
    int runners_up, near_duplicates; /* how many of these follow, 0 to CLIPSPAN_RUNNERS_UP, next
                                        best first */
    clipspan_runner_up runner_up[CLIPSPAN_RUNNERS_UP];
    clipspan_runner_up near_duplicate[CLIPSPAN_RUNNERS_UP]; /* the same thing in other words: cosine
                                                to the chosen text above 0.9 in what the earlier
                                                basis texts left of both */
    double same_place, any_place; /* stability, 0 to 1: share of resamples of the blocks that choose
                                     the text at this rank, and at any; -1 when not tested */
} clipspan_basis_text;

typedef enum clipspan_role_kind {
    CLIPSPAN_ROLE_NONE = 0,  /* no clear role */
    CLIPSPAN_ROLE_MIXED = 1, /* two categories are stronger than chance, and neither is claimed */
    CLIPSPAN_ROLE_CLEAR = 2
} clipspan_role_kind;

/* The role of a head, from the categories of its first basis texts. A category's explained variance
 * is the sum of its basis texts' shares. A role is clear when
 *   (a) its explained variance is at least CLIPSPAN_ROLE_LEAD times the runner-up's, and
 *   (b) above `bound`: what the largest explained variance of any category stays below in 95 of 100
 *       relabellings of the pool's texts, and
 *   (c) the category's top basis text is chosen again, at any rank, in at least half of the
 *   resamples. */
typedef struct clipspan_role {
    clipspan_role_kind kind;
    int entering; /* basis texts that entered: five, K / 6 (at least two) where K is below 32 */
    const char *category[2];      /* the strongest and the runner-up, NULL when there is none */
    double explained_variance[2]; /* theirs, 0 to 1 */
    double bound;
    double purity;           /* explained variance of the first over that of all, 0 to 1 */
    double stability;        /* any_place of the first's top basis text; -1 when not tested */
    double category_returns; /* in how many resamples the first is the strongest again; -1 */
    int untested; /* 1: (a) and (b) hold, and (c) could not be tested: fewer than 16 blocks */
    double named; /* share of the head's variance that the basis texts which entered explain
                     together */
    double control_named; /* the same of as many basis texts from a control pool; -1 when there is
                          none. A name is worth something when `named` is above it */
} clipspan_role;
#define CLIPSPAN_ROLE_LEAD 1.5

/* TEXTSPAN of one head. Immutable, shared freely between threads. */
typedef struct clipspan_span clipspan_span;

typedef struct clipspan_span_options {
    size_t struct_size;
    int basis_texts; /* texts a head, 0: 20; a head gives fewer when nothing is left of it */
    int rank;        /* directions kept, 0: all that hold data. Never more than that: eigenvalues
                      above 1e-12 of the largest, and at most the number of images. The published
                      program keeps 80, and with them rounding noise */
    int threads;     /* 0: clipspan_default_threads(); at most 256 */
    int resamples;   /* of the blocks, for stability; 0: 200, -1: none */
    uint64_t seed;   /* of the resamples and of a role's relabellings */
    const clipspan_stats *const *blocks; /* [block_count] statistics of disjoint sets that
                                            together are all images; with fewer than 16 there is
                                            no stability */
    size_t block_count;
} clipspan_span_options;
#define CLIPSPAN_SPAN_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(clipspan_span_options), 0, 0, 0, 0, 0, NULL, 0                                      \
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

/* The head's role. bank: that of the span, its keys are the categories ("!" before one that is not
 * of objects is left out); without keys there is no role. The names live as long as the bank.
 * control_span: the same head with a control pool, or NULL. Errors: ARGUMENT (another bank),
 * NOMEM. */
CLIPSPAN_API clipspan_status clipspan_span_run_role(clipspan_role *out, const clipspan_span *span,
                                                    const clipspan_bank *bank,
                                                    const clipspan_span *control_span,
                                                    clipspan_error *err);

#ifdef __cplusplus
}
#endif
#endif
