/* SPDX-License-Identifier: MIT */
/* TEXTSPAN of many heads, one a lane: space, basis texts, what came close, stability. */
#include "decompose/span.h"
#include "base/number_text.h"
#include "base/parallel.h"
#include "decompose/bootstrap.h"
#include "decompose/role_test.h"
#include "decompose/span_space.h"

#include <string.h>

typedef struct span_job {
    cs_span **out;
    const cs_span_head *heads;
    const cs_span_options *options;
    size_t first; /* head of index 0 */
    cs_span_lane **lanes;
    cs_bootstrap **bootstraps; /* [lanes], NULL without */
    cs_role_test **tests;      /* [lanes], NULL without */
    clipspan_error *errors;    /* [heads] */
} span_job;

void cs_span_free(cs_span **span)
{
    if (!*span) return;
    cs_free((*span)->basis_text);
    cs_free((*span)->others);
    cs_free((*span)->readers);
    cs_free((*span)->directions);
    cs_free((*span)->drawn);
    cs_free((*span)->drawn_shares);
    cs_free(*span);
    *span = NULL;
}

static cs_span *new_span(const cs_span_lane *lane, int resamples, clipspan_error *err)
{
    static const char what[] = "the basis texts of a head";
    size_t most = lane->most, drawn = (size_t)resamples * most;
    cs_span *span = cs_alloc_zero(1, sizeof *span, what, err);
    if (!span) return NULL;
    span->C = lane->C;
    span->P = lane->P;
    span->basis_text = cs_alloc_zero(most, sizeof *span->basis_text, what, err);
    span->others = cs_alloc_zero(most, sizeof *span->others, what, err);
    span->readers = cs_alloc_zero(most * lane->C, sizeof *span->readers, what, err);
    span->directions = cs_alloc_zero(most * lane->P, sizeof *span->directions, what, err);
    span->drawn = cs_alloc_zero(drawn, sizeof *span->drawn, what, err);
    span->drawn_shares = cs_alloc_zero(drawn, sizeof *span->drawn_shares, what, err);
    if (!span->basis_text || !span->others || !span->readers || !span->directions || !span->drawn ||
        !span->drawn_shares)
        cs_span_free(&span);
    return span;
}

/* A basis text's direction in the joint image-text embedding space, and what reads it off
 * coefficients. */
static void put_direction(cs_span *span, cs_span_lane *lane)
{
    const cs_simd *simd = lane->pool->simd;
    const size_t k = span->basis_texts, P = lane->P;
    const double *t = lane->t + k * lane->q;
    float *direction = span->directions + k * P;
    simd->rows_dot(span->readers + k * lane->C, lane->map, lane->C, lane->C, t, lane->q);
    memset(lane->a, 0, P * sizeof *lane->a);
    simd->rows_add(lane->a, lane->Q, P, lane->q, t, P);
    for (size_t d = 0; d < P; d++)
        direction[d] = (float)lane->a[d];
}

static clipspan_status run_head(cs_span *span, const cs_span_head *head, cs_span_lane *lane,
                                cs_bootstrap *bootstrap, cs_role_test *test, size_t rank,
                                clipspan_error *err)
{
    cs_span_found found;
    CS_TRY(cs_span_space_make(lane, head->output_map, err));
    cs_span_space_moments(&lane->moments, lane, head->moments);
    CS_TRY(cs_span_begin(lane, &lane->moments, rank, err));
    span->count = lane->moments.count;
    span->rank = lane->r;
    span->total = lane->total;
    while (cs_span_next(&found, lane)) {
        clipspan_basis_text *basis_text = &span->basis_text[span->basis_texts];
        basis_text->text = found.text;
        basis_text->share = found.share;
        basis_text->variance = found.variance;
        basis_text->same_place = basis_text->any_place = -1.0;
        cs_span_compare(basis_text, &span->others[span->basis_texts], lane, &found);
        put_direction(span, lane);
        cs_span_remove(lane);
        span->basis_texts++;
    }
    if (bootstrap) CS_TRY(cs_bootstrap_run(span, bootstrap, lane, head, rank, err));
    span->tested = test != NULL;
    return test ? cs_role_test_run(&span->role, test, lane, span, err) : CLIPSPAN_OK;
}

