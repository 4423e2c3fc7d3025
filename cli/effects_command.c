/* SPDX-License-Identifier: MIT */
/* clipspan effects: the published sequence of mean-ablations, and every layer and head on its
 * own. */
#include "base/memory.h"
#include "commands.h"
#include "cue_in.h"
#include "effects_out.h"
#include "head_names.h"
#include "texts_in.h"

#include <stdlib.h>
#include <string.h>

#define PIECE 64 /* edits at a time */

static const int tried[] = {1, 2, 5, 10, 20, 40, 60, 100, 200, 500, 1000};

typedef struct job {
    cli_evaluation ev;
    cli_effect_list list;
    clipspan_change *changes; /* of one piece's edits */
    clipspan_edit *edits;
    uint32_t *predicted; /* [PIECE, N] */
    double *margins;
    clipspan_texts *pool;
    clipspan_bank *pool_bank;
    clipspan_span **spans;
    size_t span_count;
} job;

static clipspan_status add_row(job *j, cli_effect_kind kind, int layer, int head,
                               clipspan_error *err)
{
    cli_effect row = {.kind = kind, .layer = layer, .head = head};
    CS_TRY(cs_grow(&j->list.rows, &j->list.room, j->list.count + 1, sizeof row, "effects", err));
    j->list.rows[j->list.count++] = row;
    return CLIPSPAN_OK;
}

/* All rows in the order of the table. */
static clipspan_status plan_rows(job *j, const clipspan_run_info *info, clipspan_error *err)
{
    static const cli_effect_kind first[] = {CLI_EFFECT_NOTHING, CLI_EFFECT_MLPS, CLI_EFFECT_CLASS,
                                            CLI_EFFECT_BOTH};
    int l, h;
    for (size_t i = 0; i < 4; i++)
        CS_TRY(add_row(j, first[i], -1, -1, err));
    for (l = 0; l < info->layers; l++)
        CS_TRY(add_row(j, CLI_EFFECT_UNTIL, l, -1, err));
    for (l = 0; l < info->layers; l++)
        CS_TRY(add_row(j, CLI_EFFECT_LAYER, l, -1, err));
    for (l = -1; l < info->layers; l++)
        CS_TRY(add_row(j, CLI_EFFECT_MLP, l, -1, err));
    for (l = 0; l < info->layers; l++)
        for (h = 0; h < info->heads; h++)
            CS_TRY(add_row(j, CLI_EFFECT_HEAD, l, h, err));
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
            to[count++] = (clipspan_change){.term = CLIPSPAN_TERM_MLP, .layer = l};
    if (row->kind == CLI_EFFECT_CLASS || row->kind == CLI_EFFECT_BOTH)
        for (l = 0; l < info->layers; l++)
            to[count++] = (clipspan_change){.term = CLIPSPAN_TERM_CLASS_PART, .layer = l};
    if (row->kind == CLI_EFFECT_UNTIL || row->kind == CLI_EFFECT_LAYER)
        for (l = row->kind == CLI_EFFECT_UNTIL ? 0 : row->layer; l <= row->layer; l++)
            for (h = 0; h < info->heads; h++)
                to[count++] = (clipspan_change){.layer = l, .head = h};
    if (row->kind == CLI_EFFECT_MLP)
        to[count++] = (clipspan_change){.term = CLIPSPAN_TERM_MLP, .layer = row->layer};
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
        row->pictures++;
        row->correct += (uint64_t)good;
        sum += margins[i];
        if (ev->groups[i] < 0) continue;
        groups[2 * ev->groups[i]]++;
        groups[2 * ev->groups[i] + 1] += (uint64_t)good;
    }
    row->accuracy = row->pictures ? (double)row->correct / (double)row->pictures : 0.0;
    row->margin = row->pictures ? sum / (double)row->pictures : 0.0;
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

