/* SPDX-License-Identifier: MIT */
/* Block bootstrap of TEXTSPAN in the coordinates of one head: moments of blocks are taken there
 * once, and every resample merges them anew. */
#include "decompose/bootstrap.h"
#include "base/random.h"

#include <math.h>
#include <string.h>

struct cs_bootstrap {
    size_t most, C;
    int resamples;
    uint64_t seed;
    cs_arena arena;
    double *counts;    /* [blocks] */
    double *means;     /* [blocks, q] */
    double *comoments; /* [blocks, q, q] */
    double *times;     /* [blocks] how often a resample holds each */
    double *apart;     /* [blocks, q] sqrt(times count) (mean of the block - mean of all) */
    double *column;    /* [blocks] */
    cs_span_moments merged;
};

static void plan(cs_bootstrap *b)
{
    b->counts = cs_arena_carve(&b->arena, b->most, sizeof(double));
    b->means = cs_arena_carve(&b->arena, b->most * b->C, sizeof(double));
    b->comoments = cs_arena_carve(&b->arena, b->most * b->C * b->C, sizeof(double));
    b->times = cs_arena_carve(&b->arena, b->most, sizeof(double));
    b->apart = cs_arena_carve(&b->arena, b->most * b->C, sizeof(double));
    b->column = cs_arena_carve(&b->arena, b->most, sizeof(double));
    b->merged.mean = cs_arena_carve(&b->arena, b->C, sizeof(double));
    b->merged.comoment = cs_arena_carve(&b->arena, b->C * b->C, sizeof(double));
}

clipspan_status cs_bootstrap_new(cs_bootstrap **out, size_t blocks, size_t C, int resamples,
                                 uint64_t seed, clipspan_error *err)
{
    cs_bootstrap *b = cs_alloc_zero(1, sizeof *b, "the bootstrap", err);
    *out = NULL;
    if (!b) return CLIPSPAN_E_NOMEM;
    b->most = blocks;
    b->C = C;
    b->resamples = resamples;
    b->seed = seed;
    plan(b);
    if (cs_arena_take(&b->arena, "the bootstrap", err) != CLIPSPAN_OK) {
        cs_bootstrap_free(&b);
        return CLIPSPAN_E_NOMEM;
    }
    plan(b);
    *out = b;
    return CLIPSPAN_OK;
}

void cs_bootstrap_free(cs_bootstrap **bootstrap)
{
    if (!*bootstrap) return;
    cs_arena_fini(&(*bootstrap)->arena);
    cs_free(*bootstrap);
    *bootstrap = NULL;
}

/* Moments of `times` copies of every block:
 *   n = sum w_b n_b,  mean = sum w_b n_b mean_b / n,
 *   M = sum w_b (M_b + n_b (mean_b - mean)(mean_b - mean)^T) */
static void merge(cs_bootstrap *b, const cs_span_lane *lane, size_t blocks)
{
    const cs_simd *simd = lane->pool->simd;
    const size_t q = lane->q;
    cs_span_moments *m = &b->merged;
    m->count = 0.0;
    memset(m->mean, 0, q * sizeof *m->mean);
    memset(m->comoment, 0, q * q * sizeof *m->comoment);
    for (size_t i = 0; i < blocks; i++) {
        b->column[i] = b->times[i] * b->counts[i];
        m->count += b->column[i];
    }
    if (!(m->count > 0.0)) return;
    simd->rows_add(m->mean, b->means, q, blocks, b->column, q);
    for (size_t j = 0; j < q; j++)
        m->mean[j] /= m->count;
    simd->rows_add(m->comoment, b->comoments, q * q, blocks, b->times, q * q);
    for (size_t i = 0; i < blocks; i++)
        for (size_t j = 0; j < q; j++)
            b->apart[i * q + j] = sqrt(b->column[i]) * (b->means[i * q + j] - m->mean[j]);
    for (size_t a = 0; a < q; a++) {
        for (size_t i = 0; i < blocks; i++)
            b->column[i] = b->apart[i * q + a];
        simd->rows_add(m->comoment + a * q, b->apart, q, blocks, b->column, q);
    }
}

/* Texts and shares that one resample basis texts. */
static void repeat(uint32_t *texts, float *shares, size_t basis_texts, cs_span_lane *lane)
{
    cs_span_found found;
    size_t k = 0;
    for (; k < basis_texts && cs_span_next(&found, lane); k++) {
        texts[k] = (uint32_t)found.text;
        shares[k] = (float)found.share;
        cs_span_remove(lane);
    }
    for (; k < basis_texts; k++) {
        texts[k] = UINT32_MAX;
        shares[k] = 0.0f;
    }
}

static void count_returns(cs_span *span)
{
    for (size_t k = 0; k < span->basis_texts; k++) {
        size_t same = 0, any = 0;
        for (int s = 0; s < span->resamples; s++) {
            const uint32_t *texts = span->drawn + (size_t)s * span->basis_texts;
            size_t at = 0;
            while (at < span->basis_texts && texts[at] != span->basis_text[k].text)
                at++;
            same += at == k;
            any += at < span->basis_texts;
        }
        span->basis_text[k].same_place = (double)same / (double)span->resamples;
        span->basis_text[k].any_place = (double)any / (double)span->resamples;
    }
}

clipspan_status cs_bootstrap_run(cs_span *span, cs_bootstrap *b, cs_span_lane *lane,
                                 const cs_span_head *head, size_t rank, clipspan_error *err)
{
    const size_t q = lane->q, blocks = head->block_count;
    cs_random random = {b->seed};
    if (!head->blocks || blocks < CS_BOOTSTRAP_BLOCKS || b->resamples < 1) return CLIPSPAN_OK;
    for (size_t i = 0; i < blocks; i++) {
        cs_span_moments block = {0.0, b->means + i * q, b->comoments + i * q * q};
        cs_span_space_moments(&block, lane, head->blocks + i * head->block_stride);
        b->counts[i] = block.count;
    }
    for (int s = 0; s < b->resamples; s++) {
        memset(b->times, 0, blocks * sizeof *b->times);
        for (size_t i = 0; i < blocks; i++)
            b->times[cs_random_below(&random, blocks)] += 1.0;
        merge(b, lane, blocks);
        CS_TRY(cs_span_begin(lane, &b->merged, rank, err));
        repeat(span->drawn + (size_t)s * span->basis_texts,
               span->drawn_shares + (size_t)s * span->basis_texts, span->basis_texts, lane);
    }
    span->resamples = b->resamples;
    count_returns(span);
    return CLIPSPAN_OK;
}
