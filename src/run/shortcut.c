/* SPDX-License-Identifier: MIT */
/* Ranking from statistics, choice from pictures: docs/math.md, "Shortcuts". */
#include "run/shortcut.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FLOOR  0.001 /* of the whole margin variance, in the ratio's denominator */
#define MOSTLY 0.5   /* of a head's say that the cue explains, for ablation */

/* x^T y */
static double dot(const double *x, const double *y, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

/* out : [C] the reader of a mix of columns. */
static void mixed_reader(double *out, const cs_effects *e, size_t head, const double *mix)
{
    const size_t C = cs_effects_shape(e).C, Q = cs_effects_columns(e);
    const double *u = cs_effects_reader(e, head);
    for (size_t i = 0; i < C; i++)
        out[i] = dot(u + i * Q, mix, Q);
}

static int compare_heads(const void *a, const void *b)
{
    const clipspan_shortcut_head *x = a, *y = b;
    if (x->counteracts != y->counteracts) return x->counteracts - y->counteracts;
    if (x->ratio != y->ratio) return x->ratio > y->ratio ? -1 : 1;
    if (x->head.layer != y->head.layer) return x->head.layer < y->head.layer ? -1 : 1;
    return x->head.head < y->head.head ? -1 : x->head.head > y->head.head;
}

/* Heads with their variances, sorted; sums in info. */
static clipspan_status rank_heads(cs_shortcut *s, clipspan_error *err)
{
    const cs_effects *e = s->effects;
    const cs_shape shape = cs_effects_shape(e);
    const size_t LH = shape.L * shape.H, C = shape.C, Q = cs_effects_columns(e);
    double *room = cs_alloc_zero(3 * C + Q + LH, sizeof *room, "covariances", err);
    double *um = room, *uq, *spread, *mq, *both, sum = 0.0;
    if (!room) return CLIPSPAN_E_NOMEM;
    uq = um + C;
    spread = uq + C;
    mq = spread + C;
    both = mq + Q;
    mq[cs_effects_classes(e) + s->cue] = 1.0;
    for (size_t h = 0; h < LH; h++) {
        clipspan_shortcut_head *to = &s->heads[h];
        double own;
        mixed_reader(um, e, h, s->mix);
        mixed_reader(uq, e, h, mq);
        to->head.layer = (int)(h / shape.H);
        to->head.head = (int)(h % shape.H);
        cs_effects_spread(spread, e, h, s->mix);
        to->variance = dot(um, spread, C);
        both[h] = dot(uq, spread, C);
        cs_effects_spread(spread, e, h, mq);
        own = dot(uq, spread, C);
        to->explained = own > 0.0 ? both[h] * both[h] / own : 0.0;
        if (to->explained > to->variance) to->explained = to->variance; /* rounding */
        sum += both[h];
        s->info.variance += to->variance;
    }
    for (size_t h = 0; h < LH; h++) {
        clipspan_shortcut_head *to = &s->heads[h];
        const double below = to->variance - to->explained + FLOOR * s->info.variance;
        to->counteracts = both[h] * sum < 0.0;
        to->ratio = below > 0.0 ? to->explained / below : 0.0;
        if (to->counteracts)
            s->info.counteracted += to->explained;
        else
            s->info.explained += to->explained;
        s->info.ranked += !to->counteracts && to->explained > 0.0;
    }
    qsort(s->heads, LH, sizeof *s->heads, compare_heads);
    cs_free(room);
    return CLIPSPAN_OK;
}

/* |correlation| of x and reading over the rows of one predicted class. */
static double correlation(const double *x, const double *reading, const uint8_t *side, int which,
                          size_t N)
{
    double n = 0.0, mx = 0.0, mr = 0.0, xx = 0.0, rr = 0.0, xr = 0.0;
    for (size_t i = 0; i < N; i++) {
        if (side[i] != which) continue;
        n += 1.0;
        mx += x[i];
        mr += reading[i];
    }
    if (n < 3.0) return 0.0;
    mx /= n;
    mr /= n;
    for (size_t i = 0; i < N; i++) {
        if (side[i] != which) continue;
        xx += (x[i] - mx) * (x[i] - mx);
        rr += (reading[i] - mr) * (reading[i] - mr);
        xr += (x[i] - mx) * (reading[i] - mr);
    }
    return xx > 0.0 && rr > 0.0 ? fabs(xr) / sqrt(xx * rr) : 0.0;
}

static double larger_correlation(const double *x, const double *reading, const uint8_t *side,
                                 size_t N)
{
    const double first = correlation(x, reading, side, 0, N),
                 second = correlation(x, reading, side, 1, N);
    return first > second ? first : second;
}

typedef struct choice_room {
    double *margin, *ablated, *operated, *reading; /* [N] */
    uint8_t *side; /* [N] 0: predicted a, 1: predicted b, 2: another class */
    size_t N;
} choice_room;

static void add_candidate(cs_shortcut *s, clipspan_remedy remedy, size_t heads,
                          const double *margin, int eligible, const choice_room *r)
{
    clipspan_candidate *to = &s->candidates[s->info.candidates];
    to->remedy = remedy;
    to->heads = (int)heads;
    to->correlation = larger_correlation(margin, r->reading, r->side, r->N);
    to->eligible = eligible;
    if (eligible && to->correlation < s->candidates[s->info.chosen].correlation)
        s->info.chosen = s->info.candidates;
    s->info.candidates++;
}

/* margin without one head's variation, or without what moves with its cue reading. */
static void edit_margins(double *ablated, double *operated, const cs_shortcut *s, size_t head,
                         size_t N)
{
    const cs_effects *e = s->effects;
    const size_t Q = cs_effects_columns(e), q = cs_effects_classes(e) + s->cue;
    const double *said = cs_effects_kept(e, head), *mean = cs_effects_mean(e, head),
                 *gain = cs_effects_gain(e, s->cue, head);
    const double still = mean[s->a] - mean[s->b], both = gain[s->a] - gain[s->b];
    for (size_t i = 0; i < N; i++) {
        const double *x = said + i * Q;
        if (ablated) ablated[i] -= x[s->a] - x[s->b] - still;
        operated[i] -= (x[q] - mean[q]) * both;
    }
}

static void make_candidates(cs_shortcut *s, choice_room *r)
{
    const cs_effects *e = s->effects;
    const cs_shape shape = cs_effects_shape(e);
    const size_t LH = shape.L * shape.H, Q = cs_effects_columns(e), N = r->N;
    const size_t classes = cs_effects_classes(e), q = classes + s->cue;
    const double *sums = cs_effects_sums(e);
    int mostly = 1;
    for (size_t i = 0; i < N; i++) {
        const size_t best = cs_best_class(sums + i * Q, classes);
        r->margin[i] = r->ablated[i] = r->operated[i] = sums[i * Q + s->a] - sums[i * Q + s->b];
        r->reading[i] = sums[i * Q + q];
        r->side[i] = best == s->a ? 0 : best == s->b ? 1 : 2;
    }
    add_candidate(s, CLIPSPAN_REMEDY_NONE, 0, r->margin, 1, r);
    for (size_t k = 0; k < s->info.ranked; k++) {
        const clipspan_head at = s->heads[k].head;
        edit_margins(r->ablated, r->operated, s, (size_t)at.layer * shape.H + (size_t)at.head, N);
        mostly = mostly && s->heads[k].explained >= MOSTLY * s->heads[k].variance;
        add_candidate(s, CLIPSPAN_REMEDY_ABLATE, k + 1, r->ablated, mostly, r);
        add_candidate(s, CLIPSPAN_REMEDY_SURGERY, k + 1, r->operated, 1, r);
    }
    for (size_t k = s->info.ranked; k < LH; k++) {
        const clipspan_head at = s->heads[k].head;
        edit_margins(NULL, r->operated, s, (size_t)at.layer * shape.H + (size_t)at.head, N);
    }
    if (s->info.ranked < LH) add_candidate(s, CLIPSPAN_REMEDY_SURGERY, LH, r->operated, 1, r);
}

static clipspan_status choose(cs_shortcut *s, clipspan_error *err)
{
    const size_t N = cs_effects_rows(s->effects);
    double *room = cs_alloc(4 * N, sizeof *room, "margins", err);
    uint8_t *side = cs_alloc(N, 1, "margins", err);
    choice_room r = {room, NULL, NULL, NULL, side, N};
    clipspan_status status = CLIPSPAN_E_NOMEM;
    if (room && side) {
        r.ablated = room + N;
        r.operated = room + 2 * N;
        r.reading = room + 3 * N;
        make_candidates(s, &r);
        status = CLIPSPAN_OK;
    }
    cs_free(room);
    cs_free(side);
    return status;
}

clipspan_status cs_shortcut_new(cs_shortcut **out, cs_effects *effects, size_t a, size_t b,
                                size_t cue, clipspan_error *err)
{
    const cs_shape shape = cs_effects_shape(effects);
    const size_t LH = shape.L * shape.H;
    clipspan_status status = CLIPSPAN_E_NOMEM;
    cs_shortcut *s = cs_alloc_zero(1, sizeof *s, "a shortcut", err);
    *out = NULL;
    if (!s) return CLIPSPAN_E_NOMEM;
    s->effects = effects;
    s->a = a;
    s->b = b;
    s->cue = cue;
    s->mix = cs_alloc_zero(cs_effects_columns(effects), sizeof *s->mix, "a margin", err);
    s->heads = cs_alloc_zero(LH, sizeof *s->heads, "heads", err);
    s->candidates = cs_alloc_zero(2 * LH + 2, sizeof *s->candidates, "candidates", err);
    if (!s->mix || !s->heads || !s->candidates) goto done;
    s->mix[a] = 1.0;
    s->mix[b] = -1.0;
    s->info.heads = LH;
    s->info.pictures = cs_effects_rows(effects);
    CS_TRY_DONE(rank_heads(s, err));
    CS_TRY_DONE(cs_effects_keep_heads(effects, err));
    CS_TRY_DONE(choose(s, err));
    *out = s;
    s = NULL;
done:
    cs_shortcut_free(&s);
    return status;
}

void cs_shortcut_free(cs_shortcut **shortcut)
{
    cs_shortcut *s = shortcut ? *shortcut : NULL;
    if (!s) return;
    cs_free(s->mix);
    cs_free(s->heads);
    cs_free(s->candidates);
    cs_free(s);
    *shortcut = NULL;
}
