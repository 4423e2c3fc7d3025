/* SPDX-License-Identifier: MIT */
/* Edits over all images of a run, a stretch of chunks at a time, edits and pieces of the stretch
 * side by side. */
#include "base/memory.h"
#include "base/parallel.h"
#include "study/effects_inside.h"

#include <string.h>

#define PIECE 256 /* rows that one thread works on */

/* Where results of one edit go; any may be NULL. */
typedef struct answers {
    uint32_t *predicted;
    double *margins, *scores;
    const int32_t *labels;
} answers;

typedef struct edit_job {
    cs_effects *e;
    const cs_edit *edits;
    size_t count;
    answers to;
    const size_t *slot; /* [T] which of `said` a component is */
    double **said;      /* [Q wide] of the stretch's rows, or of all rows where `whole` */
    int whole;
    size_t first, rows; /* of the stretch */
    double *room;       /* [threads, PIECE, classes] */
} edit_job;

static void give(const answers *to, size_t edit, const double *scores, size_t row, size_t N,
                 size_t classes)
{
    const size_t at = edit * N + row;
    if (to->predicted) to->predicted[at] = (uint32_t)cs_best_class(scores, classes);
    if (to->margins)
        to->margins[at] = cs_margin_of(scores, classes, to->labels ? to->labels[row] : -1);
    if (to->scores) memcpy(to->scores + at * classes, scores, classes * sizeof *scores);
}

static void run_piece(void *context, size_t index, int lane)
{
    const edit_job *j = context;
    const cs_effects *e = j->e;
    const size_t pieces = (j->rows + PIECE - 1) / PIECE, edit = index / pieces;
    const size_t from = index % pieces * PIECE, classes = e->classes;
    const size_t rows = j->rows - from < PIECE ? j->rows - from : PIECE, row = j->first + from;
    double *scores = j->room + (size_t)lane * PIECE * classes;
    for (size_t i = 0; i < rows; i++)
        memcpy(scores + i * classes, e->sums + (row + i) * e->Q, classes * sizeof *scores);
    for (size_t k = 0; k < j->edits[edit].count; k++) {
        const cs_edit_item *item = &j->edits[edit].items[k];
        const double *said = item->component == CS_EDIT_WHOLE ? e->sums + row * e->Q
                             : j->whole ? j->said[j->slot[item->component]] + row * e->Q
                                        : j->said[j->slot[item->component]] + from * e->Q;
        cs_edit_add(scores, item, said, rows, classes, e->Q);
    }
    for (size_t i = 0; i < rows; i++)
        give(&j->to, edit, scores + i * classes, row + i, e->N, classes);
}

/* The components that the edits change. components, slot : [T]; slot is set for those. */
static size_t find_components(size_t *components, size_t *slot, const cs_effects *e,
                              const cs_edit *edits, size_t count)
{
    size_t found = 0;
    for (size_t t = 0; t < e->T; t++)
        slot[t] = (size_t)-1;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < edits[i].count; k++) {
            size_t t = edits[i].items[k].component;
            if (t == CS_EDIT_WHOLE || slot[t] != (size_t)-1) continue;
            slot[t] = found;
            components[found++] = t;
        }
    return found;
}

/* Reads those components that are not kept yet, when there is room. *fits is 0 where there is
 * none. */
static clipspan_status keep(int *fits, cs_effects *e, const size_t *components, size_t count,
                            clipspan_error *err)
{
    const uint64_t one = (uint64_t)e->N * e->Q * sizeof(double);
    clipspan_status status = CLIPSPAN_OK;
    size_t *missing = cs_alloc(e->T, sizeof *missing, "components", err), some = 0, i;
    double **out = cs_alloc_zero(e->T, sizeof *out, "components", err);
    cs_effect_fill fill = {.e = e, .components = missing, .out = out, .width = e->Q};
    *fits = 0;
    if (!missing || !out) status = CLIPSPAN_E_NOMEM;
    for (i = 0; i < count && status == CLIPSPAN_OK; i++)
        if (!e->kept[components[i]]) missing[some++] = components[i];
    if (status != CLIPSPAN_OK || some * one > e->memory - e->kept_bytes) goto done;
    for (i = 0; i < some && status == CLIPSPAN_OK; i++) {
        out[i] = cs_alloc(e->N, e->Q * sizeof **out, "scores of components", err);
        if (!out[i]) status = CLIPSPAN_E_NOMEM;
    }
    fill.count = some;
    if (status == CLIPSPAN_OK)
        status = cs_effects_fill(&fill, 0, (size_t)cs_run_tree(e->run)->chunks, err);
    for (i = 0; i < some; i++) {
        if (status == CLIPSPAN_OK)
            e->kept[missing[i]] = out[i];
        else
            cs_free(out[i]);
    }
    if (status == CLIPSPAN_OK) e->kept_bytes += some * one;
    *fits = status == CLIPSPAN_OK;
done:
    cs_free(missing);
    cs_free(out);
    return status;
}

