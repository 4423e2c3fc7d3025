/* SPDX-License-Identifier: MIT */
/* Shares of the embedding's variance, from a run's statistics and output maps. */
#include "study/strengths.h"
#include "base/memory.h"

static clipspan_variance_share public_share(cs_variance_share from)
{
    clipspan_variance_share s;
    s.share = from.share;
    s.variance = from.variance;
    return s;
}

static clipspan_status head_variance_shares(clipspan_variance_share *heads, const cs_run *run,
                                            const double *stats, clipspan_error *err)
{
    const cs_shape s = cs_run_shape(run);
    float *output_map = cs_alloc(s.C, s.P * sizeof *output_map, "a output map", err);
    double *work = cs_alloc(s.P, sizeof *work, "a output map", err);
    clipspan_status status = output_map && work ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    for (size_t h = 0; h < s.L * s.H && status == CLIPSPAN_OK; h++) {
        status = cs_run_output_map_head(output_map, run, h / s.H, h % s.H, err);
        if (status == CLIPSPAN_OK)
            heads[h] = public_share(
                cs_head_stats_head_variance_share(stats, s, h / s.H, h % s.H, output_map, work));
    }
    cs_free(output_map);
    cs_free(work);
    return status;
}

clipspan_status cs_strengths_read(clipspan_variance_share *heads, clipspan_variance_share *layers,
                                  clipspan_variance_share *mlps,
                                  clipspan_variance_share *class_self_attention, const cs_run *run,
                                  clipspan_error *err)
{
    clipspan_status status;
    double *stats;
    cs_shape s;
    size_t l;
    s = cs_run_shape(run);
    stats = cs_alloc(cs_head_stats_size(s), sizeof *stats, "statistics", err);
    if (!stats) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(cs_run_statistics(stats, run, err));
    for (l = 0; layers && l < s.L; l++)
        layers[l] = public_share(cs_head_stats_variance_share(stats, s, CS_COMPONENT_ATTENTION, l));
    for (l = 0; class_self_attention && l < s.L; l++)
        class_self_attention[l] = public_share(
            cs_head_stats_variance_share(stats, s, CS_COMPONENT_CLASS_SELF_ATTENTION, l));
    for (l = 0; mlps && l <= s.L; l++)
        mlps[l] = public_share(cs_head_stats_variance_share(stats, s, CS_COMPONENT_MLP, l));
    if (heads) status = head_variance_shares(heads, run, stats, err);
done:
    cs_free(stats);
    return status;
}
