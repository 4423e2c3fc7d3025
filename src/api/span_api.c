/* SPDX-License-Identifier: MIT */
/* clipspan_span: TEXTSPAN of chosen heads from statistics. */
#include "api/span_api.h"
#include "api/decomposition_api.h"
#include "base/parallel.h"
#include "decompose/bootstrap.h"
#include "tensor/moments.h"

#include <string.h>

#define BASIS_TEXTS 20 /* by default, as published */

clipspan_status cs_span_check_heads(clipspan_span **out, const clipspan_head *heads, size_t count,
                                    size_t L, size_t H, clipspan_error *err)
{
    size_t i;
    for (i = 0; i < count; i++)
        out[i] = NULL;
    for (i = 0; i < count; i++)
        if (heads[i].layer < 0 || (size_t)heads[i].layer >= L || heads[i].head < 0 ||
            (size_t)heads[i].head >= H)
            return cs_fail(
                err, CLIPSPAN_E_ARGUMENT,
                "head L%d.H%d was asked for; the model has layers 0 to %zu with heads 0 to %zu",
                heads[i].layer, heads[i].head, L - 1, H - 1);
    return CLIPSPAN_OK;
}

clipspan_status cs_span_pool_of(cs_span_pool **out, const clipspan_bank *bank, size_t P,
                                const char *name, const cs_simd *simd, clipspan_error *err)
{
    if (clipspan_bank_get_width(bank) != P)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "the bank's vectors have %zu numbers, embeddings of %s have %zu",
                       clipspan_bank_get_width(bank), name, P);
    return cs_span_pool_new(out, clipspan_bank_get_vectors(bank), clipspan_bank_get_count(bank), P,
                            simd, err);
}

clipspan_status cs_span_take_options(cs_span_options *out, const clipspan_span_options *o,
                                     clipspan_error *err)
{
    if (o->basis_texts < 0 || o->rank < 0 || o->threads < 0 || o->threads > CS_MAX_THREADS ||
        o->resamples < -1 || o->resamples > 100000)
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "TEXTSPAN takes basis texts and rank from 0, threads from 0 to %d and resamples "
            "from -1 to 100,000; found %d, %d, %d and %d",
            CS_MAX_THREADS, o->basis_texts, o->rank, o->threads, o->resamples);
    out->basis_texts = o->basis_texts ? (size_t)o->basis_texts : BASIS_TEXTS;
    out->rank = (size_t)o->rank;
    out->threads = o->threads ? o->threads : cs_threads_default();
    out->resamples = o->resamples ? o->resamples : CS_BOOTSTRAP_RESAMPLES;
    if (out->resamples < 0) out->resamples = 0;
    out->seed = o->seed;
    return CLIPSPAN_OK;
}

static clipspan_status check_blocks(const clipspan_span_options *o, const clipspan_stats *stats,
                                    clipspan_error *err)
{
    size_t i;
    for (i = 0; i < o->block_count; i++)
        if (!o->blocks || !o->blocks[i] || o->blocks[i]->output_map != stats->output_map)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "block %zu of the options is NULL, or of another model or precision", i);
    return CLIPSPAN_OK;
}

/* Moments of the chosen heads of one set of statistics, `stride` numbers apart. */
static clipspan_status copy_heads(double *out, size_t stride, const clipspan_stats *stats,
                                  const clipspan_head *heads, size_t count, clipspan_error *err)
{
    cs_shape shape = stats->output_map->shape;
    double *total;
    size_t i;
    CS_TRY(cs_stats_total(&total, stats, err));
    for (i = 0; i < count; i++)
        memcpy(out + i * stride,
               cs_head_stats_head(total, shape, (size_t)heads[i].layer, (size_t)heads[i].head),
               cs_moments_size(shape.C) * sizeof *out);
    cs_free(total);
    return CLIPSPAN_OK;
}

/* What TEXTSPAN reads of every head: moments : [count, 1 + blocks, size], the whole first. */
static clipspan_status gather(double **moments, cs_span_head **out, const clipspan_stats *stats,
                              const clipspan_head *heads, size_t count,
                              const clipspan_stats *const *blocks, size_t block_count,
                              clipspan_error *err)
{
    size_t size = cs_moments_size(stats->output_map->shape.C), stride = (1 + block_count) * size, i;
    *out = cs_alloc_zero(count, sizeof(**out), "heads", err);
    if (!*out) return CLIPSPAN_E_NOMEM;
    *moments = cs_alloc(count, stride * sizeof(**moments), "the statistics of heads", err);
    if (!*moments) return CLIPSPAN_E_NOMEM;
    CS_TRY(copy_heads(*moments, stride, stats, heads, count, err));
    for (i = 0; i < block_count; i++)
        CS_TRY(copy_heads(*moments + (1 + i) * size, stride, blocks[i], heads, count, err));
    for (i = 0; i < count; i++) {
        cs_span_head *head = &(*out)[i];
        head->output_map =
            cs_output_map_head(stats->output_map, (size_t)heads[i].layer, (size_t)heads[i].head);
        head->moments = *moments + i * stride;
        head->blocks = block_count ? head->moments + size : NULL;
        head->block_count = block_count;
        head->block_stride = size;
    }
    return CLIPSPAN_OK;
}

