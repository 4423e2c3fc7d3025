/* SPDX-License-Identifier: MIT */
/* Direct effects of edited components on a classification. Conventions: clipspan.h. */
#ifndef CLIPSPAN_EFFECTS_H
#define CLIPSPAN_EFFECTS_H

#include <clipspan/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Effects: classification with edited components ---- */

/* A class score of an image is the sum over components of their contributions along the class
 * vector,
 *
 *     s[c] = sum over components of  contribution . w_c      [L, H] heads, [L + 1] MLPs
 *
 * and a head's contribution to a score is the inner product of its K + 3 coefficients with as many
 * numbers of the class (docs/math.md, Effects). So changing components, a head's output to its mean
 * for instance, and classifying every image of a run again is a few additions an image, without a
 * forward pass. This is the direct effect only: in the network later
 * layers would read what was changed and compensate. */
typedef struct clipspan_effects clipspan_effects;

typedef struct clipspan_effects_options {
    size_t struct_size;
    const float *cues; /* [cue_count, P] directions that changes can refer to, or NULL */
    size_t cue_count;
    int threads;     /* 0: clipspan_default_threads() */
    uint64_t memory; /* bytes for contributions to scores: read once where they fit, for every
                        call where not; 0: a quarter of this machine's */
    const clipspan_effects *like; /* of the same run, with the same cues, outlives these: cues are
                        taken out of the images as these take them out, to see what that does to
                        other classes; NULL: as the own classes have it */
} clipspan_effects_options;
#define CLIPSPAN_EFFECTS_OPTIONS_INIT                                                              \
    {                                                                                              \
        sizeof(clipspan_effects_options), NULL, 0, 0, 0, NULL                                      \
    }

/* The used images of a merged run that kept coefficients, against the classes of a bank, two at
 * least. run must outlive it; bank and options are borrowed for the call. Used by one thread at a
 * time. progress counts chunks. Errors: NOT_FOUND (not merged, coefficients not kept), ARGUMENT (a
 * bank of another width or of one class, a cue that is not finite or zero, `like` of another run or
 * with other cues), FORMAT, IO, NOMEM, INTERRUPTED. */
CLIPSPAN_API clipspan_status clipspan_effects_new(clipspan_effects **out, const clipspan_run *run,
                                                  const clipspan_bank *bank,
                                                  const clipspan_effects_options *options,
                                                  const clipspan_progress *progress,
                                                  clipspan_error *err);
CLIPSPAN_API void clipspan_effects_free(clipspan_effects **effects);
CLIPSPAN_API size_t clipspan_effects_get_images(const clipspan_effects *effects);
/* [images] of the used images, in order: rows of results are theirs. */
CLIPSPAN_API const uint64_t *clipspan_effects_get_run_indices(const clipspan_effects *effects);

/* What becomes of a component's contribution c. Means and covariances are those of `source` (see
 * below). CUE is equation (8) of docs/math.md. */
typedef enum clipspan_change_kind {
    CLIPSPAN_CHANGE_MEAN = 0,  /* its mean */
    CLIPSPAN_CHANGE_SCALE = 1, /* scale c; 0 takes it away */
    CLIPSPAN_CHANGE_SWAP = 2,  /* that of the image at `run_index` of the run */
    CLIPSPAN_CHANGE_CUE =
        3, /* c - ((c - mean) . q) g: what moves with its own reading of a cue q. g is
                                S q / (q . S q), S the covariance among images of the same
                                prediction, projected on the span of q and the class vectors, so
                                that other classifications lose nothing that these classes do not
                                see; heads and the embedding */
    CLIPSPAN_CHANGE_PROJECT = 4 /* c - (c . q) q / (q . q); the embedding only */
} clipspan_change_kind;

typedef struct clipspan_change {
    clipspan_component component;
    int layer, head;
    clipspan_change_kind kind;
    double scale;       /* of SCALE */
    uint64_t run_index; /* of SWAP */
    size_t cue;         /* of CUE and PROJECT */
} clipspan_change;

/* Changes made together, no component twice. None at all: the model as it is. */
typedef struct clipspan_edit {
    const clipspan_change *changes;
    size_t count;
} clipspan_edit;

