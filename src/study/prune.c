/* SPDX-License-Identifier: MIT */
/* Orders of heads: in rounds by what the network does or by path effects, and by direct effect. */
#include "study/prune.h"
#include "base/memory.h"
#include "base/owned.h"

#include <clipspan/effects.h>
#include <clipspan/model.h>
#include <clipspan/run.h>
#include <stdlib.h>
#include <string.h>

#define PASSES       4096 /* that ranking may take, within the limits of images */
#define RANKED_LEAST 8
#define RANKED_MOST  64
#define ROUNDS       4 /* until the wanted heads are gone */

static int by_effect(const void *a, const void *b)
{
    const clipspan_prune_row *x = a, *y = b;
    if (x->effect != y->effect) return x->effect < y->effect ? -1 : 1;
    if (x->head.layer != y->head.layer) return x->head.layer < y->head.layer ? -1 : 1;
    return (x->head.head > y->head.head) - (x->head.head < y->head.head);
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

static int is_place(const cs_prune *p, clipspan_head head)
{
    return head.layer >= 0 && head.layer < p->facts->layers && head.head >= 0 &&
           head.head < p->facts->heads;
}

static clipspan_status list_chosen(cs_prune *p, const clipspan_head *heads, size_t count,
                                   clipspan_error *err)
{
    p->rows = cs_alloc_zero(count, sizeof *p->rows, "chosen heads", err);
    if (!p->rows) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        if (!clipspan_model_has_head(p->model, heads[i].layer, heads[i].head))
            return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, p->facts->model_name,
                              "has no head L%d.H%d%s", heads[i].layer, heads[i].head,
                              is_place(p, heads[i]) ? " any more: it was removed before" : "");
        p->rows[p->count++].head = heads[i];
    }
    return CLIPSPAN_OK;
}

/* Size of a head's direct effect: tr Var of its contribution, over that of the embedding. */
static clipspan_status rank_direct(cs_prune *p, clipspan_error *err)
{
    const size_t H = (size_t)p->facts->heads, LH = (size_t)p->facts->layers * H;
    clipspan_variance_share *variance_shares =
        cs_alloc(LH, sizeof *variance_shares, "strengths", err);
    clipspan_status status;
    if (!variance_shares) return CLIPSPAN_E_NOMEM;
    status = clipspan_run_read_variance_shares(variance_shares, NULL, NULL, NULL, p->run, err);
    for (size_t i = 0; i < p->count && status == CLIPSPAN_OK; i++)
        p->rows[i].effect =
            variance_shares[(size_t)p->rows[i].head.layer * H + (size_t)p->rows[i].head.head]
                .variance;
    if (status == CLIPSPAN_OK) qsort(p->rows, p->count, sizeof *p->rows, by_effect);
    cs_free(variance_shares);
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

/* Of the heads that are still there, what the network's output has moved by in all when it goes
 * too. */
static clipspan_status try_heads(cs_prune *p, size_t gone, const clipspan_progress *progress,
                                 clipspan_error *err)
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
        status = cs_edit_check_run(p->check, NULL, 0, p->info.ranked, 0, progress, err);
    for (size_t i = gone; i < p->count && status == CLIPSPAN_OK; i++)
        p->rows[i].effect = p->check->rows[i - gone].moved_mean;
    cs_edit_check_clear(p->check);
    cs_free(heads);
    return status;
}

/* One round: effects of the heads that are still there. The first `gone` rows went before; the rest
 * is filled in and sorted. */
static clipspan_status run_round(cs_prune *p, size_t gone, size_t step,
                                 const clipspan_progress *progress, clipspan_error *err)
{
    CS_TRY(p->info.order == CLIPSPAN_PRUNE_PATH ? cs_prune_path_round(p, gone, progress, err)
                                                : try_heads(p, gone, progress, err));
    for (size_t i = gone; i < p->count; i++)
        p->rows[i].round = p->info.rounds;
    qsort(p->rows + gone, p->count - gone, sizeof *p->rows, by_effect);
    return note_round(p, gone, step, err);
}

/* Heads that a round takes. */
static size_t round_step(const cs_prune *p)
{
    return (p->wanted + ROUNDS - 1) / ROUNDS;
}

/* Images to rank on: as asked, or as many as the budget has; a quarter of all at most, so that most
 * are left to measure on, but one. */
