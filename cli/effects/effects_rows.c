/* SPDX-License-Identifier: MIT */
/* The rows of effects: which components each has mean-ablated, and what comes of it. */
#include "cli/effects/effects_rows.h"
#include "base/memory.h"
#include "cli/in/cue.h"
#include "cli/in/heads.h"
#include "cli/in/texts.h"

#include <clipspan/clipspan.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 64 /* edits at a time */

static const int tried[] = {1, 2, 5, 10, 20, 40, 60, 100, 200, 500, 1000};

static clipspan_status add_row(cli_effect_work *w, cli_effect_kind kind, int layer, int head,
                               clipspan_error *err)
{
    cli_effect row = {.kind = kind, .layer = layer, .head = head};
    CS_TRY(cs_grow(&w->list.rows, &w->list.room, w->list.count + 1, sizeof row, "effects", err));
    w->list.rows[w->list.count++] = row;
    return CLIPSPAN_OK;
}

static clipspan_status take_room(cli_effect_work *w, const clipspan_run_info *info,
                                 clipspan_error *err)
{
    const size_t T = (size_t)info->layers * (size_t)(info->heads + 2) + 1, N = w->ev->N;
    w->changes = cs_alloc(PIECE * T, sizeof *w->changes, "edits", err);
    w->edits = cs_alloc(PIECE, sizeof *w->edits, "edits", err);
    w->predicted = cs_alloc(PIECE, N * sizeof *w->predicted, "predictions", err);
    w->margins = cs_alloc(PIECE, N * sizeof *w->margins, "margins", err);
    w->list.groups = cs_alloc(w->ev->group_count, 2 * sizeof *w->list.groups, "groups", err);
    return w->changes && w->edits && w->predicted && w->margins && w->list.groups
               ? CLIPSPAN_OK
               : CLIPSPAN_E_NOMEM;
}

clipspan_status cli_effects_sequence(cli_effect_work *w, cli_evaluation *ev, clipspan_error *err)
{
    static const cli_effect_kind first[] = {CLI_EFFECT_NOTHING, CLI_EFFECT_MLPS, CLI_EFFECT_CLASS,
                                            CLI_EFFECT_BOTH};
    const clipspan_run_info *info = clipspan_run_get_info(ev->run);
    memset(w, 0, sizeof *w);
    w->ev = ev;
    CS_TRY(take_room(w, info, err));
    for (size_t i = 0; i < 4; i++)
        CS_TRY(add_row(w, first[i], -1, -1, err));
    for (int l = 0; l < info->layers; l++)
        CS_TRY(add_row(w, CLI_EFFECT_UNTIL, l, -1, err));
    return CLIPSPAN_OK;
}

clipspan_status cli_effects_singles(cli_effect_work *w, clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(w->ev->run);
    int l, h;
    for (l = 0; l < info->layers; l++)
        CS_TRY(add_row(w, CLI_EFFECT_LAYER, l, -1, err));
    for (l = -1; l < info->layers; l++)
        CS_TRY(add_row(w, CLI_EFFECT_MLP, l, -1, err));
    for (l = 0; l < info->layers; l++)
        for (h = 0; h < info->heads; h++)
            CS_TRY(add_row(w, CLI_EFFECT_HEAD, l, h, err));
    return CLIPSPAN_OK;
}

/* Changes of one row, from `to` on; how many. */
static size_t make_changes(clipspan_change *to, const cli_effect *row,
                           const clipspan_run_info *info)
{
    size_t count = 0;
    int l, h;
    if (row->kind == CLI_EFFECT_MLPS || row->kind == CLI_EFFECT_BOTH)
        for (l = -1; l < info->layers; l++)
            to[count++] = (clipspan_change){.component = CLIPSPAN_COMPONENT_MLP, .layer = l};
    if (row->kind == CLI_EFFECT_CLASS || row->kind == CLI_EFFECT_BOTH)
        for (l = 0; l < info->layers; l++)
            to[count++] =
                (clipspan_change){.component = CLIPSPAN_COMPONENT_CLASS_SELF_ATTENTION, .layer = l};
    if (row->kind == CLI_EFFECT_UNTIL || row->kind == CLI_EFFECT_LAYER)
        for (l = row->kind == CLI_EFFECT_UNTIL ? 0 : row->layer; l <= row->layer; l++)
            for (h = 0; h < info->heads; h++)
                to[count++] = (clipspan_change){.layer = l, .head = h};
    if (row->kind == CLI_EFFECT_MLP)
        to[count++] = (clipspan_change){.component = CLIPSPAN_COMPONENT_MLP, .layer = row->layer};
    if (row->kind == CLI_EFFECT_HEAD)
        to[count++] = (clipspan_change){.layer = row->layer, .head = row->head};
    return count;
}