/* Classifies every image after each of `count` edits.
 *   predicted : [count, images] class with the largest score, the first of equal ones
 *   margins : [count, images] score of the right class less the largest other one, by
 *             labels : [images] class or -1; without labels, largest score less the next
 *   scores : [count, images, classes]         any may be NULL, labels too
 * source: effects with the same classes and cues of the run whose means stand for components, NULL:
 * of the images themselves, as published. Errors: ARGUMENT (a component or index that is out of
 * range, a component twice, a source with other classes), FORMAT (a source of another model),
 * NOMEM, IO. */
CLIPSPAN_API clipspan_status clipspan_effects_run(uint32_t *predicted, double *margins,
                                                  double *scores, clipspan_effects *effects,
                                                  const clipspan_effects *source,
                                                  const clipspan_edit *edits, size_t count,
                                                  const int32_t *labels, clipspan_error *err);

/* The published replaced model: heads of which there is a span become the reconstruction by their
 * first `basis_texts` basis texts (fewer where a head has fewer), all other heads their mean; MLP
 * contributions stay (Gandelsman et al. 2024, section 4).
 *   predicted, margins : [images]   spans : [count] of the run of `source`
 * As clipspan_effects_run otherwise. */
CLIPSPAN_API clipspan_status clipspan_effects_run_spans(uint32_t *predicted, double *margins,
                                                        clipspan_effects *effects,
                                                        const clipspan_effects *source,
                                                        const clipspan_span *const *spans,
                                                        size_t count, int basis_texts,
                                                        const int32_t *labels, clipspan_error *err);

/* Shares of the embedding's variance by component, of a merged run: shapes as
 * clipspan_stats_run_variance_shares. Errors: NOT_FOUND (not merged), ARGUMENT, FORMAT, IO,
 * NOMEM. */
CLIPSPAN_API clipspan_status clipspan_run_read_variance_shares(
    clipspan_variance_share *heads, clipspan_variance_share *layers, clipspan_variance_share *mlps,
    clipspan_variance_share *class_self_attention, const clipspan_run *run, clipspan_error *err);

/* Accuracy before and after an edit, on the same images. Lives as long as what gives it. */
typedef struct clipspan_comparison {
    const clipspan_share *before, *after;
    double change;                  /* after less before, -1 to 1 */
    double change_low, change_high; /* 95 % of resamples of the images lie between */
    int32_t group, group_after;     /* which; of the worst: before, and after; -1: all images */
} clipspan_comparison;

#define CLIPSPAN_NO_ANSWER 255

/* Comparisons over all images, by group, and of the worst groups. Immutable, shared freely between
 * threads. */
typedef struct clipspan_comparisons clipspan_comparisons;

/* Compares answers about `count` images.
 *   before, after : [count] 1 right, 0 wrong, CLIPSPAN_NO_ANSWER where the right class is not known
 *   group : [count] 0 to groups - 1, or -1; NULL without
 *   resamples : of the paired bootstrap, 1,000,000 at most, in which images are drawn within their
 *               groups, the same before and after; 0: the interval is the change itself
 * Images without an answer enter nothing. The same seed gives the same bytes. Errors: ARGUMENT,
 * NOMEM. */
CLIPSPAN_API clipspan_status clipspan_comparisons_new(clipspan_comparisons **out,
                                                      const uint8_t *before, const uint8_t *after,
                                                      const int32_t *group, size_t count,
                                                      size_t groups, int resamples, uint64_t seed,
                                                      clipspan_error *err);
CLIPSPAN_API void clipspan_comparisons_free(clipspan_comparisons **comparisons);

/* Of all images; of one group (all figures 0 where it has no image; NULL beyond the last); and of
 * the group with the lowest accuracy before beside the one with the lowest after, the first of
 * equal ones: NULL where no group has an image. */
CLIPSPAN_API const clipspan_comparison *
clipspan_comparisons_get_overall(const clipspan_comparisons *comparisons);
CLIPSPAN_API const clipspan_comparison *
clipspan_comparisons_get_group(const clipspan_comparisons *comparisons, size_t group);
CLIPSPAN_API const clipspan_comparison *
clipspan_comparisons_get_worst(const clipspan_comparisons *comparisons);

/* ---- Random sets of heads: what a chosen set is compared with ---- */

