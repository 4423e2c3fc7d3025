/* SPDX-License-Identifier: MIT */
/* Ranking and choice, among images with the same answer: docs/math.md, "Shortcuts". */
#include "study/shortcut.h"
#include "base/memory.h"
#include "study/remedy_choice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FLOOR  0.001 /* of the whole margin variance, in the ratio's denominator */
#define MOSTLY 0.5   /* of a head's say that the cue explains, for ablation */

double cs_shortcut_margin(const cs_shortcut *s, const double *said)
{
    const size_t classes = cs_effects_classes(s->effects);
    double rest = 0.0;
    if (s->b != CLIPSPAN_THE_REST) return said[s->a] - said[s->b];
    for (size_t c = 0; c < classes; c++)
        if (c != s->a) rest += said[c];
    return said[s->a] - rest / (double)(classes - 1);
}

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
        margin[i] = cs_shortcut_margin(s, said + i * Q);
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

typedef struct choice_room {
    double *margin, *ablated, *operated, *reading, *projected, *first; /* [N] */
    uint8_t *side; /* [N] 0: predicted a, 1: predicted b, 2: another class */
    cs_choice_images images;
    cs_choice_offers offers;
} choice_room;

/* The larger correlation with the reading over both answers. */
static double larger_correlation(const double *margin, const choice_room *r)
{
    const double first = cs_choice_correlation(margin, &r->images, 0),
                 second = cs_choice_correlation(margin, &r->images, 1);
    return first > second ? first : second;
}

static void add_candidate(cs_shortcut *s, clipspan_remedy_kind remedy, size_t heads,
                          const double *margin, int eligible, const choice_room *r)
{
    clipspan_candidate *to = &s->candidates[s->info.candidates];
    to->remedy = remedy;
    to->heads = (int)heads;
    to->correlation = larger_correlation(margin, r);
    to->eligible = eligible;
    s->info.candidates++;
}

/* margin without one head's variation, or without what moves with its cue reading. */
static void edit_margins(double *ablated, double *operated, const cs_shortcut *s, size_t head,
                         size_t N)
{
    const cs_effects *e = s->effects;
    const size_t Q = cs_effects_columns(e), q = cs_effects_classes(e) + s->cue;
    const double *said = cs_effects_kept(e, head), *mean = cs_effects_mean(e, head);
    const double still = cs_shortcut_margin(s, mean),
                 both = cs_shortcut_margin(s, cs_effects_gain(e, s->cue, head));
    for (size_t i = 0; i < N; i++) {
        const double *x = said + i * Q;
        if (ablated) ablated[i] -= cs_shortcut_margin(s, x) - still;
        operated[i] -= (x[q] - mean[q]) * both;
    }
}

static void read_images(const cs_shortcut *s, choice_room *r)
{
    const cs_effects *e = s->effects;
    const size_t Q = cs_effects_columns(e), classes = cs_effects_classes(e);
    const double *sums = cs_effects_sums(e);
    for (size_t i = 0; i < r->images.N; i++) {
        const size_t best = cs_best_class(sums + i * Q, classes);
        r->margin[i] = r->ablated[i] = r->operated[i] = cs_shortcut_margin(s, sums + i * Q);
        r->reading[i] = sums[i * Q + classes + s->cue];
        r->side[i] = best == s->a ? 0 : best == s->b || s->b == CLIPSPAN_THE_REST ? 1 : 2;
    }
}

/* Remedies of the embedding. */
static void add_whole(cs_shortcut *s, choice_room *r)
{
    const cs_effects *e = s->effects;
    const double mean = cs_effects_mean(e, CS_EDIT_WHOLE)[cs_effects_classes(e) + s->cue];
    const double projected = cs_shortcut_margin(s, cs_effects_projection(e, s->cue)),
                 both = cs_shortcut_margin(s, cs_effects_gain(e, s->cue, CS_EDIT_WHOLE));
    for (size_t i = 0; i < r->images.N; i++) {
        r->projected[i] = r->margin[i] - r->reading[i] * projected;
        r->operated[i] = r->margin[i] - (r->reading[i] - mean) * both;
    }
    r->offers.projected = r->projected;
    r->offers.projection = s->info.candidates;
    add_candidate(s, CLIPSPAN_REMEDY_PROJECT, 0, r->projected, 1, r);
    add_candidate(s, CLIPSPAN_REMEDY_REGRESS, 0, r->operated, 1, r);
}