static size_t count_ranked(const cs_prune *p, size_t asked)
{
    const size_t step = round_step(p), quarter = p->check->images.count / 4;
    size_t trials = 0, ranked;
    for (size_t gone = 0; gone < p->wanted; gone += step)
        trials += p->info.order == CLIPSPAN_PRUNE_PATH ? 1 : p->count - gone;
    ranked = asked ? asked : trials ? PASSES / trials : RANKED_MOST;
    if (!asked && ranked < RANKED_LEAST) ranked = RANKED_LEAST;
    if (!asked && ranked > RANKED_MOST) ranked = RANKED_MOST;
    if (ranked > quarter) ranked = quarter;
    return ranked ? ranked : 1;
}

/* Images are ranked on that are not measured on, unless there is one only. */
static clipspan_status rank_in_rounds(cs_prune *p, const clipspan_progress *progress,
                                      clipspan_error *err)
{
    const size_t step = round_step(p);
    p->info.ranked = count_ranked(p, p->info.ranked);
    if (p->info.ranked < p->check->images.count) p->check->skip = p->info.ranked;
    if (p->info.order == CLIPSPAN_PRUNE_PATH) CS_TRY(cs_prune_path_open(p, err));
    for (size_t gone = 0; gone < p->wanted && p->count - gone > 1; gone += step)
        CS_TRY(run_round(p, gone, step, progress, err));
    cs_prune_path_close(p);
    return CLIPSPAN_OK;
}

/* ---- The whole ---- */

static clipspan_status open_prune(cs_prune *p, const clipspan_prune_options *o, clipspan_error *err)
{
    p->info.order = o->order;
    p->info.fraction = o->fraction;
    p->info.of_parameters = o->of_parameters != 0;
    p->info.keep_layout = o->keep_layout != 0;
    p->info.heads = (size_t)clipspan_model_get_info(p->model)->heads_left;
    p->info.ranked =
        o->order == CLIPSPAN_PRUNE_NETWORK || o->order == CLIPSPAN_PRUNE_PATH ? o->ranked : 0;
    if (o->order == CLIPSPAN_PRUNE_CHOSEN) {
        CS_TRY(list_chosen(p, o->heads, o->count, err));
        return cs_prune_sets(p, err);
    }
    CS_TRY(list_all(p, err));
    CS_TRY(cs_prune_wanted(&p->wanted, p, err));
    p->info.chosen = p->wanted;
    if (o->order != CLIPSPAN_PRUNE_DIRECT) return CLIPSPAN_OK;
    CS_TRY(rank_direct(p, err));
    return cs_prune_sets(p, err);
}

clipspan_status cs_prune_new(cs_prune **out, clipspan_model *model, const clipspan_run *run,
                             const clipspan_prune_options *options,
                             const clipspan_edit_check_options *check,
                             const clipspan_image_options *image, clipspan_error *err)
{
    cs_prune *p = cs_alloc_zero(1, sizeof *p, "a pruning", err);
    clipspan_status status;
    *out = NULL;
    if (!p) return CLIPSPAN_E_NOMEM;
    p->model = model;
    p->run = run;
    p->facts = clipspan_run_get_info(run);
    p->options = *check;
    p->image = *image;
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
    cs_prune_path_close(p);
    cs_edit_check_free(&p->check);
    for (size_t i = 0; i < p->info.sets; i++) {
        cs_free(cs_owned(p->sets[i].name));
        cs_free(cs_owned(p->sets[i].heads));
    }
    cs_free(p->sets);
    cs_free(p->forecasts);
    cs_free(p->shares);
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
    status = cs_edit_check_new(&p->check, p->model, p->run, heads, p->count, &p->options, &p->image,
                               progress, err);
    cs_free(heads);
    return status;
}

clipspan_status cs_prune_run(cs_prune *p, const clipspan_progress *progress, clipspan_error *err)
{
    if (p->check) return CLIPSPAN_OK;
    CS_TRY(open_check(p, progress, err));
    cs_edit_images_shuffle(&p->check->images);
    if (!p->known) {
        CS_TRY(rank_in_rounds(p, progress, err));
        CS_TRY(cs_prune_sets(p, err));
    }
    for (size_t i = 0; i < p->info.sets; i++)
        CS_TRY(
            cs_edit_check_add(p->check, p->sets[i].name, p->sets[i].heads, p->sets[i].count, err));
    return CLIPSPAN_OK;
}