/* In what random sets are like the chosen heads. */
typedef enum clipspan_matching {
    CLIPSPAN_MATCH_LAYERS = 0, /* as many heads of each layer */
    CLIPSPAN_MATCH_EFFECT =
        1,                    /* as many heads, whose total direct effect (clipspan_variance_share's
                                  variance) is within 10 % of that of the chosen heads: where
                                  fewer than 20 sets match by layer and more do so */
    CLIPSPAN_MATCH_NUMBER = 2 /* as many heads, as published */
} clipspan_matching;

/* Of all sets: mean share of right answers, between what 95 % of sets lie, and whether the chosen
 * heads are among the best. Were they drawn like the sets, p would be uniform. */
typedef struct clipspan_random_figure {
    double mean, low, high;
    uint64_t as_good; /* sets that do at least as well as the chosen heads, equal ones by lot */
    double p;         /* (1 + as_good) / (1 + sets) */
} clipspan_random_figure;

/* Sets of heads that were changed as the chosen ones are, without replacement within a set and of
 * heads that write something that varies: never pruned ones. */
typedef struct clipspan_random_sets {
    clipspan_matching matching;
    size_t sets, heads_of_set;
    double different;           /* sets there are, about */
    const clipspan_head *heads; /* [sets, heads_of_set]; NULL when read from a run */
    const double *accuracy;     /* [sets] of all images, after */
    const double *worst;        /* [sets] of the worst group; NULL without groups with images */
    const clipspan_random_figure *overall, *worst_group; /* worst_group: NULL as worst */
    /* as published: the best set by worst group, without groups by accuracy; else NULL */
    const clipspan_head *best_heads; /* [heads_of_set] */
    const clipspan_comparison *best_overall, *best_worst;
} clipspan_random_sets;

/* ---- Shortcuts: heads that carry a spurious cue into a decision ---- */

/* Two classes a and b, margin m = w_a - w_b, and a cue q. For each head with covariance S among
 * images of the same prediction (docs/math.md, (9))
 *
 *     V  = m . S m                    variance of its contribution to the margin
 *     Vq = (q . S m)^2 / (q . S q)    what its reading of the cue explains of that
 *
 * without labels of any kind. A head whose q . S m has another sign than the
 * sum over all heads counteracts the cue. */
typedef struct clipspan_shortcut clipspan_shortcut;

#define CLIPSPAN_THE_REST ((size_t)-1)

typedef struct clipspan_shortcut_head {
    clipspan_head head;
    double variance, explained; /* V, Vq */
    double ratio;               /* Vq / (V - Vq + 0.001 sum V): the ranking */
    int counteracts;            /* 1: never proposed */
} clipspan_shortcut_head;

typedef enum clipspan_remedy_kind {
    CLIPSPAN_REMEDY_NONE = 0,    /* the model is left as it is */
    CLIPSPAN_REMEDY_ABLATE = 1,  /* mean-ablate the first heads of the ranking */
    CLIPSPAN_REMEDY_SURGERY = 2, /* CLIPSPAN_CHANGE_CUE in the first heads, or in all */
    CLIPSPAN_REMEDY_PROJECT = 3, /* the cue's direction out of the embedding, no heads */
    CLIPSPAN_REMEDY_REGRESS = 4  /* CLIPSPAN_CHANGE_CUE of the embedding, no heads */
} clipspan_remedy_kind;

/* correlation: the larger, over images predicted a and images predicted b, of
 * |correlation(edited margin, embedding . q)|: the smaller the less the decision knows of the
 * cue */
typedef struct clipspan_candidate {
    clipspan_remedy_kind remedy;
    int heads; /* how many of the ranking; L H: all, those that counteract too; 0: none */
    double correlation;
    int eligible; /* 0: ablates a head of whose contribution the cue explains less than half: taking
                     a decision away altogether leaves no correlation either */
} clipspan_candidate;

/* What to do. All but REMEDY: leave the model as it is. */
typedef enum clipspan_verdict {
    CLIPSPAN_VERDICT_REMEDY = 0,
    CLIPSPAN_VERDICT_CLASS = 1,    /* the cue is a class, nearly: nothing spurious */
    CLIPSPAN_VERDICT_LEANS = 2,    /* cue and classes cannot be told apart well enough */
    CLIPSPAN_VERDICT_ONE_KIND = 3, /* nearly all images get the same answer */
    CLIPSPAN_VERDICT_CLEAR = 4,    /* answers are too clear for the cue to turn */
    CLIPSPAN_VERDICT_WEAK = 5,     /* the decision depends too little on the cue */
    CLIPSPAN_VERDICT_NO_GAIN = 6   /* the predicted gain is not above its uncertainty */
} clipspan_verdict;

