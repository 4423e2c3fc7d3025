/* SPDX-License-Identifier: MIT */
/* clipspan_stats: statistics of runs of parts, merged like a binary counter, and what follows from
 * them. */
#include "api/decomposition_api.h"
#include "tensor/moments.h"

#include <clipspan/decompose.h>
#include <string.h>

static double *new_array(const clipspan_stats *s, clipspan_error *err)
{
    return cs_alloc_zero(cs_head_stats_size(s->output_map->shape), sizeof(double), "statistics",
                         err);
}

clipspan_status clipspan_stats_new(clipspan_stats **out, clipspan_encoder *encoder,
                                   clipspan_error *err)
{
    clipspan_status status;
    clipspan_stats *s;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !encoder)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_stats_new: out or encoder is NULL");
    if (!encoder->images)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "statistics were asked of a text encoder");
    s = cs_alloc_zero(1, sizeof *s, "statistics", err);
    if (!s) return CLIPSPAN_E_NOMEM;
    s->model = encoder->model;
    s->precision = encoder->options.precision;
    s->threads = encoder->options.threads;
    CS_TRY_DONE(cs_model_output_map(&s->output_map, s->model, s->precision, s->threads, err));
    CS_TRY_DONE(
        cs_head_counter_new(&s->counter, s->output_map, CS_CHUNK, s->threads, s->model->simd, err));
    *out = s;
    s = NULL;
done:
    clipspan_stats_free(&s);
    return status;
}

void clipspan_stats_free(clipspan_stats **stats)
{
    clipspan_stats *s = stats ? *stats : NULL;
    int i;
    if (!s) return;
    for (i = 0; i < CS_STATS_LEVELS; i++)
        cs_free(s->level[i]);
    cs_free(s->merged);
    cs_head_counter_free(&s->counter);
    cs_free(s);
    *stats = NULL;
}

clipspan_status clipspan_stats_add(clipspan_stats *stats, const clipspan_decomposition *parts,
                                   clipspan_error *err)
{
    clipspan_status status;
    double *more;
    int i;
    cs_clear(err);
    if (!stats || !parts)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_stats_add: stats or parts is NULL");
    if (stats->output_map != parts->output_map)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "parts of another model or precision were given to statistics of %s",
                       stats->model->info.name);
    if (parts->count == 0) return CLIPSPAN_OK;
    more = new_array(stats, err);
    if (!more) return CLIPSPAN_E_NOMEM;
    status = cs_head_stats_run(more, stats->counter, parts->coefficients, stats->threads, err);
    if (status != CLIPSPAN_OK) {
        cs_free(more);
        return status;
    }
    for (i = 0; stats->level[i]; i++) { /* the earlier ones stand first */
        cs_head_stats_merge(stats->level[i], more, stats->output_map->shape);
        cs_free(more);
        more = stats->level[i];
        stats->level[i] = NULL;
    }
    stats->level[i] = more;
    return CLIPSPAN_OK;
}

/* Merges from the newest, which is the smallest, to the oldest. */
clipspan_status cs_stats_total(double **out, const clipspan_stats *stats, clipspan_error *err)
{
    size_t bytes = cs_head_stats_size(stats->output_map->shape) * sizeof(double);
    double *sum = new_array(stats, err), *left = new_array(stats, err);
    int i;
    *out = NULL;
    for (i = 0; sum && left && i <= CS_STATS_LEVELS; i++) {
        const double *from = i < CS_STATS_LEVELS ? stats->level[i] : stats->merged;
        double *swap = sum;
        if (!from) continue;
        memcpy(left, from, bytes);
        cs_head_stats_merge(left, sum, stats->output_map->shape);
        sum = left;
        left = swap;
    }
    cs_free(left);
    if (!left) {
        cs_free(sum);
        return CLIPSPAN_E_NOMEM;
    }
    *out = sum;
    return sum ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

clipspan_status clipspan_stats_merge(clipspan_stats *stats, const clipspan_stats *other,
                                     clipspan_error *err)
{
    clipspan_status status;
    double *mine = NULL, *theirs = NULL;
    int i;
    cs_clear(err);
    if (!stats || !other)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_stats_merge: an argument is NULL");
    if (stats->output_map != other->output_map)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "statistics of another model or precision were given to statistics of %s",
                       stats->model->info.name);
    CS_TRY_DONE(cs_stats_total(&theirs, other, err));
    CS_TRY_DONE(cs_stats_total(&mine, stats, err));
    cs_head_stats_merge(mine, theirs, stats->output_map->shape);
    for (i = 0; i < CS_STATS_LEVELS; i++) {
        cs_free(stats->level[i]);
        stats->level[i] = NULL;
    }
    cs_free(stats->merged);
    stats->merged = mine;
    mine = NULL;
done:
    cs_free(mine);
    cs_free(theirs);
    return status;
}

uint64_t clipspan_stats_get_count(const clipspan_stats *stats)
{
    double count = 0.0;
    int i;
    if (!stats) return 0;
    for (i = 0; i < CS_STATS_LEVELS; i++)
        if (stats->level[i]) count += cs_head_stats_count(stats->level[i]);
    if (stats->merged) count += cs_head_stats_count(stats->merged);
    return (uint64_t)count;
}

/* ---- What follows from them ---- */

