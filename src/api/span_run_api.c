/* SPDX-License-Identifier: MIT */
/* TEXTSPAN of heads of a run: their statistics and blocks are read a group of heads at a time. */
#include "api/span_api.h"
#include "tensor/moments.h"

#include <string.h>

#define GROUP 32 /* heads at a time: with 64 blocks 40 MB at K = 64 */

/* What is read of a group: moments : [GROUP, 1 + blocks, size], the whole first;
 * basis : [GROUP, C, P]. */
typedef struct group_job {
    const cs_run *run;
    cs_shape shape;
    size_t blocks, size;
    double *moments;
    float *basis;
    cs_span_head known[GROUP];
} group_job;

/* Progress of one group as progress of all. */
typedef struct part_progress {
    const clipspan_progress *whole;
    size_t before, total;
} part_progress;

static int step_part(void *user, size_t done, size_t total)
{
    const part_progress *p = user;
    (void)total;
    return p->whole->step(p->whole->user, p->before + done, p->total);
}

static clipspan_status read_head(group_job *job, size_t index, clipspan_head at,
                                 clipspan_error *err)
{
    double *moments = job->moments + index * (1 + job->blocks) * job->size;
    float *basis = job->basis + index * job->shape.C * job->shape.P;
    cs_span_head head = {basis, moments, job->blocks ? moments + job->size : NULL, job->blocks,
                         job->size};
    size_t layer = (size_t)at.layer, number = (size_t)at.head, b;
    CS_TRY(cs_run_basis_head(basis, job->run, layer, number, err));
    CS_TRY(cs_run_head(moments, job->run, layer, number, err));
    for (b = 0; b < job->blocks; b++)
        CS_TRY(cs_run_block_head(moments + (1 + b) * job->size, job->run, b, layer, number, err));
    job->known[index] = head;
    return CLIPSPAN_OK;
}

static clipspan_status run_groups(clipspan_span **out, group_job *job, const clipspan_head *heads,
                                  size_t count, const cs_span_pool *pool,
                                  const cs_span_options *options, const clipspan_progress *progress,
                                  clipspan_error *err)
{
    size_t first, some, i;
    for (first = 0; first < count; first += GROUP) {
        part_progress part = {progress, first, count};
        clipspan_progress inner = {step_part, &part};
        some = count - first < GROUP ? count - first : GROUP;
        for (i = 0; i < some; i++)
            CS_TRY(read_head(job, i, heads[first + i], err));
        CS_TRY(cs_span_make(out + first, pool, job->known, heads + first, some, job->shape.C,
                            options, progress && progress->step ? &inner : NULL, err));
    }
    return CLIPSPAN_OK;
}

clipspan_status clipspan_span_new_run(clipspan_span **out, const clipspan_run *run,
                                      const clipspan_head *heads, size_t count,
                                      const clipspan_bank *bank,
                                      const clipspan_span_options *options,
                                      const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    group_job job = {0};
    cs_span_options o = {0};
    cs_span_pool *pool = NULL;
    size_t group = count < GROUP ? count : GROUP, i;
    cs_clear(err);
    if (!out || !run || !heads || !bank)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_span_new_run: an argument is NULL");
    job.run = run->run;
    job.shape = cs_run_shape(run->run);
    CS_TRY(cs_span_check_heads(out, heads, count, job.shape.L, job.shape.H, err));
    CS_TRY(cs_span_take_options(&o, options, err));
    if (options && options->block_count)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a run has blocks of its own; the options name %zu others",
                       options->block_count);
    CS_TRY(cs_run_need_merged(run->run, err));
    if (count == 0) return CLIPSPAN_OK;
    job.size = cs_moments_size(job.shape.C);
    job.blocks = o.resamples > 0 ? (size_t)cs_run_info(run->run)->blocks : 0;
    CS_TRY_DONE(cs_span_pool_of(&pool, bank, job.shape.P, cs_run_info(run->run)->model_name,
                                cs_simd_best(), err));
    job.moments = cs_alloc(group * (1 + job.blocks), job.size * sizeof *job.moments,
                           "the statistics of heads", err);
    job.basis = cs_alloc(group, job.shape.C * job.shape.P * sizeof *job.basis, "bases", err);
    if (!job.moments || !job.basis)
        status = CLIPSPAN_E_NOMEM;
    else
        status = run_groups(out, &job, heads, count, pool, &o, progress, err);
done:
    for (i = 0; i < count && status != CLIPSPAN_OK; i++)
        clipspan_span_free(&out[i]);
    cs_span_pool_free(&pool);
    cs_free(job.moments);
    cs_free(job.basis);
    return status;
}
