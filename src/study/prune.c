/* SPDX-License-Identifier: MIT */
/* Orders of heads and the sets that fractions of them make. */
#include "study/prune.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANKED 64
#define ROUNDS 8

static const int curve[] = {5, 10, 15, 20, 25, 30, 40, 50, 60, 75}; /* percent of the heads */

static int by_effect(const void *a, const void *b)
{
    const clipspan_prune_row *x = a, *y = b;
    if (x->effect != y->effect) return x->effect < y->effect ? -1 : 1;
    if (x->head.layer != y->head.layer) return x->head.layer < y->head.layer ? -1 : 1;
    return (x->head.head > y->head.head) - (x->head.head < y->head.head);
}

/* Numbers of a head in the image encoder: its rows of query, key and value with their biases, and
 * its columns of the output projection. */
static uint64_t head_parameters(const clipspan_model_info *model)
{
    const uint64_t D = (uint64_t)model->image.width, K = (uint64_t)model->image.head_width;
    return 4 * D * K + 3 * K;
}

clipspan_status cs_prune_count(size_t *out, double fraction, int of_parameters, size_t heads,
                               uint64_t parameters, uint64_t per_head, clipspan_error *err)
{
    const double of = of_parameters ? (double)parameters / (double)per_head : (double)heads,
                 count = floor(fraction * of + 0.5 + 1e-9);
    *out = 0;
    if (!(count >= 1.0))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a fraction of %g of the %s is less than one head",
                       fraction, of_parameters ? "parameters" : "heads");
    if (count > (double)heads)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a fraction of %g of the parameters is more than all %zu heads have: %.3g",
                       fraction, heads, (double)heads / of);
    *out = (size_t)count;
    return CLIPSPAN_OK;
}

/* ---- Orders ---- */

static clipspan_status list_all(cs_prune *p, clipspan_error *err)
{
    const size_t LH = (size_t)p->facts->layers * (size_t)p->facts->heads;
    p->rows = cs_alloc_zero(LH, sizeof *p->rows, "ranked heads", err);
    if (!p->rows) return CLIPSPAN_E_NOMEM;
    for (int l = 0; l < p->facts->layers; l++)
        for (int h = 0; h < p->facts->heads; h++)
            if (clipspan_model_has_head(p->model, l, h))
                p->rows[p->count++].head = (clipspan_head){l, h};
    return CLIPSPAN_OK;
}

static clipspan_status list_chosen(cs_prune *p, const clipspan_head *heads, size_t count,
                                   clipspan_error *err)
{
    p->rows = cs_alloc_zero(count, sizeof *p->rows, "chosen heads", err);
    if (!p->rows) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        if (!clipspan_model_has_head(p->model, heads[i].layer, heads[i].head))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "head L%d.H%d was named; the model has none",
                           heads[i].layer, heads[i].head);
        p->rows[p->count++].head = heads[i];
    }
    return CLIPSPAN_OK;
}

/* Size of a head's direct effect: tr Var of its contribution, over that of the embedding. */
static clipspan_status rank_direct(cs_prune *p, clipspan_error *err)
{
    const size_t H = (size_t)p->facts->heads, LH = (size_t)p->facts->layers * H;
    clipspan_strength *strengths = cs_alloc(LH, sizeof *strengths, "strengths", err);
    clipspan_status status;
    if (!strengths) return CLIPSPAN_E_NOMEM;
    status = clipspan_run_read_strengths(strengths, NULL, NULL, NULL, p->run, err);
    for (size_t i = 0; i < p->count && status == CLIPSPAN_OK; i++)
        p->rows[i].effect =
            strengths[(size_t)p->rows[i].head.layer * H + (size_t)p->rows[i].head.head].variance;
    if (status == CLIPSPAN_OK) qsort(p->rows, p->count, sizeof *p->rows, by_effect);
    cs_free(strengths);
    return status;
}

static clipspan_status note_round(cs_prune *p, size_t gone, size_t went, clipspan_error *err)
{
    clipspan_prune_round *round;
    CS_TRY(
        cs_grow(&p->rounds, &p->round_room, p->info.rounds + 1, sizeof *p->rounds, "rounds", err));
    round = &p->rounds[p->info.rounds++];
    *round = (clipspan_prune_round){gone, p->count - gone, went, p->rows[gone].effect,
                                    p->rows[p->count - 1].effect};
    return CLIPSPAN_OK;
}

/* One round: of the heads that are still there, what the network's output has moved by in all when
 * it goes too. The first `gone` rows went before; the rest is filled in and sorted. */