/* Total of statistics that may be NULL, and room for one direction. */
static clipspan_status start(double **total, double **work, const clipspan_stats *stats,
                             const char *function, clipspan_error *err)
{
    *total = *work = NULL;
    cs_clear(err);
    if (!stats) return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: stats is NULL", function);
    *work = cs_alloc(stats->output_map->shape.P + stats->output_map->shape.C, sizeof **work,
                     "a direction", err);
    if (!*work) return CLIPSPAN_E_NOMEM;
    return cs_stats_total(total, stats, err);
}

static clipspan_variance_share public_share(cs_variance_share from)
{
    clipspan_variance_share s = {from.share, from.variance};
    return s;
}

clipspan_status clipspan_stats_run_variance_shares(clipspan_variance_share *heads,
                                                   clipspan_variance_share *layers,
                                                   clipspan_variance_share *mlps,
                                                   clipspan_variance_share *class_self_attention,
                                                   const clipspan_stats *stats, clipspan_error *err)
{
    clipspan_status status;
    double *total, *work;
    cs_shape s;
    size_t l, h;
    CS_TRY_DONE(start(&total, &work, stats, "clipspan_stats_run_variance_shares", err));
    s = stats->output_map->shape;
    for (l = 0; l < s.L; l++) {
        for (h = 0; heads && h < s.H; h++)
            heads[l * s.H + h] = public_share(cs_head_stats_head_variance_share(
                total, s, l, h, cs_output_map_head(stats->output_map, l, h), work));
        if (layers)
            layers[l] =
                public_share(cs_head_stats_variance_share(total, s, CS_COMPONENT_ATTENTION, l));
        if (class_self_attention)
            class_self_attention[l] = public_share(
                cs_head_stats_variance_share(total, s, CS_COMPONENT_CLASS_SELF_ATTENTION, l));
    }
    for (l = 0; mlps && l <= s.L; l++)
        mlps[l] = public_share(cs_head_stats_variance_share(total, s, CS_COMPONENT_MLP, l));
done:
    cs_free(total);
    cs_free(work);
    return status;
}

static void put(float *out, const double *from, size_t count)
{
    size_t i;
    for (i = 0; out && i < count; i++)
        out[i] = (float)from[i];
}

clipspan_status clipspan_stats_run_means(float *heads, float *layers, float *mlps,
                                         float *class_self_attention, float *embedding,
                                         const clipspan_stats *stats, clipspan_error *err)
{
    clipspan_status status;
    double *total, *work;
    cs_shape s;
    size_t l, h;
    CS_TRY_DONE(start(&total, &work, stats, "clipspan_stats_run_means", err));
    s = stats->output_map->shape;
    for (l = 0; heads && l < s.L; l++)
        for (h = 0; h < s.H; h++) {
            cs_head_stats_head_mean(work, total, s, l, h,
                                    cs_output_map_head(stats->output_map, l, h));
            put(heads + (l * s.H + h) * s.P, work, s.P);
        }
    for (l = 0; layers && l < s.L; l++)
        put(layers + l * s.P, cs_head_stats_component(total, s, CS_COMPONENT_ATTENTION, l), s.P);
    for (l = 0; class_self_attention && l < s.L; l++)
        put(class_self_attention + l * s.P,
            cs_head_stats_component(total, s, CS_COMPONENT_CLASS_SELF_ATTENTION, l), s.P);
    for (l = 0; mlps && l <= s.L; l++)
        put(mlps + l * s.P, cs_head_stats_component(total, s, CS_COMPONENT_MLP, l), s.P);
    put(embedding, cs_head_stats_embedding(total, s), s.P);
done:
    cs_free(total);
    cs_free(work);
    return status;
}

/* Mean and variance of y . u, u : [C]. */
static void along(double *mean, double *variance, const double *moments, const double *u, size_t C)
{
    const double *from = cs_moments_comoments(moments, C);
    double n = cs_moments_count(moments), sum = 0.0;
    size_t i, j;
    if (mean) {
        *mean = 0.0;
        for (i = 0; i < C; i++)
            *mean += cs_moments_mean(moments)[i] * u[i];
    }
    for (i = 0; i < C; i++)
        for (j = i; j < C; j++)
            sum += *from++ * u[i] * u[j] * (i == j ? 1.0 : 2.0);
    if (variance) *variance = n > 1.0 && sum > 0.0 ? sum / (n - 1.0) : 0.0;
}

clipspan_status clipspan_stats_run_direction(double *mean, double *variance,
                                             const clipspan_stats *stats, const float *direction,
                                             clipspan_error *err)
{
    clipspan_status status;
    double *total, *work;
    cs_shape s;
    size_t i, k, p;
    CS_TRY_DONE(start(&total, &work, stats, "clipspan_stats_run_direction", err));
    if (!direction) {
        status =
            cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_stats_run_direction: direction is NULL");
        goto done;
    }
    s = stats->output_map->shape;
    for (i = 0; i < s.L * s.H; i++) {
        const float *rows = cs_output_map_head(stats->output_map, i / s.H, i % s.H);
        for (k = 0; k < s.C; k++) {
            work[k] = 0.0;
            for (p = 0; p < s.P; p++)
                work[k] += (double)rows[k * s.P + p] * (double)direction[p];
        }
        along(mean ? mean + i : NULL, variance ? variance + i : NULL,
              cs_head_stats_head(total, s, i / s.H, i % s.H), work, s.C);
    }
done:
    cs_free(total);
    cs_free(work);
    return status;
}
