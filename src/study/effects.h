/* SPDX-License-Identifier: MIT */
/* What the components of a run's images say about classes and cues, and what becomes of the class
 * scores when components are changed (decompose/edits.h). With w_c a class or cue vector:
 *
 *     head        e[c] = c . w_c = y . (A w_c)        readers A w_c: [C, Q], once a head
 *     MLP contribution, class-token self-attention, embedding                 e[c] = vector . w_c
 *
 * Means and covariances come from a run's statistics, exactly: mean e[c] = mean(y) . (A w_c) and
 * Cov(e[a], e[b]) = (A w_a)^T Cov(y) (A w_b). Covariances among images with the same answer,
 * which cue surgery needs, come from the images. Q columns: classes first, then cues.
 *
 * What components say is read when it is first needed, a component in one piece of every chunk, and
 * kept while it fits into `memory`; what does not is read again for every call, some chunks at a
 * time. One thread at a time. */
#ifndef CLIPSPAN_SRC_STUDY_EFFECTS_H
#define CLIPSPAN_SRC_STUDY_EFFECTS_H

#include "decompose/edits.h"
#include "run/run_open.h"

typedef struct cs_effects cs_effects;

typedef struct cs_effects_wish {
    const float *classes, *cues; /* [class_count, P], [cue_count, P] */
    size_t class_count, cue_count;
    cs_effects *like; /* of the same run, with the same cues; NULL: the own ones; outlives it */
    int threads;
    uint64_t memory; /* bytes that kept scores may take */
} cs_effects_wish;

/* run must outlive it. progress counts chunks. Errors: NOT_FOUND (not merged, coefficients not
 * kept), FORMAT, IO, NOMEM, INTERRUPTED. */
clipspan_status cs_effects_new(cs_effects **out, const cs_run *run, const cs_effects_wish *wish,
                               const clipspan_progress *progress, clipspan_error *err);
void cs_effects_free(cs_effects **effects);

/* Components are numbered: heads l H + h, then L + 1 MLP contributions (0 is z0), then L
 * class-token self-attention. */
size_t cs_effects_components(const cs_effects *e);
size_t cs_effects_mlp_component(const cs_effects *e, size_t index);
size_t cs_effects_self_component(const cs_effects *e, size_t layer);

const cs_run *cs_effects_run_of(const cs_effects *e);
cs_shape cs_effects_shape(const cs_effects *e);
const float *cs_effects_vectors(const cs_effects *e); /* [Q, P] */
int cs_effects_threads(const cs_effects *e);
size_t cs_effects_rows(const cs_effects *e); /* N: used images, in order of run_index */
size_t cs_effects_classes(const cs_effects *e);
size_t cs_effects_columns(const cs_effects *e);              /* Q */
const uint64_t *cs_effects_run_indices(const cs_effects *e); /* [N] */
const double *cs_effects_sums(const cs_effects *e);          /* [N, Q] of the embeddings */
/* [N] of `count` groups of images that get the same answer. */
const uint32_t *cs_effects_groups(const cs_effects *e, size_t *count);

/* [Q] mean of what a component says, or of the embeddings for CS_EDIT_WHOLE. */
const double *cs_effects_mean(const cs_effects *e, size_t component);
/* [C, Q] A w of a head. */
const double *cs_effects_reader(const cs_effects *e, size_t head);
/* Cov(y)(A w) of a head along a mix of columns: out : [C], mix : [Q]. */
void cs_effects_spread(double *out, const cs_effects *e, size_t head, const double *mix);
/* Finds gain and shift of a cue in a head, or in the embeddings for CS_EDIT_WHOLE, unless they are
 * there. Errors: NOMEM, those of reading chunks. */
clipspan_status cs_effects_learn_cue(cs_effects *e, size_t cue, size_t component,
                                     clipspan_error *err);
/* [classes] g . w_c, g = Cov(e, e[cue]) / Var(e[cue]) among images that get the same answer from
 * `like`, projected on the span of the cue and of the classes of `like`: what leaves with the
 * reading of the cue. For the own classes that is Cov(e[c], e[cue]) / Var(e[cue]). Zeros where the
 * reading does not vary. */
const double *cs_effects_gain(const cs_effects *e, size_t cue, size_t component);
/* [classes] (w_c . q) / (q . q) of a cue. */
const double *cs_effects_projection(const cs_effects *e, size_t cue);
/* [classes] mean[cue] gain of a head or CS_EDIT_WHOLE: what cue surgery puts back. */
const double *cs_effects_shift(const cs_effects *e, size_t cue, size_t component);

/* out : [P] g itself, of a head or CS_EDIT_WHOLE whose cue is learned by the own classes; zeros
 * where the reading does not vary. Errors: NOMEM. */
clipspan_status cs_effects_gain_vector(double *out, const cs_effects *e, size_t cue,
                                       size_t component, clipspan_error *err);
/* The cue's mean reading as weights put it back (clipspan_weight_change's constant): of a head
 * without what does not come from its z, over the mean of 1 / (sigma rho); of CS_EDIT_WHOLE over
 * the mean of 1 / rho. */
double cs_effects_constant(const cs_effects *e, size_t cue, size_t component);

/* What one component of one image says: out : [Q]. */
clipspan_status cs_effects_read_row(double *out, const cs_effects *e, size_t component, size_t row,
                                    clipspan_error *err);

typedef struct cs_edit {
    const cs_edit_item *items;
    size_t count;
} cs_edit;

/* Every edit on every image.
 *   predicted : [edits, N]   margins : [edits, N] as cs_margin_of with labels : [N] or NULL
 *   scores : [edits, N, classes]    any may be NULL
 * Errors: those of reading chunks, NOMEM. */
clipspan_status cs_effects_run(uint32_t *predicted, double *margins, double *scores, cs_effects *e,
                               const cs_edit *edits, size_t count, const int32_t *labels,
                               clipspan_error *err);

/* Some heads as another linear map of their coefficients would have them: in place of what the
 * components `heads` say, adds sum over them of (y - mean_y) . v + their mean; all other heads are
 * at their mean, MLP contributions as they are (the published TEXTSPAN-replaced model).
 *   readers : [count, C, classes] v of each head   predicted, margins : [N], may be NULL */
clipspan_status cs_effects_run_replaced(uint32_t *predicted, double *margins, cs_effects *e,
                                        const cs_effects *source, const size_t *heads, size_t count,
                                        const double *readers, const int32_t *labels,
                                        clipspan_error *err);

/* Makes sure that what all heads say is kept, and gives it: [N, Q]. Errors: LIMIT when it does not
 * fit, those of reading chunks. */
clipspan_status cs_effects_keep_heads(cs_effects *e, clipspan_error *err);
const double *cs_effects_kept(const cs_effects *e, size_t component);

#endif
