/* SPDX-License-Identifier: MIT */
/* Which components each row mean-ablates, and what comes of it. */
#include "study/effects_table.h"
#include "base/memory.h"
#include "study/effects_items.h"
#include "study/strengths.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PIECE 64 /* edits at a time */

static const int steps[] = {1, 2, 5, 10, 20, 40, 60, 100, 200, 500, 1000};
#define STEPS (sizeof steps / sizeof *steps)

/* What the figures of some rows are computed in. */
typedef struct work {
    const cs_evaluation *ev;
    clipspan_change *changes; /* of one piece's edits */
    clipspan_edit *edits;     /* [PIECE] */
    uint32_t *predicted;      /* [PIECE, N] */
    double *margins;          /* [PIECE, N] */
    uint64_t *groups;         /* [groups, 2] images, right ones */
} work;

clipspan_status cs_effects_table_new(cs_effects_table **out, const clipspan_evaluation_info *facts,
                                     clipspan_error *err)
{
    cs_effects_table *t = cs_alloc_zero(1, sizeof *t, "effects", err);
    clipspan_status status;
    *out = NULL;
    if (!t) return CLIPSPAN_E_NOMEM;
    t->info.evaluation = &t->facts.info;
    status = cs_facts_copy(&t->facts, facts, err);
    if (status != CLIPSPAN_OK) cs_effects_table_free(&t);
    *out = t;
    return status;
}

void cs_effects_table_free(cs_effects_table **table)
{
    if (!table || !*table) return;
    cs_facts_fini(&(*table)->facts);
    cs_free((*table)->rows);
    cs_free(*table);
    *table = NULL;
}

const char *cs_effect_kind_name(clipspan_effect_kind kind)
{
    static const char *const names[] = {"nothing",
                                        "mlps",
                                        "class_self_attention",
                                        "mlps_and_class_self_attention",
                                        "attention_until",
                                        "layer",
                                        "mlp",
                                        "head",
                                        "texts"};
    return names[kind];
}

static void name_row(char out[64], const clipspan_effect *e)
{
    switch (e->kind) {
    case CLIPSPAN_EFFECT_NOTHING: snprintf(out, 64, "nothing"); break;
    case CLIPSPAN_EFFECT_MLPS: snprintf(out, 64, "all MLPs"); break;
    case CLIPSPAN_EFFECT_CLASS_SELF_ATTENTION:
        snprintf(out, 64, "class token to class token");
        break;
    case CLIPSPAN_EFFECT_BOTH: snprintf(out, 64, "both of these"); break;
    case CLIPSPAN_EFFECT_UNTIL: snprintf(out, 64, "attention, layers 0 to %d", e->layer); break;
    case CLIPSPAN_EFFECT_LAYER: snprintf(out, 64, "L%d", e->layer); break;
    case CLIPSPAN_EFFECT_MLP:
        if (e->layer < 0)
            snprintf(out, 64, "input");
        else
            snprintf(out, 64, "L%d.MLP", e->layer);
        break;
    case CLIPSPAN_EFFECT_HEAD: snprintf(out, 64, "L%d.H%d", e->layer, e->head); break;
    case CLIPSPAN_EFFECT_TEXTS:
        snprintf(out, 64, "%d text%s a head", e->texts_per_head, e->texts_per_head == 1 ? "" : "s");
        break;
    }
}

clipspan_status cs_effects_table_add(clipspan_effect **out, cs_effects_table *t,
                                     clipspan_effect_kind kind, int layer, int head, int texts,
                                     clipspan_error *err)
{
    const double unknown = (double)NAN;
    clipspan_effect row = {.kind = kind, .layer = layer, .head = head, .texts_per_head = texts};
    char name[64];
    row.accuracy = row.low = row.high = row.accuracy_drop = unknown;
    row.margin = row.margin_drop = row.worst = row.worst_drop = unknown;
    row.share = row.variance = unknown;
    row.worst_group = -1;
    row.kind_name = cs_effect_kind_name(kind);
    name_row(name, &row);
    CS_TRY(cs_facts_keep(&row.name, &t->facts, name, err));
    CS_TRY(cs_grow(&t->rows, &t->room, t->info.rows + 1, sizeof row, "effects", err));
    t->rows[t->info.rows] = row;
    *out = &t->rows[t->info.rows++];
    return CLIPSPAN_OK;
}

size_t cs_effects_table_size(cs_shape s, int sequence_only)
{
    return 4 + s.L + (sequence_only ? 0 : s.L + s.L + 1 + s.L * s.H);
}

static clipspan_status list_sequence(cs_effects_table *t, cs_shape s, clipspan_error *err)
{
    clipspan_effect *row;
    int kind, l;
    for (kind = CLIPSPAN_EFFECT_NOTHING; kind <= CLIPSPAN_EFFECT_BOTH; kind++)
        CS_TRY(cs_effects_table_add(&row, t, (clipspan_effect_kind)kind, -1, -1, 0, err));
    for (l = 0; l < (int)s.L; l++)
        CS_TRY(cs_effects_table_add(&row, t, CLIPSPAN_EFFECT_UNTIL, l, -1, 0, err));
    return CLIPSPAN_OK;
}