static clipspan_status run_round(cs_prune *p, size_t gone, size_t step,
                                 const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_head *heads = cs_alloc(gone + 1, sizeof *heads, "a round", err);
    clipspan_status status = heads ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    for (size_t k = 0; k < gone && status == CLIPSPAN_OK; k++)
        heads[k] = p->rows[k].head;
    for (size_t i = gone; i < p->count && status == CLIPSPAN_OK; i++) {
        heads[gone] = p->rows[i].head;
        status = cs_edit_check_add(p->check, "one more", heads, gone + 1, err);
    }
    if (status == CLIPSPAN_OK)
        status = cs_edit_check_run(p->check, NULL, p->info.ranked, 0, progress, err);
    for (size_t i = gone; i < p->count && status == CLIPSPAN_OK; i++) {
        p->rows[i].effect = p->check->rows[i - gone].moved_mean;
        p->rows[i].round = p->info.rounds;
    }
    cs_edit_check_clear(p->check);
    cs_free(heads);
    CS_TRY(status);
    qsort(p->rows + gone, p->count - gone, sizeof *p->rows, by_effect);
    return note_round(p, gone, step, err);
}

static clipspan_status rank_network(cs_prune *p, const clipspan_progress *progress,
                                    clipspan_error *err)
{
    const size_t step = (p->count + ROUNDS - 1) / ROUNDS;
    if (p->info.ranked > p->check->images.count) p->info.ranked = p->check->images.count;
    for (size_t gone = 0; gone + step < p->count; gone += step)
        CS_TRY(run_round(p, gone, step, progress, err));
    return CLIPSPAN_OK;
}

/* ---- Sets ---- */

/* The first `count` heads of the order; where heads are removed, a layer keeps its last one. */
static size_t take_heads(clipspan_head *heads, const cs_prune *p, size_t count, int *left)
{
    size_t taken = 0;
    memset(left, 0, (size_t)p->facts->layers * sizeof *left);
    for (size_t i = 0; i < p->count; i++)
        left[p->rows[i].head.layer]++;
    for (size_t i = 0; i < p->count && taken < count; i++) {
        int *here = &left[p->rows[i].head.layer];
        if (*here == 1 && !p->info.keep_layout) continue;
        --*here;
        heads[taken++] = p->rows[i].head;
    }
    return taken;
}

/* A set of the first `count` rows; all of them without `left`. */
static clipspan_status add_set(cs_prune *p, const char *name, size_t count, int *left,
                               clipspan_error *err)
{
    clipspan_head *heads;
    clipspan_head_set *set;
    char *copy;
    CS_TRY(
        cs_grow(&p->sets, &p->set_room, p->info.sets + 1, sizeof *p->sets, "sets of heads", err));
    copy = cs_strdup(name, err);
    heads = cs_alloc(count, sizeof *heads, "a set of heads", err);
    if (!copy || !heads) {
        cs_free(copy);
        cs_free(heads);
        return CLIPSPAN_E_NOMEM;
    }
    set = &p->sets[p->info.sets++];
    set->name = copy;
    set->heads = heads;
    set->count = count;
    if (left) set->count = take_heads(heads, p, count, left);
    for (size_t i = 0; i < count && !left; i++)
        heads[i] = p->rows[i].head;
    return CLIPSPAN_OK;
}

