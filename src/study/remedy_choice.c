/* SPDX-License-Identifier: MIT */
/* The decision. Its bounds were set on one half of constructed cases and hold on the other
 * (tests/claims, docs/effects.md).
 *
 * Predicted gain. A pseudo-group is a predicted class on a side of the cue. Images of the group
 * that goes with the cue (margin and reading correlate) have an answer that the model is sure of;
 * what the remedy takes from them, d = before - after, is replaced by what it takes from images of
 * the other side: after + d' is the model's margin for that content with the other cue. The share
 * that keeps its answer predicts the accuracy of the group that goes against the cue, before; the
 * share of `after` alone that keeps it, with the remedy. The smaller of both classes counts, and
 * resamples of the images give its uncertainty. */
#include "study/remedy_choice.h"
#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_LIKE      0.9  /* |cosine| of cue and margin: the cue is the class */
#define BEYOND          0.35 /* |cosine| from which the text direction may be projected out */
#define BESIDE          0.2  /* |cosine| up to which heads may be operated on */
#define KINDS           0.1  /* least share of images with either answer */
#define KINDS_HEADS     0.2
#define FOLLOWS         0.45 /* |correlation| of margin and reading, for projection */
#define INSIDE          0.3  /* the same inside an answer */
#define EXPLAINED       0.4  /* share of the margin's variance, inside predictions, of the cue */
#define EXPLAINED_HEADS 0.5
#define CLEAR           3.5 /* mean over standard deviation of the margin inside an answer */
#define CLEAR_HEADS     3.0
#define GAIN_HEADS      0.1 /* least predicted gain of surgery */

#define RESAMPLES       200
#define SEED            1
#define LEAST           5    /* images of a pseudo-group */
#define MOST            4096 /* more say nothing new */

/* ---- What images say ---- */

static int counted(const cs_choice_images *images, size_t i, int which)
{
    return which == 2 ? images->side[i] < 2 : images->side[i] == which;
}

static double correlate(const double *x, const cs_choice_images *images, int which)
{
    const double *reading = images->reading;
    double n = 0.0, mx = 0.0, mr = 0.0, xx = 0.0, rr = 0.0, xr = 0.0;
    for (size_t i = 0; i < images->N; i++) {
        if (!counted(images, i, which)) continue;
        n += 1.0;
        mx += x[i];
        mr += reading[i];
    }
    if (n < 3.0) return 0.0;
    mx /= n;
    mr /= n;
    for (size_t i = 0; i < images->N; i++) {
        if (!counted(images, i, which)) continue;
        xx += (x[i] - mx) * (x[i] - mx);
        rr += (reading[i] - mr) * (reading[i] - mr);
        xr += (x[i] - mx) * (reading[i] - mr);
    }
    return xx > 0.0 && rr > 0.0 ? xr / sqrt(xx * rr) : 0.0;
}

double cs_choice_correlation(const double *x, const cs_choice_images *images, int which)
{
    return fabs(correlate(x, images, which));
}

/* |mean| over standard deviation of the margin of images predicted `which`; *n: how many. */
static double clearness(double *n, const cs_choice_images *images, int which)
{
    double sum = 0.0, squares = 0.0, count = 0.0;
    for (size_t i = 0; i < images->N; i++) {
        if (images->side[i] != which) continue;
        count += 1.0;
        sum += images->before[i];
        squares += images->before[i] * images->before[i];
    }
    *n = count;
    if (count < 3.0) return 0.0;
    sum /= count;
    squares = squares / count - sum * sum;
    return squares > 0.0 ? fabs(sum) / sqrt(squares) : 0.0;
}

static void describe(clipspan_decision *d, const cs_choice_images *images)
{
    double a, b, clear[2], inside[2];
    clear[0] = clearness(&a, images, 0);
    clear[1] = clearness(&b, images, 1);
    for (int k = 0; k < 2; k++)
        inside[k] = cs_choice_correlation(images->before, images, k);
    d->clear = clear[0] < clear[1] ? clear[0] : clear[1];
    d->inside = inside[0] > inside[1] ? inside[0] : inside[1];
    d->answers = a + b > 0.0 ? (a < b ? a : b) / (a + b) : 0.0;
    d->follows = cs_choice_correlation(images->before, images, 2);
}

/* ---- Predicted gain ---- */

typedef struct pseudo_group {
    double sign;           /* 1: predicted a */
    double *after, *other; /* [count] of its images; [others] d of the other side, sorted */
    size_t count, others;
    uint32_t *times; /* [others + 1] of a resample: how often each of the first i was drawn */
} pseudo_group;

