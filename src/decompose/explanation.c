/* SPDX-License-Identifier: MIT */
/* Contrast first, in float64, then sums of what it leaves. */
#include "decompose/explanation.h"
#include "base/memory.h"

#include <math.h>

/* ---- Making room ---- */

static void point(cs_explanation *e)
{
    clipspan_explanation_info *i = &e->info;
    const size_t T = i->texts, L = e->L;
    e->similarity = e->numbers;
    e->value = e->similarity + T;
    e->attention = e->value + T;
    e->class_self_attention = e->attention + T * L;
    e->mlp = e->class_self_attention + T * L;
    e->head = e->mlp + T * (L + 1);
    e->token = e->head + T * L * e->H;
    i->order = e->order;
    i->names = (const char *const *)e->names;
    i->similarity = e->similarity;
    i->value = e->value;
    i->attention = e->attention;
    i->class_self_attention = e->class_self_attention;
    i->mlp = e->mlp;
    i->head = e->head;
    i->token = e->token;
    i->map = e->map;
}

static clipspan_status make_room(cs_explanation *e, size_t N, clipspan_error *err)
{
    const size_t T = e->info.texts, L = e->L, H = e->H;
    size_t maps, numbers;
    if (!cs_size_mul(&maps, T * L * H, N)) maps = SIZE_MAX;
    if (!cs_size_mul(&numbers, T, 2 + 3 * L + 1 + L * H + N)) numbers = SIZE_MAX;
    e->order = cs_alloc_zero(T, sizeof *e->order, "an explanation", err);
    e->names = cs_alloc_zero(T, sizeof *e->names, "an explanation", err);
    e->numbers = cs_alloc_zero(numbers, sizeof *e->numbers, "an explanation", err);
    e->map = cs_alloc(maps, sizeof *e->map, "an explanation", err);
    return e->order && e->names && e->numbers && e->map ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

/* ---- Contrast ---- */

/* Texts by similarity, the highest first; of equal ones the earlier. */
static void rank(cs_explanation *e)
{
    const double *similarity = e->similarity;
    for (size_t t = 0; t < e->info.texts; t++) {
        size_t at = t;
        for (; at > 0 && similarity[t] > similarity[e->order[at - 1]]; at--)
            e->order[at] = e->order[at - 1];
        e->order[at] = t;
    }
}

/* What text `t` has of a quantity of which all texts have x[0], x[step], ... */
static double against(const cs_explanation *e, const float *x, size_t step, size_t t)
{
    const double own = (double)x[t * step];
    double mean = 0.0;
    switch (e->info.contrast) {
    case CLIPSPAN_CONTRAST_MEAN:
        for (size_t k = 0; k < e->info.texts; k++)
            mean += (double)x[k * step];
        return own - mean / (double)e->info.texts;
    case CLIPSPAN_CONTRAST_RUNNER_UP: return own - (double)x[e->order[e->order[0] == t] * step];
    case CLIPSPAN_CONTRAST_NONE: break;
    }
    return own;
}

/* ---- Sums ---- */

static void compare(cs_explanation *e, const cs_explanation_source *from)
{
    const size_t T = from->T, P = from->shape.P;
    double mean = 0.0;
    for (size_t t = 0; t < T; t++)
        for (size_t p = 0; p < P; p++)
            e->similarity[t] += (double)from->embedding[p] * (double)from->vectors[t * P + p];
    rank(e);
    for (size_t t = 0; t < T; t++)
        mean += e->similarity[t] / (double)T;
    for (size_t t = 0; t < T; t++)
        e->value[t] = e->similarity[t] - (e->info.contrast == CLIPSPAN_CONTRAST_MEAN ? mean
                                          : e->info.contrast == CLIPSPAN_CONTRAST_RUNNER_UP
                                              ? e->similarity[e->order[e->order[0] == t]]
                                              : 0.0);
}

/* One head's tokens, and what they add to head, layer and token. */
static void add_head(cs_explanation *e, const cs_explanation_source *from, size_t t, size_t head)
{
    const size_t N = from->shape.N, place = t * e->L * e->H + head, layer = t * e->L + head / e->H;
    const float *maps = from->heads + head * from->T * N;
    for (size_t j = 0; j < N; j++) {
        const double score = against(e, maps + j, N, t);
        e->map[place * N + j] = (float)score;
        e->head[place] += score;
        e->token[t * N + j] += score;
    }
    e->attention[layer] += e->head[place];
    if (from->class_token) e->class_self_attention[layer] += against(e, maps, N, t);
}

static void add_up(cs_explanation *e, const cs_explanation_source *from)
{
    const size_t L = e->L;
    for (size_t t = 0; t < from->T; t++) {
        double sum = 0.0;
        for (size_t head = 0; head < L * e->H; head++)
            add_head(e, from, t, head);
        for (size_t l = 0; l <= L; l++) {
            e->mlp[t * (L + 1) + l] = against(e, from->mlps + l, L + 1, t);
            sum += e->mlp[t * (L + 1) + l];
        }
        for (size_t l = 0; l < L; l++)
            sum += e->attention[t * L + l];
        sum = fabs(sum - e->value[t]);
        if (!(sum <= e->info.off)) e->info.off = sum;
    }
}

clipspan_status cs_explanation_new(cs_explanation **out, const cs_explanation_source *source,
                                   clipspan_contrast contrast, clipspan_error *err)
{
    clipspan_status status;
    cs_explanation *e;
    *out = NULL;
    if (contrast != CLIPSPAN_CONTRAST_NONE && source->T < 2)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "one text cannot stand against others; give two at least, or no contrast");
    e = cs_alloc_zero(1, sizeof *e, "an explanation", err);
    if (!e) return CLIPSPAN_E_NOMEM;
    e->L = source->shape.L;
    e->H = source->shape.H;
    e->info.layers = (int)e->L;
    e->info.heads = (int)e->H;
    e->info.tokens = source->shape.N;
    e->info.texts = source->T;
    e->info.contrast = contrast;
    CS_TRY_DONE(make_room(e, source->shape.N, err));
    point(e);
    compare(e, source);
    add_up(e, source);
    *out = e;
    e = NULL;
done:
    cs_explanation_free(&e);
    return status;
}

void cs_explanation_free(cs_explanation **explanation)
{
    cs_explanation *e = explanation ? *explanation : NULL;
    if (!e) return;
    for (size_t t = 0; e->names && t < e->info.texts; t++)
        cs_free(e->names[t]);
    cs_free(e->names);
    cs_free(e->order);
    cs_free(e->numbers);
    cs_free(e->map);
    cs_free(e);
    *explanation = NULL;
}