static clipspan_status add_curve(cs_prune *p, size_t count, int *left, clipspan_error *err)
{
    char name[64];
    snprintf(name, sizeof name, "%g %% of the %s", 100 * p->info.fraction,
             p->info.of_parameters ? "parameters" : "heads");
    CS_TRY(add_set(p, name, count, left, err));
    for (size_t i = 0; i < sizeof curve / sizeof *curve; i++) {
        const size_t part = (p->count * (size_t)curve[i] + 50) / 100;
        if (!p->info.of_parameters && fabs(100 * p->info.fraction - curve[i]) < 1e-9) continue;
        snprintf(name, sizeof name, "%d %% of the heads", curve[i]);
        CS_TRY(add_set(p, name, part, left, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status make_sets(cs_prune *p, clipspan_error *err)
{
    const clipspan_model_info *model = clipspan_model_get_info(p->model);
    const uint64_t per_head = head_parameters(model);
    clipspan_status status = CLIPSPAN_OK;
    if (p->info.order == CLIPSPAN_PRUNE_CHOSEN) {
        CS_TRY(add_set(p, "all chosen", p->count, NULL, err));
    } else {
        int *left = cs_alloc((size_t)p->facts->layers, sizeof *left, "ranked heads", err);
        size_t count = 0;
        status = left ? cs_prune_count(&count, p->info.fraction, p->info.of_parameters, p->count,
                                       model->image.parameters, per_head, err)
                      : CLIPSPAN_E_NOMEM;
        if (status == CLIPSPAN_OK) status = add_curve(p, count, left, err);
        cs_free(left);
        CS_TRY(status);
    }
    if (p->sets[0].count == 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "no head can be removed: every layer has one left, which it keeps");
    p->info.chosen = p->sets[0].count;
    p->info.parameters = (double)(per_head * p->info.chosen) / (double)model->image.parameters;
    p->known = 1;
    return CLIPSPAN_OK;
}

/* ---- The whole ---- */

static clipspan_status open_prune(cs_prune *p, const clipspan_prune_options *o, clipspan_error *err)
{
    size_t count;
    p->info.order = o->order;
    p->info.fraction = o->fraction;
    p->info.of_parameters = o->of_parameters != 0;
    p->info.keep_layout = o->keep_layout != 0;
    p->info.heads = (size_t)clipspan_model_get_info(p->model)->heads_left;
    p->info.ranked = o->order != CLIPSPAN_PRUNE_NETWORK ? 0 : o->ranked ? o->ranked : RANKED;
    if (o->order == CLIPSPAN_PRUNE_CHOSEN) {
        CS_TRY(list_chosen(p, o->heads, o->count, err));
        return make_sets(p, err);
    }
    CS_TRY(list_all(p, err));
    CS_TRY(cs_prune_count(&count, o->fraction, p->info.of_parameters, p->count,
                          clipspan_model_get_info(p->model)->image.parameters,
                          head_parameters(clipspan_model_get_info(p->model)), err));
    if (o->order == CLIPSPAN_PRUNE_NETWORK) return CLIPSPAN_OK;
    CS_TRY(rank_direct(p, err));
    return make_sets(p, err);
}

clipspan_status cs_prune_new(cs_prune **out, clipspan_model *model, const clipspan_run *run,
                             const clipspan_prune_options *options,
                             const clipspan_edit_check_options *check,
                             const clipspan_picture_options *picture, clipspan_error *err)
{
    cs_prune *p = cs_alloc_zero(1, sizeof *p, "a pruning", err);
    clipspan_status status;
    *out = NULL;
    if (!p) return CLIPSPAN_E_NOMEM;
    p->model = model;
    p->run = run;
    p->facts = clipspan_run_get_info(run);
    p->options = *check;
    p->picture = *picture;
    status = open_prune(p, options, err);
    if (status == CLIPSPAN_OK)
        *out = p;
    else
        cs_prune_free(&p);
    return status;
}

void cs_prune_free(cs_prune **prune)
{
    cs_prune *p = *prune;
    if (!p) return;
    cs_edit_check_free(&p->check);
    for (size_t i = 0; i < p->info.sets; i++) {
        cs_free((char *)(uintptr_t)p->sets[i].name);
        cs_free((clipspan_head *)(uintptr_t)p->sets[i].heads);
    }
    cs_free(p->sets);
    cs_free(p->rounds);
    cs_free(p->rows);
    cs_free(p);
    *prune = NULL;
}

/* Means of the heads of all sets, or of all heads where there are none yet. */
static clipspan_status open_check(cs_prune *p, const clipspan_progress *progress,
                                  clipspan_error *err)
{
    clipspan_head *heads = cs_alloc(p->count, sizeof *heads, "heads", err);
    clipspan_status status;
    if (!heads) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < p->count; i++)
        heads[i] = p->rows[i].head;
    status = cs_edit_check_new(&p->check, p->model, p->run, heads, p->count, &p->options,
                               &p->picture, progress, err);
    cs_free(heads);
    return status;
}

clipspan_status cs_prune_run(cs_prune *p, const clipspan_progress *progress, clipspan_error *err)
{
    if (p->check) return CLIPSPAN_OK;
    CS_TRY(open_check(p, progress, err));
    if (!p->known) {
        CS_TRY(rank_network(p, progress, err));
        CS_TRY(make_sets(p, err));
    }
    for (size_t i = 0; i < p->info.sets; i++)
        CS_TRY(
            cs_edit_check_add(p->check, p->sets[i].name, p->sets[i].heads, p->sets[i].count, err));
    return CLIPSPAN_OK;
}