/* Every layer, MLP and head. */
static clipspan_status list_singles(cs_effects_table *t, cs_shape s, clipspan_error *err)
{
    const int L = (int)s.L, H = (int)s.H;
    clipspan_effect *row;
    int l, h;
    for (l = 0; l < L; l++)
        CS_TRY(cs_effects_table_add(&row, t, CLIPSPAN_EFFECT_LAYER, l, -1, 0, err));
    for (l = -1; l < L; l++)
        CS_TRY(cs_effects_table_add(&row, t, CLIPSPAN_EFFECT_MLP, l, -1, 0, err));
    for (l = 0; l < L; l++)
        for (h = 0; h < H; h++)
            CS_TRY(cs_effects_table_add(&row, t, CLIPSPAN_EFFECT_HEAD, l, h, 0, err));
    return CLIPSPAN_OK;
}

/* Changes of one row, from `to` on; how many. */
static size_t make_changes(clipspan_change *to, const clipspan_effect *row, cs_shape s)
{
    const int L = (int)s.L, H = (int)s.H, until = row->kind == CLIPSPAN_EFFECT_UNTIL;
    const int both = row->kind == CLIPSPAN_EFFECT_BOTH;
    size_t count = 0;
    int l, h;
    if (row->kind == CLIPSPAN_EFFECT_MLPS || both)
        for (l = -1; l < L; l++)
            to[count++] = (clipspan_change){.component = CLIPSPAN_COMPONENT_MLP, .layer = l};
    if (row->kind == CLIPSPAN_EFFECT_CLASS_SELF_ATTENTION || both)
        for (l = 0; l < L; l++)
            to[count++] =
                (clipspan_change){.component = CLIPSPAN_COMPONENT_CLASS_SELF_ATTENTION, .layer = l};
    if (until || row->kind == CLIPSPAN_EFFECT_LAYER)
        for (l = until ? 0 : row->layer; l <= row->layer; l++)
            for (h = 0; h < H; h++)
                to[count++] = (clipspan_change){.layer = l, .head = h};
    if (row->kind == CLIPSPAN_EFFECT_MLP)
        to[count++] = (clipspan_change){.component = CLIPSPAN_COMPONENT_MLP, .layer = row->layer};
    if (row->kind == CLIPSPAN_EFFECT_HEAD)
        to[count++] = (clipspan_change){.layer = row->layer, .head = row->head};
    return count;
}

/* Accuracy, margin, worst group of one edit. */
static void score_row(clipspan_effect *row, const work *w, const uint32_t *predicted,
                      const double *margins)
{
    const cs_evaluation *ev = w->ev;
    uint64_t counted = 0;
    clipspan_share all;
    double sum = 0.0;
    memset(w->groups, 0, 2 * ev->facts.info.groups * sizeof *w->groups);
    for (size_t i = 0; i < ev->N; i++) {
        const int good = ev->labels[i] >= 0 && predicted[i] == (uint32_t)ev->labels[i];
        if (ev->labels[i] < 0) continue;
        counted++;
        row->correct += (uint64_t)good;
        sum += margins[i];
        if (ev->groups[i] < 0) continue;
        w->groups[2 * ev->groups[i]]++;
        w->groups[2 * ev->groups[i] + 1] += (uint64_t)good;
    }
    all = cs_share_of(row->correct, counted);
    row->accuracy = all.share;
    row->low = all.low;
    row->high = all.high;
    row->margin = counted ? sum / (double)counted : (double)NAN;
    for (size_t g = 0; g < ev->facts.info.groups; g++) {
        const uint64_t *group = w->groups + 2 * g;
        double share;
        if (!group[0]) continue;
        share = (double)group[1] / (double)group[0];
        if (row->worst_group >= 0 && share >= row->worst) continue;
        row->worst = share;
        row->worst_group = (int32_t)g;
    }
}

void cs_effects_table_subtract(cs_effects_table *t)
{
    for (size_t i = 0; i < t->info.rows; i++) {
        clipspan_effect *e = &t->rows[i];
        e->accuracy_drop = t->rows[0].accuracy - e->accuracy;
        e->margin_drop = t->rows[0].margin - e->margin;
        e->worst_drop = t->rows[0].worst - e->worst;
    }
}

static void free_work(work *w)
{
    cs_free(w->changes);
    cs_free(w->edits);
    cs_free(w->predicted);
    cs_free(w->margins);
    cs_free(w->groups);
}