static void make_candidates(cs_shortcut *s, choice_room *r)
{
    const cs_shape shape = cs_effects_shape(s->effects);
    const size_t LH = shape.L * shape.H, N = r->images.N;
    int mostly = 1;
    add_candidate(s, CLIPSPAN_REMEDY_NONE, 0, r->margin, 1, r);
    for (size_t k = 0; k < LH; k++) {
        const clipspan_head at = s->heads[k].head;
        const size_t head = (size_t)at.layer * shape.H + (size_t)at.head;
        edit_margins(k < s->info.ranked ? r->ablated : NULL, r->operated, s, head, N);
        if (k >= s->info.ranked) continue;
        mostly = mostly && s->heads[k].explained >= MOSTLY * s->heads[k].variance;
        add_candidate(s, CLIPSPAN_REMEDY_ABLATE, k + 1, r->ablated, mostly, r);
        if (k == 0) {
            memcpy(r->first, r->operated, N * sizeof *r->first);
            r->offers.operated = r->first;
            r->offers.surgery = s->info.candidates;
        }
        add_candidate(s, CLIPSPAN_REMEDY_SURGERY, k + 1, r->operated, 1, r);
    }
    if (s->info.ranked < LH) add_candidate(s, CLIPSPAN_REMEDY_SURGERY, LH, r->operated, 1, r);
    add_whole(s, r);
}

/* Cosine of the cue's direction with the margin's. */
static double find_lean(const cs_shortcut *s)
{
    const cs_effects *e = s->effects;
    const size_t P = cs_effects_shape(e).P, classes = cs_effects_classes(e);
    const float *w = cs_effects_vectors(e), *q = w + (classes + s->cue) * P;
    double mm = 0.0, qq = 0.0, mq = 0.0;
    for (size_t p = 0; p < P; p++) {
        double m = (double)w[s->a * P + p], rest = 0.0;
        for (size_t c = 0; c < classes && s->b == CLIPSPAN_THE_REST; c++)
            if (c != s->a) rest += (double)w[c * P + p] / (double)(classes - 1);
        m -= s->b == CLIPSPAN_THE_REST ? rest : (double)w[s->b * P + p];
        mm += m * m;
        qq += (double)q[p] * (double)q[p];
        mq += m * (double)q[p];
    }
    return mm > 0.0 && qq > 0.0 ? mq / sqrt(mm * qq) : 0.0;
}

static clipspan_status choose(cs_shortcut *s, clipspan_error *err)
{
    const size_t N = cs_effects_rows(s->effects);
    double *room = cs_alloc(6 * N, sizeof *room, "margins", err);
    uint8_t *side = cs_alloc(N, 1, "margins", err);
    choice_room r = {.side = side};
    clipspan_status status = CLIPSPAN_E_NOMEM;
    if (room && side) {
        r.margin = room;
        r.ablated = room + N;
        r.operated = room + 2 * N;
        r.reading = room + 3 * N;
        r.projected = room + 4 * N;
        r.first = room + 5 * N;
        r.images = (cs_choice_images){r.margin, r.reading, side, N};
        read_images(s, &r);
        make_candidates(s, &r);
        s->info.decision.lean = find_lean(s);
        s->info.decision.explained =
            s->info.variance > 0.0 ? (s->info.explained + s->info.counteracted) / s->info.variance
                                   : 0.0;
        status = cs_choose_remedy(&s->info.decision, &r.images, &r.offers, err);
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
    s->candidates = cs_alloc_zero(2 * LH + 4, sizeof *s->candidates, "candidates", err);
    if (!s->heads || !s->candidates) goto done;
    s->info.heads = LH;
    s->info.images = cs_effects_rows(effects);
    CS_TRY_DONE(cs_effects_keep_heads(effects, err));
    CS_TRY_DONE(rank_heads(s, err));
    for (h = 0; h < LH; h++)
        CS_TRY_DONE(cs_effects_learn_cue(effects, cue, h, err));
    CS_TRY_DONE(cs_effects_learn_cue(effects, cue, CS_EDIT_WHOLE, err));
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
