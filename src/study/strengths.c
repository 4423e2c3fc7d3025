/* SPDX-License-Identifier: MIT */
/* Shares of the embedding's variance, from a run's statistics and bases. */
#include "study/strengths.h"
#include "base/memory.h"

static clipspan_strength public_strength(cs_term_strength from)
{
    clipspan_strength s;
    s.share = from.share;
    s.variance = from.variance;
    return s;
}

static clipspan_status head_strengths(clipspan_strength *heads, const cs_run *run,
                                      const double *stats, clipspan_error *err)
{
    const cs_shape s = cs_run_shape(run);
    float *basis = cs_alloc(s.C, s.P * sizeof *basis, "a basis", err);
    double *work = cs_alloc(s.P, sizeof *work, "a basis", err);
    clipspan_status status = basis && work ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    for (size_t h = 0; h < s.L * s.H && status == CLIPSPAN_OK; h++) {
        status = cs_run_basis_head(basis, run, h / s.H, h % s.H, err);
        if (status == CLIPSPAN_OK)
            heads[h] = public_strength(
                cs_head_stats_head_strength(stats, s, h / s.H, h % s.H, basis, work));
    }
    cs_free(basis);
    cs_free(work);
    return status;
}

clipspan_status cs_strengths_read(clipspan_strength *heads, clipspan_strength *layers,
                                  clipspan_strength *mlps, clipspan_strength *class_part,
                                  const cs_run *run, clipspan_error *err)
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
        layers[l] = public_strength(cs_head_stats_term_strength(stats, s, CS_TERM_ATTENTION, l));
    for (l = 0; class_part && l < s.L; l++)
        class_part[l] =
            public_strength(cs_head_stats_term_strength(stats, s, CS_TERM_CLASS_PART, l));
    for (l = 0; mlps && l <= s.L; l++)
        mlps[l] = public_strength(cs_head_stats_term_strength(stats, s, CS_TERM_MLP, l));
    if (heads) status = head_strengths(heads, run, stats, err);
done:
    cs_free(stats);
    return status;
}
