/* SPDX-License-Identifier: MIT */
/* Readers and means along classes and cues, from a run's output map and statistics. */
#include "study/effects.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "study/effects_inside.h"
#include "tensor/moments.h"

#include <clipspan/run.h>
#include <math.h>
#include <string.h>

typedef struct reader_job {
    cs_effects *e;
    const float *output_map; /* [L H, C, P] */
} reader_job;

/* Readers of a head, [C, Q], and the mean of what it says. */
static void make_reader(void *context, size_t head, int lane)
{
    const reader_job *j = context;
    cs_effects *e = j->e;
    const size_t C = e->shape.C, P = e->shape.P, Q = e->Q;
    const double *y = cs_moments_mean(
        cs_head_stats_head(e->stats, e->shape, head / e->shape.H, head % e->shape.H));
    double *to = e->readers + head * C * Q, *mean = e->means + head * Q;
    (void)lane;
    memset(mean, 0, Q * sizeof *mean);
    for (size_t i = 0; i < C; i++)
        for (size_t c = 0; c < Q; c++) {
            const float *a = j->output_map + (head * C + i) * P, *w = e->vectors + c * P;
            double sum = 0.0;
            for (size_t p = 0; p < P; p++)
                sum += (double)a[p] * (double)w[p];
            to[i * Q + c] = sum;
            mean[c] += y[i] * sum;
        }
}

static void mean_of(double *out, const double *vector, const cs_effects *e)
{
    for (size_t c = 0; c < e->Q; c++) {
        out[c] = 0.0;
        for (size_t p = 0; p < e->shape.P; p++)
            out[c] += vector[p] * (double)e->vectors[c * e->shape.P + p];
    }
}

void cs_effects_spread(double *out, const cs_effects *e, size_t head, const double *mix)
{
    const size_t C = e->shape.C, Q = e->Q;
    const double *moments =
        cs_head_stats_head(e->stats, e->shape, head / e->shape.H, head % e->shape.H);
    const double *M = cs_moments_comoments(moments, C), *u = cs_effects_reader(e, head);
    const double n = cs_moments_count(moments), scale = n > 1.0 ? 1.0 / (n - 1.0) : 0.0;
    memset(out, 0, C * sizeof *out);
    for (size_t i = 0; i < C; i++) {
        double x = 0.0;
        for (size_t c = 0; c < Q; c++)
            x += mix[c] == 0.0 ? 0.0 : u[i * Q + c] * mix[c];
        x *= scale;
        for (size_t k = 0; k < C; k++)
            out[k] += M[cs_moments_at(i, k, C)] * x;
    }
}

static clipspan_status note_row(void *context, const cs_image_row *row, clipspan_error *err)
{
    cs_effects *e = context;
    (void)err;
    if (strcmp(row->status, "ok") != 0) return CLIPSPAN_OK;
    e->run_indices[e->N++] = row->run_index;
    e->first_row[row->run_index / CS_CHUNK + 1]++;
    return CLIPSPAN_OK;
}

static clipspan_status find_rows(cs_effects *e, clipspan_error *err)
{
    const clipspan_run_info *info = cs_run_info(e->run);
    const size_t chunks = (size_t)cs_run_tree(e->run)->chunks;
    e->run_indices = cs_alloc((size_t)info->images, sizeof *e->run_indices, "places", err);
    e->first_row = cs_alloc_zero(chunks + 1, sizeof *e->first_row, "places", err);
    if (!e->run_indices || !e->first_row) return CLIPSPAN_E_NOMEM;
    CS_TRY(cs_run_images(e->run, 0, info->images, note_row, e, err));
    for (size_t c = 0; c < chunks; c++)
        e->first_row[c + 1] += e->first_row[c];
    if (e->N > 0) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, info->path, "has no image that could be used");
}