static void run_pieces(edit_job *j)
{
    const size_t pieces = (j->rows + PIECE - 1) / PIECE;
    cs_parallel_for(pieces * j->count, j->e->threads, run_piece, j);
}

static clipspan_status run_whole(edit_job *j, const size_t *components, size_t count)
{
    for (size_t i = 0; i < count; i++)
        j->said[i] = j->e->kept[components[i]];
    j->whole = 1;
    j->rows = j->e->N;
    run_pieces(j);
    return CLIPSPAN_OK;
}

static clipspan_status run_stretches(edit_job *j, const size_t *components, size_t count,
                                     clipspan_error *err)
{
    cs_effects *e = j->e;
    const size_t chunks = (size_t)cs_run_tree(e->run)->chunks;
    const uint64_t row_bytes = (uint64_t)count * e->Q * sizeof(double);
    cs_effect_fill fill = {
        .e = e, .components = components, .out = j->said, .count = count, .width = e->Q};
    clipspan_status status = CLIPSPAN_OK;
    size_t room = cs_effects_stretch(e, 0, row_bytes, e->memory) * CS_CHUNK, c, end, i;
    for (i = 0; i < count && status == CLIPSPAN_OK; i++) {
        j->said[i] = cs_alloc(room, e->Q * sizeof **j->said, "scores of components", err);
        if (!j->said[i]) status = CLIPSPAN_E_NOMEM;
    }
    for (c = 0; c < chunks && status == CLIPSPAN_OK; c = end) {
        end = c + room / CS_CHUNK < chunks ? c + room / CS_CHUNK : chunks;
        j->first = e->first_row[c];
        j->rows = e->first_row[end] - j->first;
        status = cs_effects_fill(&fill, c, end, err);
        if (status == CLIPSPAN_OK) run_pieces(j);
    }
    for (i = 0; i < count; i++)
        cs_free(j->said[i]);
    return status;
}

clipspan_status cs_effects_run(uint32_t *predicted, double *margins, double *scores, cs_effects *e,
                               const cs_edit *edits, size_t count, const int32_t *labels,
                               clipspan_error *err)
{
    edit_job j = {
        .e = e, .edits = edits, .count = count, .to = {predicted, margins, scores, labels}};
    size_t *components = cs_alloc(2 * e->T, sizeof *components, "components", err), found;
    clipspan_status status = CLIPSPAN_E_NOMEM;
    int fits;
    j.said = cs_alloc_zero(e->T, sizeof *j.said, "components", err);
    j.room = cs_alloc((size_t)e->threads * PIECE, e->classes * sizeof *j.room, "scores", err);
    if (!components || !j.said || !j.room) goto done;
    j.slot = components + e->T;
    found = find_components(components, components + e->T, e, edits, count);
    CS_TRY_DONE(keep(&fits, e, components, found, err));
    status = fits ? run_whole(&j, components, found) : run_stretches(&j, components, found, err);
done:
    cs_free(components);
    cs_free(j.said);
    cs_free(j.room);
    return status;
}

clipspan_status cs_effects_keep_heads(cs_effects *e, clipspan_error *err)
{
    const size_t LH = e->shape.L * e->shape.H;
    clipspan_status status;
    size_t *components = cs_alloc(LH, sizeof *components, "components", err), i;
    int fits;
    if (!components) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < LH; i++)
        components[i] = i;
    status = keep(&fits, e, components, LH, err);
    cs_free(components);
    if (status != CLIPSPAN_OK || fits) return status;
    return cs_fail(err, CLIPSPAN_E_LIMIT,
                   "what %zu heads say about %zu images takes %.1f GB, more than the %.1f GB that "
                   "may be kept; scan fewer images",
                   LH, e->N, (double)LH * (double)e->N * (double)e->Q * 8e-9,
                   (double)e->memory * 1e-9);
}

/* ---- Heads as another map of their coefficients has them ---- */