/* Accuracy, margin, worst group of one edit. */
static void score(cli_effect *row, const cli_evaluation *ev, const uint32_t *predicted,
                  const double *margins, uint64_t *groups)
{
    double sum = 0.0;
    memset(groups, 0, 2 * ev->group_count * sizeof *groups);
    for (size_t i = 0; i < ev->N; i++) {
        const int good = ev->labels[i] >= 0 && predicted[i] == (uint32_t)ev->labels[i];
        if (ev->labels[i] < 0) continue;
        row->images++;
        row->correct += (uint64_t)good;
        sum += margins[i];
        if (ev->groups[i] < 0) continue;
        groups[2 * ev->groups[i]]++;
        groups[2 * ev->groups[i] + 1] += (uint64_t)good;
    }
    row->accuracy = row->images ? (double)row->correct / (double)row->images : 0.0;
    row->margin = row->images ? sum / (double)row->images : 0.0;
    row->worst_group = -1;
    for (size_t g = 0; g < ev->group_count; g++) {
        double share;
        if (!groups[2 * g]) continue;
        share = (double)groups[2 * g + 1] / (double)groups[2 * g];
        if (row->worst_group >= 0 && share >= row->worst) continue;
        row->worst = share;
        row->worst_group = (int32_t)g;
    }
}

clipspan_status cli_effects_run(cli_effect_work *w, clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(w->ev->run);
    cli_session *s = w->ev->session;
    clipspan_status status = CLIPSPAN_OK;
    cli_progress_begin(s, "edits");
    for (size_t first = 0; first < w->list.count && status == CLIPSPAN_OK; first += PIECE) {
        const size_t some = w->list.count - first < PIECE ? w->list.count - first : PIECE;
        clipspan_change *next = w->changes;
        for (size_t i = 0; i < some; i++) {
            w->edits[i].changes = next;
            w->edits[i].count = make_changes(next, &w->list.rows[first + i], info);
            next += w->edits[i].count;
        }
        status = clipspan_effects_run(w->predicted, w->margins, NULL, w->ev->effects,
                                      w->ev->mean_effects, w->edits, some, w->ev->labels, err);
        for (size_t i = 0; i < some && status == CLIPSPAN_OK; i++)
            score(&w->list.rows[first + i], w->ev, w->predicted + i * w->ev->N,
                  w->margins + i * w->ev->N, w->list.groups);
        cli_progress_step(s, first + some, w->list.count);
        if (status == CLIPSPAN_OK) status = cli_keep_going(s, err);
    }
    cli_progress_end(s);
    cli_stage(s, "components ablated");
    return status;
}

clipspan_status cli_effects_variance_shares(cli_effect_work *w, clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(w->ev->run);
    const size_t L = (size_t)info->layers, H = (size_t)info->heads;
    clipspan_variance_share *all = cs_alloc(L * H + 2 * L + 1, sizeof *all, "strengths", err);
    clipspan_status status;
    if (!all) return CLIPSPAN_E_NOMEM;
    status =
        clipspan_run_read_variance_shares(all, all + L * H, all + L * H + L, NULL, w->ev->run, err);
    for (size_t i = 0; i < w->list.count && status == CLIPSPAN_OK; i++) {
        cli_effect *row = &w->list.rows[i];
        const size_t at = row->kind == CLI_EFFECT_HEAD ? (size_t)row->layer * H + (size_t)row->head
                          : row->kind == CLI_EFFECT_LAYER ? L * H + (size_t)row->layer
                                                          : L * H + L + (size_t)(row->layer + 1);
        row->single = row->kind >= CLI_EFFECT_LAYER && row->kind <= CLI_EFFECT_HEAD;
        if (!row->single) continue;
        row->share = all[at].share;
        row->variance = all[at].variance;
    }
    cs_free(all);
    return status;
}

/* ---- Heads replaced by their texts ---- */