/* How a remedy is recommended, without labels. Images: of the statistics, predicted as one of both
 * classes. The remedy that comes into question is the text's projection where the cue's direction
 * leans to the classes', and cue surgery in the first head of the ranking where it does not. */
typedef struct clipspan_decision {
    clipspan_verdict verdict;
    size_t chosen;     /* candidate; 0: to leave the model as it is */
    size_t considered; /* candidate whose gain was predicted; 0: none, gains are 0 */
    double lean;       /* cosine of the cue's direction with the margin's */
    double answers;    /* share of the rarer answer, 0 to 0.5 */
    double follows;    /* |correlation| of margin and reading of the cue */
    double inside;     /* the same among images of one answer, the larger of both */
    double explained;  /* share of the margin's variance inside predictions that the cue explains */
    double clear; /* mean over standard deviation of the margin inside an answer, the smaller */
    double gain, gain_low, gain_high; /* predicted, of the worse of the two groups that go against
                                         the cue, and between what 95 % of resamples lie */
} clipspan_decision;

typedef struct clipspan_shortcut_info {
    size_t heads, images;           /* L H; of the run */
    size_t ranked;                  /* heads that may be proposed: the first of the table */
    double variance;                /* sum of V */
    double explained, counteracted; /* sum of Vq of heads with the cue, and against it */
    size_t candidates;              /* the first is to do nothing */
    clipspan_decision decision;
} clipspan_shortcut_info;

/* effects: of the run that statistics and choice come from; outlives it. a, b: classes, b
 * CLIPSPAN_THE_REST: all others, whose mean score is taken; cue: one of its cues.
 * Errors: ARGUMENT, LIMIT (the contributions of all heads do not fit the memory of the effects),
 * NOMEM, IO, FORMAT. */
CLIPSPAN_API clipspan_status clipspan_shortcut_new(clipspan_shortcut **out,
                                                   clipspan_effects *effects, size_t a, size_t b,
                                                   size_t cue, clipspan_error *err);
CLIPSPAN_API void clipspan_shortcut_free(clipspan_shortcut **shortcut);
/* heads : [info.heads] best candidates first, those that counteract last
 * candidates : [info.candidates] the first is to do nothing */
CLIPSPAN_API const clipspan_shortcut_info *
clipspan_shortcut_get_info(const clipspan_shortcut *shortcut);
CLIPSPAN_API const clipspan_shortcut_head *
clipspan_shortcut_get_heads(const clipspan_shortcut *shortcut);
CLIPSPAN_API const clipspan_candidate *
clipspan_shortcut_get_candidates(const clipspan_shortcut *shortcut);

/* The changes that make a remedy: changes : [info.heads], *count of them are filled. For
 * clipspan_effects_run with the shortcut's effects as source. Errors: ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_shortcut_get_changes(clipspan_change *changes, size_t *count,
                                                           const clipspan_shortcut *shortcut,
                                                           clipspan_remedy_kind remedy, int heads,
                                                           clipspan_error *err);

/* Readings of a cue, embedding . q, of every image.   out : [images]   mean : one, of them
 * Either may be NULL. Errors: ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_effects_read_cue(double *out, double *mean,
                                                       const clipspan_effects *effects, size_t cue,
                                                       clipspan_error *err);

/* A cue found in a pool: a text less the mean of its category's texts. */
typedef struct clipspan_cue {
    size_t text;
    double strength; /* sum of Vq over heads / sum of V, 0 to 1 */
} clipspan_cue;

/* The cues that explain most of the margin of a and b, of the texts of a pool whose key begins with
 * "!": not of objects. cues : [most], strongest first, *count filled   directions : [most, P] or
 * NULL. pool: unit vectors with keys. Errors: ARGUMENT (no such text), NOMEM, IO. */
CLIPSPAN_API clipspan_status clipspan_cue_search(clipspan_cue *cues, float *directions,
                                                 size_t *count, size_t most,
                                                 const clipspan_effects *effects, size_t a,
                                                 size_t b, const clipspan_bank *pool,
                                                 clipspan_error *err);

#ifdef __cplusplus
}
#endif
#endif
