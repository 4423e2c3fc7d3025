/* SPDX-License-Identifier: MIT */
/* Edits of an image's decomposition, as they show in its class scores. A class score is a sum of
 * what the components say, s[c] = sum_t e_t[c], e_t[c] = (component t) . w_c. Everything that is
 * done to a component (mean-ablation, scaling, another image's component, cue surgery) is linear in
 * what it says about the classes and about the cues, which stand in columns behind the classes:
 *
 *     s'[c] = s[c] + sum over items of  own e[c] + constant[c] - e[column] gain[c]
 *
 * So an edit of any number of images is additions to a [rows, classes] array. This is the direct
 * effect: what later layers would have read differently is not in it (decomposition.md, 5). */
#ifndef CLIPSPAN_SRC_DECOMPOSE_EDITS_H
#define CLIPSPAN_SRC_DECOMPOSE_EDITS_H

#include "base/error.h"

#define CS_EDIT_WHOLE ((size_t)-1) /* as a component: the embedding itself */

typedef struct cs_edit_item {
    size_t component;
    double own;
    const double *constant; /* [classes], NULL: zeros */
    const double *gain;     /* [classes], NULL: none */
    size_t column;          /* that gain goes with */
} cs_edit_item;

/* Adds one item.   scores : [rows, classes]   said : [rows, Q] what the item's component says */
void cs_edit_add(double *scores, const cs_edit_item *item, const double *said, size_t rows,
                 size_t classes, size_t Q);

/* The class with the largest score, the first of equal ones. */
size_t cs_best_class(const double *scores, size_t classes);

/* The score of class `label` less the largest of the others; with a label below 0 the largest score
 * less the next. classes is at least two. */
double cs_margin_of(const double *scores, size_t classes, int32_t label);

#endif