static clipspan_status make_spans(cli_effect_work *w, const clipspan_run_info *info,
                                  const cli_effect_texts *x, clipspan_error *err)
{
    cli_session *s = w->ev->session;
    clipspan_span_options options = CLIPSPAN_SPAN_OPTIONS_INIT;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_head *heads;
    clipspan_status status;
    int first, layers;
    CS_TRY(cli_layers_read(&first, &layers, x->layers ? x->layers : "all", info->layers, err));
    if (!x->layers && info->layers > 4) {
        first = info->layers - 4;
        layers = 4;
    }
    w->list.first_layer = first;
    w->list.span_layers = layers;
    w->span_count = (size_t)layers * (size_t)info->heads;
    heads = cs_alloc(w->span_count, sizeof *heads, "heads", err);
    w->spans = cs_alloc_zero(w->span_count, sizeof *w->spans, "heads", err);
    status = heads && w->spans ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < w->span_count && status == CLIPSPAN_OK; i++)
        heads[i] = (clipspan_head){first + (int)i / info->heads, (int)i % info->heads};
    options.basis_texts = x->basis_texts ? (int)x->basis_texts : 60;
    options.resamples = -1;
    options.threads = (int)s->threads;
    if (status == CLIPSPAN_OK) {
        cli_progress_begin(s, "heads");
        status =
            clipspan_span_new_run(w->spans, w->ev->mean_run ? w->ev->mean_run : w->ev->run, heads,
                                  w->span_count, w->pool_bank, &options, &progress, err);
        cli_progress_end(s);
    }
    cs_free(heads);
    return status;
}

static int compare_numbers(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

/* Different texts among the first `basis_texts` of all heads. */
static clipspan_status count_texts(size_t *out, const cli_effect_work *w, int basis_texts,
                                   clipspan_error *err)
{
    size_t *texts = cs_alloc(w->span_count * (size_t)basis_texts, sizeof *texts, "texts", err),
           count = 0;
    *out = 0;
    if (!texts) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < w->span_count; i++) {
        const clipspan_basis_text *basis_text = clipspan_span_get_basis_texts(w->spans[i]);
        const int some = clipspan_span_get_info(w->spans[i])->basis_texts;
        for (int k = 0; k < basis_texts && k < some; k++)
            texts[count++] = basis_text[k].text;
    }
    qsort(texts, count, sizeof *texts, compare_numbers);
    for (size_t i = 0; i < count; i++)
        *out += i == 0 || texts[i] != texts[i - 1];
    cs_free(texts);
    return CLIPSPAN_OK;
}

clipspan_status cli_effects_texts(cli_effect_work *w, const cli_effect_texts *x,
                                  clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(w->ev->run);
    const char *name;
    const int most = x->basis_texts ? (int)x->basis_texts : 60;
    CS_TRY(cli_pool_open(&w->pool, &name, w->ev->session, x->pool, err));
    CS_TRY(cli_pool_embed(&w->pool_bank, w->ev, w->pool, err));
    CS_TRY(make_spans(w, info, x, err));
    for (size_t i = 0; i <= sizeof tried / sizeof *tried; i++) {
        const int basis_texts =
            i < sizeof tried / sizeof *tried && tried[i] < most ? tried[i] : most;
        cli_effect *row;
        CS_TRY(add_row(w, CLI_EFFECT_TEXTS, -1, -1, err));
        row = &w->list.rows[w->list.count - 1];
        row->basis_texts = basis_texts;
        CS_TRY(count_texts(&row->texts, w, basis_texts, err));
        CS_TRY(clipspan_effects_run_spans(w->predicted, w->margins, w->ev->effects,
                                          w->ev->mean_effects,
                                          (const clipspan_span *const *)w->spans, w->span_count,
                                          basis_texts, w->ev->labels, err));
        score(row, w->ev, w->predicted, w->margins, w->list.groups);
        if (basis_texts == most) break;
    }
    cli_stage(w->ev->session, "heads replaced by their texts");
    return CLIPSPAN_OK;
}

void cli_effects_fini(cli_effect_work *w)
{
    for (size_t i = 0; w->spans && i < w->span_count; i++)
        clipspan_span_free(&w->spans[i]);
    cs_free(w->spans);
    clipspan_bank_free(&w->pool_bank);
    clipspan_texts_free(&w->pool);
    cs_free(w->list.rows);
    cs_free(w->list.groups);
    cs_free(w->changes);
    cs_free(w->edits);
    cs_free(w->predicted);
    cs_free(w->margins);
    memset(w, 0, sizeof *w);
}