static clipspan_status take_room(job *j, const clipspan_run_info *info, clipspan_error *err)
{
    const size_t T = (size_t)info->layers * (size_t)(info->heads + 2) + 1, N = j->ev.N;
    j->changes = cs_alloc(PIECE * T, sizeof *j->changes, "edits", err);
    j->edits = cs_alloc(PIECE, sizeof *j->edits, "edits", err);
    j->predicted = cs_alloc(PIECE, N * sizeof *j->predicted, "predictions", err);
    j->margins = cs_alloc(PIECE, N * sizeof *j->margins, "margins", err);
    j->list.groups = cs_alloc(j->ev.group_count, 2 * sizeof *j->list.groups, "groups", err);
    return j->changes && j->edits && j->predicted && j->margins && j->list.groups
               ? CLIPSPAN_OK
               : CLIPSPAN_E_NOMEM;
}

static clipspan_status run_rows(job *j, const clipspan_run_info *info, clipspan_error *err)
{
    cli_session *s = j->ev.session;
    clipspan_status status = CLIPSPAN_OK;
    cli_progress_begin(s, "edits");
    for (size_t first = 0; first < j->list.count && status == CLIPSPAN_OK; first += PIECE) {
        const size_t some = j->list.count - first < PIECE ? j->list.count - first : PIECE;
        clipspan_change *next = j->changes;
        for (size_t i = 0; i < some; i++) {
            j->edits[i].changes = next;
            j->edits[i].count = make_changes(next, &j->list.rows[first + i], info);
            next += j->edits[i].count;
        }
        status = clipspan_effects_run(j->predicted, j->margins, NULL, j->ev.effects,
                                      j->ev.mean_effects, j->edits, some, j->ev.labels, err);
        for (size_t i = 0; i < some && status == CLIPSPAN_OK; i++)
            score(&j->list.rows[first + i], &j->ev, j->predicted + i * j->ev.N,
                  j->margins + i * j->ev.N, j->list.groups);
        cli_progress_step(s, first + some, j->list.count);
        if (status == CLIPSPAN_OK) status = cli_keep_going(s, err);
    }
    cli_progress_end(s);
    cli_stage(s, "terms ablated");
    return status;
}

