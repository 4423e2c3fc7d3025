/* SPDX-License-Identifier: MIT */
/* What a head's output goes along with, by the model's own answers.
 *
 * Asked for a category, an image's answer is the category's text with the largest centred reading
 * (m - mean m) . t, m the embedding. The part of the head's variance between images of different
 * answers is
 *
 *     b = sum over answers a of n_a |mean of c over a - mean c|^2 / sum over images |c - mean c|^2
 *     s = 1 - (1 - b) (n - 1) / (n - answers that occur)
 *
 * in the directions that hold 90 % of the head's variance; what lies in the others counts as
 * unexplained. The category with the largest s leads, by s minus that of the runner-up. Where
 * nothing is to be found that lead is chance: its place among leads with all text vectors turned
 * together at random in the embedding space, and among leads with categories dealt over the texts.
 * Control pools answer with their texts in place of the category's. */
#ifndef CLIPSPAN_SRC_DECOMPOSE_ANSWERS_H
#define CLIPSPAN_SRC_DECOMPOSE_ANSWERS_H

#include "decompose/role_test.h"

#define CS_ANSWER_IMAGES    640  /* at most */
#define CS_ANSWER_SPECTRUM  0.99 /* of the embedding's variance that is kept */
#define CS_ANSWER_RESAMPLES 200

/* One head's. Categories are numbers; count where there is none. */
typedef struct cs_answer {
    size_t category[2];
    double share[2], mean_share; /* s of the two; of all categories on average */
    double turned_p, dealt_p;    /* (1 + n) / (1 + rotations), (1 + relabellings) */
    double control;              /* mean over control pools; -1 without */
    int above;                   /* control pools that reach share[0] */
    double returns;              /* in how many resamples of the images the category leads again */
} cs_answer;

typedef struct cs_answers cs_answers;

/* texts : [T, P]   embeddings : [n, P] unit vectors. All borrowed, with the wish. Errors: NOMEM,
 * NUMBERS, INTERNAL. */
clipspan_status cs_answers_new(cs_answers **out, const cs_role_wish *wish, const float *texts,
                               size_t T, size_t P, const float *embeddings, size_t n, size_t heads,
                               const cs_simd *simd, clipspan_error *err);
void cs_answers_free(cs_answers **answers);

/* Takes the next head: y : [n, C] coefficients of the same images, map : [C, P]. */
clipspan_status cs_answers_take(cs_answers *answers, const float *y, const float *map, size_t C,
                                clipspan_error *err);

/* out : [heads]; shares : [heads, categories], s of each. The same for any number of threads. */
clipspan_status cs_answers_run(cs_answer *out, double *shares, cs_answers *answers, int threads,
                               clipspan_error *err);

#endif