static int compare_reals(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Places of x in sorted : [count] not above `value`. */
static size_t not_above(const double *sorted, size_t count, double value)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (sorted[middle] <= value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Shares that keep the answer with the other cue, and with the remedy. random NULL: all images. */
static void keep_shares(double shares[2], const pseudo_group *g, cs_random *random)
{
    double swapped = 0.0, cured = 0.0;
    memset(g->times, 0, (g->others + 1) * sizeof *g->times);
    for (size_t i = 0; i < g->others; i++)
        g->times[1 + (random ? (size_t)cs_random_below(random, g->others) : i)]++;
    for (size_t i = 0; i < g->others; i++)
        g->times[i + 1] += g->times[i];
    for (size_t i = 0; i < g->count; i++) {
        const double x = g->after[random ? (size_t)cs_random_below(random, g->count) : i];
        const uint32_t below = g->times[not_above(g->other, g->others, -x)];
        swapped += g->sign > 0.0 ? (double)(g->others - below) : (double)below;
        cured += x * g->sign > 0.0;
    }
    shares[0] = swapped / (double)g->others / (double)g->count;
    shares[1] = cured / (double)g->count;
}

static double gain_of(const pseudo_group groups[2], cs_random *random)
{
    double a[2], b[2];
    keep_shares(a, &groups[0], random);
    keep_shares(b, &groups[1], random);
    return (a[1] < b[1] ? a[1] : b[1]) - (a[0] < b[0] ? a[0] : b[0]);
}

/* The group predicted `which`, on the first side (readings above the mean) where first is 1. */
static clipspan_status take_group(pseudo_group *g, const cs_choice_images *images,
                                  const double *after, double mean, int which, int first,
                                  clipspan_error *err)
{
    const size_t step = images->N / MOST / 2 + 1;
    g->sign = which == 0 ? 1.0 : -1.0;
    g->after = cs_alloc(images->N, sizeof *g->after, "margins", err);
    g->other = cs_alloc(images->N, sizeof *g->other, "margins", err);
    g->times = cs_alloc(images->N + 1, sizeof *g->times, "resamples", err);
    if (!g->after || !g->other || !g->times) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < images->N; i += step) {
        const int above = images->reading[i] > mean;
        if (images->side[i] == which && above == first) g->after[g->count++] = after[i];
        if (images->side[i] < 2 && above != first)
            g->other[g->others++] = images->before[i] - after[i];
    }
    qsort(g->other, g->others, sizeof *g->other, compare_reals);
    return CLIPSPAN_OK;
}

static double mean_reading(const cs_choice_images *images)
{
    double sum = 0.0, n = 0.0;
    for (size_t i = 0; i < images->N; i++)
        if (images->side[i] < 2) {
            sum += images->reading[i];
            n += 1.0;
        }
    return n > 0.0 ? sum / n : 0.0;
}

clipspan_status cs_predict_gain(clipspan_decision *d, const cs_choice_images *images,
                                const double *after, clipspan_error *err)
{
    const size_t skip = (size_t)(0.025 * RESAMPLES);
    const int with = correlate(images->before, images, 2) >= 0.0;
    const double mean = mean_reading(images);
    pseudo_group groups[2];
    double gains[RESAMPLES];
    cs_random random = {SEED};
    clipspan_status status;
    memset(groups, 0, sizeof groups);
    d->gain = d->gain_low = d->gain_high = 0.0;
    CS_TRY_DONE(take_group(&groups[0], images, after, mean, 0, with, err));
    CS_TRY_DONE(take_group(&groups[1], images, after, mean, 1, !with, err));
    for (int k = 0; k < 2; k++)
        if (groups[k].count < LEAST || groups[k].others < LEAST) goto done;
    d->gain = gain_of(groups, NULL);
    for (size_t i = 0; i < RESAMPLES; i++)
        gains[i] = gain_of(groups, &random);
    qsort(gains, RESAMPLES, sizeof *gains, compare_reals);
    d->gain_low = gains[skip];
    d->gain_high = gains[RESAMPLES - 1 - skip];
done:
    for (int k = 0; k < 2; k++) {
        cs_free(groups[k].after);
        cs_free(groups[k].other);
        cs_free(groups[k].times);
    }
    return status;
}

/* ---- The decision ---- */

/* What speaks against any remedy, or against the one that fits the direction of the cue. */
static clipspan_verdict find_objection(const clipspan_decision *d, int heads)
{
    if (d->answers < (heads ? KINDS_HEADS : KINDS)) return CLIPSPAN_VERDICT_ONE_KIND;
    if (d->clear > (heads ? CLEAR_HEADS : CLEAR)) return CLIPSPAN_VERDICT_CLEAR;
    if (d->explained < (heads ? EXPLAINED_HEADS : EXPLAINED)) return CLIPSPAN_VERDICT_WEAK;
    if (!heads && (d->follows < FOLLOWS || d->inside < INSIDE)) return CLIPSPAN_VERDICT_WEAK;
    return CLIPSPAN_VERDICT_REMEDY;
}

clipspan_status cs_choose_remedy(clipspan_decision *d, const cs_choice_images *images,
                                 const cs_choice_offers *offers, clipspan_error *err)
{
    const double lean = fabs(d->lean);
    const int heads = lean <= BESIDE;
    describe(d, images);
    d->considered = d->chosen = 0;
    d->verdict = CLIPSPAN_VERDICT_CLASS;
    if (lean >= CLASS_LIKE) return CLIPSPAN_OK;
    if (!heads && lean < BEYOND) {
        d->verdict = CLIPSPAN_VERDICT_LEANS;
        return CLIPSPAN_OK;
    }
    d->verdict = find_objection(d, heads);
    if (d->verdict != CLIPSPAN_VERDICT_REMEDY) return CLIPSPAN_OK;
    d->considered = heads ? offers->surgery : offers->projection;
    d->verdict = CLIPSPAN_VERDICT_NO_GAIN;
    if (!d->considered) return CLIPSPAN_OK;
    CS_TRY(cs_predict_gain(d, images, heads ? offers->operated : offers->projected, err));
    if (d->gain_low <= 0.0 || (heads && d->gain < GAIN_HEADS)) return CLIPSPAN_OK;
    d->verdict = CLIPSPAN_VERDICT_REMEDY;
    d->chosen = d->considered;
    return CLIPSPAN_OK;
}
