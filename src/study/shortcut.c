/* SPDX-License-Identifier: MIT */
/* Ranking and choice, among images with the same answer: docs/math.md, "Shortcuts". */
#include "study/shortcut.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FLOOR  0.001 /* of the whole margin variance, in the ratio's denominator */
#define MOSTLY 0.5   /* of a head's say that the cue explains, for ablation */
#define SLACK  0.1   /* of the correlation that the best candidate takes away */

static int compare_heads(const void *a, const void *b)
{
    const clipspan_shortcut_head *x = a, *y = b;
    if (x->counteracts != y->counteracts) return x->counteracts - y->counteracts;
    if (x->ratio != y->ratio) return x->ratio > y->ratio ? -1 : 1;
    if (x->head.layer != y->head.layer) return x->head.layer < y->head.layer ? -1 : 1;
    return x->head.head < y->head.head ? -1 : x->head.head > y->head.head;
}

/* x : [N], less its mean among the images with the same answer.   room : [2 groups] */
static void centre(double *x, const cs_effects *e, double *room)
{
    const size_t N = cs_effects_rows(e);
    size_t count;
    const uint32_t *groups = cs_effects_groups(e, &count);
    double *mean = room, *members = room + count;
    memset(room, 0, 2 * count * sizeof *room);
    for (size_t i = 0; i < N; i++) {
        mean[groups[i]] += x[i];
        members[groups[i]] += 1.0;
    }
    for (size_t g = 0; g < count; g++)
        if (members[g] > 0.0) mean[g] /= members[g];
    for (size_t i = 0; i < N; i++)
        x[i] -= mean[groups[i]];
}

/* Images less the groups that have any: what a variance is divided by. room as above. */
static double freedom(const cs_effects *e, double *room)
{
    const size_t N = cs_effects_rows(e);
    size_t count, given = 0;
    const uint32_t *groups = cs_effects_groups(e, &count);
    memset(room, 0, count * sizeof *room);
    for (size_t i = 0; i < N; i++) {
        given += room[groups[i]] == 0.0;
        room[groups[i]] = 1.0;
    }
    return N > given ? (double)(N - given) : 1.0;
}

/* V and Vq of one head; gives q^T S m.   room : [2 N + 2 groups] */
static double measure(clipspan_shortcut_head *to, const cs_shortcut *s, size_t head, double n,
                      double *room)
{
    const cs_effects *e = s->effects;
    const size_t N = cs_effects_rows(e), Q = cs_effects_columns(e);
    const double *said = cs_effects_kept(e, head);
    double *margin = room, *reading = room + N, own = 0.0, both = 0.0;
    for (size_t i = 0; i < N; i++) {
        margin[i] = said[i * Q + s->a] - said[i * Q + s->b];
        reading[i] = said[i * Q + cs_effects_classes(e) + s->cue];
    }
    centre(margin, e, room + 2 * N);
    centre(reading, e, room + 2 * N);
    to->variance = 0.0;
    for (size_t i = 0; i < N; i++) {
        to->variance += margin[i] * margin[i] / n;
        both += margin[i] * reading[i] / n;
        own += reading[i] * reading[i] / n;
    }
    to->explained = own > 0.0 ? both * both / own : 0.0;
    if (to->explained > to->variance) to->explained = to->variance; /* rounding */
    return both;
}