static void run_one(void *context, size_t index, int number)
{
    span_job *job = context;
    size_t head = job->first + index;
    cs_bootstrap *bootstrap = job->bootstraps ? job->bootstraps[number] : NULL;
    cs_role_test *test = job->tests ? job->tests[number] : NULL;
    cs_span_lane *lane = job->lanes[number];
    clipspan_error *err = &job->errors[head];
    cs_span *span = new_span(lane, bootstrap ? job->options->resamples : 0, err);
    if (!span) return;
    if (run_head(span, &job->heads[head], lane, bootstrap, test, job->options->rank, err) ==
        CLIPSPAN_OK)
        job->out[head] = span;
    else
        cs_span_free(&span);
}

/* All heads, with a step of progress every few; the first head that failed decides. */
static clipspan_status run_all(span_job *job, size_t count, int threads,
                               const clipspan_progress *progress, clipspan_error *err)
{
    int stop = 0;
    size_t stride = progress ? 4 * (size_t)threads : count;
    for (job->first = 0; job->first < count; job->first += stride) {
        size_t some = count - job->first < stride ? count - job->first : stride;
        cs_parallel_for(some, threads, run_one, job);
        for (size_t i = job->first; i < job->first + some; i++)
            if (job->errors[i].code != CLIPSPAN_OK) {
                if (err) *err = job->errors[i];
                return job->errors[i].code;
            }
        if (progress) stop = progress->step(progress->user, job->first + some, count);
        if (stop)
            return cs_stopped(err, stop, "stopped after %zu of %s", job->first + some,
                              cs_number_of(count, "head").text);
    }
    return CLIPSPAN_OK;
}

/* The most blocks of a head, when there is anything to resample; 0: no bootstrap. */
static size_t most_blocks(const cs_span_head *heads, size_t count, const cs_span_options *options)
{
    size_t most = 0;
    for (size_t i = 0; i < count && options->resamples > 0; i++)
        if (heads[i].blocks && heads[i].block_count > most) most = heads[i].block_count;
    return most >= CS_BOOTSTRAP_BLOCKS ? most : 0;
}

/* Workspaces of the lanes. */
static clipspan_status take_lanes(span_job *job, const cs_span_pool *pool, size_t C, size_t blocks,
                                  int threads, clipspan_error *err)
{
    const cs_span_options *o = job->options;
    const size_t basis_texts = o->basis_texts < C ? o->basis_texts : C; /* a head has no more
                                                                           directions */
    const size_t lanes = (size_t)threads;
    job->lanes = cs_alloc_zero(lanes, sizeof(*job->lanes), "lanes", err);
    if (!job->lanes) return CLIPSPAN_E_NOMEM;
    if (blocks) job->bootstraps = cs_alloc_zero(lanes, sizeof(*job->bootstraps), "lanes", err);
    if (o->roles) job->tests = cs_alloc_zero(lanes, sizeof(*job->tests), "lanes", err);
    if ((blocks && !job->bootstraps) || (o->roles && !job->tests)) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < lanes; i++) {
        CS_TRY(cs_span_lane_new(&job->lanes[i], pool, C, basis_texts, err));
        if (blocks)
            CS_TRY(cs_bootstrap_new(&job->bootstraps[i], blocks, C, o->resamples, o->seed, err));
        if (o->roles) CS_TRY(cs_role_test_new(&job->tests[i], o->roles, pool, C, err));
    }
    return CLIPSPAN_OK;
}

static void job_fini(span_job *job, int threads)
{
    for (int i = 0; i < threads; i++) {
        if (job->lanes) cs_span_lane_free(&job->lanes[i]);
        if (job->bootstraps) cs_bootstrap_free(&job->bootstraps[i]);
        if (job->tests) cs_role_test_free(&job->tests[i]);
    }
    cs_free(job->lanes);
    cs_free(job->bootstraps);
    cs_free(job->tests);
    cs_free(job->errors);
}

clipspan_status cs_span_run(cs_span **out, const cs_span_pool *pool, const cs_span_head *heads,
                            size_t count, size_t C, const cs_span_options *options,
                            const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    int threads = (size_t)options->threads < count ? options->threads : (int)count;
    span_job job = {.out = out, .heads = heads, .options = options};
    memset(out, 0, count * sizeof(*out));
    if (count == 0) return CLIPSPAN_OK;
    job.errors = cs_alloc_zero(count, sizeof *job.errors, "the errors of heads", err);
    if (!job.errors) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(take_lanes(&job, pool, C, most_blocks(heads, count, options), threads, err));
    status = run_all(&job, count, threads, progress, err);
done:
    job_fini(&job, threads);
    for (size_t i = 0; i < count && status != CLIPSPAN_OK; i++)
        cs_span_free(&out[i]);
    return status;
}