static clipspan_status take_room(cs_effects *e, clipspan_error *err)
{
    const size_t LH = e->shape.L * e->shape.H, C = e->shape.C, Q = e->Q;
    const size_t gains = e->cues * (LH + 1) * e->classes;
    size_t sums, readers;
    if (!cs_size_mul(&sums, e->N, Q) || !cs_size_mul(&readers, LH * C, Q))
        return cs_fail(err, CLIPSPAN_E_NOMEM, "out of memory: too many classes at once");
    e->stats = cs_alloc(cs_head_stats_size(e->shape), sizeof *e->stats, "statistics", err);
    e->readers = cs_alloc(readers, sizeof *e->readers, "readers", err);
    e->means = cs_alloc_zero((e->T + 1) * Q, sizeof *e->means, "means", err);
    e->gains = cs_alloc_zero(gains, sizeof *e->gains, "gains", err);
    e->shifts = cs_alloc_zero(gains, sizeof *e->shifts, "gains", err);
    e->projection = cs_alloc_zero(e->cues * e->classes, sizeof *e->projection, "gains", err);
    e->learned = cs_alloc_zero(e->cues * (LH + 1), 1, "gains", err);
    e->confined = cs_alloc_zero(e->cues, sizeof *e->confined, "gains", err);
    e->groups = cs_alloc(e->N, sizeof *e->groups, "answers", err);
    e->sums = cs_alloc(sums, sizeof *e->sums, "scores of all images", err);
    e->kept = cs_alloc_zero(e->T, sizeof *e->kept, "scores", err);
    return e->stats && e->readers && e->means && e->gains && e->shifts && e->projection &&
                   e->learned && e->confined && e->groups && e->sums && e->kept
               ? CLIPSPAN_OK
               : CLIPSPAN_E_NOMEM;
}

/* Images by answer, and whose answers these are. */
static clipspan_status find_groups(cs_effects *e, cs_effects *like, clipspan_error *err)
{
    const float *cues = e->vectors + e->classes * e->shape.P;
    if (like && (like->run != e->run || like->cues != e->cues ||
                 memcmp(cues, like->vectors + like->classes * like->shape.P,
                        e->cues * e->shape.P * sizeof *cues) != 0))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "like: expected effects of the same run with the same cues");
    e->like = like;
    e->group_count = like ? like->group_count : e->classes;
    for (size_t i = 0; i < e->N; i++)
        e->groups[i] =
            like ? like->groups[i] : (uint32_t)cs_best_class(e->sums + i * e->Q, e->classes);
    return CLIPSPAN_OK;
}

static clipspan_status read_all(cs_effects *e, const clipspan_progress *progress,
                                clipspan_error *err)
{
    const size_t LH = e->shape.L * e->shape.H, L = e->shape.L;
    clipspan_status status = CLIPSPAN_E_NOMEM;
    float *output_map =
        cs_alloc(LH, e->shape.C * e->shape.P * sizeof *output_map, "output maps", err);
    reader_job job = {e, output_map};
    size_t i;
    if (!output_map) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(cs_run_output_map(output_map, e->run, err));
    CS_TRY_DONE(cs_run_statistics(e->stats, e->run, err));
    cs_parallel_for(LH, e->threads, make_reader, &job);
    for (i = 0; i <= L; i++)
        mean_of(e->means + (LH + i) * e->Q,
                cs_head_stats_component(e->stats, e->shape, CS_COMPONENT_MLP, i), e);
    for (i = 0; i < L; i++)
        mean_of(e->means + (LH + L + 1 + i) * e->Q,
                cs_head_stats_component(e->stats, e->shape, CS_COMPONENT_CLASS_SELF_ATTENTION, i),
                e);
    mean_of(e->means + e->T * e->Q, cs_head_stats_embedding(e->stats, e->shape), e);
    CS_TRY_DONE(cs_effects_read_sums(e, progress, err));
    cs_effects_project(e);
done:
    cs_free(output_map);
    return status;
}