/* Heads with their variances, sorted; sums in info. */
static clipspan_status rank_heads(cs_shortcut *s, clipspan_error *err)
{
    const cs_effects *e = s->effects;
    const cs_shape shape = cs_effects_shape(e);
    const size_t LH = shape.L * shape.H, N = cs_effects_rows(e);
    double *room, *both, sum = 0.0, n;
    size_t count;
    (void)cs_effects_groups(e, &count);
    both = room = cs_alloc(LH + 2 * N + 2 * count, sizeof *room, "covariances", err);
    if (!room) return CLIPSPAN_E_NOMEM;
    n = freedom(e, room);
    for (size_t h = 0; h < LH; h++) {
        s->heads[h].head.layer = (int)(h / shape.H);
        s->heads[h].head.head = (int)(h % shape.H);
        both[h] = measure(&s->heads[h], s, h, n, room + LH);
        sum += both[h];
        s->info.variance += s->heads[h].variance;
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

static void add_candidate(cs_shortcut *s, clipspan_remedy_kind remedy, size_t heads,
                          const double *margin, int eligible, const choice_room *r)
{
    clipspan_candidate *to = &s->candidates[s->info.candidates];
    to->remedy = remedy;
    to->heads = (int)heads;
    to->correlation = larger_correlation(margin, r->reading, r->side, r->N);
    to->eligible = eligible;
    s->info.candidates++;
}

/* The fewest heads that take away nearly as much correlation as any candidate does. */
static void choose_candidate(cs_shortcut *s)
{
    const clipspan_candidate *all = s->candidates;
    const double before = all[0].correlation;
    double least = before, enough;
    for (size_t i = 0; i < s->info.candidates; i++)
        if (all[i].eligible && all[i].correlation < least) least = all[i].correlation;
    enough = least + SLACK * (before - least);
    s->info.chosen = 0;
    for (size_t i = 1; i < s->info.candidates; i++) {
        const clipspan_candidate *best = &all[s->info.chosen];
        if (!all[i].eligible || all[i].correlation > enough || least == before) continue;
        if (s->info.chosen == 0 || all[i].heads < best->heads ||
            (all[i].heads == best->heads && all[i].correlation < best->correlation))
            s->info.chosen = i;
    }
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
        choose_candidate(s);
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
    size_t h;
    clipspan_status status = CLIPSPAN_E_NOMEM;
    cs_shortcut *s = cs_alloc_zero(1, sizeof *s, "a shortcut", err);
    *out = NULL;
    if (!s) return CLIPSPAN_E_NOMEM;
    s->effects = effects;
    s->a = a;
    s->b = b;
    s->cue = cue;
    s->heads = cs_alloc_zero(LH, sizeof *s->heads, "heads", err);
    s->candidates = cs_alloc_zero(2 * LH + 2, sizeof *s->candidates, "candidates", err);
    if (!s->heads || !s->candidates) goto done;
    s->info.heads = LH;
    s->info.images = cs_effects_rows(effects);
    CS_TRY_DONE(cs_effects_keep_heads(effects, err));
    CS_TRY_DONE(rank_heads(s, err));
    for (h = 0; h < LH; h++)
        CS_TRY_DONE(cs_effects_learn_cue(effects, cue, h, err));
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
    cs_free(s->heads);
    cs_free(s->candidates);
    cs_free(s);
    *shortcut = NULL;
}

size_t cs_shortcut_changes(clipspan_change *changes, const cs_shortcut *s,
                           clipspan_remedy_kind remedy, size_t heads)
{
    if (remedy == CLIPSPAN_REMEDY_NONE) heads = 0;
    if (remedy >= CLIPSPAN_REMEDY_PROJECT) heads = 1;
    memset(changes, 0, heads * sizeof *changes);
    for (size_t i = 0; i < heads; i++) {
        changes[i].cue = s->cue;
        changes[i].layer = s->heads[i].head.layer;
        changes[i].head = s->heads[i].head.head;
        changes[i].kind =
            remedy == CLIPSPAN_REMEDY_ABLATE ? CLIPSPAN_CHANGE_MEAN : CLIPSPAN_CHANGE_CUE;
        if (remedy >= CLIPSPAN_REMEDY_PROJECT) changes[i].component = CLIPSPAN_COMPONENT_EMBEDDING;
        if (remedy == CLIPSPAN_REMEDY_PROJECT) changes[i].kind = CLIPSPAN_CHANGE_PROJECT;
    }
    return heads;
}
