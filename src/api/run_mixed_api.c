/* SPDX-License-Identifier: MIT */
/* Means over a run of what heads mixed, for those that are to be mean-ablated. */
#include "api/handles.h"
#include "base/memory.h"

#include <clipspan/run.h>

/* Adds z of one chunk's images; counts them. */
static clipspan_status add_chunk(double *sum, uint64_t *images, float *z, const cs_run *run,
                                 uint64_t chunk, const clipspan_head *heads, size_t count,
                                 clipspan_error *err)
{
    const size_t K = cs_run_shape(run).K;
    clipspan_status status;
    cs_run_chunk c;
    CS_TRY_DONE(cs_run_chunk_open(&c, run, chunk, err));
    for (size_t i = 0; i < count && c.count; i++) {
        CS_TRY_DONE(cs_run_chunk_z(z, &c, (size_t)heads[i].layer, (size_t)heads[i].head, err));
        for (size_t p = 0; p < c.count; p++)
            for (size_t k = 0; k < K; k++)
                sum[i * K + k] += (double)z[p * K + k];
    }
    *images += c.count;
done:
    cs_run_chunk_fini(&c);
    return status;
}

clipspan_status clipspan_run_read_mixed(float *means, const clipspan_run *run,
                                        const clipspan_head *heads, size_t count,
                                        const clipspan_progress *progress, clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(run);
    clipspan_status status = CLIPSPAN_OK;
    uint64_t images = 0, chunk;
    size_t K, i;
    double *sum;
    float *z;
    cs_clear(err);
    if (!run || !means || !heads || !count)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_run_read_mixed: an argument is NULL");
    for (i = 0; i < count; i++)
        if (heads[i].layer < 0 || heads[i].layer >= info->layers || heads[i].head < 0 ||
            heads[i].head >= info->heads)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "head L%d.H%d was named; the model has none",
                           heads[i].layer, heads[i].head);
    CS_TRY(cs_run_need_merged(run->run, err));
    CS_TRY(cs_run_need_coefficients(run->run, err));
    K = cs_run_shape(run->run).K;
    sum = cs_alloc_zero(count, K * sizeof *sum, "means of heads", err);
    z = cs_alloc((size_t)CS_CHUNK * K, sizeof *z, "coefficients", err);
    if (!sum || !z) status = CLIPSPAN_E_NOMEM;
    for (chunk = 0; chunk < info->chunks && status == CLIPSPAN_OK; chunk++) {
        int stop = 0;
        status = add_chunk(sum, &images, z, run->run, chunk, heads, count, err);
        if (status == CLIPSPAN_OK && progress && progress->step)
            stop = progress->step(progress->user, (size_t)chunk + 1, (size_t)info->chunks);
        if (stop) status = cs_stopped(err, stop, "reading the run was stopped");
    }
    for (i = 0; i < count * K && status == CLIPSPAN_OK; i++)
        means[i] = (float)(sum[i] / (double)images);
    cs_free(sum);
    cs_free(z);
    return status;
}