clipspan_status cs_effects_new(cs_effects **out, const cs_run *run, const cs_effects_wish *wish,
                               const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    cs_effects *e;
    size_t P;
    *out = NULL;
    CS_TRY(cs_run_need_merged(run, err));
    CS_TRY(cs_run_need_contributions(run, err));
    e = cs_alloc_zero(1, sizeof *e, "effects", err);
    if (!e) return CLIPSPAN_E_NOMEM;
    e->run = run;
    e->shape = cs_run_shape(run);
    P = e->shape.P;
    e->classes = wish->class_count;
    e->cues = wish->cue_count;
    e->Q = e->classes + e->cues;
    e->T = e->shape.L * e->shape.H + 2 * e->shape.L + 1;
    e->threads = wish->threads;
    e->memory = wish->memory;
    e->vectors = cs_alloc(e->Q, P * sizeof *e->vectors, "class vectors", err);
    if (!e->vectors) goto done;
    memcpy(e->vectors, wish->classes, e->classes * P * sizeof *e->vectors);
    if (e->cues) memcpy(e->vectors + e->classes * P, wish->cues, e->cues * P * sizeof *e->vectors);
    CS_TRY_DONE(find_rows(e, err));
    CS_TRY_DONE(take_room(e, err));
    CS_TRY_DONE(read_all(e, progress, err));
    CS_TRY_DONE(find_groups(e, wish->like, err));
    *out = e;
    e = NULL;
done:
    cs_effects_free(&e);
    return status;
}

void cs_effects_free(cs_effects **effects)
{
    cs_effects *e = effects ? *effects : NULL;
    if (!e) return;
    for (size_t t = 0; e->kept && t < e->T; t++)
        cs_free(e->kept[t]);
    cs_free(e->kept);
    for (size_t i = 0; e->confined && i < e->cues; i++)
        cs_free(e->confined[i]);
    cs_free(e->confined);
    cs_free(e->vectors);
    cs_free(e->stats);
    cs_free(e->readers);
    cs_free(e->means);
    cs_free(e->gains);
    cs_free(e->shifts);
    cs_free(e->projection);
    cs_free(e->learned);
    cs_free(e->groups);
    cs_free(e->sums);
    cs_free(e->run_indices);
    cs_free(e->first_row);
    cs_free(e);
    *effects = NULL;
}

size_t cs_effects_components(const cs_effects *e)
{
    return e->T;
}

size_t cs_effects_mlp_component(const cs_effects *e, size_t index)
{
    return e->shape.L * e->shape.H + index;
}

size_t cs_effects_self_component(const cs_effects *e, size_t layer)
{
    return e->shape.L * e->shape.H + e->shape.L + 1 + layer;
}

const cs_run *cs_effects_run_of(const cs_effects *e)
{
    return e->run;
}

cs_shape cs_effects_shape(const cs_effects *e)
{
    return e->shape;
}

const float *cs_effects_vectors(const cs_effects *e)
{
    return e->vectors;
}

int cs_effects_threads(const cs_effects *e)
{
    return e->threads;
}

size_t cs_effects_rows(const cs_effects *e)
{
    return e->N;
}

size_t cs_effects_classes(const cs_effects *e)
{
    return e->classes;
}

size_t cs_effects_columns(const cs_effects *e)
{
    return e->Q;
}

const uint64_t *cs_effects_run_indices(const cs_effects *e)
{
    return e->run_indices;
}

const double *cs_effects_sums(const cs_effects *e)
{
    return e->sums;
}

const uint32_t *cs_effects_groups(const cs_effects *e, size_t *count)
{
    *count = e->group_count;
    return e->groups;
}

const double *cs_effects_mean(const cs_effects *e, size_t component)
{
    return e->means + (component == CS_EDIT_WHOLE ? e->T : component) * e->Q;
}

const double *cs_effects_reader(const cs_effects *e, size_t head)
{
    return e->readers + head * e->shape.C * e->Q;
}

const double *cs_effects_kept(const cs_effects *e, size_t component)
{
    return e->kept[component];
}
