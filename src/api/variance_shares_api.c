/* SPDX-License-Identifier: MIT */
/* clipspan_run_read_variance_shares: argument checks around study/strengths.h. */
#include "api/handles.h"
#include "study/strengths.h"

#include <clipspan/effects.h>

clipspan_status clipspan_run_read_variance_shares(clipspan_variance_share *heads,
                                                  clipspan_variance_share *layers,
                                                  clipspan_variance_share *mlps,
                                                  clipspan_variance_share *class_self_attention,
                                                  const clipspan_run *run, clipspan_error *err)
{
    cs_clear(err);
    if (!run)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_run_read_variance_shares: run is NULL");
    return cs_strengths_read(heads, layers, mlps, class_self_attention, run->run, err);
}
