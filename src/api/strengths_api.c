/* SPDX-License-Identifier: MIT */
/* clipspan_run_read_strengths: argument checks around study/strengths.h. */
#include "api/handles.h"
#include "study/strengths.h"

clipspan_status clipspan_run_read_strengths(clipspan_strength *heads, clipspan_strength *layers,
                                            clipspan_strength *mlps, clipspan_strength *class_part,
                                            const clipspan_run *run, clipspan_error *err)
{
    cs_clear(err);
    if (!run) return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_run_read_strengths: run is NULL");
    return cs_strengths_read(heads, layers, mlps, class_part, run->run, err);
}