/* Variance shares from statistics beside the rows that are single terms. */
static clipspan_status add_strengths(job *j, const clipspan_run_info *info, clipspan_error *err)
{
    const size_t L = (size_t)info->layers, H = (size_t)info->heads;
    clipspan_strength *all = cs_alloc(L * H + 2 * L + 1, sizeof *all, "strengths", err);
    clipspan_status status;
    if (!all) return CLIPSPAN_E_NOMEM;
    status = clipspan_run_read_strengths(all, all + L * H, all + L * H + L, NULL, j->ev.run, err);
    for (size_t i = 0; i < j->list.count && status == CLIPSPAN_OK; i++) {
        cli_effect *row = &j->list.rows[i];
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

static clipspan_status make_spans(job *j, const clipspan_run_info *info, clipspan_error *err)
{
    cli_session *s = j->ev.session;
    const cli_settings *x = &s->settings;
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
    j->list.first_layer = first;
    j->list.span_layers = layers;
    j->span_count = (size_t)layers * (size_t)info->heads;
    heads = cs_alloc(j->span_count, sizeof *heads, "heads", err);
    j->spans = cs_alloc_zero(j->span_count, sizeof *j->spans, "heads", err);
    status = heads && j->spans ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < j->span_count && status == CLIPSPAN_OK; i++)
        heads[i] = (clipspan_head){first + (int)i / info->heads, (int)i % info->heads};
    options.picks = x->picks ? (int)x->picks : 60;
    options.resamples = -1;
    options.threads = (int)x->threads;
    if (status == CLIPSPAN_OK) {
        cli_progress_begin(s, "heads");
        status = clipspan_span_new_run(j->spans, j->ev.mean_run ? j->ev.mean_run : j->ev.run, heads,
                                       j->span_count, j->pool_bank, &options, &progress, err);
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

/* Different texts among the first `picks` of all heads. */
static clipspan_status count_texts(size_t *out, const job *j, int picks, clipspan_error *err)
{
    size_t *texts = cs_alloc(j->span_count * (size_t)picks, sizeof *texts, "texts", err), count = 0;
    *out = 0;
    if (!texts) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < j->span_count; i++) {
        const clipspan_pick *pick = clipspan_span_get_picks(j->spans[i]);
        const int some = clipspan_span_get_info(j->spans[i])->picks;
        for (int k = 0; k < picks && k < some; k++)
            texts[count++] = pick[k].text;
    }
    qsort(texts, count, sizeof *texts, compare_numbers);
    for (size_t i = 0; i < count; i++)
        *out += i == 0 || texts[i] != texts[i - 1];
    cs_free(texts);
    return CLIPSPAN_OK;
}

static clipspan_status run_texts(job *j, const clipspan_run_info *info, clipspan_error *err)
{
    const char *name;
    const int most = j->ev.session->settings.picks ? (int)j->ev.session->settings.picks : 60;
    CS_TRY(cli_pool_open(&j->pool, &name, j->ev.session, err));
    CS_TRY(cli_pool_embed(&j->pool_bank, &j->ev, j->pool, err));
    CS_TRY(make_spans(j, info, err));
    for (size_t i = 0; i <= sizeof tried / sizeof *tried; i++) {
        const int picks = i < sizeof tried / sizeof *tried && tried[i] < most ? tried[i] : most;
        cli_effect *row;
        CS_TRY(add_row(j, CLI_EFFECT_TEXTS, -1, -1, err));
        row = &j->list.rows[j->list.count - 1];
        row->picks = picks;
        CS_TRY(count_texts(&row->texts, j, picks, err));
        CS_TRY(clipspan_effects_run_spans(
            j->predicted, j->margins, j->ev.effects, j->ev.mean_effects,
            (const clipspan_span *const *)j->spans, j->span_count, picks, j->ev.labels, err));
        score(row, &j->ev, j->predicted, j->margins, j->list.groups);
        if (picks == most) break;
    }
    cli_stage(j->ev.session, "heads replaced by their texts");
    return CLIPSPAN_OK;
}

static clipspan_status run(job *j, cli_session *s, clipspan_error *err)
{
    const clipspan_run_info *info;
    CS_TRY(cli_evaluation_open(&j->ev, s, s->settings.pool != NULL, err));
    CS_TRY(cli_evaluation_start(&j->ev, NULL, 0, err));
    info = clipspan_run_get_info(j->ev.run);
    if (!s->settings.pool && (s->settings.layers || s->settings.picks))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--layers and --picks say which heads become how many texts; name the pool "
                       "of texts with --texts");
    CS_TRY(take_room(j, info, err));
    CS_TRY(plan_rows(j, info, err));
    CS_TRY(run_rows(j, info, err));
    if (s->settings.pool) CS_TRY(run_texts(j, info, err));
    CS_TRY(add_strengths(j, info, err));
    return cli_effects_show(&j->ev, &j->list, err);
}

clipspan_status cli_run_effects(cli_session *s, clipspan_error *err)
{
    job j;
    clipspan_status status;
    memset(&j, 0, sizeof j);
    status = run(&j, s, err);
    for (size_t i = 0; j.spans && i < j.span_count; i++)
        clipspan_span_free(&j.spans[i]);
    cs_free(j.spans);
    clipspan_bank_free(&j.pool_bank);
    clipspan_texts_free(&j.pool);
    cs_free(j.list.rows);
    cs_free(j.list.groups);
    cs_free(j.changes);
    cs_free(j.edits);
    cs_free(j.predicted);
    cs_free(j.margins);
    cli_evaluation_close(&j.ev);
    return status;
}
