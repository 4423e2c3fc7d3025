/* SPDX-License-Identifier: MIT */
/* Roles: what a head is about, from the categories of its basis texts, with what speaks for and
 * against it (clipspan_role in clipspan.h states the rule). */
#ifndef CLIPSPAN_SRC_DECOMPOSE_ROLES_H
#define CLIPSPAN_SRC_DECOMPOSE_ROLES_H

#include "decompose/span.h"

#define CS_ROLES_FDR          0.05 /* by default */
#define CS_ROTATIONS          1000
#define CS_ROTATIONS_MOST     1000000
#define CS_CONTROL_POOLS      10
#define CS_CONTROL_POOLS_MOST 1000

/* Categories of a pool's texts, numbered in order of appearance. Immutable, shared by threads. */
typedef struct cs_categories {
    size_t texts, count;
    int32_t *of;        /* [texts] -1: none */
    const char **names; /* [count] borrowed; without the "!" that marks what is not of objects */
    uint8_t *objects;   /* [count] 0: the mark was there */
} cs_categories;

/* keys : [T] a category or "" (NULL) each, "!" before those that are not of objects; borrowed while
 * the categories live. Keys that differ by the mark only are one category, objects if any is
 * without. Errors: NOMEM. */
clipspan_status cs_categories_new(cs_categories **out, const char *const *keys, size_t T,
                                  clipspan_error *err);
void cs_categories_free(cs_categories **categories);

/* Basis texts that enter for heads of width K. */
int cs_roles_entering(size_t K);

/* What a role says of basis texts: how many entered, what they explain, the category of the first
 * one, and stability of the category that stands in it. K: head width. */
void cs_roles_describe(clipspan_role *role, const cs_span *span, const cs_categories *categories,
                       size_t K);

/* What the answers say of one head (answers.h): names instead of numbers. */
typedef struct cs_role_answer {
    const char *category[2];
    double share[2], enrichment[2]; /* of the two; over the mean of all categories */
    double own;                     /* share of the role's own category, that of its texts */
    double turned_p, dealt_p;       /* -1: not tested */
    double control, returns;
    int above;
} cs_role_answer;

/* q and outcome of heads that are looked at together, from what cs_role_test_run left in each.
 *   answers : [count] of the same heads, or NULL. Where they decide, category, enrichment,
 *   explained variance, controls, p and stability of the role become theirs.
 * Errors: NOMEM. */
clipspan_status cs_roles_judge(clipspan_role *roles, const cs_role_answer *answers, size_t count,
                               double fdr, clipspan_error *err);

#endif