/* Room for `piece` edits at a time. To be given back in any case. */
static clipspan_status make_work(work *w, const cs_evaluation *ev, size_t piece,
                                 clipspan_error *err)
{
    const size_t T = cs_effects_components(ev->effects);
    *w = (work){.ev = ev};
    w->changes = cs_alloc(piece * T, sizeof *w->changes, "edits", err);
    w->edits = cs_alloc(piece, sizeof *w->edits, "edits", err);
    w->predicted = cs_alloc(piece, ev->N * sizeof *w->predicted, "predictions", err);
    w->margins = cs_alloc(piece, ev->N * sizeof *w->margins, "margins", err);
    w->groups = cs_alloc(ev->facts.info.groups, 2 * sizeof *w->groups, "groups", err);
    return w->changes && w->edits && w->predicted && w->margins && w->groups ? CLIPSPAN_OK
                                                                             : CLIPSPAN_E_NOMEM;
}

static clipspan_status run_piece(clipspan_effect *rows, size_t count, work *w, clipspan_error *err)
{
    const cs_evaluation *ev = w->ev;
    const cs_shape s = cs_effects_shape(ev->effects);
    clipspan_change *next = w->changes;
    for (size_t i = 0; i < count; i++) {
        w->edits[i].changes = next;
        w->edits[i].count = make_changes(next, &rows[i], s);
        next += w->edits[i].count;
    }
    CS_TRY(cs_effects_run_changes(w->predicted, w->margins, NULL, ev->effects, ev->means, w->edits,
                                  count, ev->labels, err));
    for (size_t i = 0; i < count; i++)
        score_row(&rows[i], w, w->predicted + i * ev->N, w->margins + i * ev->N);
    return CLIPSPAN_OK;
}

/* Shares of the variance beside the rows that are one component. */
static clipspan_status add_strengths(cs_effects_table *t, const cs_evaluation *ev,
                                     clipspan_error *err)
{
    const cs_shape s = cs_effects_shape(ev->effects);
    const size_t L = s.L, H = s.H;
    clipspan_variance_share *all = cs_alloc(L * H + 2 * L + 1, sizeof *all, "strengths", err);
    clipspan_status status;
    if (!all) return CLIPSPAN_E_NOMEM;
    status = cs_strengths_read(all, all + L * H, all + L * H + L, NULL,
                               cs_effects_run_of(ev->effects), err);
    for (size_t i = 0; i < t->info.rows && status == CLIPSPAN_OK; i++) {
        clipspan_effect *e = &t->rows[i];
        const size_t at = e->kind == CLIPSPAN_EFFECT_HEAD ? (size_t)e->layer * H + (size_t)e->head
                          : e->kind == CLIPSPAN_EFFECT_LAYER ? L * H + (size_t)e->layer
                                                             : L * H + L + (size_t)(e->layer + 1);
        if (e->kind < CLIPSPAN_EFFECT_LAYER || e->kind > CLIPSPAN_EFFECT_HEAD) continue;
        e->share = all[at].share;
        e->variance = all[at].variance;
    }
    cs_free(all);
    return status;
}

clipspan_status cs_effects_table_run(cs_effects_table *t, const cs_evaluation *ev,
                                     int sequence_only, const cs_progress_part *part,
                                     clipspan_error *err)
{
    clipspan_status status;
    work w;
    CS_TRY_DONE(make_work(&w, ev, PIECE, err));
    CS_TRY_DONE(list_sequence(t, cs_effects_shape(ev->effects), err));
    if (!sequence_only) CS_TRY_DONE(list_singles(t, cs_effects_shape(ev->effects), err));
    for (size_t first = 0; first < t->info.rows; first += PIECE) {
        const size_t some = t->info.rows - first < PIECE ? t->info.rows - first : PIECE;
        CS_TRY_DONE(run_piece(t->rows + first, some, &w, err));
        CS_TRY_DONE(cs_progress_tell(part, first + some, err));
    }
    status = add_strengths(t, ev, err);
    cs_effects_table_subtract(t);
done:
    free_work(&w);
    return status;
}

size_t cs_effects_table_steps(int most)
{
    size_t i = 0;
    while (i < STEPS && steps[i] < most)
        i++;
    return i + 1;
}

clipspan_status cs_effects_table_texts(cs_effects_table *t, const cs_evaluation *ev,
                                       const cs_head_texts *heads, size_t count, int most,
                                       const cs_progress_part *part, clipspan_error *err)
{
    const size_t rows = cs_effects_table_steps(most);
    clipspan_status status;
    work w;
    CS_TRY_DONE(make_work(&w, ev, 1, err));
    for (size_t i = 0; i < rows; i++) {
        const int texts = i + 1 < rows ? steps[i] : most;
        clipspan_effect *row;
        CS_TRY_DONE(cs_effects_table_add(&row, t, CLIPSPAN_EFFECT_TEXTS, -1, -1, texts, err));
        CS_TRY_DONE(cs_effects_count_texts(&row->texts, heads, count, texts, err));
        CS_TRY_DONE(cs_effects_run_texts(w.predicted, w.margins, ev->effects, ev->means, heads,
                                         count, texts, ev->labels, err));
        score_row(row, &w, w.predicted, w.margins);
        CS_TRY_DONE(cs_progress_tell(part, i + 1, err));
    }
    cs_effects_table_subtract(t);
done:
    free_work(&w);
    return status;
}