static clipspan_span_info describe(const cs_span *span, clipspan_head head, size_t texts,
                                   uint64_t seed)
{
    clipspan_span_info info = {head,
                               (uint64_t)span->count,
                               (int)span->C - 3,
                               (int)span->P,
                               texts,
                               (int)span->basis_texts,
                               (int)span->rank,
                               span->total,
                               span->resamples,
                               seed};
    return info;
}

/* Handles around results, which they take over; all or none. */
static clipspan_status wrap(clipspan_span **out, cs_span **spans, const clipspan_head *heads,
                            size_t count, size_t texts, uint64_t seed, clipspan_error *err)
{
    size_t i;
    for (i = 0; i < count; i++) {
        out[i] = cs_alloc_zero(1, sizeof(**out), "a head's basis texts", err);
        if (!out[i]) break;
        out[i]->info = describe(spans[i], heads[i], texts, seed);
        out[i]->span = spans[i];
        spans[i] = NULL;
    }
    if (i == count) return CLIPSPAN_OK;
    for (i = 0; i < count; i++)
        clipspan_span_free(&out[i]);
    return CLIPSPAN_E_NOMEM;
}

clipspan_status cs_span_make(clipspan_span **out, const cs_span_pool *pool,
                             const cs_span_head *known, const clipspan_head *heads, size_t count,
                             size_t C, const cs_span_options *options,
                             const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_status status;
    cs_span **spans = cs_alloc_zero(count, sizeof(*spans), "heads", err);
    size_t i;
    if (!spans) return CLIPSPAN_E_NOMEM;
    status = cs_span_run(spans, pool, known, count, C, options,
                         progress && progress->step ? progress : NULL, err);
    if (status == CLIPSPAN_OK)
        status = wrap(out, spans, heads, count, cs_span_pool_texts(pool), options->seed, err);
    for (i = 0; i < count; i++)
        cs_span_free(&spans[i]);
    cs_free(spans);
    return status;
}

clipspan_status clipspan_span_new(clipspan_span **out, const clipspan_stats *stats,
                                  const clipspan_head *heads, size_t count,
                                  const clipspan_bank *bank, const clipspan_span_options *options,
                                  const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_span_pool *pool = NULL;
    cs_span_head *known = NULL;
    clipspan_span_options wish;
    cs_span_options o = {0};
    cs_span_roles roles = {0};
    double *moments = NULL;
    cs_shape shape;
    size_t blocks;
    cs_clear(err);
    if (!out || !stats || !heads || !bank)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_span_new: an argument is NULL");
    shape = stats->output_map->shape;
    CS_TRY(cs_span_check_heads(out, heads, count, shape.L, shape.H, err));
    CS_TRY(CS_OPTIONS(&wish, options, clipspan_span_options, err));
    CS_TRY(cs_span_take_options(&o, &wish, err));
    CS_TRY(check_blocks(&wish, stats, err));
    if (count == 0) return CLIPSPAN_OK;
    blocks = o.resamples > 0 ? wish.block_count : 0;
    CS_TRY_DONE(
        cs_span_pool_of(&pool, bank, shape.P, stats->model->info.name, stats->model->simd, err));
    CS_TRY_DONE(cs_span_take_roles(&roles, &o, &wish, bank, shape.C, stats->model->simd, err));
    CS_TRY_DONE(
        gather(&moments, &known, stats, heads, count, blocks ? wish.blocks : NULL, blocks, err));
    CS_TRY_DONE(cs_span_make(out, pool, known, heads, count, shape.C, &o, progress, err));
done:
    cs_span_roles_fini(&roles);
    cs_span_pool_free(&pool);
    cs_free(known);
    cs_free(moments);
    return status;
}

void clipspan_span_free(clipspan_span **span)
{
    if (!span || !*span) return;
    cs_span_free(&(*span)->span);
    cs_free(*span);
    *span = NULL;
}

const clipspan_span_info *clipspan_span_get_info(const clipspan_span *span)
{
    return span ? &span->info : NULL;
}

const clipspan_basis_text *clipspan_span_get_basis_texts(const clipspan_span *span)
{
    return span ? span->span->basis_text : NULL;
}

const float *clipspan_span_get_directions(const clipspan_span *span)
{
    return span ? span->span->directions : NULL;
}

const double *clipspan_span_get_readers(const clipspan_span *span)
{
    return span ? span->span->readers : NULL;
}