/* mean_y . v of every head: [classes], added up with the heads' own means. */
static void constant_of(double *out, const cs_effects *e, const cs_effects *source,
                        const size_t *heads, size_t count, const double *readers)
{
    const size_t LH = e->shape.L * e->shape.H, C = e->shape.C;
    memset(out, 0, e->classes * sizeof *out);
    for (size_t h = 0; h < LH; h++)
        for (size_t c = 0; c < e->classes; c++)
            out[c] += source->means[h * source->Q + c];
    for (size_t i = 0; i < count; i++) {
        const double *moments = cs_head_stats_head(source->stats, source->shape,
                                                   heads[i] / e->shape.H, heads[i] % e->shape.H);
        const double *y = moments + 1, *v = readers + i * C * e->classes;
        for (size_t k = 0; k < C; k++)
            for (size_t c = 0; c < e->classes; c++)
                out[c] -= y[k] * v[k * e->classes + c];
    }
}

typedef struct replace_job {
    cs_effects *e;
    const double *constant; /* [classes] */
    double **heads, **mlps; /* [count] : [rows, classes]; [L + 1] : [rows, Q] */
    size_t count, classes;
    answers to;
} replace_job;

static void replace_rows(const replace_job *j, size_t first, size_t rows, double *scores)
{
    const cs_effects *e = j->e;
    for (size_t i = 0; i < rows; i++) {
        memcpy(scores, j->constant, j->classes * sizeof *scores);
        for (size_t t = 0; t <= e->shape.L; t++)
            for (size_t c = 0; c < j->classes; c++)
                scores[c] += j->mlps[t][i * e->Q + c];
        for (size_t h = 0; h < j->count; h++)
            for (size_t c = 0; c < j->classes; c++)
                scores[c] += j->heads[h][i * j->classes + c];
        give(&j->to, 0, scores, first + i, e->N, j->classes);
    }
}

/* Both kinds of components, a few chunks at a time. components : [count] heads, then [L + 1] MLP
 * contributions. */
static clipspan_status run_replaced(replace_job *j, const size_t *components,
                                    const double *const *readers, double *scores,
                                    clipspan_error *err)
{
    cs_effects *e = j->e;
    const size_t chunks = (size_t)cs_run_tree(e->run)->chunks, L1 = e->shape.L + 1;
    const uint64_t row_bytes = (j->count * j->classes + L1 * e->Q) * sizeof(double);
    const size_t step = cs_effects_stretch(e, 0, row_bytes, e->memory), room = step * CS_CHUNK;
    cs_effect_fill heads = {e, components, j->heads, readers, j->count, j->classes};
    cs_effect_fill mlps = {e, components + j->count, j->mlps, NULL, L1, e->Q};
    for (size_t i = 0; i < j->count + L1; i++) {
        double **to = i < j->count ? &j->heads[i] : &j->mlps[i - j->count];
        *to = cs_alloc(room, (i < j->count ? j->classes : e->Q) * sizeof **to, "scores", err);
        if (!*to) return CLIPSPAN_E_NOMEM;
    }
    for (size_t c = 0; c < chunks; c += step) {
        const size_t end = chunks - c < step ? chunks : c + step;
        CS_TRY(cs_effects_fill(&heads, c, end, err));
        CS_TRY(cs_effects_fill(&mlps, c, end, err));
        replace_rows(j, e->first_row[c], e->first_row[end] - e->first_row[c], scores);
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_effects_run_replaced(uint32_t *predicted, double *margins, cs_effects *e,
                                        const cs_effects *source, const size_t *heads, size_t count,
                                        const double *readers, const int32_t *labels,
                                        clipspan_error *err)
{
    const size_t L1 = e->shape.L + 1, all = count + L1;
    replace_job j = {
        .e = e, .count = count, .classes = e->classes, .to = {predicted, margins, NULL, labels}};
    size_t *components = cs_alloc(all, sizeof *components, "components", err);
    const double **maps = cs_alloc(all, sizeof *maps, "components", err);
    double *room = cs_alloc(2, e->classes * sizeof *room, "scores", err);
    clipspan_status status = CLIPSPAN_E_NOMEM;
    j.heads = cs_alloc_zero(all, sizeof *j.heads, "components", err);
    if (components && maps && room && j.heads) {
        j.mlps = j.heads + count;
        j.constant = room;
        constant_of(room, e, source, heads, count, readers);
        for (size_t i = 0; i < all; i++) {
            components[i] = i < count ? heads[i] : cs_effects_mlp_component(e, i - count);
            if (i < count) maps[i] = readers + i * e->shape.C * e->classes;
        }
        status = run_replaced(&j, components, maps, room + e->classes, err);
    }
    for (size_t i = 0; j.heads && i < all; i++)
        cs_free(j.heads[i]);
    cs_free(j.heads);
    cs_free(room);
    cs_free(maps);
    cs_free(components);
    return status;
}
